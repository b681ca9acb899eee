"""Contracts: good ones read, and every fault of a wrong one is refused with file, line, place and a hint."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from arrears.contract import Contract, contract_for, lenders, read_contract
from arrears.contract.find import contracts
from arrears.contract.rules import CONVENTIONS, date_format_is_known
from arrears.errors import Refused, Usage

LENDERS = Path(__file__).parents[2] / "lenders"

GOOD = """\
name: acme
arrears:
  effective_from: 2024-01-01
  names: {en: Acme, zh: 艾克米}
  currency: CNY
  timezone: Asia/Shanghai
  calendar: daily
  delivery: {folder: "{date:%Y-%m-%d}", cutoff: "00:30", deadline: "06:00"}
  conventions: {grace_days: 3, outstanding: reported}
resources:
  - name: loans
    path: loans.csv
    encoding: utf-8
    dialect: {delimiter: ","}
    schema:
      primaryKey: [no]
      fields:
        - {name: no, type: string, arrears: {field: loan_id}}
        - {name: kind, type: string, arrears: {field: product, values: {A: consumer, B: merchant}}}
        - {name: amount, type: integer, constraints: {minimum: 1}, arrears: {field: principal, unit: fen}}
        - {name: lent, type: date, format: "%Y%m%d", arrears: {field: disbursed_on}}
        - {name: score, type: integer, arrears: {field: credit_score}}
        - {name: holder, type: string, arrears: {field: borrower_id, pii: hash}}
        - {name: state, type: string}
        - {name: day, type: date}
    arrears:
      file: "loans_{date:%Y%m%d}.csv"
      entity: loan
      mode: snapshot
      business_date: day
      control: {kind: trailer, mark: END, sum: amount}
      constants: {currency: CNY}
      derives:
        - entity: loan_event
          where: {state: [gone]}
          fields: {loan_id: no, event_on: {business_date: true}, kind: {value: written_off}}
  - name: payments
    path: payments.csv
    schema:
      fields:
        - {name: id, type: string, arrears: {field: payment_id}}
        - {name: no, type: string, arrears: {field: loan_id}}
        - {name: paid, type: date, arrears: {field: value_on}}
        - {name: amount, type: number, arrears: {field: amount}}
    arrears: {file: payments.csv, entity: payment, mode: append, constants: {kind: repayment}}
"""


def _write(root: Path, text: str | bytes = GOOD, *, lender: str = "acme", name: str = "datapackage.yaml") -> Path:
    path = root / lender / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _refusal(root: Path, text: str | bytes, **where: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        read_contract(_write(root, text, **where))
    return refused.value


def _edited(*edits: tuple[str, str]) -> str:
    text = GOOD
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def test_a_good_contract_reads(tmp_path: Path) -> None:
    contract = read_contract(_write(tmp_path))
    assert contract.lender == "acme"
    assert contract.arrears.delivery.cutoff == dt.time(0, 30)
    assert contract.arrears.conventions == {"grace_days": 3, "outstanding": "reported"}
    assert contract.entity_modes() == {"loan": "snapshot", "loan_event": "append", "payment": "append"}
    loans = contract.resources[0]
    assert [field.name for field in loans.table.fields][:2] == ["no", "kind"]
    assert loans.table.fields[1].arrears.values == {"A": "consumer", "B": "merchant"}
    assert loans.arrears.control is not None
    assert loans.arrears.control.sum == "amount"


def test_the_digest_changes_with_the_file(tmp_path: Path) -> None:
    one = read_contract(_write(tmp_path)).digest
    assert len(one) == 64
    assert read_contract(_write(tmp_path)).digest == one
    assert read_contract(_write(tmp_path, GOOD + "# a remark\n")).digest != one


def test_unknown_properties_of_the_standard_are_left_alone(tmp_path: Path) -> None:
    text = _edited(
        ("encoding: utf-8", "encoding: utf-8\n    mediatype: text/csv"), ("name: acme", "name: acme\nid: x1")
    )
    assert read_contract(_write(tmp_path, text)).lender == "acme"


# Each: what is changed, the text that stands on the line named, and what the reason has to say.
FAULTS: dict[str, tuple[tuple[str, str], str, str]] = {
    "unknown property": (("  currency: CNY", "  currency: CNY\n  curency: CNY"), "curency", "no such property"),
    "unknown property of a file": (("entity: loan\n", "entity: loan\n      enity: x\n"), "enity", "no such property"),
    "unknown property of a column": (("{field: loan_id}", "{feld: loan_id}"), "feld", "no such property"),
    "missing property": (("      mode: snapshot\n", ""), "arrears:", "mode: this property is missing"),
    "unknown field": (("field: disbursed_on", "field: disbursed_no"), "disbursed_no", "did you mean 'disbursed_on'?"),
    "missing field": (
        ('        - {name: lent, type: date, format: "%Y%m%d", arrears: {field: disbursed_on}}\n', ""),
        "entity: loan",
        "nothing fills disbursed_on",
    ),
    "two columns for a field": (("field: credit_score", "field: principal"), "principal}", "already filled by column"),
    "unknown entity": (("entity: payment", "entity: paymnt"), "paymnt", "did you mean 'payment'?"),
    "unknown mode": (("mode: append, constants", "mode: appendix, constants"), "appendix", "'snapshot', 'upsert'"),
    "unknown zone": (("Asia/Shanghai", "Asia/Shangai"), "Shangai", "not a time zone"),
    "unknown encoding": (("encoding: utf-8", "encoding: utf-9"), "utf-9", "not a text encoding"),
    "encoding that is none of text": (("encoding: utf-8", "encoding: hex"), "hex", "not a text encoding"),
    "currency": (("currency: CNY\n", "currency: yuan\n"), "yuan", "pattern"),
    "date format": (('"%Y%m%d", arrears', '"%d. %B %Y", arrears'), "%B", "not a date format we read"),
    "time as a number": (('deadline: "06:00"', "deadline: 600"), "deadline", 'write the time in quotes: "06:00"'),
    "bad regex": (("constraints: {minimum: 1}", 'constraints: {pattern: "[0-9"}'), "[0-9", "not a regular expression"),
    "regex of Python alone": (
        ("constraints: {minimum: 1}", 'constraints: {pattern: "(?P<n>1)"}'),
        "(?P<n>",
        "not understood by PostgreSQL",
    ),
    "possessive regex": (("constraints: {minimum: 1}", 'constraints: {pattern: "a++"}'), "a++", "not understood"),
    "minimum that is no number": (("minimum: 1", "minimum: one"), "minimum", "'one' is not a integer"),
    "minimum of a text": (
        ("{name: state, type: string}", "{name: state, type: string, constraints: {minimum: 1}}"),
        "state",
        "a string has no minimum",
    ),
    "enum that is no number": (("minimum: 1", "enum: [1, two]"), "enum", "'two' is not a integer"),
    "empty enum": (("minimum: 1", "enum: []"), "enum", "at least 1"),
    "unit of a text": (("{field: loan_id}", "{field: loan_id, unit: fen}"), "unit", "a string has no unit"),
    "constant not allowed": (("{kind: repayment}", "{kind: payment}"), "kind: payment", "did you mean 'repayment'?"),
    "constant of the wrong type": (
        ("constants: {currency: CNY}", "constants: {currency: CNY, term_months: many}"),
        "many",
        "'many' cannot fill term_months",
    ),
    "constant for an unknown field": (
        ("constants: {currency: CNY}", "constants: {currency: CNY, curency: A}"),
        "curency",
        "did you mean 'currency'?",
    ),
    "constant for a filled field": (
        ("constants: {currency: CNY}", "constants: {currency: CNY, product: x}"),
        "product: x",
        "already filled by column 'kind'",
    ),
    "constant left out": (("constants: {kind: repayment}}", "constants: {}}"), "entity: payment", "nothing fills kind"),
    "mapped to what is not allowed": (
        (
            "        - {name: id, type: string,",
            (
                "        - {name: k, type: string, arrears: "
                "{field: kind, values: {R: repaid}}}\n        - {name: id, type: string,"
            ),
        ),
        "name: k",
        "'repaid' is not a value of kind",
    ),
    "mapped to another type": (
        (
            "{name: score, type: integer, arrears: {field: credit_score}}",
            "{name: score, arrears: {field: term_months, values: {Y: a year}}}",
        ),
        "score",
        "'a year' cannot fill term_months",
    ),
    "type that cannot fill": (
        ('{name: lent, type: date, format: "%Y%m%d"', "{name: lent, type: string"),
        "lent",
        "a string cannot fill disbursed_on, which is date; it takes date or datetime",
    ),
    "derives an unknown entity": (
        ("entity: loan_event", "entity: loan_evnt"),
        "loan_evnt",
        "did you mean 'loan_event'?",
    ),
    "derives where an unknown column": (("where: {state", "where: {stat"), "stat:", "did you mean 'state'?"),
    "derives where nothing": (("where: {state: [gone]}", "where: {state: []}"), "where", "at least 1"),
    "derives an unknown field": (("event_on: {business_date", "event_at: {business_date"), "event_at", "'event_on'"),
    "derives from an unknown column": (("{loan_id: no, event_on", "{loan_id: nr, event_on"), "nr", "known: no, kind"),
    "derives a value not allowed": (("value: written_off", "value: gone"), "gone}", "not a value of kind"),
    "derives from two sources": (
        ("{value: written_off}", "{value: settled, business_date: true}"),
        "settled",
        "exactly one of",
    ),
    "derives a date into a text": (
        ("{value: written_off}", "{business_date: true}"),
        "kind: {business",
        "a business date cannot fill kind",
    ),
    "derives too little": ((", kind: {value: written_off}", ""), "entity: loan_event", "nothing fills kind"),
    "two columns of a name": (("name: score", "name: kind"), "score}", "two columns named 'kind'"),
    "two resources of a name": (("  - name: payments", "  - name: loans"), "name: loans", "two resources named"),
    "primary key": (("primaryKey: [no]", "primaryKey: [nr]"), "primaryKey", "known: no, kind"),
    "unknown convention": (("grace_days: 3", "grace_day: 3"), "grace_day", "did you mean 'grace_days'?"),
    "bad value of a convention": (("grace_days: 3", "grace_days: some"), "some", "not a value of grace_days"),
    "component named twice": (
        ("grace_days: 3", 'allocation_order: "fee,fee,interest,principal"'),
        "fee,fee",
        "names a component twice",
    ),
    "unknown product convention": (
        (
            "  calendar: daily",
            ("  calendar: daily\n  product_conventions:\n    - {product: a, convention: scheem, value: cn30}"),
        ),
        "scheem",
        "'scheme'",
    ),
    "other folder": (("name: acme", "name: acne"), "name: acne", "lies in the folder 'acme'"),
    "path that escapes": (
        ('folder: "{date:%Y-%m-%d}"', 'folder: "../{date:%Y-%m-%d}"'),
        "folder",
        "leaves the lender's",
    ),
    "file that escapes": (("loans_{date:%Y%m%d}", "../../b/loans_{date:%Y%m%d}"), "file:", "leaves the lender's"),
    "absolute path": (('folder: "{date', 'folder: "/{date'), "folder", "leaves the lender's"),
    "backslashes that escape": (('folder: "{date', 'folder: "..\\\\{date'), "folder", "leaves the lender's"),
    "path with another name in it": (("loans_{date:%Y%m%d}", "loans_{day}"), "loans_{day}", "cannot be filled in"),
    "no business date in a path": (
        ('folder: "{date:%Y-%m-%d}"', "folder: in"),
        "file: payments.csv",
        "do not tell one business date from another",
    ),
    "day of the month alone": (
        ('folder: "{date:%Y-%m-%d}"', 'folder: "{date:%d}"'),
        "file: payments.csv",
        "do not tell one business date from another",
    ),
    "business date that is no date": (("business_date: day", "business_date: state"), "business_date", "not a date"),
    "unknown business date column": (("business_date: day", "business_date: days"), "business_date", "'day'"),
    "sum of a text": (("sum: amount", "sum: state"), "control", "not a integer or number"),
    "unknown sum column": (("sum: amount", "sum: amounts"), "control", "'amount'"),
    "wide delimiter": (('delimiter: ","', 'delimiter: "，"'), "delimiter", "not a single ASCII character"),
    "delimiter that quotes": (('delimiter: ","', "delimiter: '\"'"), "dialect", "the same"),
    "escapes": (('delimiter: ","', 'delimiter: ",", escapeChar: "\\\\"'), "dialect", "only doubled ones"),
    "comments": (('delimiter: ","', 'delimiter: ",", commentChar: "#"'), "dialect", "commentChar is not read"),
    "hash that fills nothing": (("{field: borrower_id, pii: hash}", "{pii: hash}"), "pii", "of no use"),
    "drop that fills something": (("pii: hash", "pii: drop"), "pii", "fills no field"),
    "format of a datetime": (
        (
            "{name: score, type: integer, arrears: {field: credit_score}}",
            '{name: score, type: datetime, format: "%H:%M %d.%m.%Y"}',
        ),
        "%H",
        "ISO 8601 alone",
    ),
    "group and decimals the same": (("minimum: 1}", 'minimum: 1}, groupChar: "."'), "groupChar", "the same character"),
    "entity in two modes": (
        (
            "entity: payment, mode: append, constants: {kind: repayment}",
            "entity: loan_event, mode: snapshot, constants: {kind: settled}",
        ),
        "",
        "'append' in another",
    ),
    "limit above one": (
        ("  calendar: daily", "  calendar: daily\n  limits: {rejected_share: 2}"),
        "limits",
        "less than or equal to 1",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_with_line_place_and_hint(fault: str, tmp_path: Path) -> None:
    edit, on_the_line, said = FAULTS[fault]
    text = _edited(edit)
    refused = _refusal(tmp_path, text)
    reason = next((reason for reason in refused.reasons if said in reason), None)
    assert reason is not None, refused.reasons
    found = re.match(r"(.*datapackage\.yaml):(\d+): (\S+): ", reason)
    assert found is not None, reason
    path, line, place = found.groups()
    assert Path(path) == tmp_path / "acme" / "datapackage.yaml"
    assert on_the_line in text.splitlines()[int(line) - 1]
    assert place.split(".")[0].split("[")[0] in ("name", "arrears", "resources")
    assert refused.exit_code == 1


def test_several_faults_are_reported_at_once(tmp_path: Path) -> None:
    text = _edited(("Asia/Shanghai", "Mars/Olympus"), ("field: disbursed_on", "field: disbursed"),
                   ("entity: payment", "entity: paid"), ("grace_days", "grace"))  # fmt: skip
    refused = _refusal(tmp_path, text)
    said = "\n".join(refused.reasons)
    for part in ("Mars/Olympus", "'disbursed_on'", "'paid'", "'grace_days'", "nothing fills disbursed_on"):
        assert part in said
    assert "5 faults" in refused.summary


def test_several_faults_of_shape_are_reported_at_once(tmp_path: Path) -> None:
    refused = _refusal(tmp_path, _edited(("currency: CNY\n", "currency: yuan\n"), ("mode: snapshot", "mode: snap")))
    assert len(refused.reasons) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty or not a mapping"),
        (b"# nothing but a remark\n", "empty or not a mapping"),
        (b"- a\n- b\n", "empty or not a mapping"),
        (b"name: [acme\n", "not YAML"),
        (b"name: acme\nname: acme\n", "not YAML"),
        (b"name: a\x07cme\n", "not YAML"),
        ("name: 拉卡拉\n".encode("gb18030"), "not UTF-8"),
    ],
)
def test_a_file_that_is_no_contract(content: bytes, said: str, tmp_path: Path) -> None:
    refused = _refusal(tmp_path, content)
    assert said in str(refused)
    assert "datapackage.yaml" in str(refused)


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    assert re.search(r"datapackage\.yaml:3: ", str(_refusal(tmp_path, "name: acme\narrears:\n  a: b: c\n")))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Cannot read the contract"):
        read_contract(tmp_path / "acme" / "datapackage.yaml")


def test_an_unquoted_time_is_a_time(tmp_path: Path) -> None:
    """YAML 1.2 has no sexagesimal numbers, so that quotes are a habit and no need."""
    contract = read_contract(_write(tmp_path, _edited(('deadline: "06:00"', "deadline: 06:30"))))
    assert contract.arrears.delivery.deadline == dt.time(6, 30)


def test_a_time_in_yaml_1_1_is_refused(tmp_path: Path) -> None:
    refused = _refusal(tmp_path, "%YAML 1.1\n---\n" + _edited(('deadline: "06:00"', "deadline: 6:30")))
    assert "write the time in quotes" in str(refused)


def test_a_month_end_lender_needs_no_day_in_its_paths(tmp_path: Path) -> None:
    monthly = _edited(('folder: "{date:%Y-%m-%d}"', 'folder: "{date:%Y%m}"'), ("loans_{date:%Y%m%d}", "loans"))
    assert "do not tell" in str(_refusal(tmp_path, monthly))
    assert read_contract(_write(tmp_path, monthly.replace("calendar: daily", "calendar: month_end")))


@pytest.mark.parametrize("pattern", ["%Y%m%d", "%m/%Y", "%Y/%m/%d", "%Y年%m月%d日", "%d.%m.%Y", "%Y-%m"])
def test_date_formats_that_are_read(pattern: str) -> None:
    assert date_format_is_known(pattern)


@pytest.mark.parametrize(
    "pattern", ["%d%m%Y", "%y-%m-%d", "%Y-%m-%d %H:%M", "%B %Y", "%Y", "%m/%d", "%Y--%m", "%Y/%Y/%m"]
)
def test_date_formats_that_are_not(pattern: str) -> None:
    assert not date_format_is_known(pattern)


@pytest.mark.parametrize(("name", "values"), [
    ("first_day", ("0", "1")), ("tol_abs", ("0", "10.50")), ("tol_pct", ("0", "0.05", "1")),
    ("grace_days", ("0", "15")), ("outstanding", ("computed", "reported")),
    ("allocation_order", ("penalty,fee,interest,principal",)), ("scheme", ("cn30", "tape29")),
])  # fmt: skip
def test_values_of_conventions(name: str, values: tuple[str, ...]) -> None:
    assert all(CONVENTIONS[name].fullmatch(value) for value in values)
    assert not CONVENTIONS[name].fullmatch("-1")


def test_every_convention_has_values_that_are_tested() -> None:
    assert set(CONVENTIONS) == {
        "first_day",
        "tol_abs",
        "tol_pct",
        "grace_days",
        "outstanding",
        "allocation_order",
        "scheme",
    }


# ── versions ─────────────────────────────────────────────────────────────────────────────────────────────


def _versions(root: Path, *days: str) -> None:
    for number, day in enumerate(days):
        name = "datapackage.yaml" if number == 0 else f"datapackage-{day}.yaml"
        _write(root, _edited(("effective_from: 2024-01-01", f"effective_from: {day}")), name=name)


@pytest.mark.parametrize(("day", "effective"), [
    ("2024-01-01", "2024-01-01"), ("2024-05-31", "2024-01-01"), ("2024-06-01", "2024-06-01"),
    ("2025-01-01", "2024-06-01"),
])  # fmt: skip
def test_the_version_in_force_on_a_day(day: str, effective: str, tmp_path: Path) -> None:
    _versions(tmp_path, "2024-06-01", "2024-01-01")
    found = contract_for(tmp_path, "acme", dt.date.fromisoformat(day))
    assert found.arrears.effective_from == dt.date.fromisoformat(effective)


def test_a_day_before_the_first_version(tmp_path: Path) -> None:
    _versions(tmp_path, "2024-06-01")
    with pytest.raises(Usage, match="first contract of acme is effective from 2024-06-01, after 2024-05-31"):
        contract_for(tmp_path, "acme", dt.date(2024, 5, 31))


def test_two_versions_from_the_same_day(tmp_path: Path) -> None:
    _versions(tmp_path, "2024-06-01", "2024-06-01")
    with pytest.raises(Refused, match="Two contracts of acme are effective from 2024-06-01"):
        contracts(tmp_path, "acme")


def test_an_unknown_lender(tmp_path: Path) -> None:
    _versions(tmp_path, "2024-06-01")
    for name in ("acne", "../acme", ""):
        with pytest.raises(Usage, match="Known lenders: acme"):
            contract_for(tmp_path, name, dt.date(2024, 7, 1))


def test_a_contract_that_changed_is_read_again(tmp_path: Path) -> None:
    _write(tmp_path)
    before = contract_for(tmp_path, "acme", dt.date(2024, 7, 1))
    path = _write(tmp_path, _edited(("en: Acme", "en: Acme Ltd")))
    os.utime(path, ns=(1, 1))  # whatever the clock's resolution, the time is another
    assert contract_for(tmp_path, "acme", dt.date(2024, 7, 1)).arrears.names.en == "Acme Ltd"
    assert before.arrears.names.en == "Acme"


def test_lenders_are_summed_up_by_their_newest_contract(tmp_path: Path) -> None:
    _versions(tmp_path, "2024-01-01")
    _write(tmp_path, _edited(("2024-01-01", "2024-06-01"), ("en: Acme", "en: New Acme")), name="datapackage-b.yaml")
    (found,) = lenders(tmp_path)
    assert (found.lender, found.name_en, found.name_zh) == ("acme", "New Acme", "艾克米")
    assert (found.timezone, found.cutoff, found.deadline) == ("Asia/Shanghai", dt.time(0, 30), dt.time(6, 0))


def test_a_lender_with_a_wrong_contract_keeps_no_other_from_being_scheduled(tmp_path: Path) -> None:
    _versions(tmp_path, "2024-01-01")
    _write(tmp_path, "name: [", lender="broken")
    acme, broken = lenders(tmp_path)
    assert (acme.lender, acme.problem) == ("acme", None)
    assert broken.lender == "broken"
    assert "not YAML" in (broken.problem or "")


# ── the contracts in the repository ──────────────────────────────────────────────────────────────────────

LENDER_FILES = sorted(LENDERS.glob("*/datapackage*.yaml"))


def test_there_are_lenders() -> None:
    assert {path.parent.name for path in LENDER_FILES} >= {"lakala", "ally_auto"}


@pytest.mark.parametrize("path", LENDER_FILES, ids=lambda path: path.parent.name)
def test_the_repositorys_contracts_read(path: Path) -> None:
    contract = read_contract(path)
    assert isinstance(contract, Contract)
    assert contract.entity_modes().keys() >= {"loan", "instalment", "payment"}


# The rules of the Data Package profile v2 that concern us, written as its JSON schemas state them.
# ref: https://datapackage.org/profiles/2.0/datapackage.json, tabledialect.json, tableschema.json
_CONSTRAINTS = {
    "string": {"required", "unique", "pattern", "enum", "minLength", "maxLength", "jsonSchema"},
    "number": {"required", "unique", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "boolean": {"required", "enum"},
}
_CONSTRAINTS |= dict.fromkeys(("integer", "date", "datetime"), _CONSTRAINTS["number"])


def _field_schema(name: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"constraints": {"propertyNames": {"enum": sorted(_CONSTRAINTS[name])}}}
    return {"if": {"properties": {"type": {"const": name}}}, "then": {"properties": properties}}


PROFILE: dict[str, Any] = {
    "type": "object",
    "required": ["resources"],
    "properties": {
        "$schema": {"type": "string", "pattern": r"^https?://"},
        "name": {"type": "string", "pattern": r"^[^/]+$"},
        "title": {"type": "string"}, "description": {"type": "string"}, "version": {"type": "string"},
        "homepage": {"type": "string", "pattern": "^https?://"},
        "keywords": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "sources": {"type": "array", "minItems": 1, "items": {"type": "object", "anyOf": [
            {"required": ["title"]}, {"required": ["path"]}, {"required": ["email"]}]}},
        "contributors": {"type": "array", "minItems": 1, "items": {"type": "object", "properties": {
            "title": {"type": "string"}, "roles": {"type": "array", "minItems": 1, "items": {"type": "string"}}}}},
        "resources": {"type": "array", "minItems": 1, "items": {
            "type": "object", "required": ["name"],
            "oneOf": [{"required": ["path"]}, {"required": ["data"]}],
            "properties": {
                "name": {"type": "string"}, "title": {"type": "string"}, "type": {"const": "table"},
                "path": {"type": "string", "not": {"pattern": r"^/|\.\./"}},
                "format": {"type": "string"}, "mediatype": {"type": "string", "pattern": "^(.+)/(.+)$"},
                "encoding": {"type": "string"},
                "dialect": {"type": "object", "properties": {
                    "delimiter": {"type": "string"}, "header": {"type": "boolean"},
                    "lineTerminator": {"type": "string"}, "doubleQuote": {"type": "boolean"},
                    "quoteChar": {"type": "string", "maxLength": 1}}},
                "schema": {"type": "object", "required": ["fields"], "properties": {
                    "missingValues": {"type": "array"},
                    "primaryKey": {"type": "array", "minItems": 1, "uniqueItems": True},
                    "fields": {"type": "array", "minItems": 1, "items": {
                        "type": "object", "required": ["name"],
                        "properties": {
                            "name": {"type": "string"}, "title": {"type": "string"},
                            "type": {"enum": sorted(_CONSTRAINTS)}, "format": {"type": "string"},
                            "constraints": {"type": "object", "properties": {
                                "required": {"type": "boolean"},
                                "enum": {"type": "array", "minItems": 1, "uniqueItems": True},
                                "pattern": {"type": "string", "format": "regex"}}}},
                        "allOf": [_field_schema(name) for name in _CONSTRAINTS]}}}}}}},
    },
}  # fmt: skip


@pytest.fixture
def described() -> Callable[[Path], list[str]]:
    def errors(path: Path) -> list[str]:
        document = YAML(typ="safe").load(path.read_text("utf-8"))
        return [
            f"{list(error.absolute_path)}: {error.message}" for error in Draft7Validator(PROFILE).iter_errors(document)
        ]

    return errors


@pytest.mark.parametrize("path", LENDER_FILES, ids=lambda path: path.parent.name)
def test_contracts_have_the_shape_of_data_package_2(path: Path, described: Callable[[Path], list[str]]) -> None:
    assert described(path) == []


def test_the_profile_finds_what_is_against_it(tmp_path: Path, described: Callable[[Path], list[str]]) -> None:
    wrong = _edited(
        ("path: loans.csv", "path: /loans.csv"), ("{name: state, type: string}", "{name: state, type: text}")
    )
    found = described(_write(tmp_path, wrong))
    assert len(found) == 2, found

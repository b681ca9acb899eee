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
from arrears.contract.model import Manifest, OkFile, Trailer
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
    assert isinstance(loans.arrears.control, Trailer)
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


# Payments that tell of their payers, too.
IDENTITY = "entity: payment, derives: [{{entity: borrower, fields: {{borrower_id: no, identity_hash: {}}}}}],"

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
        ("constraints: {minimum: 1}", 'constraints: {pattern: "(?=1)"}'),
        "(?=1)",
        "is not a regular expression as we read them",
    ),
    "regex that refers back": (
        ("constraints: {minimum: 1}", "constraints: {pattern: '(a)\\1'}"),
        "(a)",
        "is not a regular expression as we read them",
    ),
    "minimum that is no number": (("minimum: 1", "minimum: one"), "minimum", "'one' is not an integer"),
    "minimum of a text": (
        ("{name: state, type: string}", "{name: state, type: string, constraints: {minimum: 1}}"),
        "state",
        "a string has no minimum",
    ),
    "enum that is no number": (("minimum: 1", "enum: [1, two]"), "enum", "'two' is not an integer"),
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
    "sum of a text": (("sum: amount", "sum: state"), "control", "not an integer or number"),
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
    "exclusive bound that is no number": (
        ("minimum: 1", "exclusiveMinimum: one"),
        "exclusiveMinimum",
        "'one' is not an integer",
    ),
    "exclusive bound of a text": (
        ("{name: state, type: string}", "{name: state, type: string, constraints: {exclusiveMaximum: 1}}"),
        "state",
        "a string has no exclusiveMaximum",
    ),
    "unknown unique key": (
        ("primaryKey: [no]", "primaryKey: [no]\n      uniqueKeys: [[no, stat]]"),
        "uniqueKeys",
        "did you mean 'state'?",
    ),
    "foreign keys": (
        (
            "primaryKey: [no]",
            "primaryKey: [no]\n      foreignKeys: [{fields: no, reference: {resource: payments, fields: no}}]",
        ),
        "foreignKeys",
        "rows whose loan is unknown are held out",
    ),
    "columns in any order": (
        ("primaryKey: [no]", "primaryKey: [no]\n      fieldsMatch: subset"),
        "fieldsMatch",
        "'exact' alone",
    ),
    "JSON schema of a column": (
        ("{name: state, type: string}", "{name: state, type: string, constraints: {jsonSchema: {type: array}}}"),
        "state",
        "describe an object by its parts",
    ),
    "categories": (
        ("{name: state, type: string}", "{name: state, type: string, categories: [a, b]}"),
        "state",
        "{enum: […]}",
    ),
    "formats without any": (
        ("arrears: {field: disbursed_on}", 'arrears: {field: disbursed_on, formats: ["%Y%m%d"]}'),
        "disbursed_on",
        "type: date and format: any",
    ),
    "formats of a text": (
        ("{name: state, type: string}", '{name: state, type: string, arrears: {formats: ["%Y%m%d"]}}'),
        "state",
        "type: date and format: any",
    ),
    "unknown format among several": (
        (
            '"%Y%m%d", arrears: {field: disbursed_on}',
            'any, arrears: {field: disbursed_on, formats: ["%Y%m%d", "%B %Y"]}',
        ),
        "%B",
        "'%B %Y' is not a date format we read",
    ),
    "formats that read the same text": (
        (
            '"%Y%m%d", arrears: {field: disbursed_on}',
            'any, arrears: {field: disbursed_on, formats: ["%d/%m/%Y", "%m/%d/%Y"]}',
        ),
        "%m/%d",
        "perhaps as two dates",
    ),
    "unknown format of files": (("encoding: utf-8", "format: xml"), "format: xml", "'csv', 'jsonl', 'xlsx' or"),
    "trailer of a workbook": (("encoding: utf-8", "format: xlsx"), "control", "only a csv file ends with a trailer"),
    "encoding of a workbook": (
        ("encoding: utf-8", "encoding: gb18030\n    format: xlsx"),
        "encoding",
        "no encoding of its own choice",
    ),
    "sheet of a text": (('{delimiter: ","}', "{sheetName: loans}"), "dialect", "a csv file has no sheets"),
    "header rows of a text": (('{delimiter: ","}', "{headerRows: [2]}"), "dialect", "is its first line"),
    "header rows of a workbook": (
        ('encoding: utf-8\n    dialect: {delimiter: ","}', "format: xlsx\n    dialect: {headerRows: [1, 2]}"),
        "headerRows",
        "the header is one row",
    ),
    "number of a sheet": (
        ('encoding: utf-8\n    dialect: {delimiter: ","}', "format: xlsx\n    dialect: {sheetNumber: 2}"),
        "sheetNumber",
        "give sheetName",
    ),
    "workbook without a header": (
        ('encoding: utf-8\n    dialect: {delimiter: ","}', "format: xlsx\n    dialect: {header: false}"),
        "header: false",
        "names its columns",
    ),
    "object in a csv": (
        ("{name: state, type: string}", "{name: state, type: object, arrears: {parts: [{name: a}]}}"),
        "state",
        "a csv file holds no objects",
    ),
    "parts of a text": (
        ("{name: state, type: string}", "{name: state, type: string, arrears: {parts: [{name: a}]}}"),
        "state",
        "a string has no parts",
    ),
    "unknown control": (("kind: trailer, mark: END, sum: amount", "kind: sums"), "control", "'trailer', 'manifest'"),
    "control file that escapes": (
        ("{kind: trailer, mark: END, sum: amount}", '{kind: ok, file: "../{date:%Y-%m-%d}.ok"}'),
        "control",
        "leaves the lender's",
    ),
    "change where there is none": (
        ("mode: snapshot\n", "mode: snapshot\n      change: {op: state, at: day}\n"),
        "change",
        "are no changes",
    ),
    "changes without a change": (("mode: snapshot\n", "mode: changes\n"), "mode: changes", "change: {op: …, at: …}"),
    "unknown operation column": (
        ("mode: snapshot\n", "mode: changes\n      change: {op: stat, at: day}\n"),
        "change",
        "did you mean 'state'?",
    ),
    "time of a change that is none": (
        ("mode: snapshot\n", "mode: changes\n      change: {op: state, at: score}\n"),
        "change",
        "not a datetime",
    ),
    "operation that is hashed": (
        ("mode: snapshot\n", "mode: changes\n      change: {op: holder, at: day}\n"),
        "change",
        "hashed or dropped",
    ),
    "operation that does nothing we know": (
        ("mode: snapshot\n", "mode: changes\n      change: {op: state, at: day, values: {x: X}}\n"),
        "change",
        "'I', 'U' or 'D'",
    ),
    "changes derived where there are none": (
        ("- entity: loan_event\n", "- entity: loan_event\n          mode: changes\n"),
        "mode: changes",
        "rows of a file in mode 'snapshot' carry no changes",
    ),
    "running totals of no payment": (
        ("- entity: loan_event\n", "- entity: loan_event\n          cumulative: true\n"),
        "cumulative",
        "only payments",
    ),
    "joined into a date": (
        ("event_on: {business_date: true}", "event_on: {join: [no, state]}"),
        "event_on",
        "cannot fill event_on",
    ),
    "joined into a closed list": (
        ("kind: {value: written_off}", "kind: {join: [no, state]}"),
        "event_on",
        "which is a closed list",
    ),
    "identity in clear": (
        ("entity: payment,", IDENTITY.format("id")),
        "derives",
        "identity_hash is never kept in clear: give the column pii: hash",
    ),
    "identity of the contract's own": (
        ("entity: payment,", IDENTITY.format("{value: x}")),
        "derives",
        "nothing fills identity_hash but a column with pii: hash",
    ),
    "identity joined": (
        ("entity: payment,", IDENTITY.format("{join: [id, no]}")),
        "derives",
        "a joined text cannot fill identity_hash, which is a hash",
    ),
    "joined from one column": (
        ("loan_id: no, event_on", "loan_id: {join: [no]}, event_on"),
        "loan_id",
        "at least 2 items",
    ),
    "joined from an unknown column": (
        ("loan_id: no, event_on", "loan_id: {join: [no, stat]}, event_on"),
        "loan_id",
        "did you mean 'state'?",
    ),
    "separator of nothing": (
        ("kind: {value: written_off}", 'kind: {value: written_off, separator: "/"}'),
        "kind: {value",
        "joined texts alone",
    ),
    "sum into a text": (
        ("kind: {value: written_off}", "kind: {plus: [amount]}"),
        "event_on",
        "a sum cannot fill kind",
    ),
    "sum of texts": (
        ("kind: {value: written_off}", "kind: {value: written_off}, amount: {plus: [amount], minus: [state]}"),
        "event_on",
        "'state' is a string, not a number",
    ),
    "from two sources": (
        ("kind: {value: written_off}", "kind: {value: written_off, plus: [amount]}"),
        "event_on",
        "exactly one of",
    ),
    "mapped column or the business date": (
        (
            "event_on: {business_date: true}",
            'event_on: {column: day, values: {x: "2024-01-01"}, business_date: true}',
        ),
        "event_on",
        "exactly one of",
    ),
    "entity in two modes": (
        (
            "entity: payment, mode: append, constants: {kind: repayment}",
            "entity: loan_event, mode: snapshot, constants: {kind: settled}",
        ),
        "",
        "'append' in another",
    ),
    "lender whose loans would be another's events": (
        ("name: acme", "name: event_acme"),
        "name: event_acme",
        "is not called event or event_",
    ),
    "lender whose loans would be the events": (("name: acme", "name: event"), "name: event", "is not called event"),
    "name that PostgreSQL would cut": (("name: acme", f"name: {'a' * 41}"), "name: aaa", "40 characters"),
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


# A contract with all that a plain csv file does not have.
RICH = """\
name: acme
arrears:
  effective_from: 2024-01-01
  names: {en: Acme}
  currency: CNY
  timezone: Asia/Shanghai
resources:
  - name: loans
    path: loans.jsonl.gz
    format: jsonl
    schema:
      uniqueKeys: [[id, terms.day]]
      fields:
        - {name: id, arrears: {field: loan_id}, constraints: {unique: true}}
        - name: terms
          type: object
          arrears:
            parts:
              - {name: amount, type: number, arrears: {field: principal}}
              - {name: day, type: date, format: any, arrears: {field: disbursed_on, formats: [default, "%Y/%m/%d"]}}
              - {name: kind, arrears: {field: product}}
              - {name: phone, arrears: {pii: drop}}
        - {name: op}
        - {name: at, type: datetime}
    arrears:
      file: "loans.jsonl.gz"
      entity: loan
      mode: changes
      change: {op: op, at: at, values: {new: I, gone: D}}
      control: {kind: manifest, file: "manifest.json", rows: lines}
      constants: {currency: CNY}
      derives:
        - entity: borrower
          mode: changes
          fields: {borrower_id: {join: [id, terms.kind], separator: ":"}}
  - name: plan
    path: plan.xlsx
    format: xlsx
    dialect: {headerRows: [2], sheetName: 还款计划}
    schema:
      fields:
        - {name: no, arrears: {field: loan_id}}
        - {name: number, type: integer, arrears: {field: instalment_no}}
        - {name: due, type: date, arrears: {field: due_on}}
        - {name: paid, type: date}
        - {name: owed, type: number, arrears: {field: principal_due}}
        - {name: left, type: integer, arrears: {unit: fen}}
    arrears:
      file: "plan.xlsx"
      entity: instalment
      mode: upsert
      control: {kind: ok, file: "done.ok"}
      derives:
        - entity: payment
          cumulative: true
          fields:
            payment_id: {join: [no, number]}
            loan_id: no
            instalment_no: number
            value_on: {column: paid, business_date: true}
            kind: {value: repayment}
            amount: {plus: [owed], minus: [left]}
"""


def test_a_rich_contract_reads(tmp_path: Path) -> None:
    contract = read_contract(_write(tmp_path, RICH))
    loans, plan = contract.resources
    assert [column.name for column in loans.table.columns()] == [
        "id", "terms.amount", "terms.day", "terms.kind", "terms.phone", "op", "at",
    ]  # fmt: skip
    assert loans.table.columns()[2].arrears.formats == ["default", "%Y/%m/%d"]
    assert loans.table.keys() == [["id"], ["id", "terms.day"]]
    manifest = loans.arrears.control
    assert isinstance(manifest, Manifest)
    assert (manifest.list, manifest.name, manifest.rows, manifest.sha256) == ("files", "name", "lines", "sha256")
    assert loans.arrears.change is not None
    assert loans.arrears.change.values == {"new": "I", "gone": "D"}
    assert (plan.dialect.header_rows, plan.dialect.sheet_name) == ([2], "还款计划")
    assert isinstance(plan.arrears.control, OkFile)
    assert contract.cumulative_entities() == {"payment"}


RICH_FAULTS: dict[str, tuple[tuple[str, str], str, str]] = {
    "object without parts": (
        ("          type: object\n", "          type: object\n        - name: more\n          type: object\n"),
        "name: terms",
        "name the members",
    ),
    "object that fills a field": (
        ("            parts:", "            field: purpose\n            parts:"), "terms", "say it of its parts",
    ),
    "object that must be there": (
        ("          type: object", "          constraints: {required: true}\n          type: object"),
        "terms",
        "say it of its parts",
    ),
    "object in an object": (
        ("{name: phone, arrears: {pii: drop}}", "{name: phone, type: object, arrears: {parts: [{name: x}]}}"),
        "phone",
        "one level is",
    ),
    "two parts of a name": (("{name: phone", "{name: kind"), "kind, arrears: {pii", "two parts named 'kind'"),
    "a part and a column of a name": (("{name: op}", "{name: terms.kind}"), "name: terms", "a column of its own"),
    "fault within a part": (("{field: principal}", "{field: principle}"), "principle", "did you mean 'principal'?"),
    "field of a part filled twice": (("{field: product}", "{field: loan_id}"), "name: kind", "filled by column 'id'"),
    "hash of a part that fills nothing": (("{pii: drop}", "{pii: hash}"), "phone", "of no use"),
    "unknown part": (("[id, terms.kind]", "[id, terms.kin]"), "terms.kin]", "did you mean 'terms.kind'?"),
    "dropped and derived from": (("[id, terms.kind]", "[id, terms.phone]"), "terms.phone]", "so that it fills nothing"),
    "dropped and unique": (("[[id, terms.day]]", "[[id, terms.phone]]"), "uniqueKeys", "cannot be compared"),
    "dropped and unique by itself": (
        ("{name: phone, ", "{name: phone, constraints: {unique: true}, "), "phone", "cannot be compared",
    ),
    "running totals of a whole loan": (
        ("            instalment_no: number\n", ""), "cumulative", "instalment_no has to be filled",
    ),
    "running totals that are restated": (
        ("          cumulative: true", "          mode: upsert\n          cumulative: true"),
        "cumulative: true",
        "needs mode 'append'",
    ),
    "running totals beside payments": (
        (
            "      derives:\n        - entity: payment\n",
            (
                "      derives:\n        - entity: payment\n          fields: {payment_id: no, loan_id: no, "
                "value_on: due, kind: {value: waiver}, amount: owed}\n        - entity: payment\n"
            ),
        ),
        "arrears",
        "one way for all",
    ),
    "sum of hashes": (
        ("{name: left, type: integer, arrears: {unit: fen}}", "{name: left, type: integer, arrears: {values: {a: b}}}"),
        "amount: {plus",
        "'left' is hashed or mapped",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", RICH_FAULTS)
def test_a_fault_in_a_rich_contract_is_refused_too(fault: str, tmp_path: Path) -> None:
    (old, new), on_the_line, said = RICH_FAULTS[fault]
    assert old in RICH
    text = RICH.replace(old, new, 1)
    refused = _refusal(tmp_path, text)
    reason = next((reason for reason in refused.reasons if said in reason), None)
    assert reason is not None, refused.reasons
    line = int(reason.partition("datapackage.yaml:")[2].partition(":")[0])
    assert on_the_line in text.splitlines()[line - 1]


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
    ("allocation", ("waterfall", "reported")), ("components", ("principal", "principal,interest,fee,penalty")),
    ("basis", ("oldest_unpaid", "missed_payments")), ("day_count", ("days", "30_360", "mba", "ots")),
    ("non_working_day", ("none", "next")), ("default_dpd", ("60", "180")),
    ("risk_regime", ("cn_2023_retail", "cn_2023_card")),
    ("promise_grace_days", ("0", "3")), ("promise_kept_share", ("1", "0.9", ".85")),
])  # fmt: skip
def test_values_of_conventions(name: str, values: tuple[str, ...]) -> None:
    assert all(CONVENTIONS[name].fullmatch(value) for value in values)
    assert not CONVENTIONS[name].fullmatch("-1")


def test_every_convention_has_values_that_are_tested() -> None:
    assert set(CONVENTIONS) == {
        "first_day", "tol_abs", "tol_pct", "grace_days", "outstanding", "allocation", "allocation_order", "components",
        "basis", "day_count", "non_working_day", "default_dpd", "scheme", "risk_regime", "promise_grace_days",
        "promise_kept_share",
    }  # fmt: skip


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
    assert found.effective_dates == (dt.date(2024, 1, 1), dt.date(2024, 6, 1))


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


def test_of_one_lender_no_other_contract_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _versions(tmp_path, "2024-01-01")
    _write(tmp_path, "name: [", lender="broken")
    read = []
    monkeypatch.setattr("arrears.contract.find.read_contract", lambda path: read.append(path) or read_contract(path))
    assert [one.lender for one in lenders(tmp_path, only="acme")] == ["acme"]
    assert {path.parent.name for path in read} == {"acme"}
    assert lenders(tmp_path, only="nobody") == []


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
    "object": {"required", "unique", "enum", "minLength", "maxLength", "jsonSchema"},
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

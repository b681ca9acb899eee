"""The simulator: the same bytes for the same arguments, files that keep their own contract, faults as ordered.

The truth is held to the files in test_simulate_truth.py.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from ruamel.yaml import YAML

from arrears.simulate import Simulated, layouts, lenders, simulate
from arrears.simulate.book import add_months, day_date, day_number, draw_book
from arrears.simulate.writers import digits

ROOT = Path(__file__).parents[2]
START, END = date(2024, 1, 24), date(2024, 2, 2)
LENDER = "lakala"


def _simulate(folder: Path, **changes: Any) -> Simulated:
    arguments: dict[str, Any] = {
        "start": START,
        "end": END,
        "loans": 200,
        "seed": 11,
        "lenders": [LENDER],
        "landing": folder / "landing",
        "truth": folder / "truth",
    }
    return simulate(**(arguments | changes))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    _simulate(folder)
    return folder


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def _delivery(folder: Path, day: date) -> Path:
    return folder / "landing" / LENDER / day.isoformat()


# ── contracts, read simply ──────────────────────────────────────────────────────────────────────────────


def _contract(lender: str) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load((ROOT / "lenders" / lender / "datapackage.yaml").read_text("utf-8"))
    return loaded


def _files(contract: dict[str, Any], landing: Path, day: date) -> Iterator[tuple[dict[str, Any], Path]]:
    folder = landing / contract["arrears"]["delivery"]["folder"].format(date=day)
    for resource in contract["resources"]:
        yield resource, folder / resource["arrears"]["file"].format(date=day)


def _value(field: dict[str, Any], text: str) -> Any:
    if field["type"] == "date":
        return datetime.strptime(text, field.get("format", "%Y-%m-%d")).date()
    if field["type"] == "integer":
        if not re.fullmatch("-?[0-9]+", text):
            raise ValueError(text)
        return int(text)
    if field["type"] == "number":
        return Decimal(text)
    assert field["type"] == "string"
    return text


def _complaints_of(field: dict[str, Any], text: str, missing: list[str]) -> Iterator[str]:
    rules = field.get("constraints", {})
    if text in missing:
        if rules.get("required"):
            yield "is required"
        return
    try:
        value = _value(field, text)
    except (ValueError, InvalidOperation):
        yield f"is no {field['type']}"
        return
    if "enum" in rules and value not in rules["enum"]:
        yield "is not in the list"
    if "minimum" in rules and value < Decimal(str(rules["minimum"])):
        yield "is too small"
    if "maximum" in rules and value > Decimal(str(rules["maximum"])):
        yield "is too large"
    if "pattern" in rules and not re.fullmatch(rules["pattern"], value):
        yield "does not match"
    if text not in field.get("arrears", {}).get("values", {text: text}):
        yield "has no canonical value"


def _violations(resource: dict[str, Any], data: bytes, day: date) -> list[str]:
    """Every way in which a file breaks its contract."""
    if resource["arrears"]["file"].endswith(".gz"):
        data = gzip.decompress(data)
    dialect, schema = resource["dialect"], resource["schema"]
    lines = data.decode(resource["encoding"]).split(dialect["lineTerminator"])
    assert lines.pop() == "", "the last line has no end"
    control = resource["arrears"].get("control")
    trailer = lines.pop().split(dialect["delimiter"]) if control else None
    table = [line.split(dialect["delimiter"]) for line in lines]
    fields, header, rows = schema["fields"], table[0], table[1:]
    found = [] if header == [f["name"] for f in fields] else [f"header {header}"]
    keys: Counter[tuple[str, ...]] = Counter()
    for number, row in enumerate(rows, 2):
        if len(row) != len(fields):
            found.append(f"line {number}: {len(row)} cells")
            continue
        for field, text in zip(fields, row, strict=True):
            at = f"line {number}, {field['name']}: {text!r}"
            found += [f"{at} {what}" for what in _complaints_of(field, text, schema["missingValues"])]
            if field["name"] == resource["arrears"].get("business_date") and text != f"{day:%Y%m%d}":
                found.append(f"{at} is another day's")
        keys[tuple(row[header.index(name)] for name in schema["primaryKey"])] += 1
    found += [f"key {key} {count} times" for key, count in keys.items() if count > 1]
    if trailer:
        at_sum = [f["name"] for f in fields].index(control["sum"])
        total = sum(int(row[at_sum]) for row in rows if len(row) == len(fields))
        expected = [control["mark"], str(len(rows)), str(total)]
        found += [] if trailer == expected else [f"trailer {trailer}, not {expected}"]
    return found


# ── the files ───────────────────────────────────────────────────────────────────────────────────────────


def test_same_arguments_same_bytes(run: Path, tmp_path: Path) -> None:
    _simulate(tmp_path)
    assert _digests(tmp_path) == _digests(run)
    _simulate(tmp_path / "other", seed=12)
    assert _digests(tmp_path / "other" / "landing") != _digests(run / "landing")


def test_a_longer_simulation_repeats_the_days_before(run: Path, tmp_path: Path) -> None:
    tomorrow = END + timedelta(days=1)
    (only,) = _simulate(tmp_path, end=tomorrow, write_from=tomorrow).lenders
    assert (only.deliveries, only.files) == (1, 5)
    assert only.bytes == sum(p.stat().st_size for p in (tmp_path / "landing").rglob("*.txt"))
    _simulate(tmp_path / "whole", end=tomorrow)
    whole = _digests(tmp_path / "whole" / "landing")
    assert _digests(tmp_path / "landing").items() <= whole.items()
    assert _digests(run / "landing").items() <= whole.items()
    assert len(whole) == len(_digests(run / "landing")) + len(_digests(tmp_path / "landing"))


def test_every_file_keeps_its_contract(run: Path) -> None:
    contract = _contract(LENDER)
    assert contract["name"] == LENDER
    day, files = START, 0
    while day <= END:
        for resource, path in _files(contract, run / "landing" / LENDER, day):
            assert _violations(resource, path.read_bytes(), day) == [], path
            files += 1
        day += timedelta(days=1)
    assert files == sum(1 for p in (run / "landing").rglob("*") if p.is_file())


@pytest.mark.parametrize("day", ["2017-05-31", "2019-09-30", "2020-06-30", "2023-06-30"])
def test_real_deliveries_keep_their_contract(real_landing: Path, day: str) -> None:
    for resource, path in _files(_contract("ally_auto"), real_landing, date.fromisoformat(day)):
        assert _violations(resource, path.read_bytes(), date.fromisoformat(day)) == [], path


def test_deliveries_go_to_any_fsspec_url(run: Path, tmp_path: Path) -> None:
    _simulate(tmp_path, landing="memory://bucket/landing")
    memory = fsspec.filesystem("memory")
    found = {name.removeprefix("/bucket/landing/"): memory.cat_file(name) for name in memory.find("/bucket/landing")}
    assert {k: hashlib.sha256(v).hexdigest() for k, v in found.items()} == _digests(run / "landing")
    memory.rm("/bucket", recursive=True)


def test_the_first_delivery_carries_the_history(run: Path) -> None:
    def rows(day: date, name: str) -> list[list[str]]:
        lines = (_delivery(run, day) / f"{name}_{day:%Y%m%d}.txt").read_text("gb18030").split("\n")
        return [line.split("|") for line in lines[1:-2]]

    loans = rows(START, "LOAN")
    assert {r[0] for r in rows(START, "PLAN")} == {r[0] for r in loans}
    assert {r[1] for r in loans} == {r[0] for r in rows(START, "CUST")}
    assert min(r[4] for r in rows(START, "PAY")) < "20230101"
    assert any(int(r[17]) > 30 for r in loans), "delinquent loans on the first day"
    assert all(r[5] == "20240125" for r in rows(START + timedelta(days=1), "PAY"))


def test_principal_sums_to_the_amount_lent_and_the_last_instalment_carries_the_rest() -> None:
    book = draw_book(seed=3, lender=LENDER, profile=layouts.find(LENDER).PROFILE, start=START, end=END, loans=2_000)
    assert np.array_equal(np.add.reduceat(book.principal_due, book.offset[:-1]), book.principal)
    assert (book.principal_due >= 0).all()
    assert (book.interest_due > 0).all()
    level = book.term[~book.bullet] > 1
    first, last = book.offset[:-1][~book.bullet][level], book.offset[1:][~book.bullet][level] - 1
    amount = book.principal_due + book.interest_due
    assert (abs(amount[last] - amount[first]) < book.term[~book.bullet][level] + 1).all()
    assert (amount[last] != amount[first]).any()
    assert (np.diff(book.due)[np.diff(book.loan_of) == 0] > 0).all()


def test_months_are_counted_from_the_anchor() -> None:
    """Vector D: 31 Jan, 28 or 29 Feb, 31 Mar."""
    anchor = np.array([day_number(date(2022, 12, 31)), day_number(date(2023, 12, 31))], dtype=np.int32)
    found = [[day_date(int(d)).isoformat() for d in add_months(anchor, k)] for k in (1, 2, 3, 4)]
    assert found == [
        ["2023-01-31", "2024-01-31"],
        ["2023-02-28", "2024-02-29"],
        ["2023-03-31", "2024-03-31"],
        ["2023-04-30", "2024-04-30"],
    ]


@pytest.mark.parametrize("rows", [3, 1000])
def test_digits(rows: int) -> None:
    values = np.resize(np.array([0, 7, 1203]), rows)
    assert [bytes(r).strip(b"\0").decode() for r in digits(values)[:3]] == ["0", "7", "1203"]
    assert [bytes(r).decode() for r in digits(values, 5, zeros=True)[:3]] == ["00000", "00007", "01203"]


def test_personal_data_is_well_formed_unusual_and_only_in_the_customer_file(run: Path) -> None:
    text = (_delivery(run, START) / f"CUST_{START:%Y%m%d}.txt").read_bytes().decode("gb18030")
    people = [line.split("|")[1:4] for line in text.split("\n")[1:-2]]
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    for name, identity, phone in people:
        assert len(name) >= 2
        assert "10X98765432"[sum(int(c) * w for c, w in zip(identity[:17], weights, strict=True)) % 11] == identity[17]
        assert identity[2:4] == "00", "no county was ever issued this code"
        assert re.fullmatch("1[3-9][0-9]{9}", phone.translate(str.maketrans("０１２３４５６７８９", "0123456789")))
    for path in (run / "landing").rglob("*.txt"):
        if not path.name.startswith("CUST"):
            content = path.read_bytes()
            assert not any(identity.encode() in content for _, identity, _ in people)


def test_some_names_need_four_bytes_a_character(tmp_path: Path) -> None:
    _simulate(tmp_path, loans=2_000, end=START)
    data = (_delivery(tmp_path, START) / f"CUST_{START:%Y%m%d}.txt").read_bytes()
    text = data.decode("gb18030")
    assert any(ord(c) > 0xFFFF for c in text)
    assert {"\u3000", "·", "１"} <= set(text)


def test_speed_of_a_small_run(tmp_path: Path) -> None:
    began = time.perf_counter()
    _simulate(tmp_path)
    assert time.perf_counter() - began < 6, "about a second on an idle core"


# ── arguments ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"end": date(2024, 1, 1)}, "before the first"),
        ({"loans": 0}, "1 or more"),
        ({"lenders": ["nobody"]}, "no simulator for lender 'nobody'"),
        ({"faults": ["no_such_fault"]}, "truncated_file"),
        ({"faults": ["bad_rows@2025-01-01"]}, "no delivery on that day"),
        ({"faults": ["bad_rows@2024-02-31"]}, "day is out of range"),
        ({"faults": ["paipai:bad_rows"]}, "not among those simulated"),
        ({"write_from": date(2025, 1, 1)}, "nothing to write"),
    ],
)
def test_bad_arguments_say_what_is_wrong(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        _simulate(tmp_path, **changes)
    assert not (tmp_path / "landing").exists()


def test_lenders_are_found_by_module() -> None:
    assert LENDER in lenders()
    sources = [p for p in (ROOT / "src/arrears/simulate").rglob("*.py") if p.parent.name != "layouts"]
    named = [p for p in sources if any(lender in p.read_text("utf-8") for lender in lenders())]
    assert named == []


# ── faults: those that a reader of the contract sees, or must not see; all of them are in test_faults.py ──

FAULT_SHOWS = {
    "truncated_file": "the last line has no end|trailer|incomplete multibyte",
    "missing_file": "No such file",
    "wrong_header": "header",
    "bad_rows": "is no (date|integer)",
    "trailer_count": "trailer",
    "trailer_sum": "trailer",
    "wrong_business_date": "is another day's",
    "duplicate_key": "2 times",
    "wrong_encoding": "header|codec",
    "future_rows": None,
    "orphan_payment": None,
    "ten_times_rows": None,
    "one_tenth_rows": None,
}


def _complaints(folder: Path, day: date) -> list[str]:
    found: list[str] = []
    for resource, path in _files(_contract(LENDER), folder / "landing" / LENDER, day):
        try:
            found += _violations(resource, path.read_bytes(), day)
        except (AssertionError, OSError, UnicodeDecodeError) as error:
            found.append(str(error))
    return found


@pytest.mark.parametrize("fault", FAULT_SHOWS)
def test_each_fault_spoils_what_it_says_and_nothing_else(run: Path, tmp_path: Path, fault: str) -> None:
    day = END - timedelta(days=2)
    done = _simulate(tmp_path, faults=[f"{fault}@{day}"]).faults
    assert [i.as_dict() for i in done] == json.loads((tmp_path / "truth" / "faults.json").read_text("utf-8"))
    assert {(i.fault, i.business_date) for i in done} == {(fault, day.isoformat())}
    good, bad = _digests(run / "landing"), _digests(tmp_path / "landing")
    changed = {name for name in good if good[name] != bad.get(name)}
    assert changed == {f"{LENDER}/{day}/{i.file}" for i in done}
    truth = [_digests(folder / "truth") for folder in (run, tmp_path)]
    assert [t | {"faults.json": ""} for t in truth[:1]] == [t | {"faults.json": ""} for t in truth[1:]]

    complaints, shows = _complaints(tmp_path, day), FAULT_SHOWS[fault]
    if shows is None:
        assert complaints == [], "well-formed, wrong all the same"
    else:
        assert complaints
        assert all(re.search(shows, c) for c in complaints), complaints


def _rows(folder: Path, day: date, name: str) -> list[list[str]]:
    text = (_delivery(folder, day) / f"{name}_{day:%Y%m%d}.txt").read_text("gb18030")
    return [line.split("|") for line in text.split("\n")[1:-2]]


def test_faults_without_a_day_hit_the_last_and_say_which_lines(run: Path, tmp_path: Path) -> None:
    faults = ["future_rows", f"{LENDER}:orphan_payment", "ten_times_rows@2024-01-30", "one_tenth_rows@2024-01-31"]
    future, orphan, *_ = _simulate(tmp_path, faults=faults).faults
    tomorrow = f"{END + timedelta(days=1):%Y%m%d}"
    assert _rows(tmp_path, END, "LOAN")[future.lines[0] - 2][10] == tomorrow == future.value
    loans = {r[0] for r in _rows(tmp_path, END, "LOAN")}
    assert _rows(tmp_path, END, "PAY")[orphan.lines[0] - 2][1] == orphan.value not in loans
    usual = {day: len(_rows(run, date(2024, 1, day), "LOAN")) for day in (30, 31)}
    assert len(_rows(tmp_path, date(2024, 1, 30), "LOAN")) == 10 * usual[30]
    assert len(_rows(tmp_path, date(2024, 1, 31), "LOAN")) == -(-usual[31] // 10)

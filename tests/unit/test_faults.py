"""Every fault, on every layout that it applies to: it changes what it says, and nothing else."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from arrears.simulate import layouts, simulate
from arrears.simulate.faults import (
    FAULTS,
    FileFormat,
    Injection,
    Manifest,
    Order,
    Table,
    check_orders,
    inject,
    read_orders,
)
from arrears.simulate.writers import Landing

START, END = date(2024, 1, 12), date(2024, 1, 23)
DAYS = [START + timedelta(days=k) for k in range((END - START).days + 1)]
SEED = 11
LENDERS = layouts.names()
FORMS: dict[str, FileFormat] = {lender: layouts.find(lender).FORMAT for lender in LENDERS}
APPLYING = [(lender, name) for name, fault in FAULTS.items() for lender in LENDERS if fault.applies(FORMS[lender])]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good deliveries of every lender, some loans and payments on every day."""
    folder = tmp_path_factory.mktemp("good")
    for lender in LENDERS:
        loans = 300 if FORMS[lender].roles.medium == "workbook" else 1500  # workbooks take their time
        simulate(start=START, end=END, loans=loans, seed=SEED, landing=folder, truth=folder / "truth", lenders=[lender])
    shutil.rmtree(folder / "truth")
    return folder


def _spoil(good: Path, folder: Path, lender: str, fault: str, day: date | None = None) -> list[Injection]:
    """A fault in a copy of a lender's deliveries: on the latest day that has what it takes, or on a given one."""
    shutil.copytree(good / lender, folder / "landing" / lender)
    landings = {lender: (Landing(str(folder / "landing"), lender), FORMS[lender])}
    for each in [day] if day else reversed(DAYS):
        try:
            return inject([Order(fault, lender, each)], landings=landings, seed=SEED, withheld=folder / "withheld")
        except ValueError as error:
            if "choose another day" not in str(error) or each == DAYS[0]:
                raise
    raise AssertionError("unreachable")


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _place(lender: str, done: Injection) -> str:
    return f"{FORMS[lender].folder(date.fromisoformat(done.business_date))}/{done.file}"


def _control(lender: str) -> str | None:
    control = FORMS[lender].roles.control
    return control.file if isinstance(control, Manifest) else None


def _table(lender: str, resource: str, data: bytes) -> Table:
    """A resource's table. Delimited text is read here by the rules of quoting, so that cells are values."""
    form = FORMS[lender]
    if form.roles.medium != "text":
        return form.parse(resource, data)
    text = data.decode(form.encoding.removesuffix("-sig")).removeprefix("\ufeff")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="|" if "|" in text.split("\n")[0] else ","))
    if form.roles.control == "trailer":
        rows.pop()
    return Table(rows[0], rows[1:])


# ── each fault on each layout ───────────────────────────────────────────────────────────────────────────────

WITHOUT_CHANGE = {"resent_same"}
BROKEN = {"truncated_file", "truncated_gzip", "broken_gzip", "zero_bytes", "wrong_encoding", "bom"}
"""What cannot be read as a table any more, or not as the same one."""
IN_LINES = {"crlf", "no_last_newline", "quoted_line_break"}
"""Where lines are not what they were."""
COLUMNS = {"wrong_header", "column_added", "column_dropped", "column_moved", "column_duplicated"}
CONTROLS = {
    *(
        "trailer_count",
        "trailer_sum",
        "trailer_of_another",
        "missing_control",
        "manifest_of_yesterday",
        "manifest_wrong_hash",
    ),
    *("manifest_wrong_rows", "manifest_wrong_date"),
}
GONE = {"missing_file", "late_day"}


@pytest.mark.parametrize(("lender", "fault"), APPLYING)
def test_a_fault_changes_what_it_says_and_nothing_else(good: Path, tmp_path: Path, lender: str, fault: str) -> None:
    done = _spoil(good, tmp_path, lender, fault)
    assert done
    assert {(i.fault, i.lender) for i in done} == {(fault, lender)}
    before, after = _bytes(good / lender), _bytes(tmp_path / "landing" / lender)
    changed = {name for name in before if before[name] != after.get(name)}
    assert set(after) <= set(before)
    said = {_place(lender, i) for i in done}
    if fault in WITHOUT_CHANGE:
        assert changed == set()
        return
    manifests = {name for name in changed if name.endswith(f"/{_control(lender)}")}
    assert changed - manifests == said - manifests
    assert (
        (set(before) - set(after) == said)
        if fault in GONE
        else (fault == "missing_control" or len(after) == len(before))
    )

    if fault not in CONTROLS | GONE:
        _controls_are_right(lender, before, after, fault)
    if fault not in BROKEN | IN_LINES | CONTROLS | GONE:
        _cells_are_as_said(lender, before, after, done, fault)


def _resources_of(lender: str, name: str) -> Iterator[str]:
    """The resources that faults look at, and that lie in a file."""
    roles = FORMS[lender].roles
    day = next(day for day in DAYS if name.startswith(FORMS[lender].folder(day)))
    for resource in dict.fromkeys((roles.loans, roles.payments, roles.plans, roles.dated)):
        if resource and name.endswith("/" + FORMS[lender].file_name(resource, day)):
            yield resource


def _controls_are_right(lender: str, before: dict[str, bytes], after: dict[str, bytes], fault: str) -> None:
    form = FORMS[lender]
    control = form.roles.control
    for name, data in before.items():
        if isinstance(control, Manifest) and name.endswith(control.file):
            _, listed = control.listed(after[name])
            folder = name.removesuffix(control.file)
            assert [e[2] for e in listed] == [hashlib.sha256(after[folder + e[0]]).hexdigest() for e in listed]
            if fault not in BROKEN:
                assert [e[1] for e in listed] == [control.count(after[folder + e[0]]) for e in listed]
        elif control == "trailer" and data != after[name] and fault not in BROKEN | IN_LINES:
            (resource,) = _resources_of(lender, name)
            assert form.render(resource, form.parse(resource, after[name])) == after[name]


def _cells_are_as_said(
    lender: str, before: dict[str, bytes], after: dict[str, bytes], done: list[Injection], fault: str
) -> None:
    """Rows that were there stand where they stood, but for the cells of the record; rows may be added at the end."""
    form = FORMS[lender]
    for name in {_place(lender, i) for i in done}:
        for resource in _resources_of(lender, name):
            old, new = _table(lender, resource, before[name]), _table(lender, resource, after[name])
            of_file = [i for i in done if _place(lender, i) == name and i.resource == resource]
            if not of_file:
                assert (new.header, new.rows) == (old.header, old.rows), "another sheet"
            elif fault in COLUMNS:
                _columns_are_as_said(old, new, of_file[0], fault)
            elif fault == "header_only":
                assert new.header == old.header
                assert not new.rows or resource != form.roles.loans
            elif fault not in ("one_tenth_rows", "loan_disappears", "payment_before_loan"):
                _rows_are_as_said(old, new, of_file)


def _rows_are_as_said(old: Table, new: Table, done: list[Injection]) -> None:
    assert new.header == old.header
    changed: dict[tuple[int, str], str | None] = {}
    for i in done:
        assert i.column or i.detail
        for line in i.lines or [old.line(k) for k in range(len(old.rows)) if i.column]:
            if i.column in old.header:
                changed[line, str(i.column)] = i.value
    for k, (was, row) in enumerate(zip(old.rows, new.rows, strict=False)):
        for column, a, b in zip(old.header, was, row, strict=True):
            value = changed.get((old.line(k), column), a)
            assert b == value, (old.line(k), column, a, b)
    added = [new.line(k) for k in range(len(old.rows), len(new.rows))]
    lines = {line for i in done for line in i.lines}
    assert set(added) <= lines or any("rows, not" in i.detail for i in done)


def _columns_are_as_said(old: Table, new: Table, done: Injection, fault: str) -> None:
    column = str(done.column)
    if fault == "wrong_header" and column in old.header:
        assert new.header == [str(done.value) if name == column else name for name in old.header]
        assert new.rows == old.rows
    elif fault == "column_added" and column in new.header:
        assert new.header == [*old.header, column]
        assert [row[:-1] for row in new.rows] == old.rows
    elif fault == "column_dropped" and column in old.header:
        assert new.header == [name for name in old.header if name != column]
        assert [len(row) for row in new.rows] == [len(old.header) - 1] * len(old.rows)
    elif fault == "column_moved" and column in old.header:
        assert new.header == [*(name for name in old.header if name != column), column]
        assert [row[-1] for row in new.rows] == [row[old.column(column)] for row in old.rows]
    elif fault == "column_duplicated" and column in old.header:
        assert new.header.count(column) == 2
        assert [row[new.column(column)] for row in new.rows] == [row[old.column(column)] for row in old.rows]


# ── what some of them do, seen plainly ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lender", LENDERS)
def test_a_table_that_is_not_changed_is_written_as_it_was(good: Path, lender: str) -> None:
    form = FORMS[lender]
    for resource in (form.roles.loans, form.roles.payments):
        for day in DAYS[:2]:
            data = (good / lender / form.folder(day) / form.file_name(resource, day)).read_bytes()
            table = form.parse(resource, data)
            again = form.parse(resource, form.render(resource, table))
            assert (again.header, again.rows, again.first_line) == (table.header, table.rows, table.first_line)
            assert table.rows or day != START


@pytest.mark.parametrize("lender", LENDERS)
def test_values_come_in_turn_where_there_are_rows_enough(good: Path, tmp_path: Path, lender: str) -> None:
    """The first delivery has them all."""
    form = FORMS[lender]
    for fault, count in (("odd_numbers", 5), ("null_spellings", 4), ("impossible_dates", 5)):
        done = _spoil(good, tmp_path / fault, lender, fault, START)
        assert len({i.value for i in done}) == len({tuple(i.lines) for i in done}) == count
        (name,) = {_place(lender, i) for i in done}
        table = _table(lender, form.roles.loans, (tmp_path / fault / "landing" / lender / name).read_bytes())
        for i in done:
            assert table.rows[i.lines[0] - table.first_line][table.column(str(i.column))] == i.value


def _jsonl(folder: Path, done: Injection) -> list[dict[str, Any]]:
    data = (folder / "landing" / done.lender / _place(done.lender, done)).read_bytes()
    return [json.loads(line) for line in gzip.decompress(data).splitlines()]


ZIPPED = [lender for lender in LENDERS if FAULTS["truncated_gzip"].applies(FORMS[lender])]
OBJECTS = [lender for lender in LENDERS if FORMS[lender].roles.medium == "jsonl"]
PARQUET = [lender for lender in LENDERS if FORMS[lender].roles.medium == "parquet"]


@pytest.mark.parametrize("lender", OBJECTS)
def test_numbers_that_are_none_are_strings_in_json(good: Path, tmp_path: Path, lender: str) -> None:
    done = _spoil(good, tmp_path, lender, "odd_numbers", START)
    rows, number = _jsonl(tmp_path, done[0]), FORMS[lender].roles.number
    found = [rows[i.lines[0] - 1][number] for i in done]
    assert found == ["1,234.50", "1.234,50", -0.0, 1e5, "(5.00)"]


@pytest.mark.parametrize("lender", PARQUET)
def test_columns_with_a_value_that_is_none_of_their_type_become_text(good: Path, tmp_path: Path, lender: str) -> None:
    import pyarrow.parquet as pq

    form = FORMS[lender]
    name = f"{form.folder(START)}/{form.file_name(form.roles.loans, START)}"
    usual = pq.read_schema(good / lender / name)
    _spoil(good, tmp_path / "bad", lender, "full_width_digits", START)
    bad = pq.read_schema(tmp_path / "bad" / "landing" / lender / name)
    differing = {a.name for a, b in zip(usual, bad, strict=True) if str(a.type).removeprefix("large_") != str(b.type)}
    assert differing == {form.roles.number}


@pytest.mark.parametrize("lender", ZIPPED)
def test_a_truncated_gzip_still_yields_rows(good: Path, tmp_path: Path, lender: str) -> None:
    for day in (START, None):
        (done,) = _spoil(good, tmp_path / str(day), lender, "truncated_gzip", day)
        data = (tmp_path / str(day) / "landing" / lender / _place(lender, done)).read_bytes()
        with pytest.raises(EOFError):
            gzip.decompress(data)
        assert zlib.decompressobj(wbits=31).decompress(data).count(b"\n") == int(done.detail.split()[-2]) > 0
    (done,) = _spoil(good, tmp_path / "broken", lender, "broken_gzip", START)
    with pytest.raises((zlib.error, OSError, EOFError)):
        gzip.decompress((tmp_path / "broken" / "landing" / lender / _place(lender, done)).read_bytes())


@pytest.mark.parametrize("lender", LENDERS)
def test_what_is_withheld_can_be_delivered_later(good: Path, tmp_path: Path, lender: str) -> None:
    form, day = FORMS[lender], DAYS[5]
    done = _spoil(good, tmp_path, lender, "late_day", day)
    folder = form.folder(day)
    assert not (tmp_path / "landing" / lender / folder).exists()
    wanted = _bytes(good / lender / folder)
    assert _bytes(tmp_path / "withheld" / lender / folder) == wanted
    assert sorted(i.file for i in done) == sorted(wanted)

    _spoil(good, tmp_path / "resent", lender, "resent_changed", day)
    assert _bytes(tmp_path / "resent" / "withheld" / lender / folder) == wanted
    assert _bytes(tmp_path / "resent" / "landing" / lender / folder) != wanted


def _payments(folder: Path, lender: str, day: date) -> Table:
    form = FORMS[lender]
    return form.parse(
        form.roles.payments,
        (folder / lender / form.folder(day) / form.file_name(form.roles.payments, day)).read_bytes(),
    )


WITH_PAYMENTS = [lender for lender in LENDERS if FAULTS["payment_twice"].applies(FORMS[lender])]
WITH_REVERSALS = [lender for lender in LENDERS if FAULTS["id_reused"].applies(FORMS[lender])]


@pytest.mark.parametrize("lender", WITH_PAYMENTS)
def test_a_payment_comes_twice_with_the_same_content(good: Path, tmp_path: Path, lender: str) -> None:
    (done,) = _spoil(good, tmp_path, lender, "payment_twice")
    day, roles = date.fromisoformat(done.business_date), FORMS[lender].roles
    table = _payments(tmp_path / "landing", lender, day)
    again = table.rows[done.lines[0] - table.first_line]
    earlier = _payments(good, lender, date.fromisoformat(done.detail.split()[2]))
    (first,) = [row for row in earlier.rows if row[earlier.column(roles.payment_id)] == done.value]
    differing = {c for c, a, b in zip(table.header, first, again, strict=True) if a != b}
    assert differing <= {roles.business_date}


@pytest.mark.parametrize("lender", WITH_REVERSALS)
def test_reversals_out_of_order(good: Path, tmp_path: Path, lender: str) -> None:
    roles = FORMS[lender].roles
    (done,) = _spoil(good, tmp_path / "reused", lender, "id_reused")
    table = _payments(tmp_path / "reused" / "landing", lender, date.fromisoformat(done.business_date))
    taken_back, reused = (table.rows[line - table.first_line] for line in done.lines)
    assert taken_back[table.column(roles.reverses)] == reused[table.column(roles.payment_id)] == done.value
    assert taken_back[table.column(roles.kind)] == roles.a_reversal

    first, second = _spoil(good, tmp_path / "before", lender, "reversal_before_payment")
    assert first.business_date < second.business_date
    assert first.value == second.value
    assert (first.column, second.column) == (roles.reverses, roles.payment_id)
    for done in (first, second):
        table = _payments(tmp_path / "before" / "landing", lender, date.fromisoformat(done.business_date))
        assert table.rows[done.lines[0] - table.first_line][table.column(str(done.column))] == done.value


@pytest.mark.parametrize("lender", [n for n in WITH_PAYMENTS if FAULTS["payment_before_loan"].applies(FORMS[n])])
def test_a_payment_comes_before_its_loan(good: Path, tmp_path: Path, lender: str) -> None:
    form = FORMS[lender]
    roles = form.roles
    done = _spoil(good, tmp_path, lender, "payment_before_loan")
    (loan,) = {i.value for i in done}
    comes = (
        max(date.fromisoformat(i.business_date) for i in done if i.column == roles.loan_id) if len(done) > 2 else END
    )
    paid = date.fromisoformat(done[-1].business_date)
    assert paid < comes or form.roles.mode == "snapshot"
    for day in DAYS:
        name = f"{form.folder(day)}/{form.file_name(roles.loans, day)}"
        table = form.parse(roles.loans, (tmp_path / "landing" / lender / name).read_bytes())
        listed = loan in [row[table.column(roles.loan_id)] for row in table.rows]
        assert not (listed and day <= paid)
    table = _payments(tmp_path / "landing", lender, paid)
    assert table.rows[done[-1].lines[0] - table.first_line][table.column(roles.loan_of_payment)] == loan


# ── orders ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_fault_that_does_not_apply_is_refused_with_the_reason() -> None:
    orders = read_orders(["jike:truncated_gzip"], lenders=LENDERS, first=START, last=END)
    with pytest.raises(ValueError, match=r"'truncated_gzip' does not apply \(jike: its files are not gzipped\)"):
        check_orders(orders, FORMS)
    orders = read_orders(["manifest_of_yesterday"], lenders=LENDERS, first=START, last=END)
    check_orders(orders, FORMS)
    with pytest.raises(
        ValueError, match="lakala: its deliveries have no manifest; jike: its deliveries have no manifest"
    ):
        check_orders(orders, {lender: FORMS[lender] for lender in ("lakala", "jike")})


def test_a_fault_without_a_lender_hits_those_it_applies_to(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good, tmp_path / "landing")
    landings = {lender: (Landing(str(tmp_path / "landing"), lender), form) for lender, form in FORMS.items()}
    done = inject([Order("missing_control", None, END)], landings=landings, seed=SEED)
    assert [i.lender for i in done] == [n for n in LENDERS if FAULTS["missing_control"].applies(FORMS[n])]


def test_what_a_day_has_not_is_said(good: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"payment_twice: there is no earlier delivery \(jike, 2024-01-12\)"):
        _spoil(good, tmp_path / "a", "jike", "payment_twice", START)
    landings = {"jike": (Landing(str(good), "jike"), FORMS["jike"])}
    with pytest.raises(ValueError, match="late_day: there is no folder for what is withheld"):
        inject([Order("late_day", "jike", END)], landings=landings, seed=SEED)


def test_every_fault_says_what_it_does() -> None:
    assert all(len(fault.summary) > 10 for fault in FAULTS.values())
    assert {name for _, name in APPLYING} | {"loan_disappears"} == set(FAULTS), "see the next test"


def test_the_latest_loan_disappears_from_a_snapshot(good: Path, tmp_path: Path) -> None:
    lender = next(n for n in LENDERS if FORMS[n].roles.mode == "snapshot")
    column = "逾期天数"

    class Listing(type(FORMS[lender])):  # type: ignore[misc]
        roles = replace(FORMS[lender].roles, days_late=column)

    shutil.copytree(good / lender, tmp_path / lender)
    form: FileFormat = Listing()
    (done,) = inject(
        [Order("loan_disappears", lender, END)], landings={lender: (Landing(str(tmp_path), lender), form)}, seed=SEED
    )
    before, after = (
        form.parse(form.roles.loans, (folder / lender / _place(lender, done)).read_bytes())
        for folder in (good, tmp_path)
    )
    (gone,) = [row for row in before.rows if row not in after.rows]
    assert gone[before.column(form.roles.loan_id)] == done.value
    assert int(gone[before.column(column)]) == max(int(row[before.column(column)]) for row in before.rows) > 0

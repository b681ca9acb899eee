"""Every row of the table of situations and every trap of the input, at every lender to which it can happen.

A fault of the simulator spoils one lender's files; they are loaded, and after them another lender's day. What has to
come of it stands in `MET`. Faults that only other deliveries show are accepted there; `test_held_out` follows them on.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import pytest

from arrears.contract import contract_for
from arrears.delivery import Delivery
from arrears.delivery.stream import open_stream
from arrears.errors import Refused
from arrears.load import LoadResult, load, registry
from arrears.load.frames import blocks
from arrears.settings import Role, settings
from arrears.simulate import FAULTS, Injection, layouts, simulate
from arrears.simulate.faults import FileFormat, Order, inject
from arrears.simulate.writers import Landing
from arrears.warehouse.connect import connect

from ..conftest import Warehouse
from .test_five_lenders import _untreated

LENDERS = layouts.names()
FORMS: dict[str, FileFormat] = {lender: layouts.find(lender).FORMAT for lender in LENDERS}
FIRST, SECOND, THIRD = DAYS = [dt.date(2024, 1, day) for day in (17, 18, 19)]
LOANS, FEWER = 300, 210  # workbooks take their time; of 200, one bad row is as many as any contract lets pass
SEED = 27  # of which every lender can be given every fault
ENTITIES = ("loan", "borrower", "instalment", "payment", "loan_event", "collection_action", "reported_position")


# ── what has to come of every fault ──────────────────────────────────────────────────────────────────────

Verdict = Literal[
    "refused", "rows rejected", "same content", "text kept", "unchanged", "new version", "held out", "taken",
]  # fmt: skip


@dataclass(frozen=True)
class Met:
    """How a fault is met.

    Attributes:
        verdict: refused: the delivery, whole, for the reasons in `says` and no other. rows rejected: those that the
            fault spoilt; the rest loads unless they are more than the contract's share. same content: loads as if
            nothing were wrong. text kept: the text is in raw as it was sent. unchanged: nothing to load. new version:
            supersedes the older one. held out: loads; staging and marts deal with it. taken: loads and counts, for
            nothing tells it from what may be right.
        says: regular expressions, one for each reason; what is in braces comes from the injection's record.
        more: there may be further reasons.
    """

    verdict: Verdict
    says: tuple[str, ...] = ()
    more: bool = False


def refused(*says: str, more: bool = False) -> Met:
    return Met("refused", says, more)


ROWS, SAME, TEXT, HELD_OUT = Met("rows rejected"), Met("same content"), Met("text kept"), Met("held out")
TAKEN = Met("taken")
NO_WORKBOOK = refused(r"{path}: not an Excel workbook, or a damaged one .*; ask for it to be sent again")
NO_PARQUET = refused(r"{path}: not a Parquet file, or a damaged one .*; ask for it to be sent again")
BROKEN_GZIP = refused(r"{path}: the compressed file is broken or truncated .*; ask for it to be sent again")
NO_TRAILER = refused(r"{path}: the last line is not the trailer TRAILER with 3 parts: the file is truncated")
CUT = (
    r"{path}:\d+: bytes that are not (utf-8|utf-8-sig|gb18030): the file ends in the middle of a character; it is trunc"
)
GONE = refused(r"{path}: the file is missing from")
UNKNOWN_COLUMN = r"{head}: column {column}: a column that the contract does not know"
ROWS_BEFORE = refused(
    r"{place}: {rows} rows where the delivery before had \d+: is (it the right file|the file whole)\?"
)

MET: dict[str, Met | dict[str, Met]] = {
    # broken files. Where a fault is met in different ways, the key is the lender, its files' medium or its loans' mode
    "truncated_file": {
        "workbook": NO_WORKBOOK, "parquet": NO_PARQUET,
        "lakala": refused(rf"{CUT}|{NO_TRAILER.says[0]}"),
        "text": refused(rf"{CUT}|{{path}}:\d+: \d+ columns where the header has"),
        "jsonl": refused(rf"{CUT}|{{path}}:\d+: not JSON"),
    },
    "truncated_gzip": BROKEN_GZIP,
    "broken_gzip": BROKEN_GZIP,
    "missing_file": GONE,
    "zero_bytes": {
        "text": refused(r"{path}: the file is empty: not even a header; ask for it to be sent again"),
        "jsonl": refused(r"{path}: the compressed file is empty \(0 bytes\); ask for it to be sent again"),
        "workbook": NO_WORKBOOK, "parquet": NO_PARQUET,
    },
    "wrong_encoding": refused(r"{path}:1: bytes that are not (gb18030|utf-8) .*another encoding\?"),
    # columns
    "wrong_header": {
        "jsonl": refused(r"{head}: column {value}: a column that the contract does not know"),
        "other": refused(r"{head}: column {column}: the column is missing from the header",
                         r"{head}: column {value}: a column that the contract does not know"),
    },
    "column_added": refused(UNKNOWN_COLUMN),
    "column_dropped": {"jsonl": refused(r"{place}: column {column}: the column is missing from every line"),
                       "other": refused(r"{head}: column {column}: the column is missing from the header")},
    "column_moved": {"jsonl": SAME, "parquet": SAME,  # columns are told by name
                     "other": refused(r"{head}: column \S+: the columns are in another order than the contract's")},
    "column_duplicated": {"jsonl": refused(r"{head}: column {column}: the key stands twice in the object"),
                          "other": refused(r"{head}: column {column}: the column stands twice in the header")},
    # controls
    "trailer_count": refused(r"{path}: the trailer {detail}, the file has \d+"),
    "trailer_sum": refused(r"{path}: column 金额: the trailer says that 金额 sums to \d+, the rows sum to \d+"),
    "trailer_of_another": refused(r"{path}: the trailer says \d+ rows, the file has \d+",
                                  r"{path}: column 借款金额: the trailer says that 借款金额 sums to \d+"),
    "missing_control": {"lakala": NO_TRAILER, "other": GONE},
    "manifest_of_yesterday": refused(
        r"{path}: the manifest is of the business date {value}, not of {day}",
        r"{folder}/payments.jsonl.gz: the manifest's SHA-256 is not that of this file; ask for both", more=True,
    ),
    "manifest_wrong_date": refused(r"{path}: the manifest is of the business date {value}, not of {day}"),
    "manifest_wrong_hash": refused(r"{folder}/payments.jsonl.gz: the manifest's SHA-256 is not that of this file"),
    "manifest_wrong_rows": refused(r"{folder}/loans.jsonl.gz: the manifest says {value} rows, the file has \d+"),
    # the file as a whole
    "wrong_business_date": refused(
        r"{place}:\d+: column {column} value '{value}': \d+ rows are not of the business date {day}"),
    "duplicate_key": refused(r"{place}:{line}: column {column}: the same key on lines {first}, {line} \(1 keys"),
    "rejected_over_limit": refused(r"{place}: \d+ of \d+ rows are bad, more than the contract's"),
    # A snapshot is compared with the one before. Of what is new or changed there may be any number; a contract can say
    # how little is too little (see test_a_contract_can_say_how_few_rows_are_too_few).
    "header_only": {"snapshot": refused(r"{place}: 0 rows where the delivery before had \d+: is the file whole\?"),
                    "other": TAKEN},
    "ten_times_rows": {"snapshot": ROWS_BEFORE, "other": TAKEN},
    "one_tenth_rows": {"snapshot": ROWS_BEFORE, "other": TAKEN},
    # values
    "bad_rows": ROWS, "empty_required": ROWS, "unknown_value": ROWS, "future_rows": ROWS, "null_spellings": ROWS,
    "odd_numbers": ROWS, "full_width_digits": ROWS, "impossible_dates": ROWS,
    # unusual, and no harm
    "bom": SAME, "crlf": SAME, "no_last_newline": SAME, "nbsp_and_spaces": SAME,
    "quoted_line_break": TEXT, "injection": TEXT,
    # days
    "resent_same": Met("unchanged"), "resent_changed": Met("new version"), "late_day": GONE,
    # the loader takes these: only the other deliveries show what they are
    "payment_twice": HELD_OUT, "id_reused": HELD_OUT, "reversal_before_payment": HELD_OUT,
    "payment_before_loan": HELD_OUT, "orphan_payment": HELD_OUT, "orphan_instalment": HELD_OUT,
    "loan_disappears": HELD_OUT,
}  # fmt: skip

NO_NUMBER, NO_DATE = "not a (whole )?number", "not a date written as"
RULES = {
    "6OO": NO_NUMBER, "NULL": NO_NUMBER, "-": NO_NUMBER, r"\N": f"{NO_NUMBER}|empty where a value is required",
    "0": "less than", "-0.00": f"{NO_NUMBER}|less than", "1e5": NO_NUMBER, "(5.00)": NO_NUMBER,
    "1,234.50": NO_NUMBER, "1.234,50": NO_NUMBER, "６１２": NO_NUMBER, "45296": NO_DATE, "01/05/24": NO_DATE,
    "": "empty where a value is required", "新业务": "not one of",
}  # fmt: skip
"""Why a value rejects its row. Dates are written as each lender writes them; see `_rule`."""


SEVERAL = {"null_spellings", "odd_numbers", "impossible_dates"}
"""Faults that spoil more rows than one, which may be more than a contract's share of a small book."""


def _met(fault: str, lender: str) -> Met:
    met, roles = MET[fault], FORMS[lender].roles
    if isinstance(met, Met):
        return met
    return next(met[key] for key in (lender, roles.medium, roles.mode, "other") if key in met)


ASKED: set[str] = set()
"""The verdicts for which there is a test."""


def cases(*verdicts: Verdict) -> list[tuple[str, str]]:
    """Every fault that comes to such a verdict, with every lender to which it can happen."""
    ASKED.update(verdicts)
    return [
        (fault, lender) for fault, how in FAULTS.items() for lender in LENDERS
        if how.applies(FORMS[lender]) and _met(fault, lender).verdict in verdicts
    ]  # fmt: skip


def test_every_fault_of_the_simulator_is_met() -> None:
    assert set(MET) == set(FAULTS)
    applying = {(name, lender) for name, how in FAULTS.items() for lender in LENDERS if how.applies(FORMS[lender])}
    assert {name for name, _ in applying} == set(FAULTS)
    assert len(applying) > 150
    assert set(get_args(Verdict)) == ASKED


# ── five lenders of whom two days stand ──────────────────────────────────────────────────────────────────


@dataclass
class World:
    """A warehouse in which the first two days of all lenders stand."""

    warehouse: Warehouse
    good: Path
    standing: int = 0
    content: list[Any] = field(default_factory=list)
    personal: dict[str, re.Pattern[str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.warehouse.url(Role.LOADER)

    def load(self, lender: str, day: dt.date, landing: Path | None = None, *, accept: bool = True) -> LoadResult:
        delivery = Delivery(contract_for(settings().lenders, lender, day), day, str(landing or self.good))
        result = load(delivery, url=self.url, pii_key=settings().pii_key_bytes)
        if accept:
            with connect(self.url, "test") as connection, connection.cursor() as cursor:
                registry.accept(cursor, result.delivery_id)
        return result

    def all_that_stands(self) -> list[Any]:
        """What stands of every lender: its deliveries, its files, and where every row of raw lies and since when."""
        hashed = " union all ".join(
            f"select '{entity}', lender, count(*), "
            f"sum(hashtextextended(concat(t.tableoid, t.ctid, t.xmin), 0)::numeric) from raw.{entity} as t "
            f"where delivery_id <= {self.standing} group by lender"
            for entity in ENTITIES
        )
        return [
            *self.warehouse.rows(
                "select d.delivery_id, d.lender, d.business_date, d.version, f.path, f.sha256, f.rows_accepted, "
                "f.rows_rejected from ops.delivery as d join ops.delivery_file as f using (delivery_id) "
                "where d.delivery_id <= %s order by d.delivery_id, f.file_id", self.standing,
            ),
            *self.warehouse.rows(f"{hashed} order by 1, 2"),
        ]  # fmt: skip

    def raw(self, entity: str, delivery_id: int, *, but: tuple[str, ...] = ("delivery_id", "file_id")) -> list[Any]:
        """The rows of a delivery in the order of its files, without what differs from one version to the next."""
        found = self.warehouse.rows(
            f"select to_jsonb(t) - %s from raw.{entity} as t where delivery_id = %s order by file_id, line_no",
            list(but), delivery_id,
        )  # fmt: skip
        return [row for (row,) in found]

    def delivery(self, lender: str, day: dt.date) -> list[tuple[int, str]]:
        return self.warehouse.rows(
            "select version, status from ops.delivery where lender = %s and business_date = %s order by version",
            lender, day,
        )  # fmt: skip

    def standing_id(self, lender: str, day: dt.date) -> int:
        found: int = self.warehouse.value(
            "select delivery_id from ops.delivery where lender = %s and business_date = %s and delivery_id <= %s",
            lender, day, self.standing,
        )  # fmt: skip
        return found

    def restore(self) -> None:
        """Forget what has been delivered since the two days."""
        tables = ["ops.rejected_row", "ops.delivery_seen", "ops.delivery_file", "ops.delivery"]
        tables += [f"raw.{entity}" for entity in ENTITIES]
        forget = [f"delete from {table} where delivery_id > {self.standing}" for table in tables]
        forget += ["delete from ops.delivery_seen", "update ops.delivery set status = 'accepted'"]
        self.warehouse.rows("; ".join(forget))


@pytest.fixture(scope="module")
def built(shared_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> World:
    good = tmp_path_factory.mktemp("good")
    for lender in LENDERS:
        simulate(
            start=FIRST, end=THIRD, loans=FEWER if FORMS[lender].roles.medium == "workbook" else LOANS, seed=SEED,
            landing=good, truth=tmp_path_factory.mktemp("truth"), lenders=[lender], workers=1,
        )  # fmt: skip
    world = World(shared_warehouse, good)
    for lender in LENDERS:
        for day in (FIRST, SECOND):
            result = world.load(lender, day)
            assert (result.outcome, result.rejected) == ("loaded", 0)
            world.standing = max(world.standing, result.delivery_id)
        world.personal[lender] = _personal(world.good, lender)
    world.content = world.all_that_stands()
    return world


@pytest.fixture
def world(built: World) -> Iterator[World]:
    """The world, and that after whatever was delivered what stood before still stands."""
    yield built
    wrong = built.warehouse.rows(
        "select path from ops.delivery_file as f where rows_in_file <> rows_accepted + rows_rejected or rows_rejected "
        "<> (select count(distinct line_no) from ops.rejected_row as r where r.file_id = f.file_id)"
    )
    stands = built.all_that_stands()
    built.restore()
    assert wrong == []
    assert stands == built.content


def _personal(landing: Path, lender: str) -> re.Pattern[str]:
    """Names, identity and phone numbers as they stand in the first delivery's files."""
    contract = contract_for(settings().lenders, lender, FIRST)
    values: set[str] = set()
    for file in Delivery(contract, FIRST, str(landing)).files:
        columns = file.resource.table.columns()
        personal = [f"c{n}" for n, column in enumerate(columns, 1) if column.arrears.pii]
        plain = file.resource.table.model_copy(update={"fields": list(map(_untreated, file.resource.table.fields))})
        resource = file.resource.model_copy(update={"table": plain})
        for block in blocks(open_stream(type(file)(resource, file.path, file.location), lambda: b""), len(columns)):
            for name in personal:
                values.update(value for value in block.frame[name].to_list() if value and len(value) > 1)
    assert len(values) > LOANS
    return re.compile("|".join(map(re.escape, values)))


@dataclass
class Spoilt:
    """One lender's landing folder with a fault in it."""

    lender: str
    day: dt.date
    landing: Path
    done: list[Injection]

    @property
    def own(self) -> list[Injection]:
        """What was done to the day's delivery itself, not to the one before it."""
        return [each for each in self.done if each.business_date == self.day.isoformat()]

    def path(self, done: Injection) -> str:
        return f"{self.lender}/{FORMS[self.lender].folder(self.day)}/{done.file}"

    def place(self, done: Injection) -> str:
        """The file and, where several resources lie in it, which."""
        workbook = FORMS[self.lender].roles.medium == "workbook" and done.resource
        return f"{self.path(done)}[{done.resource}]" if workbook else self.path(done)

    def expected(self, pattern: str) -> str:
        """A pattern of `Met.says`, filled in."""
        last = self.own[-1]
        header = {"jsonl": ":1", "parquet": ""}.get(FORMS[self.lender].roles.medium)
        lines = [str(line) for line in last.lines] or [""]
        found = {
            "path": self.path(last), "place": self.place(last), "folder": self.path(last).rpartition("/")[0],
            "file": last.file, "day": self.day.isoformat(), "line": lines[-1], "first": lines[0],
            "head": self.place(last) + (f":{lines[-1]}" if header is None else header), "column": str(last.column),
            "value": str(last.value), "detail": last.detail, "rows": last.detail.split(" ")[0],
        }  # fmt: skip
        return re.sub(r"\{([a-z]+)\}", lambda name: re.escape(found[name[1]]), pattern)


Spoil = Callable[..., Spoilt]


@pytest.fixture
def spoil(world: World, tmp_path: Path) -> Spoil:
    def injected(fault: str, lender: str, *days: dt.date) -> Spoilt:
        """Inject on the first of the days that has what it takes."""
        for day in days:
            landing = tmp_path / f"landing_{day}"
            shutil.copytree(world.good / lender, landing / lender)
            place = {lender: (Landing(str(landing), lender), FORMS[lender])}
            try:
                done = inject([Order(fault, lender, day)], landings=place, seed=SEED, withheld=tmp_path / "withheld")
            except ValueError as error:
                if "choose another day" not in str(error):
                    raise
            else:
                return Spoilt(lender, day, landing, done)
        raise AssertionError(f"{fault} is possible on none of the days: simulate more")

    return injected


def _others_go_on(world: World, lender: str) -> None:
    other = LENDERS[(LENDERS.index(lender) + 1) % len(LENDERS)]
    result = world.load(other, THIRD)
    assert (result.outcome, result.rejected) == ("loaded", 0)
    assert world.delivery(other, THIRD) == [(1, "accepted")]


# ── refused whole ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("fault", "lender"), cases("refused"))
def test_a_delivery_is_refused_whole(fault: str, lender: str, world: World, spoil: Spoil) -> None:
    spoilt, met = spoil(fault, lender, THIRD, SECOND, FIRST), _met(fault, lender)
    before = world.delivery(lender, spoilt.day)
    with pytest.raises(Refused) as refusal:
        world.load(lender, spoilt.day, spoilt.landing)
    assert "what stood before still stands" in refusal.value.summary
    reasons = refusal.value.reasons
    for pattern in met.says:
        assert any(re.match(spoilt.expected(pattern), reason) for reason in reasons), (pattern, reasons)
    # late_day takes every file away; every one of them is named
    assert met.more or fault == "late_day" or len(reasons) == len(met.says), reasons
    assert world.delivery(lender, spoilt.day) == [*before, (len(before) + 1, "refused")]
    ((on_record,),) = world.warehouse.rows(
        "select reasons from ops.delivery where delivery_id > %s and lender = %s", world.standing, lender
    )
    assert on_record[: len(reasons)] == reasons
    assert not world.personal[lender].search(f"{refusal.value}{on_record}")
    left = " union all ".join(f"select 1 from raw.{entity} where delivery_id > {world.standing}" for entity in ENTITIES)
    assert world.warehouse.rows(left) == []
    _others_go_on(world, lender)


# ── rows rejected ────────────────────────────────────────────────────────────────────────────────────────


def _rule(done: Injection, form: FileFormat) -> str:
    value = str(done.value)
    if done.fault == "future_rows":
        return "after the business date"
    if value == form.date_text(dt.date(1900, 1, 1)):
        return "before 1950-01-01: a placeholder, not a date"
    return RULES.get(value, NO_DATE)


@pytest.mark.parametrize(("fault", "lender"), cases("rows rejected"))
def test_rows_are_rejected_and_the_rest_loads(fault: str, lender: str, world: World, spoil: Spoil) -> None:
    """In the first delivery, which has the rows: of a few, one bad row is more than the contract lets pass."""
    spoilt, form = spoil(fault, lender, FIRST), FORMS[lender]
    name = spoilt.done[0].resource
    assert name is not None
    rows = len(form.parse(name, (spoilt.landing / spoilt.path(spoilt.done[0])).read_bytes()).rows)
    bad = {line for done in spoilt.done for line in done.lines}
    share = contract_for(settings().lenders, lender, FIRST).arrears.limits.rejected_share
    if len(bad) > share * rows:
        assert fault in SEVERAL, "one bad row refuses a delivery"
        with pytest.raises(Refused) as refusal:
            world.load(lender, FIRST, spoilt.landing)
        over = f"{spoilt.place(spoilt.done[0])}: {len(bad)} of {rows} rows are bad, more than the contract's"
        (reason,) = refusal.value.reasons
        assert reason.startswith(over)
        assert world.delivery(lender, FIRST) == [(1, "accepted"), (2, "refused")]
        said = world.warehouse.value("select reasons from ops.delivery where status = 'refused'")[1:]
    else:
        result = world.load(lender, FIRST, spoilt.landing)
        assert (result.outcome, result.rejected) == ("loaded", len(bad))
        assert world.delivery(lender, FIRST) == [(1, "superseded"), (2, "accepted")]
        counted = world.warehouse.rows(
            "select rows_in_file, rows_accepted, rows_rejected from ops.delivery_file where delivery_id = %s "
            "and rows_rejected > 0", result.delivery_id,
        )  # fmt: skip
        assert counted == [(rows, rows - len(bad), len(bad))]
        sheet = spoilt.place(spoilt.done[0]).removeprefix(spoilt.path(spoilt.done[0]))
        said = [
            f"{path}{sheet}:{line}: column {column} value {value!r}: {rule}"
            for path, line, column, value, rule in world.warehouse.rows(
                "select f.path, r.line_no, r.column_name, r.value_masked, r.rule from ops.rejected_row as r "
                "join ops.delivery_file as f using (file_id) order by r.line_no"
            )
        ]
    expected = [
        re.escape(f"{spoilt.place(done)}:{done.lines[0]}: column {done.column} value {done.value!r}: ")
        + f"({_rule(done, form)})"
        for done in spoilt.done
    ]
    for pattern in expected:
        assert any(re.match(pattern, each) for each in said), (pattern, said)
    assert len(said) == len(expected)
    assert not world.personal[lender].search(str(said))
    _others_go_on(world, lender)


# ── no harm ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("fault", "lender"), cases("same content"))
def test_unusual_writing_changes_nothing(fault: str, lender: str, world: World, spoil: Spoil) -> None:
    spoilt = spoil(fault, lender, FIRST)
    result = world.load(lender, spoilt.day, spoilt.landing)
    assert (result.outcome, result.rejected) == ("loaded", 0)
    assert world.delivery(lender, spoilt.day) == [(1, "superseded"), (2, "accepted")]
    before = world.standing_id(lender, spoilt.day)
    for entity in ENTITIES:
        assert world.raw(entity, result.delivery_id) == world.raw(entity, before), entity
    _others_go_on(world, lender)


@pytest.mark.parametrize(("fault", "lender"), cases("text kept"))
def test_hostile_text_is_kept_as_it_was_sent(fault: str, lender: str, world: World, spoil: Spoil) -> None:
    spoilt = spoil(fault, lender, FIRST)
    result = world.load(lender, FIRST, spoilt.landing)
    assert (result.outcome, result.rejected) == ("loaded", 0)
    before, after = (world.raw("loan", number) for number in (world.standing_id(lender, FIRST), result.delivery_id))
    changed = [
        (now["line_no"], now["funder"])
        for was, now in zip(before, after, strict=True)
        if now["funder"] != was["funder"]
    ]
    assert changed == [(done.lines[0], done.value) for done in spoilt.done]
    # behind a line break, the lines of a text file have other numbers
    numbers = ["line_no"] if FORMS[lender].roles.medium == "text" else []
    for entity in ENTITIES:
        but = ("delivery_id", "file_id", *numbers, *(["funder"] if entity == "loan" else []))
        was, now = (
            world.raw(entity, number, but=but) for number in (world.standing_id(lender, FIRST), result.delivery_id)
        )
        assert now == was, entity
    _others_go_on(world, lender)


# ── days ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("fault", "lender"), cases("unchanged"))
def test_the_same_bytes_again_do_nothing(fault: str, lender: str, world: World, spoil: Spoil) -> None:
    spoilt = spoil(fault, lender, SECOND)
    result = world.load(lender, SECOND, spoilt.landing)
    assert (result.outcome, result.delivery_id) == ("unchanged", world.standing_id(lender, SECOND))
    assert world.warehouse.rows("select delivery_id from ops.delivery_seen") == [(result.delivery_id,)]
    assert world.delivery(lender, SECOND) == [(1, "accepted")]


@pytest.mark.parametrize(("fault", "lender"), cases("new version"))
def test_other_bytes_for_a_day_supersede_it(fault: str, lender: str, world: World, spoil: Spoil) -> None:
    spoilt = spoil(fault, lender, SECOND, FIRST)
    result = world.load(lender, spoilt.day, spoilt.landing)
    assert (result.outcome, result.rejected) == ("loaded", 0)
    assert world.delivery(lender, spoilt.day) == [(1, "superseded"), (2, "accepted")]
    before = world.standing_id(lender, spoilt.day)
    differing = {
        entity: sum(
            a != b for a, b in zip(world.raw(entity, before), world.raw(entity, result.delivery_id), strict=True)
        )
        for entity in ENTITIES
    }
    # what paipai corrects is an age at application, which fills no field
    expected = {"payment": 1} if FORMS[lender].roles.payment_id else {}
    assert {entity: count for entity, count in differing.items() if count} == expected
    _others_go_on(world, lender)


@pytest.mark.parametrize("lender", LENDERS)
def test_a_day_that_comes_late_loads_for_its_own_date(lender: str, world: World, spoil: Spoil, tmp_path: Path) -> None:
    """The day after it does not wait for it."""
    spoilt = spoil("late_day", lender, THIRD)
    fourth = THIRD + dt.timedelta(days=1)
    with pytest.raises(Refused, match="the file is missing from"):
        world.load(lender, fourth, spoilt.landing)
    with pytest.raises(Refused, match="the file is missing from"):
        world.load(lender, THIRD, spoilt.landing)
    shutil.copytree(tmp_path / "withheld" / lender, spoilt.landing / lender, dirs_exist_ok=True)
    result = world.load(lender, THIRD, spoilt.landing)
    assert (result.outcome, result.rejected) == ("loaded", 0)
    assert world.delivery(lender, THIRD) == [(1, "refused"), (2, "accepted")]
    assert world.warehouse.value(
        "select count(*) from raw.reported_position where delivery_id = %s and business_date <> %s",
        result.delivery_id, THIRD,
    ) == 0  # fmt: skip


# ── what only other deliveries show ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("fault", "lender"), cases("held out"))
def test_what_the_file_alone_does_not_show_is_kept(fault: str, lender: str, world: World, spoil: Spoil) -> None:
    _is_loaded(world, spoil(fault, lender, THIRD, SECOND, FIRST))


@pytest.mark.parametrize(("fault", "lender"), cases("taken"))
def test_what_may_be_right_is_taken(fault: str, lender: str, world: World, spoil: Spoil) -> None:
    """Of changes there may be any number. Only who knows the lender can say how few are too few: see below."""
    _is_loaded(world, spoil(fault, lender, THIRD, SECOND, FIRST))


def _is_loaded(world: World, spoilt: Spoilt) -> None:
    """Whole, with the rows that the fault is about."""
    lender = spoilt.lender
    days = sorted({dt.date.fromisoformat(done.business_date) for done in spoilt.done})
    for day in days:
        result = world.load(lender, day, spoilt.landing)
        assert (result.outcome, result.rejected) == ("loaded", 0)
        assert world.delivery(lender, day)[-1][1] == "accepted"
    counted = world.warehouse.value(
        "select sum(rows_accepted) from ops.delivery_file where delivery_id = %s", result.delivery_id
    )
    assert counted == result.rows
    for done in spoilt.own:
        if done.lines and done.resource == FORMS[lender].roles.payments:
            kept = world.warehouse.value(
                "select count(*) from raw.payment where delivery_id = %s and line_no = any(%s)",
                result.delivery_id, done.lines,
            )  # fmt: skip
            assert kept == len(done.lines)
    _others_go_on(world, lender)


@pytest.mark.parametrize("lender", [name for name in LENDERS if FORMS[name].roles.mode != "snapshot"])
def test_a_contract_can_say_how_few_rows_are_too_few(
    lender: str, world: World, spoil: Spoil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where loans come as changes, a quiet day and a lost file look the same, unless the contract knows better."""
    shutil.copytree(settings().lenders / lender, tmp_path / "lenders" / lender)
    path = tmp_path / "lenders" / lender / "datapackage.yaml"
    text = path.read_text("utf-8")
    path.write_text(re.sub(r"(\n +)entity: loan\n", r"\1entity: loan\1least_rows: 1\n", text, count=1), "utf-8")
    assert path.read_text("utf-8") != text
    monkeypatch.setenv("ARREARS_LENDERS", str(tmp_path / "lenders"))
    settings.cache_clear()
    try:
        spoilt = spoil("header_only", lender, SECOND, FIRST)
        with pytest.raises(Refused) as refusal:
            world.load(lender, spoilt.day, spoilt.landing)
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    place = spoilt.place(spoilt.done[0])
    assert refusal.value.reasons == [f"{place}: 0 rows where the contract expects 1 at least: is the file whole?"]

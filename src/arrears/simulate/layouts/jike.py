"""即科金融: Parquet files of changes, incomplete and late.

Seven files a day in a folder of the day, and an empty `_SUCCESS` once they are there. Loans, borrowers, instalments,
payments and events come as changes: `op` is I when a record is new, U when it changed, D when it should never have been
booked, and `updated_at` is when the lender's own system did it. Of a key, the row with the newest `updated_at` counts,
whatever its delivery. Actions and positions are added to. Rows are in no order.

- loans: I when lent, U when the status is another.
- instalments: I for every plan, U when a penalty was charged.
- payments: I as posted. On the first 20 days of a month some come one to three days late; some come with a wrong
  amount or value day and are put right by a U within a week; some are booked by mistake and deleted by a D.
- events: I, some of them late likewise.
- borrowers: some never come; of some the income is added by a U.
- positions: loans that something happened to or that are overdue; on month-ends all that are still open.

Optional columns are often null. All that is put right is right from the 28th of a month to its end. The first delivery
carries everything from the beginning of the book.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from arrears.simulate.book import Book, Floats, Ints, day_date, stream
from arrears.simulate.faults import FileFormat, Marker, Roles, Table
from arrears.simulate.formats_parquet import (
    Kinds,
    days,
    decimal,
    instants,
    money,
    parse_parquet,
    render_parquet,
    strings,
    unless,
    whole,
    words,
)
from arrears.simulate.layouts._plans import PlanChanges
from arrears.simulate.layouts._positions import STATUSES, Positions, status
from arrears.simulate.ledger import Ledger
from arrears.simulate.persons import PROVINCES, birth_years, identity_numbers, names, phones
from arrears.simulate.profile import Agency, Habits, Product, Profile
from arrears.simulate.records import ACTIONS_A_DAY, PAYMENTS_A_DAY, REPAYMENT, Day, Events, Payments
from arrears.simulate.writers import Landing, constant, dates, delivery_folder, digits

_ZONE = "Asia/Shanghai"
_HOURS_EAST = 8
_DONE = "_SUCCESS"

PROFILE = Profile(
    products=(
        Product(
            "consumer_loan",
            0.5,
            (6, 12, 18, 24, 36),
            (3_000, 80_000, 500),
            (1200, 1560, 1800, 2160),
            (0, 1, 2),
            (0, 1),
        ),
        Product(
            "card_balance_transfer",
            0.3,
            (6, 9, 12, 24),
            (5_000, 60_000, 1_000),
            (1080, 1280, 1480),
            (3,),
            (0, 2),
            fee_bp=30,
        ),
        Product("micro_loan", 0.2, (1, 2, 3, 6), (500, 5_000, 100), (2160, 2388, 2400), (0, 4), (0,)),
    ),
    purposes=("consumption", "education", "decoration", "card_repayment", "turnover"),
    channels=("app", "agent", "bank_referral"),
    funders=("own", "trust_a", "trust_b", "bank_c"),
    habits=Habits(
        common=1.0,
        strategic=0.01,
        part_prepay=0.004,
        refund=0.5,
        chargeback=0.002,
        penalty_bp=80,
        buyback=0.1,
        compensation=0.08,
        restructure=0.01,
        transfer=0.004,
        collection=0.2,
        write_off_days=(180, 300),
        odd=0.002,
    ),
    indebted=1.5,
    low_income=0.4,
    risk=0.15,
    misjudged_income=1,
    agencies=(Agency("hengtai", skill=0.5, manners=0.8),),
    odd=True,
)

MISSING_BORROWERS = 0.01
"""Share of the borrowers of whom nothing is ever delivered."""

_UNRULY_DAYS = 20
"""Days of a month on which things go wrong: what is to be put right is right by the 28th."""
_LATE, _WRONG, _MISTAKEN, _LATE_EVENTS = 0.02, 0.012, 0.004, 0.03
_NO_SCORE, _NO_INCOME, _NO_CHANNEL, _INCOME_LATER = 0.08, 0.12, 0.05, 0.05

_INSERT, _UPDATE, _DELETE = range(3)
_OPERATIONS = ("I", "U", "D")
_PRODUCTS = ("XFD", "XYKDC", "WD")
_METHODS = ("EQUAL", "BULLET")
_GRADES = ("A", "B", "C", "D", "E")
_GENDERS = ("female", "male")
_INCOMES = ("L1", "L2", "L3", "L4", "L5")
_KINDS = ("RPY", "PRE", "REV", "WVR", "RCV", "CBK", "RFD", "GUA", "BBK")
_CHANNELS = ("DD", "APP", "TRF", "COL", None)
_EVENTS = ("WO", "EXT", "SET", "TRF", "RST", "PAU", "RES")
_MEANS = ("phone", "sms", "visit", "letter", "app", "legal")
_PARTIES = (None, "debtor", "contact")
_OUTCOMES = ("no_answer", "refused", "promised", "paid_already", "hardship", "complained", "delivered")


def _draw(ids: Ints, purpose: int) -> Floats:
    """A number from 0 to 1 for each id, always the same: what befalls a record does not depend on the day's others."""
    mixed = ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(purpose * 0x632BE59BD9B4E019 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64) / 2.0**53)


def _instant(day: Ints | int, ids: Ints, first: int, last: int) -> Ints:
    """Microseconds since 1970 UTC: some time of a local day from one hour to another."""
    into = (_draw(ids, 1) * (last - first) * 3_600_000_000).astype(np.int64)
    return np.asarray((np.asarray(day) * 24 + first - _HOURS_EAST) * 3_600_000_000 + into, dtype=np.int64)


def _borrower_ids(borrowers: Ints) -> pl.Series:
    return pl.select("JC" + pl.lit(pl.Series(borrowers + 1)).cast(pl.String).str.zfill(9)).to_series()


def _numbered(mark: str, ids: Ints, a_day: int) -> pl.Series:
    day = pl.lit(days(ids // a_day)).dt.strftime("%Y%m%d")
    return pl.select(pl.concat_str(pl.lit(mark), day, pl.lit("-"), _running(ids % a_day))).to_series()


def _running(numbers: Ints) -> pl.Expr:
    return pl.lit(pl.Series(numbers)).cast(pl.String).str.zfill(7)


Columns = dict[str, npt.NDArray[Any]]
"""Records as numbers, one array a column, still to be spelled. Of changes: `op` and `at` (microseconds) besides."""


def _changes(op: int, day: Ints | int, hours: tuple[int, int], ids: Ints, **columns: npt.NDArray[Any]) -> Columns:
    """Changes made on a local day, some time from one hour to another."""
    return {"op": np.full(len(ids), op), "at": _instant(day, ids, *hours), **columns}


def _where(columns: Columns, rows: npt.NDArray[np.bool_]) -> Columns:
    return {name: values[rows] for name, values in columns.items()}


class Writer:
    """Writes the deliveries of one book."""

    def __init__(self, book: Book, ledger: Ledger) -> None:
        self.book, self.ledger = book, ledger
        self.files = self.bytes = 0
        self._plans = PlanChanges(book, ledger)
        self._positions = Positions(book, ledger)
        self._status_told = np.full(len(book), -1, dtype=np.int64)
        self._ids = self._loan_ids()
        self._landing: Landing | None = None
        self._rows: dict[str, list[Columns]] = defaultdict(list)
        self._later: dict[int, list[tuple[str, Columns]]] = defaultdict(list)
        self._spell: dict[str, Callable[[Columns], pl.DataFrame]] = {
            "loans": self._loans,
            "borrowers": self._borrowers,
            "instalments": self._instalments,
            "payments": self._payments,
            "events": self._events,
            "actions": self._actions,
            "positions": self._reported,
        }

    def _loan_ids(self) -> pl.Series:
        day, number = dates(self.book.disbursed), digits(self.book.number, 6, zeros=True)
        return strings(np.concatenate([constant("JK", len(day)), day, number], axis=1))

    def loan_ids(self, first: int, last: int) -> list[str]:
        """Loan ids as the files spell them."""
        return [str(s) for s in self._ids[first:last].to_list()]

    # ── a day ───────────────────────────────────────────────────────────────────────────────────────────

    def record(self, day: Day, landing: Landing | None) -> None:
        """Append the day's bookings to the open delivery, and what was held back until today."""
        self._landing = landing
        self._positions.note(day)
        new, moved = self._plans.of(day)
        self._add("instalments", _changes(_INSERT, day.day, (11, 13), new.row, **vars(new)))
        self._add("instalments", _changes(_UPDATE, day.day, (22, 24), moved.row, **vars(moved)))
        self._tell_status(_INSERT, day.day, (9, 11), np.arange(*day.loans))
        self._book_borrowers(day.day, np.arange(*day.borrowers))
        self._book_payments(day.day, day.payments)
        self._book_events(day.day, day.events)
        self._add("actions", vars(day.actions))
        for name, rows in self._later.pop(day.day, []):
            self._add(name, rows)

    def deliver(self, day: int, touched: Ints) -> None:
        """Add what depends on the close of the day, and write the files."""
        changed = self._positions.changed(touched)
        self._tell_status(_UPDATE, day, (21, 23), changed[self._status_told[changed] != self.ledger.state[changed]])
        self._add("positions", self._position(day, self._positions.reported(day, touched)))
        self._positions.delivered()
        rows, self._rows = self._rows, defaultdict(list)
        if self._landing is None:
            return
        folder = FORMAT.folder(day_date(day))
        for name, spell in self._spell.items():
            columns = {key: np.concatenate([part[key] for part in rows[name]]) for key in rows[name][0]}
            order = stream(day, "order of rows", name).permutation(len(next(iter(columns.values()))))
            file = io.BytesIO()
            spell({key: values[order] for key, values in columns.items()}).write_parquet(file, compression="zstd")
            self._put(folder, FORMAT.file_name(name, day_date(day)), file.getvalue())
        self._put(folder, _DONE, b"")

    def _put(self, folder: str, name: str, data: bytes) -> None:
        assert self._landing is not None, "there is a delivery to write"
        with self._landing.open(folder, name) as file:
            file.write(data)
        self.files += 1
        self.bytes += len(data)

    def _add(self, name: str, rows: Columns) -> None:
        """Append rows to the open delivery: the first ones even where there are none, for their columns."""
        if self._landing is not None and (not self._rows[name] or len(next(iter(rows.values())))):
            self._rows[name].append(rows)

    def _hold(self, name: str, rows: Columns, until: Ints) -> None:
        """Keep rows back, each until its day."""
        for day in np.unique(until).tolist():
            self._later[day].append((name, _where(rows, until == day)))

    # ── what befalls records ────────────────────────────────────────────────────────────────────────────

    def _tell_status(self, op: int, day: int, hours: tuple[int, int], loans: Ints) -> None:
        self._status_told[loans] = status = self.ledger.state[loans].astype(np.int64)
        self._add("loans", _changes(op, day, hours, loans, loan=loans, status=status))

    def _book_payments(self, day: int, p: Payments) -> None:
        unruly = (p.kind == REPAYMENT) & (day_date(day).day <= _UNRULY_DAYS)
        u = np.where(unruly, _draw(p.id, 2), 1.0)
        late, wrong = u < _LATE, (u >= _LATE) & (u < _LATE + _WRONG)
        wait = 1 + (_draw(p.id, 4) * 3).astype(np.int64)  # one to three days
        rows = self._payment(_INSERT, day, p)
        self._hold("payments", _where(rows, late), day + wait[late])
        self._add("payments", _where(rows, ~late & ~wrong))
        if wrong.any():
            put_right = day + 2 * wait[wrong]
            self._add("payments", self._payment(_INSERT, day, self._misread(p.where(wrong))))
            self._hold("payments", self._payment(_UPDATE, put_right, p.where(wrong)), put_right)
        mistaken = unruly & (_draw(p.id, 3) < _MISTAKEN)
        if mistaken.any():
            never = p.where(mistaken)
            never = replace(never, id=never.id + PAYMENTS_A_DAY // 2)
            taken_out = day + 1 + wait[mistaken]
            self._add("payments", self._payment(_INSERT, day, never))
            self._hold("payments", self._payment(_DELETE, taken_out, never), taken_out)

    @staticmethod
    def _payment(op: int, day: Ints | int, p: Payments) -> Columns:
        return _changes(op, day, (8, 20), p.id, **vars(p))

    def _misread(self, p: Payments) -> Payments:
        """Payments with a hundred too much, or a value day that is up to three days too early."""
        too_much = _draw(p.id, 5) < 0.5
        early = np.maximum(p.value_on - 1 - (_draw(p.id, 6) * 3).astype(np.int64), self.book.disbursed[p.loan])
        return replace(
            p,
            amount=np.where(too_much, p.amount + 10_000, p.amount),
            value_on=np.where(too_much, p.value_on, early),
        )

    def _book_events(self, day: int, events: Events) -> None:
        ids = events.loan * len(_EVENTS) + events.kind
        rows = _changes(_INSERT, day, (18, 20), ids, **vars(events), on=np.full(len(ids), day))
        late = (_draw(ids, 7) < _LATE_EVENTS) & (day_date(day).day <= _UNRULY_DAYS)
        self._add("events", _where(rows, ~late))
        self._hold("events", _where(rows, late), day + 1 + (_draw(ids[late], 8) * 3).astype(np.int64))

    def _book_borrowers(self, day: int, who: Ints) -> None:
        who = who[_draw(who, 9) >= MISSING_BORROWERS]
        unknown = _draw(who, 10) < _NO_INCOME
        later = ~unknown & (_draw(who, 11) < _INCOME_LATER) & (day_date(day).day <= _UNRULY_DAYS)
        self._add("borrowers", _changes(_INSERT, day, (9, 11), who, who=who, without=unknown | later))
        added = day + 2 + (_draw(who[later], 12) * 5).astype(np.int64)
        known = _changes(_UPDATE, added, (14, 16), who[later], who=who[later], without=unknown[later])
        self._hold("borrowers", known, added)

    def _position(self, day: int, loans: Ints) -> Columns:
        ledger = self.ledger
        return {
            "loan": loans,
            "as_of": np.full(len(loans), day),
            "outstanding": ledger.outstanding[loans],
            "overdue": ledger.overdue_principal[loans],
            "dpd": self._positions.days_late(loans, day),
            "state": ledger.state[loans],
        }

    # ── the tables ──────────────────────────────────────────────────────────────────────────────────────

    def _loans(self, rows: Columns) -> pl.DataFrame:
        book, loans = self.book, rows["loan"]
        first, last = book.due[book.offset[loans]], book.due[book.offset[loans + 1] - 1]
        planless = book.planless[loans]
        return pl.DataFrame(
            {
                **_change(rows),
                "loan_id": self._ids.gather(loans),
                "borrower_id": _borrower_ids(book.borrower[loans]),
                "product": words(_PRODUCTS, book.product[loans]),
                "purpose": words(PROFILE.purposes, book.purpose[loans]),
                "channel": unless(_draw(loans, 13) < _NO_CHANNEL, words(PROFILE.channels, book.channel[loans])),
                "funder": words(PROFILE.funders, book.funder[loans]),
                "principal": money(book.principal[loans]),
                "annual_rate": decimal(book.rate_bp[loans] * 100, 9, 6),
                "term_months": whole(book.term[loans]),
                "repayment_method": words(_METHODS, book.bullet[loans].astype(np.int64)),
                "disbursed_on": days(book.disbursed[loans]),
                "first_due_on": unless(planless, days(first)),
                "maturity_on": unless(planless, days(last)),
                "credit_score": unless(_draw(loans, 14) < _NO_SCORE, decimal(book.score[loans] * 100, 9, 2)),
                "risk_grade": words(_GRADES, book.grade[loans]),
                "status": words(STATUSES, rows["status"]),
            }
        )

    def _borrowers(self, rows: Columns) -> pl.DataFrame:
        people = self.book.borrowers.take(rows["who"])
        return pl.DataFrame(
            {
                **_change(rows),
                "borrower_id": _borrower_ids(rows["who"]),
                "name": strings(names(people, "utf-8")),
                "id_number": strings(identity_numbers(people)),
                "mobile": strings(phones(people, "utf-8")),
                "birth_year": whole(birth_years(people)),
                "gender": words(_GENDERS, people.gender),
                "province": words(PROVINCES, people.province),
                "income": unless(rows["without"], words(_INCOMES, people.income)),
            }
        )

    def _instalments(self, rows: Columns) -> pl.DataFrame:
        return pl.DataFrame(
            {
                **_change(rows),
                "loan_id": self._ids.gather(rows["loan"]),
                "instalment_no": whole(rows["number"]),
                "schedule_version": whole(rows["version"]),
                "due_on": days(rows["due"]),
                "principal_due": money(rows["principal"]),
                "interest_due": money(rows["interest"]),
                "fee_due": money(rows["fee"]),
                "penalty_due": money(rows["penalty"]),
                "effective_on": days(rows["effective"]),
            }
        )

    def _payments(self, rows: Columns) -> pl.DataFrame:
        reverses = rows["reverses"]
        taken_back = _numbered("JP", np.maximum(reverses, 0), PAYMENTS_A_DAY)
        return pl.DataFrame(
            {
                **_change(rows),
                "payment_id": _numbered("JP", rows["id"], PAYMENTS_A_DAY),
                "loan_id": self._ids.gather(rows["loan"]),
                "kind": words(_KINDS, rows["kind"]),
                "amount": money(rows["amount"]),
                "value_on": days(rows["value_on"]),
                "posted_on": days(rows["posted_on"]),
                "reverses_payment_id": unless(reverses < 0, taken_back),
                "channel": words(_CHANNELS, rows["channel"]),
            }
        )

    def _events(self, rows: Columns) -> pl.DataFrame:
        months = pl.lit(pl.Series(rows["months"])).cast(pl.String)
        return pl.DataFrame(
            {
                **_change(rows),
                "loan_id": self._ids.gather(rows["loan"]),
                "kind": words(_EVENTS, rows["kind"]),
                "event_on": days(rows["on"]),
                "amount": money(rows["amount"]),
                "detail": unless(rows["months"] == 0, pl.select(months + " months").to_series()),
            }
        )

    def _actions(self, rows: Columns) -> pl.DataFrame:
        agencies = (None, *(agency.name for agency in PROFILE.agencies))
        amount, on = rows["promised_amount"], rows["promised_on"]
        return pl.DataFrame(
            {
                "action_id": _numbered("JA", rows["id"], ACTIONS_A_DAY),
                "loan_id": self._ids.gather(rows["loan"]),
                "acted_at": instants(rows["at"] * 1_000_000, _ZONE),
                "channel": words(_MEANS, rows["channel"]),
                "agency": words(agencies, rows["agency"] + 1),
                "connected": pl.Series(rows["connected"], dtype=pl.Boolean),
                "party": words(_PARTIES, rows["party"] + 1),
                "outcome": words(_OUTCOMES, rows["outcome"]),
                "promised_amount": unless(amount < 0, money(amount)),
                "promised_on": unless(on < 0, days(on)),
                "complaint": pl.Series(rows["complaint"], dtype=pl.Boolean),
            }
        )

    def _reported(self, rows: Columns) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "loan_id": self._ids.gather(rows["loan"]),
                "as_of": days(rows["as_of"]),
                "outstanding_principal": money(rows["outstanding"]),
                "overdue_principal": money(rows["overdue"]),
                "dpd": whole(rows["dpd"]),
                "status": words(STATUSES, status(rows["state"], late=rows["dpd"] > 0)),
            }
        )


def _change(rows: Columns) -> dict[str, pl.Series]:
    return {"op": words(_OPERATIONS, rows["op"]), "updated_at": instants(rows["at"], _ZONE)}


def writer(book: Book, ledger: Ledger, start: date) -> Writer:
    """A writer whose first delivery is for `start`."""
    return Writer(book, ledger)


# ── the files as tables ─────────────────────────────────────────────────────────────────────────────────────

_TEXT, _DATE, _AMOUNT, _WHOLE = pa.string(), pa.date32(), pa.decimal128(18, 2), pa.int32()
_AT, _YES_NO = pa.timestamp("us", _ZONE), pa.bool_()
_CHANGE = {"op": _TEXT, "updated_at": _AT}

_SCHEMAS: dict[str, Kinds] = {
    "loans": _CHANGE
    | dict.fromkeys(("loan_id", "borrower_id", "product", "purpose", "channel", "funder"), _TEXT)
    | {"principal": _AMOUNT, "annual_rate": pa.decimal128(9, 6), "term_months": _WHOLE, "repayment_method": _TEXT}
    | dict.fromkeys(("disbursed_on", "first_due_on", "maturity_on"), _DATE)
    | {"credit_score": pa.decimal128(9, 2), "risk_grade": _TEXT, "status": _TEXT},
    "borrowers": _CHANGE
    | dict.fromkeys(("borrower_id", "name", "id_number", "mobile"), _TEXT)
    | {"birth_year": _WHOLE, "gender": _TEXT, "province": _TEXT, "income": _TEXT},
    "instalments": _CHANGE
    | {"loan_id": _TEXT, "instalment_no": _WHOLE, "schedule_version": _WHOLE, "due_on": _DATE}
    | dict.fromkeys(("principal_due", "interest_due", "fee_due", "penalty_due"), _AMOUNT)
    | {"effective_on": _DATE},
    "payments": _CHANGE
    | {"payment_id": _TEXT, "loan_id": _TEXT, "kind": _TEXT, "amount": _AMOUNT}
    | {"value_on": _DATE, "posted_on": _DATE, "reverses_payment_id": _TEXT, "channel": _TEXT},
    "events": _CHANGE | {"loan_id": _TEXT, "kind": _TEXT, "event_on": _DATE, "amount": _AMOUNT, "detail": _TEXT},
    "actions": {"action_id": _TEXT, "loan_id": _TEXT, "acted_at": _AT, "channel": _TEXT, "agency": _TEXT}
    | {"connected": _YES_NO, "party": _TEXT, "outcome": _TEXT}
    | {"promised_amount": _AMOUNT, "promised_on": _DATE, "complaint": _YES_NO},
    "positions": {"loan_id": _TEXT, "as_of": _DATE, "outstanding_principal": _AMOUNT, "overdue_principal": _AMOUNT}
    | {"dpd": _WHOLE, "status": _TEXT},
}
"""Columns and types of each file."""


class _Format:
    """The files as tables, for faults."""

    encoding = "utf-8"
    roles = Roles(
        loans="loans",
        payments="payments",
        loan_id="loan_id",
        number="credit_score",
        date="disbursed_on",
        renamed=("risk_grade", "rating"),
        business_date="as_of",
        dated="positions",
        payment_id="payment_id",
        value_on="value_on",
        posted_on="posted_on",
        kind="kind",
        a_payment=_KINDS[REPAYMENT],
        reverses="reverses_payment_id",
        a_reversal="REV",
        amount="amount",
        plans="instalments",
        planned_loan="loan_id",
        text="funder",
        mode="changes",
        change=("op", "updated_at"),
        medium="parquet",
        control=Marker(_DONE),
    )

    def folder(self, day: date) -> str:
        return delivery_folder(day)

    def file_name(self, resource: str, day: date) -> str:
        return f"{resource}_{day:%Y%m%d}.parquet"

    def date_text(self, day: date) -> str:
        return day.isoformat()

    def parse(self, resource: str, data: bytes) -> Table:
        return parse_parquet(data)

    def render(self, resource: str, table: Table, *, rows_off: int = 0, sum_off: int = 0) -> bytes:
        return render_parquet(table, _SCHEMAS[resource])


FORMAT: FileFormat = _Format()

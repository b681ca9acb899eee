"""小当家: gzipped JSON Lines with nested objects, and a manifest written last.

Seven files a day in a folder of the day, YYYY/MM/DD. Amounts are JSON numbers with two decimals; what there is
not is null.

- loans: lent that day, or of another status than before.
- borrowers: whose first loan is in the delivery.
- plans: whole plans of loans lent or re-planned that day, and instalments on which a penalty was charged.
- payments, events, actions: booked that day.
- positions: loans that something happened to or that are overdue; on month-ends all that are still open.

The first delivery carries everything from the beginning of the book.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

import numpy as np

from arrears.simulate.book import Book, Days, Ints, day_date
from arrears.simulate.cells import absent
from arrears.simulate.faults import FileFormat, Manifest, Roles, Table
from arrears.simulate.formats_jsonl import count_lines, parse_jsonl, render_jsonl
from arrears.simulate.layouts._plans import PlanChanges, PlanRows, newest
from arrears.simulate.layouts._positions import STATUSES, Positions, status
from arrears.simulate.ledger import Ledger
from arrears.simulate.persons import PROVINCES, birth_years, identity_numbers, names, phones
from arrears.simulate.profile import Agency, Habits, Product, Profile
from arrears.simulate.records import ACTIONS_A_DAY, PAYMENTS_A_DAY, Actions, Day, Events, Payments, join
from arrears.simulate.writers import (
    Block,
    GzippedLines,
    Landing,
    constant,
    dates,
    digits,
    hundredths,
    iso_dates,
    iso_instants,
    json_lines,
    json_text,
    lookup,
)

ENCODING = "utf-8"
_HOURS_EAST = 8
_MANIFEST = "manifest.json"
_ROWS_AT_ONCE = 1 << 15

PROFILE = Profile(
    products=(
        Product(
            "consumer_credit",
            0.8,
            (3, 6, 9, 12),
            (500, 20_000, 100),
            (1800, 2160, 2388, 2400),
            (0, 1, 2, 3),
            (0, 1),
        ),
        Product(
            "shopping_credit",
            0.2,
            (3, 6, 12, 24),
            (1_000, 12_000, 100),
            (1440, 1800, 2160),
            (1, 3, 4),
            (1, 2),
            fee_bp=15,
        ),
    ),
    purposes=("日常消费", "手机数码", "旅行", "培训", "家电"),
    channels=("应用商店", "场景合作", "地推"),
    funders=("自有资金", "南方信托", "城商银行"),
    habits=Habits(
        shock=0.02,
        forget=0.12,
        partial=0.02,
        common=0.5,
        strategic=0.01,
        chargeback=0.003,
        refund=0.3,
        penalty_bp=50,
        settle_short=0.03,
        compensation=0.1,
        pause=0.01,
        collection=1.0,
        write_off_days=(120, 240),
    ),
    young=1.2,
    young_risk=0.2,
    risk=0.25,
    misjudged_channel=2,
    agencies=(
        Agency("诚信催收", skill=0.7, manners=0.95),
        Agency("迅达资产", skill=0.5, manners=0.6),
        Agency("鼎盛咨询", skill=0.35, manners=0.2),
    ),
)

_PRODUCTS = ("现金分期", "购物分期")
_METHODS = ("equal_instalment", "interest_first")
_GRADES = ("A", "B", "C", "D", "E")
_GENDERS = ("F", "M")
_INCOMES = ("0-3k", "3k-5k", "5k-8k", "8k-15k", "15k+")
_KINDS = ("repay", "prepay", "return", "waive", "recover", "chargeback", "refund", "guarantor", "buyback")
_CHANNELS = ("debit", "app", "transfer", "collection", "")
_EVENTS = ("write_off", "extend", "settle", "transfer", "restructure", "pause", "resume")
_MEANS = ("phone", "sms", "visit", "letter", "app", "legal")
_PARTIES = ("", "debtor", "contact")
_OUTCOMES = ("no_answer", "refused", "promised", "paid_already", "hardship", "complained", "delivered")
_TRUTH_VALUES = ("false", "true")

_COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "loans": {
        "id": (),
        "borrower": ("id",),
        "product": (),
        "purpose": (),
        "channel": (),
        "funder": (),
        "terms": ("principal", "rate", "months", "method"),
        "dates": ("disbursed", "first_due", "maturity"),
        "score": (),
        "grade": (),
        "status": (),
    },
    "borrowers": {
        "id": (),
        "person": ("name", "id_number", "mobile"),
        "profile": ("birth_year", "gender", "province", "income"),
    },
    "plans": {
        "loan_id": (),
        "no": (),
        "version": (),
        "due": (),
        "amounts": ("principal", "interest", "fee", "penalty"),
        "effective": (),
    },
    "payments": {
        "id": (),
        "loan_id": (),
        "kind": (),
        "amount": (),
        "dates": ("value", "posted"),
        "reverses": (),
        "channel": (),
    },
    "events": {"loan_id": (), "kind": (), "on": (), "amount": (), "note": ()},
    "actions": {
        "id": (),
        "loan_id": (),
        "acted_at": (),
        "channel": (),
        "agency": (),
        "contact": ("connected", "party", "outcome"),
        "promise": ("amount", "on"),
        "complaint": (),
    },
    "positions": {"loan_id": (), "as_of": (), "balance": ("outstanding", "overdue"), "dpd": (), "status": ()},
}
"""Members of each file's objects, and the parts of those that are objects themselves."""

_NUMBERS = {
    *("terms.principal", "terms.rate", "terms.months", "score", "profile.birth_year", "no", "version", "amount"),
    *("amounts.principal", "amounts.interest", "amounts.fee", "amounts.penalty", "promise.amount"),
    *("balance.outstanding", "balance.overdue", "dpd", "contact.connected", "complaint"),
}
"""Columns that are no strings: numbers, true and false."""


def _days(days: Days | Ints) -> Block:
    return json_text(iso_dates(days))


def _words(words: tuple[str, ...], codes: Ints) -> Block:
    """Words by their position; null for those that are empty."""
    empty = np.array([not word for word in words])
    block = json_text(lookup(words, codes, ENCODING))
    return absent(block, empty[codes], "null") if empty.any() else block


def _loan_ids(book: Book, loans: Ints) -> Block:
    mark, dash = constant("XD", len(loans)), constant("-", len(loans))
    return np.concatenate([mark, dates(book.disbursed[loans]), dash, digits(book.number[loans], 6, zeros=True)], axis=1)


def _borrower_ids(borrowers: Ints) -> Block:
    return np.concatenate([constant("U", len(borrowers)), digits(borrowers + 1, 9, zeros=True)], axis=1)


def _numbered(mark: str, ids: Ints, a_day: int) -> Block:
    day, dash = dates(ids // a_day), constant("-", len(ids))
    return np.concatenate([constant(mark, len(ids)), day, dash, digits(ids % a_day, 7, zeros=True)], axis=1)


class Writer:
    """Writes the deliveries of one book."""

    def __init__(self, book: Book, ledger: Ledger) -> None:
        self.book, self.ledger = book, ledger
        self.files = self.bytes = 0
        self._plans = PlanChanges(book, ledger)
        self._positions = Positions(book, ledger)
        self._status_told = np.full(len(book), -1, dtype=np.int64)
        self._booked: list[Day] = []
        self._planned: list[PlanRows] = []
        self._landing: Landing | None = None
        self._open: dict[str, GzippedLines] = {}

    def loan_ids(self, first: int, last: int) -> list[str]:
        """Loan ids as the files spell them."""
        block = _loan_ids(self.book, np.arange(first, last))
        return [] if first == last else [str(s) for s in block.view(f"S{block.shape[1]}").ravel().astype(str)]

    def record(self, day: Day, landing: Landing | None) -> None:
        """Take a day's bookings into the open delivery."""
        self._positions.note(day)
        plans = self._plans.of(day)
        self._landing = landing
        if landing is not None:
            self._booked.append(day)
            self._planned += plans

    def deliver(self, day: int, touched: Ints) -> None:
        """Write the files, and last the manifest."""
        changed = self._positions.changed(touched)
        changed = changed[self._status_told[changed] != self.ledger.state[changed]]
        self._status_told[changed] = self.ledger.state[changed]
        reported = self._positions.reported(day, touched)
        self._positions.delivered()
        if self._landing is None:
            return
        folder = FORMAT.folder(day_date(day))
        self._open = {name: GzippedLines(self._landing, folder, f"{name}.jsonl.gz") for name in _COLUMNS}
        self._loans(changed)
        self._bookings()
        self._position(day, reported)
        listed = []
        for file in self._open.values():
            file.close()
            listed.append((file.name, file.rows, file.sha256))
            self.bytes += file.bytes
        manifest = _manifest.render(day_date(day), listed)
        with self._landing.open(folder, _MANIFEST) as stream:
            stream.write(manifest)
        self.files += len(self._open) + 1
        self.bytes += len(manifest)

    def _bookings(self) -> None:
        """Write what was booked since the last delivery."""
        days, self._booked = self._booked, []
        planned, self._planned = self._planned, []
        self._borrowers(np.arange(days[0].borrowers[0], days[-1].borrowers[1]))
        self._plan(newest(planned))
        self._payments(join([day.payments for day in days]))
        events = [day.events for day in days]
        self._events(np.repeat([day.day for day in days], [len(e) for e in events]), join(events))
        self._actions(join([day.actions for day in days]))

    # ── the files ───────────────────────────────────────────────────────────────────────────────────────

    def _write(self, resource: str, rows: int, cells: Callable[[slice], Mapping[str, Any]]) -> None:
        """Write rows to a file, some at a time: JSON in blocks of bytes takes much room."""
        for k in range(0, rows, _ROWS_AT_ONCE):
            self._open[resource].write(json_lines(cells(slice(k, min(k + _ROWS_AT_ONCE, rows)))))

    def _loans(self, loans: Ints) -> None:
        book = self.book

        def cells(some: slice) -> Mapping[str, Any]:
            at = loans[some]
            return {
                "id": json_text(_loan_ids(book, at)),
                "borrower": {"id": json_text(_borrower_ids(book.borrower[at]))},
                "product": _words(_PRODUCTS, book.product[at]),
                "purpose": _words(PROFILE.purposes, book.purpose[at]),
                "channel": _words(PROFILE.channels, book.channel[at]),
                "funder": _words(PROFILE.funders, book.funder[at]),
                "terms": {
                    "principal": hundredths(book.principal[at]),
                    "rate": np.concatenate([constant("0.", len(at)), digits(book.rate_bp[at], 4, zeros=True)], axis=1),
                    "months": digits(book.term[at]),
                    "method": _words(_METHODS, book.bullet[at].astype(np.int64)),
                },
                "dates": {
                    "disbursed": _days(book.disbursed[at]),
                    "first_due": absent(_days(book.due[book.offset[at]]), book.planless[at], "null"),
                    "maturity": absent(_days(book.due[book.offset[at + 1] - 1]), book.planless[at], "null"),
                },
                "score": digits(book.score[at]),
                "grade": _words(_GRADES, book.grade[at]),
                "status": _words(STATUSES, self.ledger.state[at].astype(np.int64)),
            }

        self._write("loans", len(loans), cells)

    def _borrowers(self, who: Ints) -> None:
        def cells(some: slice) -> Mapping[str, Any]:
            people = self.book.borrowers.take(who[some])
            return {
                "id": json_text(_borrower_ids(who[some])),
                "person": {
                    "name": json_text(names(people, ENCODING)),
                    "id_number": json_text(identity_numbers(people)),
                    "mobile": json_text(phones(people, ENCODING)),
                },
                "profile": {
                    "birth_year": digits(birth_years(people)),
                    "gender": _words(_GENDERS, people.gender),
                    "province": _words(PROVINCES, people.province),
                    "income": _words(_INCOMES, people.income),
                },
            }

        self._write("borrowers", len(who), cells)

    def _plan(self, plan: PlanRows) -> None:
        def cells(some: slice) -> Mapping[str, Any]:
            return {
                "loan_id": json_text(_loan_ids(self.book, plan.loan[some])),
                "no": digits(plan.number[some]),
                "version": digits(plan.version[some]),
                "due": _days(plan.due[some]),
                "amounts": {
                    "principal": hundredths(plan.principal[some]),
                    "interest": hundredths(plan.interest[some]),
                    "fee": hundredths(plan.fee[some]),
                    "penalty": hundredths(plan.penalty[some]),
                },
                "effective": _days(plan.effective[some]),
            }

        self._write("plans", len(plan), cells)

    def _payments(self, p: Payments) -> None:
        ids = partial(_numbered, "R", a_day=PAYMENTS_A_DAY)

        def cells(some: slice) -> Mapping[str, Any]:
            reverses = p.reverses[some]
            return {
                "id": json_text(ids(p.id[some])),
                "loan_id": json_text(_loan_ids(self.book, p.loan[some])),
                "kind": _words(_KINDS, p.kind[some]),
                "amount": hundredths(p.amount[some]),
                "dates": {"value": _days(p.value_on[some]), "posted": _days(p.posted_on[some])},
                "reverses": absent(json_text(ids(np.maximum(reverses, 0))), reverses < 0, "null"),
                "channel": _words(_CHANNELS, p.channel[some]),
            }

        self._write("payments", len(p), cells)

    def _events(self, days: Ints, events: Events) -> None:
        def cells(some: slice) -> Mapping[str, Any]:
            months = events.months[some]
            note = np.concatenate([digits(months), constant("个月", len(months), ENCODING)], axis=1)
            return {
                "loan_id": json_text(_loan_ids(self.book, events.loan[some])),
                "kind": _words(_EVENTS, events.kind[some]),
                "on": _days(days[some]),
                "amount": hundredths(events.amount[some]),
                "note": absent(json_text(note), months == 0, "null"),
            }

        self._write("events", len(events), cells)

    def _actions(self, a: Actions) -> None:
        agencies = ("", *(agency.name for agency in PROFILE.agencies))

        def cells(some: slice) -> Mapping[str, Any]:
            amount, on = a.promised_amount[some], a.promised_on[some]
            return {
                "id": json_text(_numbered("A", a.id[some], ACTIONS_A_DAY)),
                "loan_id": json_text(_loan_ids(self.book, a.loan[some])),
                "acted_at": json_text(iso_instants(a.at[some], hours_east=_HOURS_EAST)),
                "channel": _words(_MEANS, a.channel[some]),
                "agency": _words(agencies, a.agency[some] + 1),
                "contact": {
                    "connected": lookup(_TRUTH_VALUES, a.connected[some].astype(np.int64), ENCODING),
                    "party": _words(_PARTIES, a.party[some] + 1),
                    "outcome": _words(_OUTCOMES, a.outcome[some]),
                },
                "promise": {
                    "amount": absent(hundredths(np.maximum(amount, 0)), amount < 0, "null"),
                    "on": absent(_days(np.maximum(on, 0)), on < 0, "null"),
                },
                "complaint": lookup(_TRUTH_VALUES, a.complaint[some].astype(np.int64), ENCODING),
            }

        self._write("actions", len(a), cells)

    def _position(self, day: int, loans: Ints) -> None:
        ledger, today = self.ledger, np.array([day])

        def cells(some: slice) -> Mapping[str, Any]:
            at = loans[some]
            dpd = self._positions.days_late(at, day)
            return {
                "loan_id": json_text(_loan_ids(self.book, at)),
                "as_of": np.repeat(_days(today), len(at), axis=0),
                "balance": {
                    "outstanding": hundredths(ledger.outstanding[at]),
                    "overdue": hundredths(ledger.overdue_principal[at]),
                },
                "dpd": digits(dpd),
                "status": _words(STATUSES, status(ledger.state[at], late=dpd > 0)),
            }

        self._write("positions", len(loans), cells)


def writer(book: Book, ledger: Ledger, start: date) -> Writer:
    """A writer whose first delivery is for `start`."""
    return Writer(book, ledger)


# ── the files as tables ─────────────────────────────────────────────────────────────────────────────────────


_manifest = Manifest(_MANIFEST, count_lines)


class _Format:
    """The files as tables, for faults."""

    encoding = ENCODING
    roles = Roles(
        loans="loans",
        payments="payments",
        loan_id="id",
        paid_loan="loan_id",
        number="score",
        date="dates.disbursed",
        renamed=("grade", "rating"),
        business_date="as_of",
        dated="positions",
        payment_id="id",
        value_on="dates.value",
        posted_on="dates.posted",
        kind="kind",
        a_payment="repay",
        reverses="reverses",
        a_reversal="return",
        amount="amount",
        plans="plans",
        planned_loan="loan_id",
        text="funder",
        mode="upsert",
        medium="jsonl",
        control=_manifest,
    )

    def folder(self, day: date) -> str:
        return f"{day:%Y/%m/%d}"

    def file_name(self, resource: str, day: date) -> str:
        return f"{resource}.jsonl.gz"

    def date_text(self, day: date) -> str:
        return day.isoformat()

    def parse(self, resource: str, data: bytes) -> Table:
        members = _COLUMNS[resource].items()
        columns = [name if not part else f"{name}.{part}" for name, parts in members for part in parts or ("",)]
        return parse_jsonl(data, columns)

    def render(self, resource: str, table: Table, *, rows_off: int = 0, sum_off: int = 0) -> bytes:
        return render_jsonl(table, _NUMBERS)


FORMAT: FileFormat = _Format()

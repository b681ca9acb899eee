"""The simulator's ledger, held to its own records: a slow bookkeeper replays every loan of small, unruly books.

Every behaviour is switched high. The bookkeeper knows only what a lender books (plans as they were when they were
given, payments, events) and puts every payment on instalments and components one by one, for every month-end anew.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pytest

from arrears.simulate.book import Agency, Habits, Product, Profile, day_date, draw_book
from arrears.simulate.engine import (
    BUYBACK,
    CHARGEBACK,
    COMPENSATION,
    EXTENDED,
    PAUSED,
    PREPAYMENT,
    REFUND,
    RESTRUCTURED,
    RESUMED,
    REVERSAL,
    TRANSFERRED,
    WRITTEN_OFF,
    Day,
    Simulation,
)
from arrears.simulate.ledger import STATES, Ledger

TOL = 1  # fen
START, END = date(2022, 6, 1), date(2024, 2, 29)

UNRULY = Profile(
    products=(
        Product("short", 0.5, (1, 2, 3, 6), (1_000, 20_000, 100), (1200, 1800, 2388), (0,), (0,), fee_bp=10),
        Product("long", 0.5, (9, 12, 24), (5_000, 80_000, 500), (900, 1440), (0,), (0, 1), bullet_share=0.3),
    ),
    purposes=("any",),
    channels=("app", "shop"),
    funders=("own",),
    habits=Habits(
        shock=0.05,
        shock_days=60,
        lasting=0.2,
        common=0.5,
        strategic=0.05,
        forget=0.15,
        partial=0.08,
        prepay=0.03,
        part_prepay=0.05,
        overpay=0.08,
        refund=0.6,
        fen_short=0.03,
        returned=0.05,
        chargeback=0.04,
        penalty_bp=150,
        extend=0.08,
        restructure=0.08,
        pause=0.06,
        settle_short=0.05,
        write_off_days=(150, 260),
        compensation=0.15,
        buyback=0.2,
        transfer=0.02,
        recovery=0.2,
        collection=1.0,
        odd=0.05,
    ),
    agencies=(Agency("fair", 0.7, 0.9), Agency("rough", 0.4, 0.2)),
    odd=True,
)


@dataclass
class Due:
    on: int
    fee: int
    interest: int
    principal: int
    penalty: int

    @property
    def owed(self) -> int:
        """What the clock counts: a penalty is no part of it."""
        return self.fee + self.interest + self.principal


Payment = tuple[int, int, int, int, int]
"""Value day, id, kind, amount, id of the payment that it takes back."""


@dataclass
class Loan:
    principal: int
    disbursed: int
    plans: list[tuple[int, int, list[Due]]] = field(default_factory=list)  # since, version, instalments
    payments: list[Payment] = field(default_factory=list)
    events: list[tuple[int, int]] = field(default_factory=list)  # day, kind

    def plan(self, day: int, version: int | None = None) -> list[Due]:
        known = [p for p in self.plans if p[0] <= day and version in (None, p[1])]
        return max(known, key=lambda p: (p[1], p[0]))[2]

    def first(self, *kinds: int) -> int | None:
        return min((day for day, kind in self.events if kind in kinds), default=None)


def _instalments(ledger: Ledger, loan: int) -> list[Due]:
    book = ledger.book
    rows = range(book.offset[loan], book.offset[loan + 1])
    columns = (ledger.due, book.fee_due, ledger.interest_due, ledger.principal_due, ledger.penalty_due)
    return [Due(*(int(c[row]) for c in columns)) for row in rows]


def _note(loans: dict[int, Loan], day: Day, ledger: Ledger) -> None:
    book = ledger.book
    for k in range(*day.loans):
        loans[k] = Loan(int(book.principal[k]), int(book.disbursed[k]))
    for k in {*range(*day.loans), *day.replanned.tolist(), *day.moved.tolist()}:
        loans[k].plans.append((day.day, int(ledger.version[k]), _instalments(ledger, k)))
    p = day.payments
    for k, *values in zip(p.loan.tolist(), p.value_on.tolist(), p.id.tolist(), p.kind.tolist(), p.amount.tolist(),
                          p.reverses.tolist(), strict=True):  # fmt: skip
        loans[k].payments.append((values[0], values[1], values[2], values[3], values[4]))
        if values[2] in (COMPENSATION, BUYBACK):
            loans[k].events.append((values[0], 100 + values[2]))
    for k, kind in zip(day.events.loan.tolist(), day.events.kind.tolist(), strict=True):
        loans[k].events.append((day.day, kind))


Cells = list[dict[str, int]]


def _live(loan: Loan, day: int) -> tuple[list[Payment], list[Payment], int]:
    """What was paid and not taken back by the close of a day: full prepayments, all else; and what was refunded."""
    come = [p for p in loan.payments if p[0] <= day and p[2] not in (COMPENSATION, BUYBACK)]
    taken_back = {reverses for *_, kind, _, reverses in come if kind in (REVERSAL, CHARGEBACK)}
    live = [p for p in come if p[2] not in (REVERSAL, CHARGEBACK, REFUND) and p[1] not in taken_back]
    new_plans = {since for since, version, _ in loan.plans if version > 1}
    whole = [p for p in live if p[2] == PREPAYMENT and p[0] not in new_plans]
    assert len(whole) <= 1
    return whole, [p for p in live if p not in whole], sum(p[3] for p in come if p[2] == REFUND)


def _paid(loan: Loan, plan: list[Due], day: int) -> tuple[Cells, bool]:
    """What every instalment has received of each component at the close of a day; whether the loan is prepaid."""
    owed = [{"fee": i.fee, "interest": i.interest, "principal": i.principal, "penalty": i.penalty} for i in plan]
    paid = [dict.fromkeys(cells, 0) for cells in owed]
    whole, others, refunded = _live(loan, day)

    def pour(amount: int, cells: list[tuple[int, str]]) -> int:
        for k, component in cells:
            part = min(amount, owed[k][component] - paid[k][component])
            paid[k][component] += part
            amount -= part
        return amount

    everything = [(k, c) for k in range(len(plan)) for c in owed[k]]
    pour(sum(p[3] for p in others) - refunded, everything)
    for on, _, _, amount, _ in whole:
        due = [(k, c) for k, c in everything if plan[k].on <= on]
        ahead = [k for k in range(len(plan)) if plan[k].on > on]
        before = {k: sum(paid[k].values()) for k in ahead}
        left = pour(amount, due)
        # What is paid ahead goes to principal, and above all of it to the interest of the current instalment.
        left += sum(before.values())
        for k in ahead:
            part = plan[k].principal
            paid[k] = {"fee": 0, "interest": 0, "principal": part, "penalty": 0}
            left -= part
        assert left >= 0, "a prepayment that does not cover the principal"
        if ahead:
            paid[ahead[0]]["interest"] = left
    return paid, bool(whole)


def _short(plan: list[Due], paid: Cells) -> list[int]:
    return [i.owed - p["fee"] - p["interest"] - p["principal"] for i, p in zip(plan, paid, strict=True)]


def _open(loan: Loan, plan: list[Due], day: int) -> list[bool]:
    if _live(loan, day)[0]:
        return [False] * len(plan)
    return [short > TOL for short in _short(plan, _paid(loan, plan, day)[0])]


def _counted_from(loan: Loan, plan: list[Due], day: int) -> list[int]:
    """From which day each instalment counts at the close of a day: its due day, or a chargeback's that re-opened it."""
    since = [i.on for i in plan]
    if all(kind != CHARGEBACK for _, _, kind, *_ in loan.payments):
        return since
    before = _open(loan, plan, -1)
    for on in sorted({p[0] for p in loan.payments if p[0] <= day}):
        went_back = {kind for value_on, _, kind, *_ in loan.payments if value_on == on} & {REVERSAL, CHARGEBACK, REFUND}
        after = _open(loan, plan, on)
        for k, instalment in enumerate(plan):
            if not after[k]:
                since[k] = instalment.on
            elif not before[k]:
                since[k] = max(instalment.on, on) if went_back == {CHARGEBACK} else instalment.on
        before = after
    return since


def _days(loan: Loan, since: list[int], short: list[int], day: int, *, pauses: bool) -> int:
    late = [on for on, amount in zip(since, short, strict=True) if on < day and amount > TOL]
    if not late:
        return 0
    stands: set[int] = set()
    if pauses and (since := loan.first(PAUSED)) is not None:
        stands = set(range(since, min(loan.first(RESUMED) or day + 1, day + 1)))
    return sum(1 for d in range(min(late) + 1, day + 1) if d not in stands)


@dataclass(frozen=True)
class Standing:
    state: str
    dpd: int
    contractual_dpd: int
    outstanding: int
    overdue_principal: int
    overdue_amount: int
    restructured: bool


_EXITS = {
    WRITTEN_OFF: "written_off",
    TRANSFERRED: "transferred",
    100 + COMPENSATION: "compensated",
    100 + BUYBACK: "bought_back",
}


def _stand(loan: Loan, day: int) -> tuple[Standing, Cells, bool]:
    """Where a loan stands, what its instalments have received, and whether its days count from a chargeback."""
    plan, original = loan.plan(day), loan.plan(day, 1)
    since = _counted_from(loan, plan, day)
    paid, prepaid = _paid(loan, plan, day)
    short = _short(plan, paid) if not prepaid else [0] * len(plan)
    due = [k for k, on in enumerate(since) if on < day]
    outstanding = loan.principal - sum(p["principal"] for p in paid)
    exits = [_EXITS[kind] for on, kind in loan.events if kind in _EXITS and on <= day]
    assert len(exits) <= 1, "out of the book once"
    settled = all(s <= TOL for s in short) and outstanding <= TOL
    contractual = 0
    if not prepaid:
        originally_short = _short(original, _paid(loan, original, day)[0])
        contractual = _days(loan, _counted_from(loan, original, day), originally_short, day, pauses=False)
    state = exits[0] if exits else "settled" if settled else "active"
    standing = Standing(
        state=state,
        dpd=0 if prepaid else _days(loan, since, short, day, pauses=True),
        contractual_dpd=contractual,
        outstanding=0 if exits else outstanding,
        overdue_principal=0 if prepaid else sum(plan[k].principal - paid[k]["principal"] for k in due),
        overdue_amount=sum(short[k] for k in due),
        restructured=any(kind in (EXTENDED, RESTRUCTURED) and on <= day for on, kind in loan.events),
    )
    return standing, paid, any(short[k] > TOL and since[k] != plan[k].on for k in due)


@dataclass(frozen=True)
class Said:
    """What the simulator says of every loan at a month-end."""

    day: int
    standings: list[Standing]
    paid: list[list[list[int]]]

    @classmethod
    def of(cls, run: Simulation, day: int) -> Said:
        at, offset = run.month_end(day), run.ledger.book.offset
        columns = (at.dpd, at.contractual_dpd, at.outstanding, at.overdue_principal, at.overdue_amount)
        rows = zip(at.state.tolist(), *(c.tolist() for c in columns), at.restructured.tolist(), strict=True)
        received = [
            [c.tolist() for c in run.ledger.paid_of(np.arange(offset[k], offset[k + 1]))] for k in range(len(at.dpd))
        ]
        return cls(day, [Standing(STATES[row[0]], *row[1:]) for row in rows], received)

    def compare(self, loans: dict[int, Loan], seen: Counter[str], *, instalments: bool = True) -> None:
        for k, (says, received) in enumerate(zip(self.standings, self.paid, strict=True)):
            expected, paid, reopened = _stand(loans[k], self.day)
            assert says == expected, (k, self.day)
            seen[expected.state] += 1
            seen["late"] += expected.dpd > 0
            seen["cosmetic"] += expected.dpd < expected.contractual_dpd
            seen["re-opened"] += reopened
            seen["penalty paid"] += any(p["penalty"] for p in paid)
            if instalments:
                parts = ("principal", "interest", "fee", "penalty")
                assert received == [[p[part] for p in paid] for part in parts], (k, self.day)


def _replay(seed: int, profile: Profile, loans: int) -> tuple[Counter[str], dict[int, Loan]]:
    book = draw_book(seed=seed, lender="unruly", profile=profile, start=START, end=END, loans=loans)
    run = Simulation(seed=seed, lender="unruly", profile=profile, book=book, start=START, end=END)
    known: dict[int, Loan] = {}
    seen: Counter[str] = Counter()
    waiting: Said | None = None
    for day in run.run():
        _note(known, day, run.ledger)
        if waiting:  # what was posted a day late is known only now
            waiting.compare(known, seen)
        at = Said.of(run, day.day) if _is_month_end(day.day) else None
        waiting = at if day.day < run.end else None
        seen.update(f"kind {k}" for k in day.payments.kind.tolist())
        seen.update(f"event {k}" for k in day.events.kind.tolist())
        seen["part prepayment"] += len(day.replanned) - int(np.isin(day.events.kind, (EXTENDED, RESTRUCTURED)).sum())
    assert at is not None
    at.compare(known, seen, instalments=False)
    return seen, known


def _is_month_end(day: int) -> bool:
    return day_date(day + 1).day == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_ledger_says_what_its_records_say(seed: int) -> None:
    seen, _ = _replay(seed, UNRULY, 220)
    wanted = {*STATES, "late", "cosmetic", "re-opened", "penalty paid", "part prepayment"}
    wanted |= {f"kind {k}" for k in range(9)} | {f"event {k}" for k in range(7)}
    assert {what for what in wanted if seen[what] < 3} == set()

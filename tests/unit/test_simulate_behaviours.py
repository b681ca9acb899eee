"""How the simulator's borrowers, collectors and lenders behave, seen in their records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date
from functools import cache

import numpy as np
import pytest

from arrears.simulate.book import Agency, Habits, Ints, Product, Profile, day_date, draw_book
from arrears.simulate.engine import (
    ACTIONS_A_DAY,
    BUYBACK,
    CHARGEBACK,
    COMPENSATION,
    COMPLAINED,
    CONTACT,
    DELIVERED,
    NO_ANSWER,
    NOBODY,
    PHONE,
    PREPAYMENT,
    PROMISED,
    RECOVERY,
    REFUND,
    REPAYMENT,
    RESTRUCTURED,
    REVERSAL,
    SMS,
    TRANSFERRED,
    VISIT,
    Actions,
    Day,
    Payments,
    Simulation,
)
from arrears.simulate.ledger import BOUGHT_BACK, COMPENSATED, SETTLED
from arrears.simulate.ledger import TRANSFERRED as SOLD
from arrears.simulate.records import join
from arrears.simulate.schedule import Schedule

START, END = date(2023, 1, 1), date(2023, 12, 31)

PLAIN = Profile(
    products=(
        Product("short", 0.5, (3, 6), (1_000, 20_000, 100), (1800, 2388), (0,), (0, 1)),
        Product("long", 0.5, (12, 24), (5_000, 80_000, 500), (900, 1440), (0,), (0, 1), bullet_share=0.2),
    ),
    purposes=("any",),
    channels=("app", "shop"),
    funders=("own",),
    agencies=(Agency("polite", skill=0.8, manners=1.0), Agency("rude", skill=0.3, manners=0.0)),
)


def _simulation(
    habits: Habits, *, lender: str = "a lender", loans: int = 600, end: date = END, **own: object
) -> Simulation:
    profile = replace(PLAIN, habits=habits, **own)  # type: ignore[arg-type]
    book = draw_book(seed=7, lender=lender, profile=profile, start=START, end=end, loans=loans)
    return Simulation(seed=7, lender=lender, profile=profile, book=book, start=START, end=end)


@cache
def _days(habits: Habits) -> tuple[Simulation, list[Day]]:
    run = _simulation(habits)
    return run, list(run.run())


def _payments(days: list[Day]) -> Payments:
    return join([day.payments for day in days])


def _columns(day: Day) -> Iterator[tuple[str, list[int]]]:
    for part in (day.payments, day.events, day.actions):
        for column in fields(part):
            yield f"{type(part).__name__}.{column.name}", getattr(part, column.name).tolist()
    yield "replanned", day.replanned.tolist()
    yield "moved", day.moved.tolist()


EVERYTHING = Habits(
    shock=0.03,
    common=0.5,
    strategic=0.05,
    part_prepay=0.03,
    refund=0.7,
    overpay=0.05,
    chargeback=0.03,
    penalty_bp=100,
    restructure=0.05,
    pause=0.05,
    compensation=0.1,
    buyback=0.1,
    transfer=0.05,
    collection=1.0,
    odd=0.02,
)


def test_a_day_more_repeats_the_days_before() -> None:
    _, longer = _days(EVERYTHING)
    shorter = list(_simulation(EVERYTHING, end=date(2023, 9, 30)).run())
    assert len(shorter) < len(longer)
    for one, other in zip(shorter, longer, strict=False):
        assert dict(_columns(one)) == dict(_columns(other)), day_date(one.day)


def test_what_a_lender_does_not_ask_for_changes_nothing() -> None:
    """Collection without an outcome, guarantees that nobody calls: the payments are what they were."""
    _, plain = _days(Habits())
    asked = list(_simulation(Habits(penalty_bp=0, refund=0.0), odd=True, incomplete=0.3).run())
    assert [dict(_columns(day)) for day in asked] == [dict(_columns(day)) for day in plain]
    assert not any(len(day.actions) or len(day.moved) for day in plain)
    assert set(_payments(plain).kind.tolist()) <= set(range(5))


# ── payments ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_chargeback_takes_a_payment_back_weeks_later() -> None:
    _, days = _days(EVERYTHING)
    p = _payments(days)
    when = {i: (loan, amount, day, kind) for i, loan, amount, day, kind in _rows(p)}
    claims = p.where(p.kind == CHARGEBACK)
    assert len(claims) > 20
    for original, loan, amount, day in zip(
        claims.reverses.tolist(), claims.loan.tolist(), claims.amount.tolist(), claims.value_on.tolist(), strict=True
    ):
        assert when[original][:2] == (loan, amount)
        assert when[original][3] == REPAYMENT
        assert 14 <= day - when[original][2] < 60
    taken_back = p.reverses[p.reverses >= 0]
    assert len(np.unique(taken_back)) == len(taken_back), "no payment goes back twice"


def _rows(p: Payments) -> Iterator[tuple[int, int, int, int, int]]:
    columns = (p.id, p.loan, p.amount, p.value_on, p.kind)
    yield from zip(*(c.tolist() for c in columns), strict=True)


def test_a_refund_gives_back_what_was_too_much() -> None:
    run, days = _days(EVERYTHING)
    p = _payments(days)
    refunds = p.where(p.kind == REFUND)
    assert len(refunds) > 5
    signs = np.where(np.isin(p.kind, (REVERSAL, CHARGEBACK, REFUND)), -1, 1)
    signs[np.isin(p.kind, (COMPENSATION, BUYBACK))] = 0
    for loan in refunds.loan[:20].tolist():
        net = int((p.amount * signs)[p.loan == loan].sum())
        assert net <= int(run.ledger.total[run.ledger.last(np.array([loan]))][0])


def test_a_part_prepayment_lowers_what_is_to_come() -> None:
    run, days = _days(Habits(part_prepay=0.05, extend=0.0))
    book, ledger = run.book, run.ledger
    changed = np.unique(np.concatenate([day.replanned for day in days]))
    assert len(changed) > 20
    assert not ledger.restructured[changed].any(), "paying ahead is no relief"
    kinds = _payments(days)
    assert np.isin(changed, kinds.loan[kinds.kind == PREPAYMENT]).all()
    for loan in changed.tolist():
        rows = np.arange(book.offset[loan], book.offset[loan + 1])
        assert ledger.principal_due[rows].sum() == book.principal[loan]
        assert (ledger.principal_due[rows] >= 0).all()
        assert (np.diff(ledger.due[rows]) > 0).all()
        assert ledger.interest_due[rows].sum() < book.interest_due[rows].sum()


def test_a_penalty_grows_on_what_is_short_and_takes_nothing_paid_before() -> None:
    run = _simulation(Habits(shock=0.04, penalty_bp=100))
    before, grew = run.ledger.penalty_due.copy(), Counter[int]()
    for day in run.run():
        now = run.ledger.penalty_due
        rows = np.flatnonzero(now != before)
        assert (now[rows] > before[rows]).all()
        assert np.array_equal(np.unique(run.book.loan_of[rows]), day.moved), "told on the day"
        if len(rows):
            assert day_date(day.day + 1).day == 1, "at month-ends"
            assert (run.ledger.due[rows] < day.day).all()
            owed = run.ledger.principal_due[rows] + run.ledger.interest_due[rows] + run.book.fee_due[rows]
            principal, interest, fee, _ = run.ledger.paid_of(rows)
            assert np.array_equal((now - before)[rows], ((owed - principal - interest - fee) * 100 + 5_000) // 10_000)
        grew.update(rows.tolist())
        before = now.copy()
    assert max(grew.values()) > 3


# ── relief and exits ────────────────────────────────────────────────────────────────────────────────────


def test_new_terms_lower_the_interest_and_pauses_end() -> None:
    run, days = _days(EVERYTHING)
    kinds = Counter(kind for day in days for kind in day.events.kind.tolist())
    assert min(kinds[k] for k in range(7)) > 0
    loans = np.concatenate([day.events.loan[day.events.kind == RESTRUCTURED] for day in days])
    assert run.ledger.restructured[loans].all()
    paused = np.flatnonzero(run.ledger.paused_until < 10**6)
    length = run.ledger.paused_until[paused] - run.ledger.paused_from[paused]
    assert ((length >= 30) & (length <= 90)).all()


def test_loans_leave_the_book_once_and_for_good() -> None:
    run, days = _days(EVERYTHING)
    p = _payments(days)
    for kind, state in ((COMPENSATION, COMPENSATED), (BUYBACK, BOUGHT_BACK)):
        loans = p.loan[p.kind == kind]
        assert len(loans) > 5
        assert len(np.unique(loans)) == len(loans)
        assert (run.ledger.state[loans] == state).all()
        assert (run.ledger.outstanding[loans] == 0).all()
        assert (run.ledger.oldest_due[loans] < run.end).any(), "the borrower still owes"
    sold = np.concatenate([day.events.loan[day.events.kind == TRANSFERRED] for day in days])
    assert (run.ledger.state[sold] == SOLD).all()
    after = p.where(np.isin(p.loan, sold) & (p.value_on > run.ledger.terminal_on[p.loan]))
    assert not np.isin(after.kind, (REPAYMENT, PREPAYMENT, RECOVERY)).any(), "its money is somebody else's"


def test_extensions_work_and_do_not() -> None:
    run, _ = _days(Habits(shock=0.03, extend=0.3))
    extended = np.flatnonzero(run.ledger.restructured)
    assert len(extended) > 20
    settled = run.ledger.state[extended] == SETTLED
    late_again = run.ledger.days_past_due(extended, run.end) > 30
    assert settled.any()
    assert late_again.any()


# ── borrowers ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_strategic_borrower_pays_to_the_day_and_stops_for_good() -> None:
    run, days = _days(Habits(strategic=0.2, returned=0.0))
    people, book = run.book.borrowers, run.book
    of_one = people.resolve[book.borrower] < 0.2
    p = _payments(days)
    mine = p.where(of_one[p.loan] & (p.kind != RECOVERY))
    stops = people.stops_on[book.borrower[mine.loan]]
    assert (mine.value_on <= stops + 5).all()
    owes = np.flatnonzero(of_one & (run.ledger.state == 0) & (people.stops_on[book.borrower] < run.end - 60))
    assert len(owes) > 20
    assert (run.ledger.days_past_due(owes, run.end) > 0).mean() > 0.9


def test_a_persons_trouble_is_the_same_at_every_lender() -> None:
    """Without troubles of a lender's own, people with loans at both are late at both or at neither."""
    habits = Habits(shock=0.0, first_payment_default=0.0, common=1.0, forget=0.0, partial=0.0, returned=0.0)
    late: list[dict[int, bool]] = []
    for lender in ("one", "another"):
        run = _simulation(habits, lender=lender, loans=3_000, indebted=4.0)
        for _ in run.run():
            pass
        who = run.book.borrowers.phone[run.book.borrower]
        active = np.flatnonzero(run.ledger.state == 0)
        days = run.ledger.days_past_due(active, run.end)
        worst: dict[int, bool] = {}
        for person, dpd in zip(who[active].tolist(), days.tolist(), strict=True):
            worst[person] = worst.get(person, False) or dpd > 30
        late.append(worst)
    both = set(late[0]) & set(late[1])
    assert len(both) > 100
    here, there = (np.array([worst[person] for person in sorted(both)]) for worst in late)
    assert there[here].mean() > 3 * there[~here].mean()
    people = _simulation(habits, loans=3_000).book.borrowers
    since = people.trouble_from[:, 0] - people.stops_on
    assert np.median(since[people.appetite > 0.9]) < np.median(since[people.appetite <= 0.9]), "they fare worse"


def test_a_smaller_lender_has_the_same_people() -> None:
    few = _simulation(Habits(), most_loans=100, indebted=5.0).book.borrowers
    many = _simulation(Habits(), lender="another", indebted=5.0).book.borrowers
    assert len(few.phone) < len(many.phone) / 3
    assert np.isin(few.phone, many.phone).mean() > 0.3


def test_a_score_flatters_a_segment() -> None:
    plain = _simulation(Habits()).book
    flattering = _simulation(Habits(), misjudged_channel=1).book
    of_channel = plain.channel == 1
    assert np.array_equal(plain.score[~of_channel], flattering.score[~of_channel])
    assert (flattering.score - plain.score)[of_channel].mean() > 50
    assert np.array_equal(plain.borrowers.risk, flattering.borrowers.risk)


def test_odd_loans() -> None:
    book = _simulation(Habits(odd=0.1), odd=True).book
    assert {1, 60} <= set(book.term.tolist())
    assert (book.principal == 0).any()
    assert book.planless.any()
    assert (book.due[book.offset[:-1]][book.planless] > 45_000).all()
    owed = book.principal_due + book.interest_due + book.fee_due
    assert ((owed == 0) & (book.principal[book.loan_of] > 0)).any()
    assert np.array_equal(np.add.reduceat(book.principal_due, book.offset[:-1]), book.principal)
    run = _simulation(Habits(odd=0.1), odd=True)
    for _ in run.run():
        pass
    lent = np.flatnonzero(run.book.disbursed <= run.end)
    assert (run.ledger.state[lent[book.principal[lent] == 0]] == SETTLED).all()
    assert (run.ledger.outstanding[book.planless] == book.principal[book.planless]).all()


# ── collection ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def collected() -> tuple[Simulation, list[Day], Actions]:
    run, days = _days(Habits(shock=0.03, collection=1.0))
    return run, days, join([day.actions for day in days])


def _hour(actions: Actions) -> Ints:
    return np.asarray((actions.at + 8 * 3600) % 86_400 // 3600, dtype=np.int64)


def test_actions_are_of_their_day_and_late_loans(collected: tuple[Simulation, list[Day], Actions]) -> None:
    _run, days, actions = collected
    assert len(actions) > 2_000
    assert len(np.unique(actions.id)) == len(actions)
    assert np.array_equal(actions.id // ACTIONS_A_DAY, (actions.at + 8 * 3600) // 86_400)
    for day in days:
        assert (np.diff(day.actions.at) >= 0).all()
    spoken = np.isin(actions.channel, (PHONE, VISIT))
    assert {PHONE, SMS, VISIT} <= set(actions.channel.tolist())
    assert not actions.connected[~spoken].any()
    assert (actions.outcome[~spoken] == DELIVERED).all()
    assert (actions.outcome[spoken & ~actions.connected] == NO_ANSWER).all()
    assert np.array_equal(actions.party == NOBODY, ~actions.connected)


def test_effort_follows_days_past_due() -> None:
    fresh = _simulation(Habits(shock=0.03, collection=1.0))
    effort: dict[str, list[int]] = {"1-3": [0, 0], "31-90": [0, 0], "361+": [0, 0]}
    agencies: Counter[tuple[bool, bool]] = Counter()
    for day in fresh.run():
        late = np.flatnonzero(
            (fresh.ledger.state[: fresh.known] == 0) & (fresh.ledger.oldest_due[: fresh.known] < day.day)
        )
        dpd = fresh.ledger.days_past_due(late, day.day)
        worked = np.isin(late, day.actions.loan)
        for band, (low, high) in {"1-3": (1, 3), "31-90": (31, 90), "361+": (361, 9999)}.items():
            within = (dpd >= low) & (dpd <= high)
            effort[band][0] += int(worked[within].sum())
            effort[band][1] += int(within.sum())
        of_action = fresh.ledger.days_past_due(day.actions.loan, day.day)
        agencies.update(zip((of_action > 30).tolist(), (day.actions.agency >= 0).tolist(), strict=True))
    rate = {band: worked / loans for band, (worked, loans) in effort.items() if loans}
    assert rate["31-90"] > 2 * rate["1-3"]
    assert rate["31-90"] > 4 * rate.get("361+", 0)
    assert set(agencies) == {(False, False), (True, True)}


def test_manners(collected: tuple[Simulation, list[Day], Actions]) -> None:
    _, _, actions = collected
    called = actions.where(np.isin(actions.channel, (PHONE, VISIT)))
    night = (_hour(called) >= 22) | (_hour(called) < 8)
    rude = called.agency == 1
    assert not night[~rude].any(), "who has manners keeps the hours"
    assert night[rude].mean() > 0.1
    contacts = called.party == CONTACT
    assert contacts[rude].sum() > 5 * contacts[~rude].sum()
    connected = called.where(called.connected)
    a_day = Counter(zip((connected.id // ACTIONS_A_DAY).tolist(), connected.loan.tolist(), strict=True))
    assert max(a_day.values()) > 3
    complaints = called.complaint
    assert complaints[rude].mean() > 3 * complaints[~rude].mean()
    assert complaints[called.outcome == COMPLAINED].all()


def test_promises_bring_payments(collected: tuple[Simulation, list[Day], Actions]) -> None:
    _run, days, actions = collected
    p = _payments(days)
    paid: dict[int, list[tuple[int, int]]] = {}
    for _, loan, amount, day, kind in _rows(p):
        if kind == REPAYMENT:
            paid.setdefault(loan, []).append((day, amount))
    promised = actions.where(actions.outcome == PROMISED)
    assert len(promised) > 100
    assert (promised.promised_amount > 0).all()
    made_on = promised.id // ACTIONS_A_DAY
    assert ((promised.promised_on > made_on) & (promised.promised_on <= made_on + 7)).all()
    assert ((actions.promised_on < 0) == (actions.outcome != PROMISED)).all()

    def is_kept(loan: int, since: int, until: int, amount: int) -> bool:
        return sum(a for day, a in paid.get(loan, []) if since <= day <= until) >= amount

    kept = np.array(
        [
            is_kept(*row)
            for row in zip(
                promised.loan.tolist(),
                made_on.tolist(),
                promised.promised_on.tolist(),
                promised.promised_amount.tolist(),
                strict=True,
            )
        ]
    )
    assert 0.15 < kept.mean() < 0.9
    skilled, unskilled = promised.agency == 0, promised.agency == 1
    assert kept[skilled].mean() > kept[unskilled].mean()


def test_collection_brings_money_in() -> None:
    with_it, without = (_days(Habits(shock=0.03, collection=effort))[0] for effort in (1.0, 0.0))

    def late(run: Simulation) -> float:
        active = np.flatnonzero(run.ledger.state == 0)
        return float((run.ledger.days_past_due(active, run.end) > 0).mean())

    assert late(with_it) < late(without)


# ── deliveries ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_schedule_of_month_ends_and_the_last_day() -> None:
    schedule = Schedule(start=19_723, end=19_800, every="month", incomplete=0.0, seed=1, lender="x")
    assert [day_date(int(d)).isoformat() for d in schedule.days] == ["2024-01-31", "2024-02-29", "2024-03-18"]
    assert schedule.delivered_on(19_000) == schedule.delivered_on(19_753) == 19_753
    assert schedule.delivered_on(19_754) == 19_782
    assert schedule.delivers(19_753)
    assert not schedule.delivers(19_752)


def test_a_schedule_with_days_missing() -> None:
    short, long = (
        Schedule(start=19_723, end=end, every="day", incomplete=0.3, seed=1, lender="x") for end in (19_900, 19_950)
    )
    assert set(short.days.tolist()) == {d for d in long.days.tolist() if d <= 19_900}
    assert 100 < len(short.days) < 160
    assert short.days[0] == 19_723
    assert {19_753, 19_782} <= set(short.days.tolist()), "month-ends are there"
    missing = sorted(set(range(19_723, 19_890)) - set(short.days.tolist()))
    assert all(short.delivered_on(day) > day for day in missing)

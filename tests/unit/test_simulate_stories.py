"""The simulator's ledger told as stories of one loan: 1,100 without interest, 100 due on the 1st of each month of 2020
from February."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from arrears.simulate.book import Ints, Product, Profile, add_months, day_date, day_number, draw_book
from arrears.simulate.ledger import ACTIVE, SETTLED, Ledger

_PROFILE = Profile(
    products=(Product("plain", 1.0, (11,), (1_100, 1_100, 100), (0,), (0,), (0,)),),
    purposes=("any",),
    channels=("app",),
    funders=("own",),
)
LOAN: Ints = np.array([0])


class Story:
    """A ledger with one loan that matters, taken from day to day."""

    def __init__(self) -> None:
        lent = date(2020, 1, 1)
        book = draw_book(seed=1, lender="story", profile=_PROFILE, start=lent, end=lent, loans=1)
        first = np.full(11, day_number(lent), dtype=np.int32)
        book.disbursed[0] = first[0]
        book.due[:11] = add_months(first, np.arange(1, 12))
        self.ledger = Ledger(book)
        self.today = day_number(lent)

    def on(self, month: int, day: int) -> int:
        """Go to the morning of a day of 2020; its number."""
        until = day_number(date(2020, month, day))
        while self.today < until:
            self.ledger.fall_due(np.flatnonzero(self.ledger.due[:11] == self.today))
            self.today += 1
        return until

    def pay(self, yuan: int, month: int, day: int) -> None:
        self.ledger.receive(LOAN, np.array([yuan * 100]), self.on(month, day))

    def back(self, yuan: int, month: int, day: int) -> None:
        self.on(month, day)
        self.ledger.take_back(LOAN, np.array([yuan * 100]))

    def charged_back(self, yuan: int, month: int, day: int) -> None:
        self.on(month, day)
        self.ledger.charge_back(LOAN, np.array([yuan * 100]))

    def dpd(self, month: int, day: int) -> int:
        """Days past due at the close of a day."""
        now = self.on(month, day)
        self.ledger.close(LOAN, now)
        return int(self.ledger.days_past_due(LOAN, now)[0])

    def contractual(self) -> int:
        return int(self.ledger.contractual_days_past_due(LOAN, self.today)[0])

    def overdue(self) -> int:
        return int(self.ledger.position(LOAN).overdue_amount[0])

    def paid(self) -> list[list[int]]:
        """Principal, interest, fee and penalty received, by instalment."""
        return [list(row) for row in zip(*(c.tolist() for c in self.ledger.paid_of(np.arange(11))), strict=True)]


@pytest.fixture
def story() -> Story:
    return Story()


def test_vector_a(story: Story) -> None:
    """The project's worked vector: a return re-opens February from its own due day."""
    story.pay(100, 2, 1)
    assert story.dpd(2, 1) == 0
    story.back(100, 2, 3)
    assert story.dpd(2, 3) == 2
    assert story.dpd(3, 1) == 29
    story.pay(100, 3, 1)
    assert story.dpd(3, 1) == 0
    assert story.dpd(3, 2) == 1
    assert story.dpd(4, 1) == 31
    story.pay(50, 4, 1)
    assert story.dpd(4, 1) == 31
    story.pay(80, 4, 10)
    assert story.dpd(4, 10) == 9
    assert story.dpd(4, 16) == 15
    assert [row[0] for row in story.paid()[:4]] == [10_000, 10_000, 3_000, 0]


def test_a_chargeback_opens_again_on_its_own_day(story: Story) -> None:
    story.pay(100, 2, 1)
    story.pay(100, 3, 1)
    assert story.dpd(3, 14) == 0
    story.charged_back(100, 3, 15)
    assert (story.dpd(3, 15), story.contractual(), story.overdue()) == (0, 0, 0)
    assert (story.dpd(3, 16), story.contractual(), story.overdue()) == (1, 1, 10_000)
    assert (story.dpd(4, 2), story.contractual(), story.overdue()) == (18, 18, 20_000)

    story.pay(100, 4, 3)
    assert story.dpd(4, 3) == 2, "settled again: April is the oldest"
    story.back(100, 4, 5)
    assert story.dpd(4, 5) == 35, "a bank return opens March again from its own due day"


def test_a_chargeback_does_not_help_an_instalment_that_was_late_before(story: Story) -> None:
    story.pay(100, 2, 1)
    assert story.dpd(3, 14) == 13
    story.charged_back(100, 3, 15)
    assert (story.dpd(3, 15), story.overdue()) == (14, 10_000), "March since the 1st; February falls due today"
    assert (story.dpd(3, 16), story.overdue()) == (15, 20_000)
    story.pay(50, 3, 17)
    assert (story.dpd(3, 17), story.overdue()) == (16, 15_000)


def test_a_chargeback_beside_a_bank_return_opens_again_from_the_due_day(story: Story) -> None:
    story.pay(200, 2, 1)
    assert story.dpd(3, 14) == 0
    story.charged_back(100, 3, 15)
    story.back(50, 3, 15)
    assert (story.dpd(3, 15), story.overdue()) == (43, 15_000)


def test_two_chargebacks_open_two_instalments_again_each_on_its_day(story: Story) -> None:
    story.pay(200, 2, 1)
    assert story.dpd(3, 9) == 0
    story.charged_back(100, 3, 10)
    assert story.dpd(3, 10) == 0
    assert story.dpd(3, 19) == 9
    story.charged_back(100, 3, 20)
    assert story.dpd(3, 20) == 10, "March counts from the 10th, February from the 20th"
    story.pay(100, 3, 25)
    assert story.dpd(3, 25) == 15


def test_a_chargeback_counts_in_the_contract_when_the_plan_is_moved(story: Story) -> None:
    story.pay(100, 2, 1)
    story.pay(100, 3, 1)
    assert story.dpd(3, 14) == 0
    story.charged_back(100, 3, 15)
    assert story.dpd(3, 15) == 0
    assert story.dpd(3, 30) == 15
    story.ledger.extend(LOAN, story.on(3, 30), np.array([2]), np.array([False]))
    assert (story.dpd(3, 31), story.contractual()) == (0, 16)


def test_each_instalment_knows_when_it_last_received_money(story: Story) -> None:
    story.pay(150, 2, 1)
    story.pay(50, 2, 20)
    story.pay(30, 3, 5)
    days = [None if d < 0 else day_date(int(d)).isoformat() for d in story.ledger.last_paid_on[:4]]
    assert days == ["2020-02-01", "2020-02-20", "2020-03-05", None]


def test_a_full_prepayment_settles_what_is_to_come(story: Story) -> None:
    story.pay(100, 2, 1)
    now = story.on(2, 15)
    payoff = story.ledger.payoff(LOAN, now)
    assert payoff.tolist() == [100_000]
    story.ledger.receive(LOAN, payoff, now)
    story.ledger.prepay(LOAN, now)
    assert story.ledger.close(LOAN, now).tolist() == [0]
    assert story.ledger.settled_early(np.arange(11)).tolist() == [False] + [True] * 10
    assert set(story.ledger.last_paid_on[1:11].tolist()) == {now}
    story.back(1_000, 2, 18)
    story.ledger.prepaid[0] = False
    assert story.dpd(3, 2) == 1, "the return re-opens it"
    assert story.ledger.state[0] == ACTIVE


def test_a_pause_stops_the_clock_only_inside(story: Story) -> None:
    assert story.dpd(2, 10) == 9
    story.ledger.pause(LOAN, story.on(2, 11), np.array([day_number(date(2020, 2, 21))]))
    assert [story.dpd(2, day) for day in (11, 15, 20)] == [9, 9, 9]
    assert story.contractual() == 19
    assert [story.dpd(2, day) for day in (21, 22)] == [10, 11]
    story.pay(100, 2, 25)
    assert story.dpd(3, 5) == 4, "a later instalment was never in the pause"


def test_an_instalment_that_falls_due_in_a_pause(story: Story) -> None:
    story.pay(100, 2, 1)
    story.ledger.pause(LOAN, story.on(2, 20), np.array([day_number(date(2020, 3, 11))]))
    assert story.dpd(3, 10) == 0
    assert story.overdue() == 10_000, "it is owed all the same"
    assert story.dpd(3, 11) == 1


def test_an_extension_restarts_the_clock_and_the_contract_goes_on(story: Story) -> None:
    now = story.on(3, 10)
    moved, rows = story.ledger.extend(LOAN, now, np.array([2]), np.array([False]))
    assert moved.tolist() == [3]
    assert rows.tolist() == list(range(11))
    assert day_date(int(story.ledger.due[0])) == date(2020, 5, 1)
    assert story.dpd(3, 10) == 0
    assert story.contractual() == 38
    assert story.overdue() == 0
    assert story.dpd(5, 11) == 10
    assert story.ledger.restructured[0]


def test_a_plan_that_is_moved_twice_is_moved_on(story: Story) -> None:
    story.ledger.extend(LOAN, story.on(3, 10), np.array([1]), np.array([False]))
    moved, _ = story.ledger.restructure(LOAN, story.on(6, 10), np.array([1]))
    assert day_date(int(story.ledger.due[0])) == date(2020, 7, 1)
    assert moved.tolist() == [3]
    assert story.dpd(7, 3) == 2


def test_a_part_prepayment_is_the_next_instalment_made_larger(story: Story) -> None:
    story.pay(100, 2, 1)
    now = story.on(2, 15)
    part = story.ledger.part_prepayment(LOAN, now, np.array([400]))
    assert part.principal.tolist() == [40_000]
    owed = story.ledger.prepay_part(part, now)
    story.ledger.receive(LOAN, owed, now)
    assert story.dpd(2, 15) == 0
    assert story.ledger.position(LOAN).outstanding.tolist() == [60_000]
    assert story.ledger.principal_due[:11].tolist() == [10_000, 40_000] + [6_667] * 8 + [6_664]
    assert day_date(int(story.ledger.due[1])) == date(2020, 2, 15)
    assert story.dpd(4, 1) == 0, "March is paid, April is due today"
    assert story.dpd(4, 2) == 1


def test_a_penalty_delays_the_next_instalment_and_no_earlier_payment(story: Story) -> None:
    story.on(2, 29)
    story.dpd(2, 29)
    assert story.ledger.charge_penalties(LOAN, 100).tolist() == [0]
    story.on(3, 31)
    story.dpd(3, 31)
    story.ledger.charge_penalties(LOAN, 100)
    assert story.ledger.penalty_due[:3].tolist() == [200, 100, 0]
    assert story.overdue() == 20_000, "a penalty is no part of what is overdue"
    story.pay(100, 4, 1)
    assert story.dpd(4, 1) == 31, "the instalment is paid, its penalty is not waited for"
    story.pay(100, 4, 2)
    assert story.paid()[:2] == [[10_000, 0, 0, 200], [9_800, 0, 0, 0]]
    assert story.dpd(4, 2) == 32, "2 of 100 went to the penalty"


def test_a_penalty_is_not_charged_where_a_payment_once_went_past(story: Story) -> None:
    story.pay(150, 2, 1)
    story.back(150, 2, 3)
    story.on(3, 31)
    story.dpd(3, 31)
    story.ledger.charge_penalties(LOAN, 100)
    assert story.ledger.penalty_due[:3].tolist() == [0, 100, 0]


def test_a_fen_short_is_not_short(story: Story) -> None:
    story.ledger.receive(LOAN, np.array([9_999]), story.on(2, 1))
    assert story.dpd(2, 20) == 0
    story.ledger.receive(LOAN, np.array([100_000]), story.on(2, 21))
    assert story.ledger.close(LOAN, story.today).tolist() == [0]
    assert story.ledger.state[0] == SETTLED

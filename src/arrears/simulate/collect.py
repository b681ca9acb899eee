"""Collection: whom a lender and its agencies try to reach on a day, what comes of it, and who promises what.

Effort follows days past due. Loans up to 30 days late are the lender's own staff's; later ones belong to an agency for
good. An agency without manners calls at night, again and again, and whoever it has a number of; complaints
follow. A promise is kept or not: where it is kept, money comes.
"""

from __future__ import annotations

import numpy as np

from arrears.simulate.behaviour import FULL, PART, Borrowers, Intentions
from arrears.simulate.book import Book, Floats, Ints, Profile, stream
from arrears.simulate.ledger import ACTIVE, Ledger
from arrears.simulate.records import (
    COMPLAINED,
    CONTACT,
    DEBTOR,
    DELIVERED,
    HARDSHIP,
    NO_ANSWER,
    NOBODY,
    PAID_ALREADY,
    PHONE,
    PROMISED,
    REFUSED,
    VISIT,
    Actions,
    Bools,
)

_BANDS = np.array([4, 31, 91, 181, 361])
"""First days past due of the bands after the first."""
_ATTEMPTS_A_DAY = np.array([0.12, 0.29, 0.35, 0.20, 0.08, 0.03])
_CHANNELS = np.cumsum(
    [
        # phone, sms, visit, letter, in the app, legal
        [0.10, 0.55, 0.00, 0.00, 0.35, 0.00],
        [0.50, 0.35, 0.00, 0.00, 0.15, 0.00],
        [0.62, 0.20, 0.08, 0.06, 0.03, 0.01],
        [0.50, 0.15, 0.17, 0.10, 0.02, 0.06],
        [0.40, 0.15, 0.15, 0.15, 0.00, 0.15],
        [0.35, 0.15, 0.10, 0.20, 0.00, 0.20],
    ],
    axis=1,
)
_AGENCY_FROM = 31
_OWN_SKILL, _OWN_MANNERS = 0.55, 1.0
_DAY, _EAST = 86_400, 8 * 3600
"""Seconds in a day, and of China ahead of UTC."""


class Collection:
    """The collectors of one lender."""

    def __init__(self, seed: int, lender: str, profile: Profile, book: Book, ledger: Ledger) -> None:
        self._seed, self._lender = seed, lender
        self._effort = profile.habits.collection
        self._book, self._ledger = book, ledger
        self._skill = np.array([_OWN_SKILL, *(a.skill for a in profile.agencies)])
        self._manners = np.array([_OWN_MANNERS, *(a.manners for a in profile.agencies)])
        count = len(profile.agencies)
        draws = stream(seed, lender, "agencies").random(len(book) if self._effort > 0 else 0)
        self._agency = np.floor(draws * count).astype(np.int64) if count else np.full(len(draws), -1)
        self._promised_until = np.zeros(len(draws), dtype=np.int64)

    def work(self, today: int, known: int, borrowers: Borrowers) -> tuple[Actions, Intentions] | None:
        """The day's actions, after the books were closed, and the payments that promises will bring.

        None where the lender does not collect.
        """
        if self._effort <= 0:
            return None
        rng = stream(self._seed, self._lender, "collection", today + 10**6)
        loan, dpd, calls = self._attempts(rng, today, known)
        band = np.searchsorted(_BANDS, dpd, side="right")
        agency = np.where(dpd >= _AGENCY_FROM, self._agency[loan], -1)
        skill, manners = self._skill[agency + 1], self._manners[agency + 1]
        u = rng.random((len(loan), 8))

        channel = np.where(calls, PHONE, (u[:, :1] >= _CHANNELS[band]).sum(axis=1))
        channel = np.minimum(channel, _CHANNELS.shape[1] - 1)
        spoken = (channel == PHONE) | (channel == VISIT)
        connected = spoken & (u[:, 1] < 0.22 + 0.3 * skill - 0.04 * band)
        party = np.where(u[:, 2] < 0.01 + 0.3 * (1 - manners), CONTACT, DEBTOR)
        party = np.where(connected, party, NOBODY)
        seconds, rude = _time_of_day(u[:, 3], u[:, 4], spoken, manners)

        word = borrowers.word(self._book.borrower[loan], today)
        outcome = _outcomes(u[:, 5], party, skill, manners, word)
        outcome = np.where(spoken, np.where(connected, outcome, NO_ANSWER), DELIVERED)
        breach = connected & (rude | (party == CONTACT))
        complaint = (outcome == COMPLAINED) | (breach & (u[:, 6] < 0.08))

        order = np.argsort(seconds, kind="stable")
        outcome = self._one_promise_each(order, loan, outcome, today)
        amount, on, meant = self._promises(rng, today, loan, outcome, skill, word)
        actions = Actions(
            id=np.zeros(len(loan), dtype=np.int64),
            loan=loan,
            at=today * _DAY - _EAST + seconds,
            channel=channel,
            agency=agency,
            connected=connected,
            party=party,
            outcome=outcome,
            promised_amount=amount,
            promised_on=on,
            complaint=complaint,
        )
        return actions.where(order).numbered(today), meant

    def _attempts(self, rng: np.random.Generator, today: int, known: int) -> tuple[Ints, Ints, Bools]:
        """Loans to be worked today, as often as they are; their days past due; and whether an attempt is one of a
        series of calls."""
        ledger = self._ledger
        late = np.flatnonzero(ledger.oldest_due[:known] < today)
        late = late[(ledger.state[late] == ACTIVE) & ~ledger.is_paused(late, today)]
        dpd = ledger.days_past_due(late, today)
        u = rng.random((len(late), 3))
        worked = u[:, 0] < np.minimum(_ATTEMPTS_A_DAY[np.searchsorted(_BANDS, dpd, side="right")] * self._effort, 1)
        late, dpd, u = late[worked], dpd[worked], u[worked]
        agency = np.where(dpd >= _AGENCY_FROM, self._agency[late], -1)
        pestered = u[:, 1] < 0.4 * (1 - self._manners[agency + 1])
        times = np.where(pestered, 4 + np.floor(u[:, 2] * 6).astype(np.int64), 1)
        return np.repeat(late, times), np.repeat(dpd, times), np.repeat(pestered, times)

    def _one_promise_each(self, order: Ints, loan: Ints, outcome: Ints, today: int) -> Ints:
        """Only the first promise of the day stands, and none while an earlier one is open: those refuse."""
        found = outcome.copy()
        promising = order[outcome[order] == PROMISED]
        _, firsts = np.unique(loan[promising], return_index=True)
        stands = np.zeros(len(loan), dtype=np.bool_)
        stands[promising[firsts]] = True
        found[(outcome == PROMISED) & ~(stands & (self._promised_until[loan] < today))] = REFUSED
        return found

    def _promises(
        self, rng: np.random.Generator, today: int, loan: Ints, outcome: Ints, skill: Floats, word: Floats
    ) -> tuple[Ints, Ints, Intentions]:
        """Promised amounts and days (-1 where nothing was promised), and the payments that keep them."""
        ledger = self._ledger
        amount, on = np.full(len(loan), -1), np.full(len(loan), -1)
        at = np.flatnonzero(outcome == PROMISED)
        who = loan[at]
        u = rng.random((len(at), 4))
        row = np.maximum(self._book.offset[who] + ledger.fallen[who] - 1, self._book.offset[who])
        share = np.where(u[:, 0] < 0.6, 1000, 300 + 100 * np.floor(u[:, 0] * 6).astype(np.int64))
        missing = ledger.short_of(who, row)
        amount[at] = np.where(share == 1000, missing, np.maximum(missing * share // 1000 // 100 * 100, 100))
        on[at] = today + 1 + np.floor(u[:, 1] * 7).astype(np.int64)
        self._promised_until[who] = on[at]

        kept = (0.35 + 0.4 * skill[at]) * word[at]
        keeps = u[:, 2] < kept
        partly = ~keeps & (u[:, 2] < kept + 0.12)
        day = np.maximum(on[at] - (u[:, 3] < 0.3), today + 1)
        paid = np.where(keeps, share, share // 2)
        manner = np.where(paid == 1000, FULL, PART)
        return amount, on, Intentions(day, who, manner, row, paid).where(keeps | partly)


def _time_of_day(u: Floats, v: Floats, spoken: Bools, manners: Floats) -> tuple[Ints, Bools]:
    """Seconds since local midnight, and whether that is a time at which nobody may be called."""
    rude = spoken & (u < 0.25 * (1 - manners))
    early = rude & (v < 0.3)
    usual = 30_600 + np.floor(v * 43_200)
    seconds = np.where(rude, np.where(early, 23_400 + v * 17_000, 79_200 + (v - 0.3) * 8_500), usual)
    return seconds.astype(np.int64), rude


def _outcomes(u: Floats, party: Ints, skill: Floats, manners: Floats, word: Floats) -> Ints:
    """What was said, where somebody was reached."""
    debtor = party == DEBTOR
    bounds = np.cumsum(
        np.stack(
            [
                np.where(debtor, (0.2 + 0.3 * skill) * (0.5 + 0.5 * word), 0.0),
                np.where(debtor, 0.30 - 0.22 * word, 0.0),
                np.where(debtor, 0.05, 0.0),
                np.where(debtor, 0.01, 0.06) + 0.06 * (1 - manners),
            ]
        ),
        axis=0,
    )
    said = np.array([PROMISED, HARDSHIP, PAID_ALREADY, COMPLAINED, REFUSED])
    return np.asarray(said[(u >= bounds).sum(axis=0)], dtype=np.int64)

"""The loans of one lender as they were lent: borrowers, terms and the repayment plans that were agreed.

Everything here is fixed on the day of disbursement. What happens afterwards is in `behaviour` and `ledger`.

Money is int64 in the smallest unit of the currency (fen, cents); days are int32 days since 1970-01-01.
A book is drawn in blocks of a calendar month, each from its own random stream, so a book that runs a day
longer begins with the same loans.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from arrears.simulate.profile import Agency, Habits, Product, Profile

Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

HISTORY_MONTHS = 18
"""How long before the first delivery the book begins."""

PEOPLE_PER_LOAN = 8
"""People from whom a block's borrowers are drawn; all lenders draw from the same people."""

LONGEST_TERM = 60

_FOREVER = 10**6


def stream(seed: int, *purpose: str | int) -> np.random.Generator:
    """A random stream of its own for a purpose: the same words and numbers give the same draws everywhere."""
    words = [zlib.crc32(p.encode()) if isinstance(p, str) else p for p in purpose]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def day_date(number: int) -> date:
    """The date of a number of days since 1970-01-01."""
    return date.fromordinal(number + date(1970, 1, 1).toordinal())


def add_months(days: Days, months: Ints | int) -> Days:
    """The same day of the month some months on; where the month is shorter, its last day.

    Always counted from the anchor and never from the date before, so 31 Jan gives 28 Feb and then 31 Mar.
    """
    dates = days.astype("datetime64[D]")
    month = dates.astype("datetime64[M]")
    into = (dates - month.astype("datetime64[D]")).astype(np.int64)
    target = month + np.asarray(months, dtype=np.int64)
    first = target.astype("datetime64[D]").astype(np.int64)
    last = (target + 1).astype("datetime64[D]").astype(np.int64) - 1
    found: Days = np.minimum(first + into, last).astype(np.int32)
    return found


def months_between(earlier: Days, later: Days | int) -> Ints:
    """Calendar months from one day's month to another's."""
    a = earlier.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    b = np.asarray(later, dtype=np.int32).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.asarray(b - a, dtype=np.int64)


def distinct(values: npt.NDArray[np.integer[Any]]) -> Ints:
    """The values in order, each once. Quicker than np.unique for some thousands."""
    ordered = np.sort(values)
    first = np.empty(len(ordered), dtype=np.bool_)
    first[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first].astype(np.int64)


@dataclass
class People:
    """Columns of people, one row a person. Names and numbers are codes here; `persons` gives them as text."""

    born: Days
    gender: Ints  # 0 female, 1 male
    province: Ints  # position in persons.PROVINCES
    income: Ints  # 0 lowest … 4 highest
    surname: Ints
    given: Ints  # (n, 2); the second may be -1
    spelling: Ints  # 0 usual; other values pick unusual spellings of name and phone
    serial: Ints  # the part of the identity number that tells people born on one day apart
    phone: Ints  # 11 digits
    risk: Floats  # 0 average, standard deviation about 1
    appetite: Floats  # 0 to 1; above `_HUNGRY` they borrow wherever they can
    resolve: Floats  # 0 to 1; the lowest pay to the day and then stop for good …
    stops_on: Ints  # … from this day on
    trouble_from: Ints  # (n, TROUBLES): days on which troubles begin, whoever lent to them
    trouble_until: Ints  # (n, TROUBLES): and end
    gravity: Floats  # (n, TROUBLES): 0 gravest … 1

    def take(self, rows: Ints) -> People:
        """The people of some rows."""
        return People(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


TROUBLES = 3
"""Troubles drawn for each person; few live to see the third."""


@dataclass
class Book:
    """All loans of a lender, ordered by day of disbursement, with their plans (flat: loan i has rows
    `offset[i]:offset[i + 1]` of the plan columns). Borrowers are ordered by their first loan."""

    borrowers: People
    first_loan: Ints
    """Per borrower: its first loan."""

    disbursed: Days
    number: Ints
    """Running number within the day of disbursement, from 1."""
    borrower: Ints
    product: Ints
    purpose: Ints
    channel: Ints
    funder: Ints
    principal: Ints
    rate_bp: Ints
    term: Ints
    bullet: npt.NDArray[np.bool_]
    score: Ints
    grade: Ints
    """0 best … 4 worst."""
    write_off_at: Ints
    """Days past due at which this loan is written off."""

    offset: Ints
    loan_of: npt.NDArray[np.int32]
    due: Days
    principal_due: Ints
    interest_due: Ints
    fee_due: Ints
    planless: npt.NDArray[np.bool_]
    """Per loan: lent without a plan. The one row that it has here never falls due, and no file shows it."""

    def __len__(self) -> int:
        return len(self.disbursed)


_FLATTERY = 60
"""Points by which the score of a misjudged segment is too good."""

_SEASON = (0.95, 0.75, 1.0, 0.97, 1.0, 1.05, 1.0, 1.0, 1.02, 1.0, 1.2, 1.06)
"""Lending by calendar month: little around the spring festival, much in November."""


_HUNGRY = 0.9
_TROUBLE_EVERY = 70.0
"""Mean months between the troubles of a person of average risk."""
_TROUBLE_LASTS = 90.0
_LASTING_TROUBLE = 0.25


def _people(seed: int, month: int, count: int) -> People:
    """The people of a month: the same for every lender."""
    rng = stream(seed, "people", month + 100_000)
    age = np.clip(rng.gamma(6.0, 3.2, count) + 18.5, 19, 66)
    born = (month * 30.436875 - age * 365.2425 - rng.integers(0, 365, count)).astype(np.int32)
    income = np.clip(np.rint(rng.normal(1.7, 1.1, count) + 0.03 * np.clip(age - 28, -8, 15)), 0, 4)
    risk = rng.normal(0.0, 1.0, count) + 0.45 * (age < 27) + 0.30 * (income <= 1) - 0.25
    given = rng.integers(0, 1000, (count, 2))
    given[rng.random(count) < 0.25, 1] = -1
    spelling = np.where(rng.random(count) < 0.03, rng.integers(1, 100, count), 0)
    return People(
        born=born,
        gender=rng.integers(0, 2, count),
        province=rng.integers(0, 31, count),
        income=income.astype(np.int64),
        surname=rng.integers(0, 1000, count),
        given=given,
        spelling=spelling,
        serial=rng.integers(0, 50_000, count),
        phone=13_000_000_000 + rng.integers(0, 7_000_000_000, count),
        risk=risk,
        **_fates(seed, month, risk),
    )


def _fates(seed: int, month: int, risk: Floats) -> dict[str, npt.NDArray[Any]]:
    """What becomes of the people of a month, whoever lends to them: from a stream of their own."""
    count = len(risk)
    rng = stream(seed, "fates", month + 100_000)
    u = rng.random((count, 2))
    appetite = u[:, 0]
    strained = risk + 0.8 * (appetite > _HUNGRY)
    months = rng.exponential(_TROUBLE_EVERY, (count, TROUBLES)) * np.exp(-0.7 * strained)[:, None]
    lasts = 30 + np.floor(rng.exponential(_TROUBLE_LASTS, (count, TROUBLES)))
    lasts[rng.random((count, TROUBLES)) < _LASTING_TROUBLE] = _FOREVER
    start = int(np.datetime64(month, "M").astype("datetime64[D]").astype(np.int64))
    begins = np.zeros((count, TROUBLES), dtype=np.int64)
    ends = begins.copy()
    free_from = np.full(count, float(start))
    for k in range(TROUBLES):
        begins[:, k] = np.floor(free_from + months[:, k] * 30.4)
        ends[:, k] = begins[:, k] + lasts[:, k]
        free_from = ends[:, k].astype(np.float64)
    return {
        "appetite": appetite,
        "resolve": u[:, 1],
        "stops_on": start + rng.integers(120, 540, count),
        "trouble_from": begins,
        "trouble_until": ends,
        "gravity": rng.random((count, TROUBLES)),
    }


def _borrowers(seed: int, lender: str, profile: Profile, month: int, *, block: int, wanted: int) -> People:
    """Some of the month's people, as this lender's customers.

    block: loans that a lender without a limit lends in the month. All lenders draw from the same people only because
    it is the same for all.
    """
    people = _people(seed, month, max(block * PEOPLE_PER_LOAN, 1))
    rng = stream(seed, lender, "customers", month + 100_000)
    age_days = month * 30.436875 - people.born
    young, poor = age_days < 30 * 365.25, people.income <= 1
    liking = profile.young * young + profile.low_income * poor + profile.indebted * (people.appetite > _HUNGRY)
    order = np.argsort(-(liking + rng.gumbel(size=len(liking))), kind="stable")[:wanted]
    chosen = people.take(order.astype(np.int64))
    tilt = profile.young_risk * young[order] + profile.low_income_risk * poor[order]
    chosen.risk = chosen.risk + profile.risk + tilt
    return chosen


def _concat(parts: list[People]) -> People:
    return People(*(np.concatenate([getattr(p, name) for p in parts]) for name in People.__dataclass_fields__))


@dataclass(frozen=True)
class HandMade:
    """A loan with terms of its own: the first one lent on a day or after it."""

    disbursed_from: int
    principal: int
    term: int
    purpose: int


def draw_book(
    *, seed: int, lender: str, profile: Profile, start: date, end: date, loans: int, made: Sequence[HandMade] = ()
) -> Book:
    """Draw a lender's book.

    loans: how many are lent in the 18 months before `start`, about; lending goes on at that pace to `end`.
    made: loans that are given terms of their own, where the book goes back as far.
    """
    first_month = (start.year - 1970) * 12 + start.month - 1 - HISTORY_MONTHS
    last_month = (end.year - 1970) * 12 + end.month - 1
    parts: list[dict[str, npt.NDArray[np.generic]]] = []
    people: list[People] = []
    borrowers = 0
    pace = loans if profile.most_loans is None else min(loans, profile.most_loans)
    for month in range(first_month, last_month + 1):
        block, count = (max(1, round(n / HISTORY_MONTHS * _SEASON[month % 12])) for n in (loans, pace))
        rng = stream(seed, lender, "loans", month + 100_000)
        begins = int(np.datetime64(month, "M").astype("datetime64[D]").astype(np.int64))
        length = int(np.datetime64(month + 1, "M").astype("datetime64[D]").astype(np.int64)) - begins
        disbursed = np.sort(begins + rng.integers(0, length, count)).astype(np.int32)
        repeat = rng.random(count) < (profile.repeat_share if borrowers else 0.0)
        fresh = int(count - repeat.sum())
        people.append(_borrowers(seed, lender, profile, month, block=block, wanted=fresh))
        borrower = np.empty(count, dtype=np.int64)
        borrower[~repeat] = borrowers + np.arange(fresh)
        if borrowers:
            borrower[repeat] = rng.integers(0, borrowers, count - fresh)
        borrowers += fresh
        terms = _terms(rng, profile, disbursed, borrower, count)
        _make_odd(stream(seed, lender, "odd", month + 100_000), profile, terms)
        parts.append(terms)
    columns = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    keep = columns["disbursed"] <= day_number(end)
    columns = {name: values[keep] for name, values in columns.items()}
    for loan in made:
        _make(columns, loan)
    known = int(columns["borrower"].max(initial=-1)) + 1
    everyone = _concat(people).take(np.arange(known))
    return _with_plans(columns, everyone, profile)


def _make(columns: dict[str, npt.NDArray[Any]], made: HandMade) -> None:
    disbursed = columns["disbursed"]
    at = int(np.searchsorted(disbursed, made.disbursed_from))
    if at == len(disbursed) or (at == 0 and int(disbursed[0]) > made.disbursed_from):
        return
    own = {"principal": made.principal, "term": made.term, "purpose": made.purpose, "oddity": 0, "bullet": False}
    for name, value in own.items():
        columns[name][at] = value


SINGLE, EMPTY_INSTALMENT, LONGEST, PLANLESS, NO_PRINCIPAL = range(1, 6)
"""Kinds of odd loan: a single instalment, one instalment of nothing, the longest term, no plan, principal zero."""
_ODDITIES = (SINGLE, EMPTY_INSTALMENT, LONGEST, PLANLESS, NO_PRINCIPAL)
_ORDINARY_ODDITIES = 3
_NO_DUE_DAY = (date(2100, 12, 31) - date(1970, 1, 1)).days


def _terms(
    rng: np.random.Generator, profile: Profile, disbursed: Days, borrower: Ints, count: int
) -> dict[str, npt.NDArray[np.generic]]:
    shares = np.array([p.share for p in profile.products])
    product = np.searchsorted(np.cumsum(shares / shares.sum()), rng.random(count), side="right")
    columns = {name: np.zeros(count, dtype=np.int64) for name in ("purpose", "channel", "principal", "rate", "term")}
    bullet = np.zeros(count, dtype=np.bool_)
    draws = rng.random((count, 6))
    for i, p in enumerate(profile.products):
        rows = np.flatnonzero(product == i)
        u = draws[rows]
        low, high, step = p.amounts
        steps = np.floor(np.exp(np.log(low) + u[:, 0] * (np.log(high) - np.log(low))) / step)
        columns["principal"][rows] = np.maximum(steps * step, low).astype(np.int64) * 100
        for name, choices, k in (
            ("rate", p.rates, 1),
            ("term", p.terms, 2),
            ("purpose", p.purposes, 3),
            ("channel", p.channels, 4),
        ):
            columns[name][rows] = np.array(choices)[(u[:, k] * len(choices)).astype(np.int64)]
        bullet[rows] = u[:, 5] < p.bullet_share
    low_days, high_days = profile.habits.write_off_days
    starts = np.flatnonzero(np.r_[True, disbursed[1:] != disbursed[:-1]])
    lengths = np.diff(np.r_[starts, count])
    return {
        "disbursed": disbursed,
        "number": np.arange(count) - np.repeat(starts, lengths) + 1,
        "borrower": borrower,
        "product": product.astype(np.int64),
        "purpose": columns["purpose"],
        "channel": columns["channel"],
        "principal": columns["principal"],
        "rate_bp": columns["rate"],
        "term": columns["term"],
        "bullet": bullet,
        "funder": np.floor(rng.random(count) ** 2 * len(profile.funders)).astype(np.int64),
        "write_off_at": rng.integers(low_days, high_days + 1, count),
        "noise": rng.normal(0.0, 28.0, count),
    }


def _make_odd(rng: np.random.Generator, profile: Profile, terms: dict[str, npt.NDArray[np.generic]]) -> None:
    """Turn some loans of a block into degenerate ones, each equally likely to be of any kind."""
    count = len(terms["disbursed"])
    kinds = len(_ODDITIES) if profile.odd else _ORDINARY_ODDITIES
    u = rng.random((count, 2))
    odd = np.where(u[:, 0] < profile.habits.odd, np.floor(u[:, 1] * kinds).astype(np.int64) + 1, 0)
    terms["oddity"] = odd
    terms["term"] = np.select(
        [odd == SINGLE, odd == LONGEST, odd == PLANLESS], [1, LONGEST_TERM, 1], terms["term"].astype(np.int64)
    )
    terms["principal"] = np.where(odd == NO_PRINCIPAL, 0, terms["principal"].astype(np.int64))


def _with_plans(columns: dict[str, npt.NDArray[np.generic]], borrowers: People, profile: Profile) -> Book:
    loans: dict[str, Ints] = {k: v.astype(np.int64) for k, v in columns.items() if k not in ("noise", "bullet")}
    noise = columns["noise"].astype(np.float64)
    bullet = columns["bullet"].astype(np.bool_)
    count = len(bullet)
    flattered = np.zeros(count, dtype=np.bool_)
    if profile.misjudged_channel is not None:
        flattered |= loans["channel"] == profile.misjudged_channel
    if profile.misjudged_income is not None:
        flattered |= borrowers.income[loans["borrower"]] == profile.misjudged_income
    merit = 640 - 42 * borrowers.risk[loans["borrower"]] + _FLATTERY * flattered + noise
    score = np.clip(np.rint(merit), 350, 850).astype(np.int64)
    grade = np.searchsorted(np.array([-700, -660, -620, -570]), -score, side="right").astype(np.int64)
    offset = np.concatenate([[0], np.cumsum(loans["term"])]).astype(np.int64)
    fee_bp = np.array([p.fee_bp for p in profile.products], dtype=np.int64)[loans["product"]]
    plan = _plans(loans, bullet, fee_bp, offset)
    oddity = loans.pop("oddity")
    _make_plans_odd(plan, oddity, offset)
    _, first_loan = np.unique(loans["borrower"], return_index=True)
    return Book(
        borrowers=borrowers,
        first_loan=first_loan.astype(np.int64),
        disbursed=loans.pop("disbursed").astype(np.int32),
        bullet=bullet,
        score=score,
        grade=grade,
        offset=offset,
        loan_of=np.repeat(np.arange(count, dtype=np.int32), loans["term"]),
        due=plan[0].astype(np.int32),
        principal_due=plan[1],
        interest_due=plan[2],
        fee_due=plan[3],
        planless=oddity == PLANLESS,
        **loans,
    )


def _plans(
    loans: dict[str, Ints], bullet: npt.NDArray[np.bool_], fee_bp: Ints, offset: Ints
) -> tuple[Days, Ints, Ints, Ints]:
    """Due days and amounts of every instalment. The last instalment carries what rounding left over, so
    principal sums exactly to the amount lent."""
    principal, rate, term = loans["principal"], loans["rate_bp"], loans["term"]
    monthly = rate / 120_000
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.where(rate > 0, principal * monthly / (1 - (1 + monthly) ** -term), principal / term)
    annuity = np.rint(level).astype(np.int64)
    size = int(offset[-1])
    due = np.zeros(size, dtype=np.int32)
    of_principal, of_interest, of_fee = (np.zeros(size, dtype=np.int64) for _ in range(3))
    balance = principal.copy()
    fee = (principal * fee_bp + 5_000) // 10_000
    for k in range(int(term.max(initial=0))):
        rows = np.flatnonzero(term > k)
        at = offset[rows] + k
        interest = (balance[rows] * rate[rows] + 60_000) // 120_000
        last = term[rows] == k + 1
        part = np.where(last, balance[rows], np.where(bullet[rows], 0, annuity[rows] - interest))
        due[at] = add_months(loans["disbursed"][rows].astype(np.int32), k + 1)
        of_principal[at], of_interest[at], of_fee[at] = part, interest, fee[rows]
        balance[rows] -= part
    return due, of_principal, of_interest, of_fee


def _make_plans_odd(plan: tuple[Days, Ints, Ints, Ints], oddity: Ints, offset: Ints) -> None:
    """Make one instalment in the middle owe nothing (the last one carries it), or keep the plan from falling due."""
    due, principal, interest, fee = plan
    empty = np.flatnonzero((oddity == EMPTY_INSTALMENT) & (np.diff(offset) > 2))
    at, last = offset[empty] + 1, offset[empty + 1] - 1
    for part in (principal, interest, fee):
        part[last] += part[at]
        part[at] = 0
    planless = offset[:-1][oddity == PLANLESS]
    due[planless] = _NO_DUE_DAY
    interest[planless] = 0
    fee[planless] = 0


__all__ = [
    "HISTORY_MONTHS",
    "LONGEST_TERM",
    "Agency",
    "Book",
    "Days",
    "Floats",
    "Habits",
    "HandMade",
    "Ints",
    "People",
    "Product",
    "Profile",
    "add_months",
    "day_date",
    "day_number",
    "distinct",
    "draw_book",
    "months_between",
    "stream",
]

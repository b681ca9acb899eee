"""The loans of one lender as they were lent: borrowers, terms and the repayment plans that were agreed.

Everything here is fixed on the day of disbursement. What happens afterwards is in `behaviour` and `ledger`.

Money is int64 in the smallest unit of the currency (fen, cents); days are int32 days since 1970-01-01.
A book is drawn in blocks of a calendar month, each from its own random stream, so a book that runs a day
longer begins with the same loans.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

HISTORY_MONTHS = 18
"""How long before the first delivery the book begins."""

PEOPLE_PER_LOAN = 8
"""People from whom a block's borrowers are drawn; all lenders draw from the same people."""

LONGEST_TERM = 60


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


@dataclass(frozen=True)
class Product:
    """What a lender lends. Amounts in whole currency units, rates in basis points a year."""

    name: str
    share: float
    """Share of the loans."""
    terms: tuple[int, ...]
    """Terms in months, each equally likely."""
    amounts: tuple[int, int, int]
    """Smallest and largest amount, and the step between amounts."""
    rates: tuple[int, ...]
    purposes: tuple[int, ...]
    """Positions in `Profile.purposes`."""
    channels: tuple[int, ...]
    """Positions in `Profile.channels`."""
    fee_bp: int = 0
    """Fee on every instalment, in basis points of the principal."""
    bullet_share: float = 0.0
    """Share that pays interest monthly and the principal at the end."""


@dataclass(frozen=True)
class Habits:
    """How a lender's borrowers pay, as probabilities per instalment of a borrower of average risk."""

    shock: float = 0.012
    """An income shock begins."""
    shock_days: float = 75.0
    """Mean length of a shock beyond its first 30 days."""
    lasting: float = 0.25
    """Share of shocks that do not end."""
    forget: float = 0.07
    partial: float = 0.012
    prepay: float = 0.012
    overpay: float = 0.02
    fen_short: float = 0.002
    returned: float = 0.006
    """A direct debit comes back within days."""
    first_payment_default: float = 0.004
    extend: float = 0.03
    """A late borrower is given an extension, per decision."""
    settle_short: float = 0.02
    """A borrower 30 to 200 days late is let off the rest for paying most of it, per decision."""
    write_off_days: tuple[int, int] = (180, 360)
    """Days past due at which loans are written off: drawn per loan."""
    recovery: float = 0.05
    """A payment on a written-off loan, per month."""
    downturns: tuple[tuple[date, date, float], ...] = (
        (date(2022, 3, 1), date(2022, 12, 31), 1.35),
        (date(2023, 10, 1), date(2024, 6, 30), 1.25),
    )
    """From, to, and by how much shocks are more frequent."""


@dataclass(frozen=True)
class Profile:
    """A lender as a business: what it lends to whom. Text for codes is the layout's affair."""

    products: tuple[Product, ...]
    purposes: tuple[str, ...]
    channels: tuple[str, ...]
    funders: tuple[str, ...]
    habits: Habits = Habits()
    young: float = 0.0
    """Preference for borrowers under 30 (log odds)."""
    low_income: float = 0.0
    """Preference for the two lowest income bands (log odds)."""
    repeat_share: float = 0.12
    """Share of the loans that go to earlier borrowers."""
    risk: float = 0.0
    """Shift of every borrower's risk."""


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

    def take(self, rows: Ints) -> People:
        """The people of some rows."""
        return People(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


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

    def __len__(self) -> int:
        return len(self.disbursed)


_SEASON = (0.95, 0.75, 1.0, 0.97, 1.0, 1.05, 1.0, 1.0, 1.02, 1.0, 1.2, 1.06)
"""Lending by calendar month: little around the spring festival, much in November."""


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
    )


def _borrowers(seed: int, lender: str, profile: Profile, month: int, *, block: int, wanted: int) -> People:
    """Some of the month's people, as this lender's customers."""
    people = _people(seed, month, max(block * PEOPLE_PER_LOAN, 1))
    rng = stream(seed, lender, "customers", month + 100_000)
    age_days = month * 30.436875 - people.born
    liking = profile.young * (age_days < 30 * 365.25) + profile.low_income * (people.income <= 1)
    order = np.argsort(-(liking + rng.gumbel(size=len(liking))), kind="stable")[:wanted]
    chosen = people.take(order.astype(np.int64))
    chosen.risk = chosen.risk + profile.risk
    return chosen


def _concat(parts: list[People]) -> People:
    return People(*(np.concatenate([getattr(p, name) for p in parts]) for name in People.__dataclass_fields__))


def draw_book(*, seed: int, lender: str, profile: Profile, start: date, end: date, loans: int) -> Book:
    """Draw a lender's book.

    loans: how many are lent in the 18 months before `start`, about; lending goes on at that pace to `end`.
    """
    first_month = (start.year - 1970) * 12 + start.month - 1 - HISTORY_MONTHS
    last_month = (end.year - 1970) * 12 + end.month - 1
    parts: list[dict[str, npt.NDArray[np.generic]]] = []
    people: list[People] = []
    borrowers = 0
    for month in range(first_month, last_month + 1):
        count = max(1, round(loans / HISTORY_MONTHS * _SEASON[month % 12]))
        rng = stream(seed, lender, "loans", month + 100_000)
        begins = int(np.datetime64(month, "M").astype("datetime64[D]").astype(np.int64))
        length = int(np.datetime64(month + 1, "M").astype("datetime64[D]").astype(np.int64)) - begins
        disbursed = np.sort(begins + rng.integers(0, length, count)).astype(np.int32)
        repeat = rng.random(count) < (profile.repeat_share if borrowers else 0.0)
        fresh = int(count - repeat.sum())
        people.append(_borrowers(seed, lender, profile, month, block=count, wanted=fresh))
        borrower = np.empty(count, dtype=np.int64)
        borrower[~repeat] = borrowers + np.arange(fresh)
        if borrowers:
            borrower[repeat] = rng.integers(0, borrowers, count - fresh)
        borrowers += fresh
        parts.append(_terms(rng, profile, disbursed, borrower, count))
    columns = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    keep = columns["disbursed"] <= day_number(end)
    columns = {name: values[keep] for name, values in columns.items()}
    known = int(columns["borrower"].max(initial=-1)) + 1
    everyone = _concat(people).take(np.arange(known))
    return _with_plans(columns, everyone, profile)


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


def _with_plans(columns: dict[str, npt.NDArray[np.generic]], borrowers: People, profile: Profile) -> Book:
    loans: dict[str, Ints] = {k: v.astype(np.int64) for k, v in columns.items() if k not in ("noise", "bullet")}
    noise = columns["noise"].astype(np.float64)
    bullet = columns["bullet"].astype(np.bool_)
    count = len(bullet)
    score = np.clip(np.rint(640 - 42 * borrowers.risk[loans["borrower"]] + noise), 350, 850).astype(np.int64)
    grade = np.searchsorted(np.array([-700, -660, -620, -570]), -score, side="right").astype(np.int64)
    offset = np.concatenate([[0], np.cumsum(loans["term"])]).astype(np.int64)
    fee_bp = np.array([p.fee_bp for p in profile.products], dtype=np.int64)[loans["product"]]
    plan = _plans(loans, bullet, fee_bp, offset)
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

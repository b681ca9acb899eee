"""A lender as a business: what it lends, to whom, and how its borrowers and it behave.

Every probability that is 0 by default stands for a behaviour that does not occur unless a lender's profile asks for it;
those draw from streams of their own, so that asking for one leaves everything else as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


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
    """How a lender's borrowers pay and how it deals with them. Unless something else is said: probabilities per
    instalment of a borrower of average risk."""

    shock: float = 0.012
    """An income shock begins, of which no other lender knows."""
    shock_days: float = 75.0
    """Mean length of a shock beyond its first 30 days."""
    lasting: float = 0.25
    """Share of shocks that do not end."""
    common: float = 0.0
    """Share of the person's own shocks that are felt here: the same shocks, on the same days, at every lender."""
    strategic: float = 0.0
    """Share of the people who pay to the day and then, in no trouble, stop for good."""
    forget: float = 0.07
    partial: float = 0.012
    prepay: float = 0.012
    part_prepay: float = 0.0
    """Pays a good part of the principal ahead and is given a new, lower plan."""
    overpay: float = 0.02
    refund: float = 0.0
    """A credit balance that is left when a loan is settled is paid back, per loan."""
    fen_short: float = 0.002
    returned: float = 0.006
    """A direct debit comes back within days, per debit."""
    chargeback: float = 0.0
    """A payment that was no debit is claimed back weeks later, per payment."""
    first_payment_default: float = 0.004
    penalty_bp: int = 0
    """Penalty at every month-end on what an overdue instalment is short of, in basis points. It comes last in the
    instalment: fee, interest, principal, penalty."""
    extend: float = 0.03
    """A late borrower is given an extension, per decision."""
    restructure: float = 0.0
    """A borrower 30 to 240 days late is given new terms (later due days, half the interest), per decision."""
    pause: float = 0.0
    """A late borrower's clock is stopped for one to three months, per decision."""
    settle_short: float = 0.02
    """A borrower 30 to 200 days late is let off the rest for paying most of it, per decision."""
    write_off_days: tuple[int, int] = (180, 360)
    """Days past due at which loans are written off: drawn per loan."""
    compensation: float = 0.0
    """Share of the loans whose guarantor pays (代偿) when they are 80 to 120 days past due."""
    buyback: float = 0.0
    """Share of the loans that the platform buys back from the funder (回购) at 60 to 120 days past due."""
    transfer: float = 0.0
    """The claim on a loan more than 60 days past due is sold (债转), per week."""
    recovery: float = 0.05
    """A payment on a loan written off, compensated or bought back, per month."""
    collection: float = 0.0
    """Collection effort: 1 is about two attempts a week on a loan of 4 to 30 days past due."""
    odd: float = 0.0
    """Share of the loans that are degenerate: a single instalment, one instalment of nothing, 60 instalments."""
    downturns: tuple[tuple[date, date, float], ...] = (
        (date(2022, 3, 1), date(2022, 12, 31), 1.35),
        (date(2023, 10, 1), date(2024, 6, 30), 1.25),
    )
    """From, to, and by how much shocks are more frequent."""


@dataclass(frozen=True)
class Agency:
    """Who collects for a lender."""

    name: str
    skill: float = 0.5
    """0 to 1: how often it reaches people, and how often what they promise it comes in."""
    manners: float = 1.0
    """1 keeps the rules of contact; 0 calls at night, too often, and relatives."""


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
    indebted: float = 0.0
    """Preference for those who borrow wherever they can (log odds): they are the same people at every lender."""
    repeat_share: float = 0.12
    """Share of the loans that go to earlier borrowers."""
    risk: float = 0.0
    """Shift of every borrower's risk."""
    young_risk: float = 0.0
    """Further shift of the risk of borrowers under 30."""
    low_income_risk: float = 0.0
    """Further shift of the risk of the two lowest income bands."""
    small_risk: float = 0.0
    """Further shift of the risk of loans below the geometric mean of the least and the most that it lends."""
    misjudged_channel: int | None = None
    """Position of a channel whose borrowers the score flatters."""
    misjudged_income: int | None = None
    """An income band (0 lowest … 4 highest) whose borrowers the score flatters."""
    agencies: tuple[Agency, ...] = ()
    """Who collects for the lender beside itself."""
    most_loans: int | None = None
    """The most loans lent in the 18 months before the first delivery, whatever is asked for (a lender that delivers
    workbooks stays small)."""
    odd: bool = False
    """Whether odd loans (`Habits.odd`) may also be without a plan or of no principal."""
    incomplete: float = 0.0
    """Share of the business dates without a delivery: the next one brings what was booked."""


__all__ = ["Agency", "Habits", "Product", "Profile"]

"""Rounding: half away from zero, as PostgreSQL's numeric does it."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

NOTHING = Decimal("0.00")
CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """An amount in two places. A negative zero is zero."""
    return amount.quantize(CENT, ROUND_HALF_UP) + NOTHING


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal | None:
    """A fraction in six places; None where there is nothing to divide by."""
    if denominator == 0:
        return None
    return (numerator / denominator).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def percentage_points(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    """The change between two unrounded fractions in percentage points, four places; None where one is missing."""
    if now is None or before is None:
        return None
    return (100 * (now - before)).quantize(Decimal("0.0001"), ROUND_HALF_UP)

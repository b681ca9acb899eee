"""Who owes a loan: people who may have loans at other lenders too, and what each lender knows of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .dice import Dice

# "ann" is known to each lender by its own number alone; "bo" has two numbers at a lender
PEOPLE = ("ann", "bo", "too bo", "cai")

BIRTH_YEARS = (None, 1989, 1990, 1999, 2000)
INCOME_BANDS = (None, "low", "high")


@dataclass(frozen=True)
class Borrower:
    """A borrower as one lender knows it; borrower_id None: by the number of the loan."""

    borrower_id: str | None
    identity_hash: str | None
    birth_year: int | None
    income_band: str | None


class People:
    """The borrowers of one lender, each known by the same to all of its loans."""

    def __init__(self, names: Sequence[str] = PEOPLE) -> None:
        self._names = names
        self._known: dict[str, Borrower] = {}

    def owner(self, dice: Dice) -> Borrower:
        """The borrower of a loan: half of them have no other."""
        if dice.chance(1, 2):
            return _borrower(dice, None, None)
        name = dice.pick(self._names)
        if name not in self._known:
            identity = None if name.startswith("ann") else f"hash of {name.removeprefix('too ')}"
            self._known[name] = _borrower(dice, name, identity)
        return self._known[name]


def _borrower(dice: Dice, borrower_id: str | None, identity_hash: str | None) -> Borrower:
    said = dice.chance(1, 2)
    return Borrower(
        borrower_id,
        identity_hash,
        dice.pick(BIRTH_YEARS) if said else None,
        dice.pick(INCOME_BANDS) if said else None,
    )

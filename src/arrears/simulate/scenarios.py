"""Scenarios: lenders made to show something: figures that were reported about them, or a book without any relief.

A scenario is data, `scenes/<name>.yaml` beside this module: for each lender, what of its profile, habits and products
is different, overdue rates to be reached on given days, and a loan made by hand. See `plot` for how a rate is reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from arrears.simulate.book import Book, HandMade, Profile, day_number
from arrears.simulate.plot import Figure, Illness, Plot
from arrears.simulate.profile import Agency, Habits

_FOLDER = Path(__file__).parent / "scenes"


@dataclass(frozen=True)
class Scenario:
    """What one lender is in a scenario."""

    profile: Profile
    figures: tuple[Figure, ...] = ()
    made: tuple[HandMade, ...] = ()
    illness: tuple[date, date] | None = None
    """When the borrower of the hand-made loan falls ill, and when the loan is extended."""

    def plot(self, book: Book, seed: int, lender: str) -> Plot:
        """The plot over a lender's book."""
        illnesses: Sequence[Illness] = ()
        if self.illness is not None:
            loans = [_loan_of(book, made) for made in self.made]
            illnesses = [Illness(loan, *self.illness) for loan in loans if loan is not None]
        return Plot(book, seed=seed, lender=lender, figures=self.figures, illnesses=illnesses)


def names() -> list[str]:
    """The scenarios there are."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def find(scenario: str | None, lender: str, profile: Profile) -> Scenario:
    """A lender in a scenario; as it is without one, or where the scenario does not mention it.

    Raises ValueError, naming those there are, where there is no such scenario.
    """
    if scenario is None:
        return Scenario(profile)
    if scenario not in names():
        raise ValueError(f"no scenario {scenario!r}; there is: {', '.join(names())}")
    loaded = YAML(typ="safe").load((_FOLDER / f"{scenario}.yaml").read_text("utf-8"))
    said: Mapping[str, Any] = loaded.get(lender, {})
    return Scenario(
        profile=_profile(profile, said),
        figures=tuple(Figure(f["on"], float(f["rate"])) for f in said.get("figures", ())),
        made=tuple(_hand_made(m, profile) for m in said.get("loans", ())),
        illness=(said["illness"]["begins"], said["illness"]["extended_on"]) if "illness" in said else None,
    )


def _profile(profile: Profile, said: Mapping[str, Any]) -> Profile:
    habits: dict[str, Any] = {key: _frozen(value) for key, value in said.get("habits", {}).items()}
    own: dict[str, Any] = {key: _frozen(value) for key, value in said.get("profile", {}).items()}
    if "agencies" in own:
        own["agencies"] = tuple(Agency(**agency) for agency in said["profile"]["agencies"])
    _check(habits, Habits)
    _check(own, Profile)
    scale = said.get("amounts", 1)
    products = tuple(
        replace(product, amounts=(product.amounts[0] * scale, product.amounts[1] * scale, product.amounts[2]))
        for product in profile.products
    )
    return replace(profile, habits=replace(profile.habits, **habits), products=products, **own)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value


def _check(said: Mapping[str, Any], kind: type) -> None:
    unknown = sorted(set(said) - {f.name for f in fields(kind)})
    if unknown:
        raise ValueError(f"a scenario sets what {kind.__name__} does not have: {', '.join(unknown)}")


def _hand_made(said: Mapping[str, Any], profile: Profile) -> HandMade:
    purpose = profile.purposes.index(said["purpose"]) if said.get("purpose") in profile.purposes else 0
    return HandMade(
        disbursed_from=day_number(said["disbursed_from"]),
        principal=int(said["principal"]) * 100,
        term=int(said["term"]),
        purpose=purpose,
    )


def _loan_of(book: Book, made: HandMade) -> int | None:
    at = int(np.searchsorted(book.disbursed, made.disbursed_from))
    is_there = at < len(book) and (at > 0 or int(book.disbursed[0]) == made.disbursed_from)
    return at if is_there else None

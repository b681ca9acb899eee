"""Chance, from wherever it comes: lives of loans are told once, and drawn by Hypothesis or by a seeded generator."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice(ABC):
    """Small whole numbers by chance. The least number is the simplest: where examples are shrunk, they shrink to it."""

    @abstractmethod
    def whole(self, least: int, most: int) -> int:
        """A number from least to most, both included."""

    def pick(self, options: Sequence[T]) -> T:
        """One of options; the first is the simplest. What stands there twice comes twice as often."""
        return options[self.whole(0, len(options) - 1)]

    def chance(self, times: int, of: int) -> bool:
        """True in `times` of so many cases. False is the simpler."""
        return self.whole(0, of - 1) >= of - times


class SeededDice(Dice):
    """The same numbers for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def whole(self, least: int, most: int) -> int:
        return least + int(self._random.random() * (most - least + 1))

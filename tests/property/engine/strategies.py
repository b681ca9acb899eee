"""The same lives drawn by Hypothesis, so that a disagreement shrinks to the few facts it takes."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from ...reference.book import Book
from .dice import Dice
from .lives import drawn_book

BOOKS_AT_ONCE = 16


@cache
def _whole(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least, most)


class DrawnDice(Dice):
    """Numbers that Hypothesis draws and shrinks."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def whole(self, least: int, most: int) -> int:
        return self._draw(_whole(least, most))


@st.composite
def _book(draw: st.DrawFn, lender: str) -> Book:
    return drawn_book(DrawnDice(draw), lender)


@st.composite
def books(draw: st.DrawFn) -> list[Book]:
    """Books of one to three loans, each of a lender of its own, that the models are given in one run."""
    dice = DrawnDice(draw)
    drawn = [draw(_book("lender_1"))]
    while len(drawn) < BOOKS_AT_ONCE and dice.chance(31, 32):
        drawn.append(draw(_book(f"lender_{len(drawn) + 1}")))
    return drawn

"""Cells as lenders spell them: amounts, rates, dates and instants as blocks of text (see `writers`)."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt

from arrears.simulate.book import Days, Ints, day_number
from arrears.simulate.writers import Block, constant, dates, digits

_ZERO = np.uint8(ord("0"))
_CALENDAR_BEGINS, _CALENDAR_ENDS = date(1950, 1, 1), date(2101, 1, 1)

DASHED = ("-", "-", "")
SLASHED = ("/", "/", "")
CHINESE = ("年", "月", "日")


def widened(block: Block, width: int) -> Block:
    """The block with room for cells of up to `width` bytes, so that blocks written later fit in its place."""
    room = np.zeros((len(block), width - block.shape[1]), dtype=np.uint8)
    return np.concatenate([block, room], axis=1)


def grouped(fen: Ints) -> Block:
    """Amounts ≥ 0 in fen as 1,234.50."""
    yuan = fen // 100
    groups = max(-(-len(str(int(yuan.max(initial=0)))) // 3), 1)
    figures = digits(yuan, 3 * groups)
    parts: list[Block] = []
    for k in range(groups):
        parts.append(figures[:, 3 * k : 3 * k + 3])
        if k < groups - 1:
            there = yuan >= 1000 ** (groups - 1 - k)
            parts.append(np.where(there, np.uint8(ord(",")), np.uint8(0))[:, None])
    parts += [constant(".", len(fen)), digits(fen % 100, 2, zeros=True)]
    return np.concatenate(parts, axis=1)


def percents(basis_points: Ints) -> Block:
    """Rates in basis points as 18.0%. Raises ValueError where a tenth of a percent does not hold them."""
    if (basis_points % 10).any():
        raise ValueError("rates are written with one decimal: give them in steps of 10 basis points")
    tenths = basis_points // 10
    rows = len(tenths)
    return np.concatenate(
        [digits(tenths // 10), constant(".", rows), digits(tenths % 10, 1), constant("%", rows)], axis=1
    )


@cache
def _spelled(signs: tuple[str, str, str], padded: bool) -> Block:
    """Every day of the calendar in one spelling."""
    days = np.arange(day_number(_CALENDAR_BEGINS), day_number(_CALENDAR_ENDS))
    figures = dates(days).copy()
    if not padded:
        for k in (4, 6):
            figures[:, k] = np.where(figures[:, k] == _ZERO, 0, figures[:, k])
    parts = [figures[:, :4], figures[:, 4:6], figures[:, 6:]]
    after = [constant(sign, len(days), "utf-8") for sign in signs]
    return np.concatenate([cell for pair in zip(parts, after, strict=True) for cell in pair], axis=1)


def spelled_dates(days: Days | Ints, signs: tuple[str, str, str], *, padded: bool) -> Block:
    """Days since 1970-01-01, 1950 to 2100, with a sign after year, month and day (`DASHED`, `SLASHED`, `CHINESE`).

    padded: 2024-01-05; else 2024-1-5.
    """
    return _spelled(signs, padded)[np.asarray(days, dtype=np.int64) - day_number(_CALENDAR_BEGINS)]


def instants(seconds: Ints, hours_east: int, *, between: str = " ") -> Block:
    """Seconds since 1970-01-01 00:00 UTC as `2024-01-05 10:30:00+08:00`, on the clock `hours_east` (0 to 14) of UTC.

    between: what stands between day and time.
    """
    local = seconds + 3600 * hours_east
    clock = local % 86_400
    rows = len(seconds)
    parts: list[Block] = [spelled_dates(local // 86_400, DASHED, padded=True)]
    for sign, part in ((between, clock // 3600), (":", clock // 60 % 60), (":", clock % 60)):
        parts += [constant(sign, rows), digits(part, 2, zeros=True)]
    return np.concatenate([*parts, constant(f"+{hours_east:02d}:00", rows)], axis=1)


def absent(block: Block, where: npt.NDArray[np.bool_], word: str) -> Block:
    """The block with a lender's word for nothing in some cells."""
    mark = np.frombuffer(word.encode(), dtype=np.uint8)
    wide = np.zeros((len(block), max(block.shape[1], len(mark))), dtype=np.uint8)
    wide[:, : block.shape[1]] = block
    wide[where] = 0
    wide[where, : len(mark)] = mark
    return wide

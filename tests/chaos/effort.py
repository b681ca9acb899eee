"""How much of the chaos is made: all of it by `make reliability`, a sample in every run of the tests."""

from __future__ import annotations

import os

FULL = os.environ.get("ARREARS_RELIABILITY") == "full"
PUBLICATIONS = int(os.environ.get("ARREARS_PUBLICATIONS", "200"))


def sample(last: int, tries: int) -> list[int]:
    """All numbers from 1 to `last`, or as many `tries` of them, spread."""
    return list(range(1, last + 1)) if FULL else spread(last, tries)


def spread(last: int, tries: int) -> list[int]:
    return sorted({1 + last * number // (tries + 1) for number in range(1, tries + 1)})

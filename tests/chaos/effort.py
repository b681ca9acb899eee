"""How much of the chaos is made: all of it by `make reliability`, a sample in every run of the tests."""

from __future__ import annotations

import os

FULL = os.environ.get("ARREARS_RELIABILITY") == "full"
PUBLICATIONS = int(os.environ.get("ARREARS_PUBLICATIONS", "200"))


def sample(first: int, last: int, share: int) -> range:
    """Of the numbers from `first` to `last` one in `share`, or all of them."""
    return range(first, last + 1, 1 if FULL else share)

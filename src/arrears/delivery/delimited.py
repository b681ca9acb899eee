"""Lines taken apart at their delimiters by Python's csv module, with values as long as any other parser takes them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from arrears.delivery.lines import LONGEST_LINE

if TYPE_CHECKING:
    from _csv import Reader


def style(delimiter: str, quote: str | None) -> dict[str, Any]:
    """How csv's readers and writers are told of a file's dialect; without a quote nothing is quoted."""
    quoting = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE, "quotechar": None}
    return {"delimiter": delimiter, "lineterminator": "\n", **quoting}


def reader(lines: Iterable[str], delimiter: str, quote: str | None, *, strict: bool = False) -> Reader:
    """The rows of these lines.

    Raises (while reading):
        csv.Error: a value of more than LONGEST_LINE characters; where `strict`, a quote within a value too.
    """
    csv.field_size_limit(LONGEST_LINE)  # of the whole process, and 128 KiB by itself
    return csv.reader(lines, strict=strict, **style(delimiter, quote))

"""The three ways a step can end badly, and the exit code of each.

`Refused` is about the data: running again with the same files gives the same answer, so nothing retries it.
`Infrastructure` is about the surroundings (connection, lock, disk): a retry may well succeed.
"""

from __future__ import annotations

from collections.abc import Sequence


class ArrearsError(Exception):
    """Something the user is told in one clear message: what is wrong, where, what to do."""

    exit_code = 3


class Refused(ArrearsError):
    """A contract, a delivery or a candidate did not pass; what stood before still stands.

    `reasons` holds every reason found, not only the first.
    """

    exit_code = 1

    def __init__(self, summary: str, reasons: Sequence[str] = ()) -> None:
        self.summary = summary
        self.reasons = list(reasons)
        super().__init__("\n  - ".join([summary, *self.reasons]))

    def __reduce__(self) -> tuple[type[Refused], tuple[str, list[str]]]:
        return type(self), (self.summary, self.reasons)


class Usage(ArrearsError):
    """The command was called with something that does not exist or makes no sense."""

    exit_code = 2


class Infrastructure(ArrearsError):
    """The warehouse, the disk or a process is not there as it should be."""

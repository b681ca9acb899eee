"""Lenders to hold back: where all that is wrong with a candidate is wrong with some lenders, the others go on.

Every mart has the lender in its key, so one lender's rows can stay as they were published while those of the others
change. What is wrong with more than a lender (a calendar, a query that does not run) stops all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from arrears.errors import Usage
from arrears.gate.validate import Batch, Verdict, judging, rows_query, unexpected_rows
from arrears.warehouse.connect import connect

Blame = dict[Verdict, frozenset[str] | None]


def blame(verdicts: Sequence[Verdict], batches: Sequence[Batch], *, url: str) -> Blame:
    """Of every expectation that failed, the lenders whose rows break it; None where it is about more than lenders."""
    batch_of = {(batch.boundary, batch.suite.table): batch for batch in batches}
    return {
        verdict: _lenders_of(verdict, batch_of[verdict.boundary, verdict.suite], url)
        for verdict in verdicts
        if not verdict.success
    }


def to_hold(blamed: Blame, lenders: Collection[str]) -> frozenset[str]:
    """Those to hold back: nobody, where that leaves something critical, or no lender that can be published.

    lenders: those of which the candidate has data.
    """
    culprits = [names for verdict, names in blamed.items() if verdict.severity == "critical"]
    if any(names is None for names in culprits):
        return frozenset()
    held = frozenset(name for names in culprits for name in names or ())
    return held if set(lenders) - held else frozenset()


def counting(verdicts: Sequence[Verdict], blamed: Blame, held: frozenset[str]) -> list[Verdict]:
    """The verdicts that count for what is published: those that are not about lenders held back alone."""

    def about_held(verdict: Verdict) -> bool:
        names = blamed.get(verdict)
        return names is not None and names <= held

    return [verdict for verdict in verdicts if not about_held(verdict)]


def _lenders_of(verdict: Verdict, batch: Batch, url: str) -> frozenset[str] | None:
    if not verdict.unexpected:
        return None  # about the table as a whole, or not evaluated
    query = rows_query(batch, verdict.expectation)
    names = _by_query(query, url) if query else _by_rows(batch, verdict.expectation, url)
    return frozenset(name for name in names if name) if names and None not in names else None


def _by_query(query: str, url: str) -> set[str | None]:
    with connect(judging(url).url(), "gate") as connection, connection.cursor() as cursor:
        # from a reviewed suite file; as JSON, because not every query has a lender
        cursor.execute(f"select distinct to_jsonb(found) ->> 'lender' from ({query}) as found")
        return {row[0] for row in cursor.fetchall()}


def _by_rows(batch: Batch, expectation: str, url: str) -> set[str | None]:
    try:
        return {row.get("lender") for row in unexpected_rows(batch, expectation, url=url)}
    except Usage:
        return set()  # about the table as a whole

"""Publishing by how much is changed, and what readers notice of it.

A small book is built and published. Then its loans are copied until the marts about loans have the rows asked for. A
publication of which nothing, 1, 10 or 100 in a hundred loans are changed is made by the package's publisher, in
turn, several times. Time that is in proportion to what changed is the same for every changed row. The marts are those
of which builds keep what they change; of fct_loan_current, which has the day in it, every row changes every day.

Beside it, readers ask what dashboards ask, for some seconds while nothing happens and for some while all rows are
changed, in turn: so many at once, each with a pause for thought.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from psycopg2.sql import SQL, Identifier

from arrears.settings import Role

from .candidate import change, forget, published, rebuilt, tidy
from .grown import multiply
from .place import LAST, Place, place
from .readers import Readers
from .table import Figure

LOANS, MONTHS = 200, 3  # of each lender, before it is made larger
MARTS = {  # and what is changed in them
    "dim_loan": "principal = principal + 0.01",
    "fct_instalment": "interest_due = interest_due + 0.01",
    "fct_loan_month": "outstanding_principal = outstanding_principal + 0.01",
    "fct_payment": "is_reversed = not is_reversed",
}
NUMBERED = ("loan_id", "payment_id")
NOTHING, ALL = 0, 100
SHARES = (NOTHING, 1, 10, ALL)
READERS, SECONDS = 4, 5.0


@dataclass
class Share:
    """Publications of one share of changed rows. rows: how many that is; the same every time."""

    rows: int = 0
    seconds: list[float] = field(default_factory=list)


def measured(rows: int, times: int) -> Iterator[Figure]:
    """The figures of publishing marts about loans that have so many rows."""
    with place() as there:
        there.history(MONTHS, LOANS)
        there.publish(LAST)
        _grow(there, rows)
        rebuilt(there)
        first, result = published(there)
        part = f"publication, {_standing(there):,} rows"
        yield Figure(part, f"{result.rows_added:,} rows are new", "s", [first])
        yield from _by_share(there, part, times)
        yield from _read(there, part, times)


def _grow(there: Place, rows: int) -> None:
    """Copy every loan, with all that there is about it, until there are so many rows."""
    copies = math.ceil(rows / _standing(there))
    for mart in MARTS:
        multiply(there, "candidate", mart, copies, varied=NUMBERED)
        tidy(there, "candidate", mart)


def _standing(there: Place) -> int:
    """Rows that are shown of the marts that are made larger."""
    count = SQL("select count(*) from published.{} where superseded_in is null")
    return sum(there.rows(count.format(Identifier(mart)))[0][0] for mart in MARTS)


def _publish(there: Place, share: int) -> tuple[float, int]:
    """Seconds of a publication of which so much is changed, and the rows that were."""
    change(there, MARTS, share)
    seconds, result = published(there)
    for mart in MARTS:
        forget(there, mart)
    return seconds, result.rows_added


def _by_share(there: Place, part: str, times: int) -> Iterator[Figure]:
    shares = {share: Share() for share in SHARES}
    for _ in range(times):
        for share, known in shares.items():
            seconds, known.rows = _publish(there, share)
            known.seconds.append(seconds)
    whole = Figure(part, "all rows", "s", shares[ALL].seconds)
    per_row = Figure(part, "that of all rows", "µs", _per_row(shares[ALL]))
    for share, known in shares.items():
        yield Figure(part, f"{share} % of the loans changed, {known.rows:,} rows", "s", known.seconds, whole)
    for share, known in shares.items():
        if known.rows:
            yield Figure(part, f"a row changed, of {share} %", "µs", _per_row(known), per_row)


def _per_row(share: Share) -> list[float]:
    return [seconds / share.rows * 1e6 for seconds in share.seconds]


def _read(there: Place, part: str, times: int) -> Iterator[Figure]:
    idle: list[Sequence[float]] = []
    beside: list[Sequence[float]] = []
    with Readers(there.settings.url(Role.READER), READERS) as readers:
        for _ in range(times):
            time.sleep(1)  # the dust of the publication before
            with readers.noted() as waits:
                time.sleep(SECONDS)
            idle.append(waits)
            beside.append(_waits_beside(there, readers))
    for name, at in {"p50": 50, "p99": 99}.items():
        quiet = Figure(part, f"{name} of idle", "ms", [_percentile(waits, at) for waits in idle])
        yield Figure(part, f"{READERS} readers, {name}, idle", "ms", quiet.measured)
        yield Figure(
            part, f"{READERS} readers, {name}, while all rows are published", "ms",
            [_percentile(waits, at) for waits in beside], quiet,
        )  # fmt: skip
    yield Figure(part, "asked meanwhile", "questions", [len(waits) for waits in beside])


def _waits_beside(there: Place, readers: Readers) -> list[float]:
    """Publish for as long as the idle time was, and note how long readers wait; not while rows are being changed."""
    all_waits: list[float] = []
    spent = 0.0
    while spent < SECONDS:
        change(there, MARTS, ALL)
        with readers.noted() as waits:
            seconds, _ = published(there)
        all_waits += waits
        spent += seconds
        for mart in MARTS:
            forget(there, mart)
    return all_waits


def _percentile(seconds: Sequence[float], at: int) -> float:
    """In milliseconds."""
    return statistics.quantiles(seconds, n=100, method="inclusive")[at - 1] * 1000

"""Load and judge all deliveries from one day to another, oldest first, in one process.

python -m benchmarks.history 2024-01-01 2024-03-30
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator

from arrears import pipeline
from arrears.contract import lenders
from arrears.settings import Role, settings


def load(first: dt.date, last: dt.date) -> None:
    url, names = settings().url(Role.LOADER), [known.lender for known in lenders()]
    for day in _days(first, last):
        for name in names:
            if pipeline.delivery_complete(name, day):
                pipeline.gate_delivery(pipeline.load(name, day, url=url).delivery_id, url=url)


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    return (first + dt.timedelta(days=number) for number in range((last - first).days + 1))


if __name__ == "__main__":
    load(*map(dt.date.fromisoformat, sys.argv[1:3]))

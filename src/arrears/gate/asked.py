"""How many rows the gate's queries find, asked on several connections at once.

Great Expectations asks one question after another, and of an expectation it makes new instances from its configuration
as it likes. So an expectation has the number of its question alone, and its answer is found here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from arrears.errors import Infrastructure
from arrears.warehouse.connect import connect, one

_answers: list[Future[int]] = []


@contextmanager
def asked(queries: Sequence[str], *, url: str, connections: int) -> Iterator[None]:
    """For as long as this lasts, `rows_found` says how many rows each of the queries finds.

    Raises:
        Infrastructure: the server failed while one was asked. Great Expectations would take that for a fault of what
            it evaluates.
    """
    with ThreadPoolExecutor(connections, thread_name_prefix="arrears-gate") as threads:
        _answers[:] = [threads.submit(_count, query, url) for query in queries]
        try:
            yield
        finally:
            threads.shutdown(cancel_futures=True)
            failures = [answer.exception() for answer in _answers if not answer.cancelled()]
            _answers.clear()
            for failure in failures:
                if isinstance(failure, Infrastructure):
                    raise failure


def rows_found(number: int) -> int:
    """By the query of that number, counted from 0. Waits for the answer, and raises what the server says against it."""
    return _answers[number].result()


def _count(query: str, url: str) -> int:
    with connect(url, "gate") as connection, connection.cursor() as cursor:
        return int(one(cursor, f"select count(*) from ({query}) as found")[0])  # from a reviewed suite file

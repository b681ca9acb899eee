"""Readers of the marts: each asks one question of a dashboard after the other until it is told to stop."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

THINKING = 0.02  # seconds between two questions
QUESTIONS = (
    # the rate by month
    """
    select month_end, sum(balance_overdue_30) / nullif(sum(outstanding_principal), 0) as rate
    from marts.mart_overdue_rate_monthly group by month_end order by month_end
    """,
    # the buckets of ninety days
    """
    select as_of_date, bucket, sum(loans) as loans, sum(outstanding_principal) as principal
    from marts.mart_delinquency_daily
    where as_of_date > (select max(data_as_of) from marts.dim_lender) - 90 group by as_of_date, bucket
    """,
    # the newest matrix of roll rates
    """
    select from_state, to_state, sum(loans) as loans, sum(opening_principal) as principal
    from marts.mart_roll_rate_monthly
    where from_month_end = (select max(from_month_end) from marts.mart_roll_rate_monthly) group by from_state, to_state
    """,
    # the curves of vintages
    """
    select vintage_month, mob, sum(ever_principal) / nullif(sum(disbursed_principal), 0) as rate
    from marts.mart_vintage where threshold_dpd = 30 group by vintage_month, mob order by vintage_month, mob
    """,
    # the months of a loan
    """
    select month_end, bucket, dpd, outstanding_principal from marts.fct_loan_month
    where (lender, loan_id) = (select lender, loan_id from marts.mart_early_warning limit 1)
    """,
    # a lender's list to call
    """
    select loan_id, dpd, overdue_amount from marts.fct_loan_current
    where lender = (select min(lender) from marts.dim_lender) and dpd between 1 and 30
    order by overdue_amount desc limit 100
    """,
)


class Readers:
    """So many at once, each with a thread and a connection of its own. An error of one is an error of the `with`."""

    def __init__(self, url: str, readers: int) -> None:
        self._url = url
        self._answers: list[tuple[float, float]] = []  # when it was asked, and how long the answer took
        self._last_asked = [0.0] * readers  # of the questions that are answered
        self._ended = threading.Event()
        self._failures: list[Exception] = []
        self._threads = [threading.Thread(target=self._go_on, args=(number,)) for number in range(readers)]

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    @contextmanager
    def noted(self) -> Iterator[list[float]]:
        """The seconds that the answers took that were asked for meanwhile; once it is over."""
        waits: list[float] = []
        began = time.perf_counter()
        yield waits
        ended = time.perf_counter()
        while min(self._last_asked) < ended and not self._failures:
            time.sleep(THINKING)  # until the questions that were still open are answered
        waits += [seconds for asked, seconds in list(self._answers) if began <= asked <= ended]

    def _go_on(self, number: int) -> None:
        try:
            with closing(psycopg2.connect(self._url)) as connection, connection.cursor() as cursor:
                connection.autocommit = True
                for question in itertools.cycle(QUESTIONS[number:] + QUESTIONS[:number]):
                    began = time.perf_counter()
                    cursor.execute(question)
                    cursor.fetchall()
                    self._answers.append((began, time.perf_counter() - began))
                    self._last_asked[number] = began
                    if self._ended.wait(THINKING):
                        break
        except Exception as failure:
            self._failures.append(failure)

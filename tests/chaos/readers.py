"""Readers beside publications: each asks until it is told to stop, and keeps what it saw and how long it waited.

The book they read is made so that half of a publication shows: in every publication the rows of `mart_x` are as
many and add up to the same, and `mart_y` holds their sum by lender.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection
from sqlalchemy import create_engine, text

from arrears.warehouse.address import Address

ROWS, TOTAL = 40, 4000
WAIT = 0.250  # seconds; what nobody may have to wait for a lock, and where nothing else runs, for an answer
# The server says who waited for a lock, however busy the machine is.
IMPATIENT = f"-c lock_timeout={WAIT * 1000:.0f}"
THINKING = 0.005  # seconds between two questions, about a dashboard's
SUMS = """
select
    count(*) as rows,
    sum(x.loans) as loans,
    (
        select count(*) from mart_y as y full join (select lender, sum(loans) as loans from mart_x group by lender) as s
            on y.lender = s.lender
        where y.loans is distinct from s.loans
    ) as differing,
    min(x.publication_id) = (select max(y.publication_id) from mart_y as y) as is_one
from mart_x as x
"""
WHOLE = (ROWS, TOTAL, 0, True)

Question = Callable[[], None]


@dataclass
class Readers:
    """Readers, each with a thread of its own.

    Attributes:
        url: of the BI role. analyst_url: of a BI user with a view of its own, bi.mine.
        seconds: how long the long query is open. nap: seconds that a transaction of several statements takes.
        waits: seconds from question to answer. troubles: what went wrong, by reader.
    """

    url: str
    analyst_url: str
    seconds: float
    nap: float = 0.3
    waits: list[float] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Readers:
        kinds: list[Callable[[], Iterator[Question]]] = [
            self._read_committed, self._read_committed, self._repeatable_read, self._long_query, self._own_view,
            self._prepared, self._pooled, self._as_known, self._newly_connected,
        ]  # fmt: skip
        self._threads = [threading.Thread(target=self._go_on, args=(kind,), name=kind.__name__) for kind in kinds]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def figures(self) -> str:
        ordered = sorted(self.waits)
        return (
            f"{len(ordered):,} answers; median {statistics.median(ordered) * 1000:.1f} ms, "
            f"99 in 100 within {ordered[len(ordered) * 99 // 100] * 1000:.0f} ms, longest {ordered[-1] * 1000:.0f} ms"
        )

    def _go_on(self, kind: Callable[[], Iterator[Question]]) -> None:
        try:
            for ask in kind():
                if self._ended.is_set():
                    return
                ask()
                self._ended.wait(THINKING)
        except Exception as error:
            self.troubles.append(f"{kind.__name__}: {type(error).__name__}: {error}")

    def _connect(self, url: str, **session: Any) -> Connection:
        connection = psycopg2.connect(url, options=IMPATIENT)
        connection.set_session(**{"autocommit": True, **session})
        return connection

    def _answer(self, connection: Connection, query: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            began = time.perf_counter()
            cursor.execute(query)
            answer = cursor.fetchall()
            self.waits.append(time.perf_counter() - began)
        return answer

    def _expect(self, seen: object, expected: object) -> None:
        if seen != expected:
            self.troubles.append(f"{threading.current_thread().name}: saw {seen}, not {expected}")

    def _read_committed(self) -> Iterator[Question]:
        with closing(self._connect(self.url)) as connection:
            while True:
                yield lambda: self._expect(self._answer(connection, SUMS), [WHOLE])

    def _repeatable_read(self) -> Iterator[Question]:
        """Several statements that have to agree."""
        rows = "select * from mart_x order by lender, month_end"
        with closing(self._connect(self.url, isolation_level="REPEATABLE READ", autocommit=False)) as connection:

            def ask() -> None:
                first = self._answer(connection, rows)
                for _ in range(3):
                    self._ended.wait(self.nap / 3)
                    self._expect(self._answer(connection, SUMS), [WHOLE])
                self._expect(self._answer(connection, rows), first)
                connection.commit()

            while True:
                yield ask

    def _long_query(self) -> Iterator[Question]:
        """One statement that reads row by row, for as long as many publications take."""
        slowly = (
            "select count(*), sum(loans), count(distinct publication_id) from "
            f"(select loans, publication_id, pg_sleep({self.seconds / ROWS}) from mart_x offset 0) as slowly"
        )
        with closing(self._connect(self.url)) as connection, connection.cursor() as cursor:

            def ask() -> None:
                cursor.execute(slowly)
                self._expect(cursor.fetchall(), [(ROWS, TOTAL, 1)])

            while True:
                yield ask

    def _own_view(self) -> Iterator[Question]:
        with closing(self._connect(self.analyst_url)) as connection:
            while True:
                yield lambda: self._expect(self._answer(connection, "select rows, loans from bi.mine"), [(ROWS, TOTAL)])

    def _prepared(self) -> Iterator[Question]:
        """Prepared once, executed for as long as the session lives, as psql and drivers with a cache do."""
        with closing(self._connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(f"prepare sums as {SUMS}")
            cursor.execute("prepare of_lender (text) as select count(*) from mart_x where lender = $1")

            def ask() -> None:
                self._expect(self._answer(connection, "execute sums"), [WHOLE])
                self._expect(self._answer(connection, "execute of_lender ('a')"), [(ROWS // 4,)])

            while True:
                yield ask

    def _pooled(self) -> Iterator[Question]:
        """By way of SQLAlchemy's pool, as Superset asks."""
        url = Address.parse(self.url).url("postgresql+psycopg2")
        engine = create_engine(url, connect_args={"options": IMPATIENT}, pool_pre_ping=True)

        def ask() -> None:
            with engine.connect() as connection:
                began = time.perf_counter()
                answer = connection.execute(text(SUMS)).all()
                self.waits.append(time.perf_counter() - began)
            self._expect(answer, [WHOLE])

        try:
            while True:
                yield ask
        finally:
            engine.dispose()

    def _as_known(self) -> Iterator[Question]:
        rows = "select * from marts_as_known.mart_y order by lender"
        with closing(self._connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute("set arrears.publication = '1'")
            first = self._answer(connection, rows)
            while True:
                yield lambda: self._expect(self._answer(connection, rows), first)

    def _newly_connected(self) -> Iterator[Question]:
        def ask() -> None:
            with closing(self._connect(self.url)) as connection:
                self._expect(self._answer(connection, SUMS), [WHOLE])

        while True:
            yield ask

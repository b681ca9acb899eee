"""Bad deliveries on purpose: one function a fault, each spoiling files that were written well.

A fault sees a delivery's files as tables through the lender's `FileFormat`, so it is written once for all
lenders. Controls (trailers) are kept right, unless the control is what the fault spoils: a refusal then has the
one reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any, Protocol

from arrears.simulate.book import stream
from arrears.simulate.writers import Landing


@dataclass
class Table:
    """A file as text: header and rows, without controls. Row 0 is on line 2."""

    header: list[str]
    rows: list[list[str]]

    def column(self, name: str) -> int:
        """Position of a column."""
        return self.header.index(name)


@dataclass(frozen=True)
class Roles:
    """Which files and columns of a layout faults may spoil, and with what."""

    loans: str
    payments: str
    loan_id: str
    number: str
    """A numeric column of the loan file that no control sums."""
    date: str
    """A date column of the loan file."""
    renamed: tuple[str, str]
    """A column of the loan file, and what it is renamed to."""
    business_date: str
    payment_id: str
    value_on: str
    posted_on: str
    kind: str
    a_payment: str
    """The kind that an ordinary payment has."""
    reverses: str


class FileFormat(Protocol):
    """Reads and writes a layout's files as tables."""

    @property
    def encoding(self) -> str:
        """Encoding of its text."""

    @property
    def roles(self) -> Roles:
        """What faults may spoil."""

    def folder(self, day: date) -> str:
        """Folder of a delivery."""

    def file_name(self, resource: str, day: date) -> str:
        """Name of a file of a delivery."""

    def date_text(self, day: date) -> str:
        """A date as the files write it."""

    def parse(self, resource: str, data: bytes) -> Table:
        """A file's table."""

    def render(self, resource: str, table: Table, *, rows_off: int = 0, sum_off: int = 0) -> bytes:
        """A table as a file, its controls right but for what they are to be off by."""


@dataclass(frozen=True)
class Injection:
    """What a fault did: in which file, on which lines, to which column, and what stands there now."""

    fault: str
    lender: str
    business_date: str
    file: str
    lines: list[int] = field(default_factory=list)
    column: str | None = None
    value: str | None = None
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON writes it."""
        return asdict(self)


class Spoiler:
    """A delivery in a fault's hands."""

    def __init__(self, *, fault: str, lender: str, day: date, landing: Landing, form: FileFormat, seed: int) -> None:
        self.fault, self.lender, self.day = fault, lender, day
        self.form, self.roles = form, form.roles
        self.rng = stream(seed, lender, "fault", fault, day.toordinal())
        self._landing = landing

    def path(self, resource: str) -> str:
        """Where a file is."""
        return self._landing.path(self.form.folder(self.day), self.form.file_name(resource, self.day))

    def read(self, resource: str) -> bytes:
        """A file's bytes."""
        data: bytes = self._landing.fs.cat_file(self.path(resource))
        return data

    def write(self, resource: str, data: bytes) -> None:
        """Put other bytes in a file's place."""
        self._landing.fs.pipe_file(self.path(resource), data)

    def remove(self, resource: str) -> None:
        """Take a file away."""
        self._landing.fs.rm_file(self.path(resource))

    def table(self, resource: str) -> Table:
        """A file as a table."""
        return self.form.parse(resource, self.read(resource))

    def put(self, resource: str, table: Table, *, rows_off: int = 0, sum_off: int = 0) -> None:
        """Write a table in a file's place."""
        self.write(resource, self.form.render(resource, table, rows_off=rows_off, sum_off=sum_off))

    def some_rows(self, count: int, of: int) -> list[int]:
        """Some rows, in order."""
        return sorted(int(k) for k in self.rng.choice(of, size=min(count, of), replace=False))

    def done(self, resource: str, **what: Any) -> Injection:
        """The record of what was done."""
        return Injection(self.fault, self.lender, self.day.isoformat(), self.form.file_name(resource, self.day), **what)


Fault = Callable[[Spoiler], list[Injection]]
FAULTS: dict[str, Fault] = {}


def _fault(function: Fault) -> Fault:
    FAULTS[function.__name__] = function
    return function


@_fault
def truncated_file(delivery: Spoiler) -> list[Injection]:
    """The loan file ends in mid-line, as after a broken transfer."""
    name = delivery.roles.loans
    data = delivery.read(name)
    kept = len(data) * 3 // 5
    delivery.write(name, data[:kept])
    return [delivery.done(name, detail=f"{kept} of {len(data)} bytes")]


@_fault
def missing_file(delivery: Spoiler) -> list[Injection]:
    """The payment file never came."""
    name = delivery.roles.payments
    delivery.remove(name)
    return [delivery.done(name, detail="removed")]


@_fault
def wrong_header(delivery: Spoiler) -> list[Injection]:
    """A column of the loan file has another name."""
    name, (old, new) = delivery.roles.loans, delivery.roles.renamed
    table = delivery.table(name)
    table.header[table.column(old)] = new
    delivery.put(name, table)
    return [delivery.done(name, lines=[1], column=old, value=new)]


@_fault
def bad_rows(delivery: Spoiler) -> list[Injection]:
    """A few rows of the loan file (0.5 %, at most 5) have a date or a number that is none."""
    name = delivery.roles.loans
    table = delivery.table(name)
    no_date = delivery.form.date_text(date(2023, 2, 28))[:-2] + "30"
    wrong = ((delivery.roles.date, no_date), (delivery.roles.number, "6OO"))
    rows = delivery.some_rows(min(max(len(table.rows) // 200, 1), 5), len(table.rows))
    done = []
    for k, row in enumerate(rows):
        for column, value in wrong if len(rows) == 1 else wrong[k % 2 : k % 2 + 1]:
            table.rows[row][table.column(column)] = value
            done.append(delivery.done(name, lines=[row + 2], column=column, value=value))
    delivery.put(name, table)
    return done


@_fault
def trailer_count(delivery: Spoiler) -> list[Injection]:
    """The loan file's trailer counts a row too many."""
    name = delivery.roles.loans
    table = delivery.table(name)
    delivery.put(name, table, rows_off=1)
    return [delivery.done(name, lines=[len(table.rows) + 2], detail=f"says {len(table.rows) + 1} rows")]


@_fault
def trailer_sum(delivery: Spoiler) -> list[Injection]:
    """The payment file's trailer adds up to more than its rows."""
    name = delivery.roles.payments
    table = delivery.table(name)
    delivery.put(name, table, sum_off=100)
    return [delivery.done(name, lines=[len(table.rows) + 2], detail="100 too much")]


@_fault
def wrong_business_date(delivery: Spoiler) -> list[Injection]:
    """The loan file is in truth the day before's."""
    name, column = delivery.roles.loans, delivery.roles.business_date
    table = delivery.table(name)
    at, value = table.column(column), delivery.form.date_text(delivery.day - timedelta(days=1))
    for row in table.rows:
        row[at] = value
    delivery.put(name, table)
    return [delivery.done(name, column=column, value=value, detail="every row")]


@_fault
def duplicate_key(delivery: Spoiler) -> list[Injection]:
    """A loan is listed twice."""
    name, column = delivery.roles.loans, delivery.roles.loan_id
    table = delivery.table(name)
    (row,) = delivery.some_rows(1, len(table.rows))
    table.rows.append(list(table.rows[row]))
    delivery.put(name, table)
    value = table.rows[row][table.column(column)]
    return [delivery.done(name, lines=[row + 2, len(table.rows) + 1], column=column, value=value)]


@_fault
def wrong_encoding(delivery: Spoiler) -> list[Injection]:
    """The loan file is in UTF-8."""
    name = delivery.roles.loans
    delivery.write(name, delivery.read(name).decode(delivery.form.encoding).encode("utf-8"))
    return [delivery.done(name, detail=f"utf-8, not {delivery.form.encoding}")]


@_fault
def future_rows(delivery: Spoiler) -> list[Injection]:
    """A further loan is listed that will be disbursed tomorrow."""
    name, roles = delivery.roles.loans, delivery.roles
    table = delivery.table(name)
    row, value = list(table.rows[-1]), delivery.form.date_text(delivery.day + timedelta(days=1))
    row[table.column(roles.loan_id)] += "T"
    row[table.column(roles.date)] = value
    table.rows.append(row)
    delivery.put(name, table)
    return [delivery.done(name, lines=[len(table.rows) + 1], column=roles.date, value=value)]


@_fault
def orphan_payment(delivery: Spoiler) -> list[Injection]:
    """A payment for a loan that nobody knows. Where the day has no payment to copy: ValueError."""
    name, roles = delivery.roles.payments, delivery.roles
    table = delivery.table(name)
    if not table.rows:
        raise ValueError(f"orphan_payment: {delivery.lender} has no payment on {delivery.day}; choose another day")
    row = list(table.rows[0])
    loan = row[table.column(roles.loan_id)]
    loan = loan[:-7] + "9999999"
    row[table.column(roles.loan_id)] = loan
    row[table.column(roles.payment_id)] = row[table.column(roles.payment_id)][:-7] + "9999999"
    row[table.column(roles.kind)] = roles.a_payment
    row[table.column(roles.reverses)] = ""
    for column in (roles.value_on, roles.posted_on):
        row[table.column(column)] = delivery.form.date_text(delivery.day)
    table.rows.append(row)
    delivery.put(name, table)
    return [delivery.done(name, lines=[len(table.rows) + 1], column=roles.loan_id, value=loan)]


@_fault
def ten_times_rows(delivery: Spoiler) -> list[Injection]:
    """Ten times as many loans as yesterday: nine copies of each under other numbers."""
    name, roles = delivery.roles.loans, delivery.roles
    table = delivery.table(name)
    at, known = table.column(roles.loan_id), list(table.rows)
    for copy in range(1, 10):
        table.rows += [[*row[:at], f"{row[at]}X{copy}", *row[at + 1 :]] for row in known]
    delivery.put(name, table)
    return [delivery.done(name, detail=f"{len(table.rows)} rows, not {len(known)}")]


@_fault
def one_tenth_rows(delivery: Spoiler) -> list[Injection]:
    """A tenth of the loans of yesterday."""
    name = delivery.roles.loans
    table = delivery.table(name)
    before = len(table.rows)
    table.rows = table.rows[::10]
    delivery.put(name, table)
    return [delivery.done(name, detail=f"{len(table.rows)} rows, not {before}")]


@dataclass(frozen=True)
class Order:
    """A fault to be injected: into which lender's deliveries (None: every one's), on which day."""

    fault: str
    lender: str | None
    day: date


_ORDER = re.compile(r"^(?:(?P<lender>[a-z0-9_]+):)?(?P<fault>[a-z0-9_]+)(?:@(?P<day>\d{4}-\d{2}-\d{2}))?$")


def read_orders(texts: Sequence[str], *, lenders: Sequence[str], first: date, last: date) -> list[Order]:
    """Read `[lender:]fault[@YYYY-MM-DD]`; without a day, the last one.

    Raises ValueError for a fault, lender or day that there is not, saying which there are.
    """
    orders = []
    for text in texts:
        match = _ORDER.match(text)
        if not match or match["fault"] not in FAULTS:
            raise ValueError(f"no fault {text!r}; write [lender:]fault[@YYYY-MM-DD] with one of: {', '.join(FAULTS)}")
        if match["lender"] and match["lender"] not in lenders:
            raise ValueError(f"fault {text!r}: lender is not among those simulated ({', '.join(lenders)})")
        try:
            day = date.fromisoformat(match["day"]) if match["day"] else last
        except ValueError as error:
            raise ValueError(f"fault {text!r}: {error}") from None
        if not first <= day <= last:
            raise ValueError(f"fault {text!r}: no delivery on that day, only from {first} to {last}")
        orders.append(Order(match["fault"], match["lender"], day))
    return orders


def inject(
    orders: Sequence[Order], *, landings: Mapping[str, tuple[Landing, FileFormat]], seed: int
) -> list[Injection]:
    """Inject faults into deliveries that were written, in the order given."""
    done: list[Injection] = []
    for order in orders:
        for lender, (landing, form) in landings.items():
            if order.lender in (None, lender):
                done += FAULTS[order.fault](
                    Spoiler(fault=order.fault, lender=lender, day=order.day, landing=landing, form=form, seed=seed)
                )
    return done


__all__ = ["FAULTS", "FileFormat", "Injection", "Order", "Roles", "Table", "inject", "read_orders"]

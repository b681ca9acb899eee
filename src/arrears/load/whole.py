"""What only the whole file shows: control totals, rows of another business date, keys that stand more than once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import polars as pl

from arrears.contract.entities import ENTITIES
from arrears.contract.model import Trailer
from arrears.delivery.control import claimed_rows
from arrears.delivery.fault import SHOWN_CHARACTERS, Fault
from arrears.delivery.files import DeliveryFile
from arrears.delivery.stream import RowStream, TrailerFound
from arrears.load.frames import blocks
from arrears.load.judge import LINE, Judge
from arrears.load.values import comparable, counted, is_needed, same_day

KEYS_SHOWN, LINES_SHOWN = 20, 5
KEYS_LOOKED_AT = 1000


class WholeFile:
    """Looks at every block of a file as it passes, and says at the end what is wrong with the whole.

    Args:
        file: the file.
        judge: how its rows are read.
        again: opens the file once more; needed only where a key seems to stand twice.
    """

    def __init__(self, file: DeliveryFile, judge: Judge, again: Callable[[], RowStream]) -> None:
        self._file = file
        self._judge = judge
        self._again = again
        self._total = _Total(judge) if isinstance(file.resource.arrears.control, Trailer) else None
        self._dates = _Dates(judge)
        self._keys = [_Key(judge, names) for names in _keys(judge)]

    def look(self, texts: pl.DataFrame) -> None:
        """Look at a block with its cleaned texts (`Judged.texts`)."""
        if self._total is not None:
            self._total.add(texts)
        self._dates.add(texts)
        for key in self._keys:
            key.add(texts)

    def faults(self, rows: int, trailer: TrailerFound | None) -> Iterator[Fault]:
        """What is wrong with the whole. rows: how many it has; trailer: what its last line claims."""
        if self._total is not None and trailer is not None:
            yield from self._total.faults(self._file.path, rows, trailer)
        yield from self._dates.faults(self._file.path)
        for key in self._keys:
            yield from key.faults(self._file.path, self._again)


def _keys(judge: Judge) -> list[list[str]]:
    """The keys that the contract declares; the entity's, where it declares no primary key."""
    table, rules = judge.resource.table, judge.resource.arrears
    keys = table.keys()
    # Among changes a row may be inserted, updated and deleted within one day.
    if table.primary_key is None and rules.mode != "changes":
        carried = {field.arrears.field: name for name, field in judge.fields.items() if field.arrears.field}
        key = ENTITIES[rules.entity].key
        if key[0] in carried:
            keys = [[carried[part] for part in key if part in carried], *keys]
    return keys


class _Total:
    """The sum of a column in the file's own unit, over rejected rows too, against what the trailer claims."""

    def __init__(self, judge: Judge) -> None:
        control = judge.resource.arrears.control
        assert isinstance(control, Trailer)
        self._column = judge.fields[control.sum] if control.sum is not None else None
        self._text = judge.text(control.sum) if control.sum is not None else None
        self._sum = Decimal(0)
        self._unreadable = 0

    def add(self, texts: pl.DataFrame) -> None:
        if self._column is None or self._text is None:
            return
        number = counted(self._column, self._text)
        found = texts.lazy().select(
            total=number.sum(), unreadable=(self._text.is_not_null() & number.is_null()).sum()
        ).collect()  # fmt: skip
        self._sum += found["total"][0] or 0
        self._unreadable += found["unreadable"][0]

    def faults(self, path: str, rows: int, trailer: TrailerFound) -> Iterator[Fault]:
        if claimed_rows(trailer.rows) != rows:
            yield Fault(path, f"the trailer says {trailer.rows[:SHOWN_CHARACTERS]} rows, the file has {rows}")
        # A value that cannot be read is rejected with its row; the sum then proves nothing either way.
        if self._column is None or self._unreadable:
            return
        claimed = pl.DataFrame({"total": [trailer.total]}, schema={"total": pl.String}).select(
            counted(self._column, pl.col("total"))
        )["total"][0]
        if claimed != self._sum:
            rule = f"the trailer says that {self._column.name} sums to {trailer.total}, the rows sum to "
            rule += _spelt(self._sum)
            yield Fault(path, rule, column=self._column.name)


def _spelt(total: Decimal) -> str:
    """Without a fraction where there is none, else with two decimals or as many as are needed."""
    short = total.normalize()
    exponent = short.as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return f"{total:.{max(decimals, 2) if decimals else 0}f}"


class _Dates:
    """Rows of another business date than the delivery's: yesterday's file, sent again under today's name."""

    def __init__(self, judge: Judge) -> None:
        self._name = judge.resource.arrears.business_date
        self._judge = judge
        self._count = 0
        self._first: tuple[int, str] | None = None

    def add(self, texts: pl.DataFrame) -> None:
        if self._name is None:
            return
        text, value = self._judge.text(self._name), self._judge.own_value(self._name)
        same = same_day(self._judge.fields[self._name], text, self._judge.day)
        other = texts.lazy().filter(value.holds() & ~same.fill_null(False)).select(LINE, text.alias("text")).collect()
        self._count += other.height
        if other.height and self._first is None:
            self._first = other.row(0)

    def faults(self, path: str) -> Iterator[Fault]:
        if self._first is not None:
            line, value = self._first
            rule = f"{self._count} rows are not of the business date {self._judge.day.business_date}"
            yield Fault(path, rule, line=line, column=self._name, value=value)


class _Key:
    """Keys that stand in the file more than once.

    A hash of eight bytes is kept for every row. Only where two are the same is the file read again, and the keys
    behind them compared.
    """

    def __init__(self, judge: Judge, names: list[str]) -> None:
        self._judge, self._names = judge, names
        parts = [comparable(judge.fields[name], judge.text(name), judge.day) for name in names]
        self._parts = [part.fill_null("").alias(f"k{number}") for number, part in enumerate(parts)]
        self._there = self._has_key()
        self._hashes = bytearray()  # grows in place, where a list of arrays would be joined into a second copy

    def _has_key(self) -> pl.Expr:
        """Rows without a key value that is needed are rejected for it, and are nobody's duplicates."""
        table, entity = self._judge.resource.table, ENTITIES[self._judge.resource.arrears.entity]
        beside_the_primary = self._names in table.unique_keys or len(self._names) == 1
        fields = [self._judge.fields[name] for name in self._names]
        needed = [
            self._judge.is_there(field.name)
            for field in fields
            if beside_the_primary or is_needed(field, entity.fields.get(field.arrears.field or ""))
        ]
        return pl.all_horizontal(needed) if needed else pl.lit(True)

    def _keyed(self, texts: pl.DataFrame) -> pl.LazyFrame:
        keyed = texts.lazy().filter(self._there).select(LINE, *self._parts)
        names = [part.meta.output_name() for part in self._parts]
        return keyed.with_columns(hash=pl.struct(names).hash() if len(names) > 1 else pl.col(names[0]).hash())

    def add(self, texts: pl.DataFrame) -> None:
        self._hashes += self._keyed(texts).select("hash").collect()["hash"].to_numpy().tobytes()

    def faults(self, path: str, again: Callable[[], RowStream]) -> Iterator[Fault]:
        twice = self._twice()
        if not len(twice):
            return
        # Lines are kept of the first keys only: memory must not grow with a file that was written twice over. Of so
        # many hashes that stand twice hardly one is of two keys.
        lines = self._lines(twice, again)
        found = sorted(where for where in lines.values() if len(where) > 1)
        count = len(found) if len(twice) <= KEYS_LOOKED_AT else len(twice)
        for where in found[:KEYS_SHOWN]:
            shown = ", ".join(map(str, where))
            rule = f"the same key on lines {shown} ({count} keys stand more than once)"
            yield Fault(path, rule, line=where[1], column=" + ".join(self._names))

    def _lines(
        self, hashes: npt.NDArray[np.uint64], again: Callable[[], RowStream]
    ) -> dict[tuple[str, ...], list[int]]:
        """The first lines of the first KEYS_LOOKED_AT keys with these hashes, which are in order."""
        lines: dict[tuple[str, ...], list[int]] = {}
        kept = set[int]()  # hashes of those keys
        for block in blocks(again(), len(self._judge.fields)):
            keyed = self._keyed(self._judge.judge(block, accept=False).texts).collect()
            own = keyed["hash"].to_numpy()
            nearest = hashes[np.minimum(np.searchsorted(hashes, own), len(hashes) - 1)]
            suspects = keyed.filter(pl.Series(nearest == own))
            for line, *parts, hashed in suspects.iter_rows():
                if (key := tuple(parts)) in lines:
                    if len(lines[key]) < LINES_SHOWN:
                        lines[key].append(line)
                elif len(lines) < KEYS_LOOKED_AT:
                    lines[key] = [line]
                    kept.add(hashed)
            if len(lines) == KEYS_LOOKED_AT < len(hashes):
                hashes = np.sort(np.fromiter(kept, np.uint64, len(kept)))  # no other row matters any more
        return lines

    def _twice(self) -> npt.NDArray[np.uint64]:
        hashes = np.frombuffer(self._hashes, dtype=np.uint64)
        hashes.sort()
        return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])

"""Delimited text as it arrives, turned into UTF-8 for COPY while it streams past.

Memory does not grow with the file. On the way the header is checked, the trailer taken off, personal data hashed
or dropped. What only the whole file shows (a broken gzip, a missing trailer) is raised when its end is reached.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import hmac
import io
import lzma
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from arrears.contract.model import Resource, TableField
from arrears.delivery.fault import Fault
from arrears.delivery.files import BLOCK, DeliveryFile

# A line longer than this is no line of a table: a file without line breaks must not be held in memory whole.
LONGEST_LINE = 1 << 24


class BrokenFile(Exception):
    """The file cannot be read to its end as the contract describes it."""

    def __init__(self, *faults: Fault) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(map(str, faults)))


@dataclass(frozen=True)
class TrailerFound:
    """What the last line claims: number of rows, and the control sum as it is written."""

    rows: str
    total: str | None


class TextStream(io.RawIOBase):
    """The body of a delimited file as UTF-8 bytes: no byte-order mark, no header, no trailer, newlines `\\n`.

    Args:
        file: the file.
        pii_key: gives the key of the hash when a column asks for one.

    Raises (while reading):
        BrokenFile: wrong encoding, broken compression, wrong header, missing trailer.
    """

    def __init__(self, file: DeliveryFile, pii_key: Callable[[], bytes]) -> None:
        self.file = file
        self.trailer: TrailerFound | None = None
        self.broken: BrokenFile | None = None
        self.header_lines = 1 if file.resource.dialect.header else 0
        self._lines_done = 0
        blocks = self._without_trailer(self._without_header(self._decoded()))
        if any(field.arrears.pii for field in file.resource.table.fields):
            blocks = self._without_pii(blocks, pii_key())
        self._blocks = (block.encode() for block in blocks if block)
        self._block = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` from one block; COPY reads in small pieces, so the block is not copied for each."""
        if not self._block:
            try:
                self._block = memoryview(next(self._blocks, b""))
            except BrokenFile as broken:
                self.broken = broken
                raise
        count = min(len(buffer), len(self._block))
        buffer[:count] = self._block[:count]
        self._block = self._block[count:]
        return count

    def _broken(self, rule: str, line: int | None = None, column: str | None = None) -> BrokenFile:
        return BrokenFile(Fault(self.file.path, rule, line=line, column=column))

    def _raw(self) -> Iterator[bytes]:
        try:
            with self.file.open() as stream:
                while block := cast(BinaryIO, stream).read(BLOCK):
                    yield block
        except OSError as error:
            if error.errno is not None:  # bz2 reports broken data as an OSError without a number
                raise
            raise self._broken_archive(error) from error
        except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            raise self._broken_archive(error) from error

    def _broken_archive(self, error: Exception) -> BrokenFile:
        return self._broken(f"the compressed file is broken or truncated ({error}); ask for it to be sent again")

    def _decoded(self) -> Iterator[str]:
        encoding = self.file.resource.encoding
        decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)("strict"), translate=True)
        first = True
        try:
            for block in self._raw():
                text = decoder.decode(block)
                yield text.removeprefix("\ufeff") if first else text
                self._lines_done += text.count("\n")
                first = first and not text  # the first bytes may not make a character yet
            yield decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].count(b"\n")
            raise self._broken(
                f"bytes that are not {encoding} ({error.reason}); is the file written in another encoding?",
                line=self._lines_done + before + 1,
            ) from error

    def _without_header(self, blocks: Iterator[str]) -> Iterator[str]:
        if self.header_lines == 0:
            yield from blocks
            return
        text = ""
        for block in blocks:
            text += block
            if "\n" in text:
                break
            self._refuse_endless(text, 1)
        header, _, rest = text.partition("\n")
        faults = list(header_faults(self.file, header))
        if faults:
            raise BrokenFile(*faults)
        yield rest
        yield from blocks

    def _without_trailer(self, blocks: Iterator[str]) -> Iterator[str]:
        """Hold the last line back until the end is known; drop blank lines at the end."""
        held = ""
        for block in blocks:
            text = held + block
            cut = text.rstrip("\n").rfind("\n") + 1
            held = text[cut:]
            self._refuse_endless(held)
            if cut:
                yield text[:cut]
        last = held.rstrip("\n")
        control = self.file.resource.arrears.control
        if control is None:
            if last:
                yield last + "\n"
            return
        parts = last.split(self.file.resource.dialect.delimiter)
        expected = 3 if control.sum else 2
        if parts[0].strip() != control.mark or len(parts) != expected:
            raise self._broken(
                f"the last line is not the trailer {control.mark} with {expected} parts: the file is truncated, "
                "or its control line was left out; ask for it to be sent again"
            )
        self.trailer = TrailerFound(parts[1].strip(), parts[2].strip() if control.sum else None)

    def _refuse_endless(self, text: str, line: int | None = None) -> None:
        if len(text) > LONGEST_LINE:
            raise self._broken(f"a line of more than {LONGEST_LINE:,} characters: is this a text file?", line)

    def _without_pii(self, blocks: Iterator[str], key: bytes) -> Iterator[str]:
        """Rows with their personal columns hashed or emptied. Parses every row, so only files with them pay."""
        resource = self.file.resource
        treatments = [_treatment(resource, field, key) for field in resource.table.fields]
        style = _style(resource)
        reader = csv.reader(_lines(blocks), strict=True, **style)
        try:
            for batch in _batches(reader, 10_000):
                sink = io.StringIO()
                writer = csv.writer(sink, **style)
                for number, row in batch:
                    if len(row) != len(treatments):
                        rule = f"{len(row)} columns where the header has {len(treatments)}"
                        raise self._broken(rule, number + self.header_lines)
                    writer.writerow([treat(value) for treat, value in zip(treatments, row, strict=True)])
                yield sink.getvalue()
        except csv.Error as error:
            raise self._broken(f"not a delimited line ({error})", reader.line_num + self.header_lines) from error


def header_faults(file: DeliveryFile, line: str) -> Iterator[Fault]:
    """Faults of a header line: every column missing, unknown, twice there or out of place."""
    if not line.strip():
        yield Fault(file.path, "the file is empty: not even a header; ask for it to be sent again")
        return
    try:
        found = [name.strip() for name in next(csv.reader([line], **_style(file.resource)))]
    except csv.Error as error:
        yield Fault(file.path, f"the header is not a delimited line ({error})", line=1)
        return
    expected = [field.name for field in file.resource.table.fields]
    if found == expected:
        return
    if not set(found) & set(expected):
        # Its first row may hold personal data, so it is not shown.
        rule = "no column of the contract in it: is the header missing, or the file written with another delimiter?"
        yield Fault(file.path, rule, line=1)
        return
    yield from _name_faults(file, found, expected)


def _name_faults(file: DeliveryFile, found: list[str], expected: list[str]) -> Iterator[Fault]:
    for name in expected:
        if name not in found:
            yield Fault(file.path, "the column is missing from the header", line=1, column=name)
    for position, name in enumerate(found):
        if name not in expected:
            yield Fault(file.path, "a column that the contract does not know", line=1, column=name)
        elif found.index(name) != position:
            yield Fault(file.path, "the column stands twice in the header", line=1, column=name)
    if sorted(found) == sorted(expected):
        yield Fault(
            file.path,
            f"the columns are in another order than the contract's ({', '.join(expected)})",
            line=1,
            column=next(name for name, other in zip(found, expected, strict=True) if name != other),
        )


def keyed_hash(key: bytes, value: str) -> str:
    """HMAC-SHA-256 of an identity number without blanks, in capitals: the same person has the same everywhere."""
    plain = unicodedata.normalize("NFKC", value)  # full-width digits are digits
    return hmac.new(key, "".join(plain.split()).upper().encode(), hashlib.sha256).hexdigest()


def _style(resource: Resource) -> dict[str, Any]:
    """How Python's csv module is told of the file's dialect."""
    quote = resource.dialect.quote_char
    quoting = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE, "quotechar": None}
    return {"delimiter": resource.dialect.delimiter, "lineterminator": "\n", **quoting}


def _treatment(resource: Resource, field: TableField, key: bytes) -> Callable[[str], str]:
    """What happens to a column's values on the way in. A missing identity number is nobody's, so it gets no hash."""
    missing = {"", *resource.table.missing_values_of(field)}

    def hashed(value: str) -> str:
        return "" if value.strip() in missing else keyed_hash(key, value)

    if field.arrears.pii is None:
        return str
    return hashed if field.arrears.pii == "hash" else lambda value: ""


def _lines(blocks: Iterator[str]) -> Iterator[str]:
    held = ""
    for block in blocks:
        *whole, held = (held + block).split("\n")
        yield from (line + "\n" for line in whole)
    if held:
        yield held


def _batches(reader: Any, size: int) -> Iterator[list[tuple[int, list[str]]]]:
    """Rows with the number of the line each ends on."""
    batch: list[tuple[int, list[str]]] = []
    for row in reader:
        batch.append((reader.line_num, row))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch

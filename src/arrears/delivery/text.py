"""Delimited text: the header is checked, the trailer taken off, personal data hashed or dropped."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from arrears.contract.model import Trailer
from arrears.delivery.delimited import reader, style
from arrears.delivery.fault import BrokenFile, Fault
from arrears.delivery.files import BLOCK, DeliveryFile
from arrears.delivery.header import NOT_EVEN_A_HEADER, column_faults
from arrears.delivery.lines import utf8_lines
from arrears.delivery.pii import Treatment, treatments
from arrears.delivery.stream import PiiKey, RowStream, TrailerFound

# More than any file ends in: they are held until it is known whether a row follows, and compress to next to nothing.
MOST_BLANK_LINES = 1 << 20


class TextStream(RowStream):
    """The body of a delimited file, as it is written there."""

    def __init__(self, file: DeliveryFile, pii_key: PiiKey) -> None:
        super().__init__(file, pii_key)
        dialect = file.resource.dialect
        self.delimiter = dialect.delimiter
        self.quote = dialect.quote_char or None
        self._header_line = (dialect.header_rows or [1])[0] if dialect.header else 0
        self.first_line = self._header_line + 1
        self.one_row_a_line = False

    def _rows(self) -> Iterator[bytes]:
        personal = treatments(self.resource, self._pii_key)
        blocks = self._without_trailer(self._without_header(utf8_lines(self.file)))
        return self._without_pii(blocks, personal) if personal else blocks

    def _without_header(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Check the header, and leave it and the lines above it out."""
        if self._header_line == 0:
            yield from blocks
            return
        text = b""
        for block in blocks:
            text += block
            if text.count(b"\n") >= self._header_line:
                break
        *above, rest = [*text.split(b"\n", self._header_line), b""][: self._header_line + 1]
        header = above[-1] if len(above) == self._header_line else b""
        faults = list(self._header_faults(header.decode()))
        if faults:
            raise BrokenFile(*faults)
        yield rest
        yield from blocks

    def _header_faults(self, header: str) -> Iterator[Fault]:
        if not header.strip():
            yield Fault(self.file.path, NOT_EVEN_A_HEADER)
            return
        try:
            found = [name.strip() for name in next(reader([header], self.delimiter, self.quote))]
        except csv.Error as error:
            yield Fault(self.file.path, f"the header is not a delimited line ({error})", line=self._header_line)
            return
        yield from column_faults(self.file, found, self._header_line)

    def _without_trailer(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Hold the last line back until the end is known; drop blank lines at the end."""
        held, blank = b"", 0
        for block in blocks:
            if not block.strip(b"\n"):
                blank += len(block)  # they may be the last
                if blank > MOST_BLANK_LINES:
                    raise self._broken(f"more than {MOST_BLANK_LINES:,} blank lines together; ask for it without them")
                continue
            last = block.rstrip(b"\n").rfind(b"\n") + 1
            yield held + b"\n" * blank + block[:last]
            held, blank = block[last:], 0
        control = self.resource.arrears.control
        if control is None or control.kind != "trailer":
            yield held.rstrip(b"\n") + b"\n" if held.strip(b"\n") else b""
            return
        self.trailer = self._trailer(control, held.rstrip(b"\n").decode())

    def _trailer(self, control: Trailer, last: str) -> TrailerFound:
        parts = last.split(self.delimiter)
        expected = 3 if control.sum else 2
        if parts[0].strip() != control.mark or len(parts) != expected:
            raise self._broken(
                f"the last line is not the trailer {control.mark} with {expected} parts: the file is truncated, "
                "or its control line was left out; ask for it to be sent again"
            )
        return TrailerFound(parts[1].strip(), parts[2].strip() if control.sum else None)

    def _without_pii(self, blocks: Iterator[bytes], personal: list[tuple[int, Treatment]]) -> Iterator[bytes]:
        """Rows with their personal columns hashed or emptied. Parses every row, so only files with them pay."""
        width = len(self.resource.table.columns())
        rows = reader(_lines(blocks), self.delimiter, self.quote, strict=True)
        done = io.StringIO()
        writer = csv.writer(done, **style(self.delimiter, self.quote))
        try:
            for number, row in enumerate(rows):
                if len(row) != width:
                    rule = f"{len(row)} columns where the header has {width}"
                    raise self._broken(rule, self.first_line + rows.line_num - 1)
                for position, treat in personal:
                    value = row[position]
                    row[position] = treat(value)
                    if "\n" in value:
                        self.breaks_taken.append((number, value.count("\n")))
                writer.writerow(row)
                if done.tell() > BLOCK:  # by size, not by number: rows may be long
                    yield _taken(done)
            yield _taken(done)
        except csv.Error as error:
            line = self.first_line + rows.line_num - 1
            raise self._broken(f"not a delimited line ({error})", line) from error


def _taken(text: io.StringIO) -> bytes:
    """What has been written, leaving nothing of it."""
    written = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return written


def _lines(blocks: Iterator[bytes]) -> Iterator[str]:
    for block in blocks:
        yield from io.StringIO(block.decode(), newline="\n")

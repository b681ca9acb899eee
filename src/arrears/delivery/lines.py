"""A text file as whole lines of UTF-8, whatever its encoding, compression and line ends.

Text that is UTF-8 already is checked and passed through as it is: nothing is decoded and encoded again.
"""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from fsspec.utils import infer_compression

from arrears.delivery.fault import BrokenFile, Fault
from arrears.delivery.files import BLOCK, DeliveryFile, StoredFile, reachable

# A line longer than this is no line of a table: a file without line breaks must not be held in memory whole.
LONGEST_LINE = 1 << 24
# What Python says of a character of which only the first bytes are there.
CUT_OFF = ("unexpected end of data", "incomplete multibyte sequence")
BYTE_ORDER_MARK = codecs.BOM_UTF8


def utf8_lines(file: DeliveryFile) -> Iterator[bytes]:
    """Blocks of whole lines as UTF-8 with newlines `\\n` and no byte-order mark; the last may lack its newline.

    Raises (while reading):
        BrokenFile: wrong encoding, broken compression, no line breaks.
    """
    if codecs.lookup(file.resource.encoding).name in ("utf-8", "utf-8-sig"):
        return _checked(file, _whole_lines(file, _raw(file)))
    return _whole_lines(file, _recoded(file, _raw(file)))


def _raw(file: DeliveryFile) -> Iterator[bytes]:
    """The file's bytes, decompressed."""
    if infer_compression(file.location) is not None and file.fingerprint[1] == 0:
        # Reading it as gzip would give a sound file without content.
        raise BrokenFile(Fault(file.path, "the compressed file is empty (0 bytes); ask for it to be sent again"))
    with reachable(file.location), sound_archive(file), file.open() as stream:
        while block := stream.read(BLOCK):
            yield block


@contextmanager
def sound_archive(file: StoredFile) -> Iterator[None]:
    """Says what is wrong with a compressed file that cannot be decompressed to its end."""
    try:
        yield
    # NotImplementedError is what zipfile says of patched data and strong encryption
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and not _of_decompression(error, file):
            raise
        rule = f"the compressed file is broken or truncated ({error}); ask for it to be sent again"
        raise BrokenFile(Fault(file.path, rule)) from error


def _of_decompression(error: OSError, file: StoredFile) -> bool:
    """gzip and bz2 report broken data as an OSError too, but as a bare one without a number."""
    bare = type(error) in (OSError, gzip.BadGzipFile) and error.errno is None
    return bare and infer_compression(file.location) is not None


def _whole_lines(file: DeliveryFile, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes cut after line ends. In UTF-8 no character is cut by that."""
    held = b""
    for block in blocks:
        whole = held + block if held else block
        # A carriage return at the very end may be the first half of a line end.
        cut = max(whole.rfind(b"\n"), whole.rfind(b"\r", 0, -1)) + 1
        held = whole[cut:]
        if len(held) > LONGEST_LINE:
            raise BrokenFile(Fault(file.path, f"a line of more than {LONGEST_LINE:,} bytes: is this a text file?"))
        if cut:
            yield _plain_newlines(whole[:cut])
    if held:
        yield _plain_newlines(held)


def _plain_newlines(block: bytes) -> bytes:
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in block else block


def _checked(file: DeliveryFile, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """UTF-8 that is shown to be UTF-8, without its byte-order mark."""
    done = 0
    for number, block in enumerate(blocks):
        if not block.isascii():
            try:
                block.decode()
            except UnicodeDecodeError as error:
                raise _wrong_encoding(file, error, done + block[: error.start].count(b"\n") + 1) from error
        done += block.count(b"\n")
        yield block.removeprefix(BYTE_ORDER_MARK) if number == 0 else block


def _recoded(file: DeliveryFile, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Another encoding as UTF-8, without its byte-order mark."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(file.resource.encoding)("strict"), True)
    done, first = 0, True
    try:
        for block in blocks:
            text = decoder.decode(block)
            yield (text.removeprefix("\ufeff") if first else text).encode()
            done += text.count("\n")
            first = first and not text  # the first bytes may not make a character yet
        yield decoder.decode(b"", final=True).encode()
    except UnicodeDecodeError as error:
        raise _wrong_encoding(file, error, done + error.object[: error.start].count(b"\n") + 1) from error


def _wrong_encoding(file: DeliveryFile, error: UnicodeDecodeError, line: int) -> BrokenFile:
    rule = f"bytes that are not {file.resource.encoding} ({error.reason}); is the file written in another encoding?"
    if error.reason in CUT_OFF and error.end == len(error.object):
        rule = f"bytes that are not {file.resource.encoding}: the file ends in the middle of a character; "
        rule += "it is truncated, or written in another encoding"
    return BrokenFile(Fault(file.path, rule, line=line))

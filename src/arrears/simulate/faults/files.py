"""Faults of whole files: broken, cut off, missing, in another encoding, at odds with their control."""

from __future__ import annotations

import codecs
import zlib

from arrears.simulate.faults.form import Manifest, Marker
from arrears.simulate.faults.spoiler import LINES, Injection, Spoiler, fault

_GZIP_TRAILER = 8
"""Bytes at a gzip file's end: checksum and length."""


@fault()
def truncated_file(delivery: Spoiler) -> list[Injection]:
    """The loan file ends in mid-line, as after a broken transfer. Where it is gzipped, it was so before."""
    name = delivery.roles.loans
    data = delivery.content(name)
    kept = len(data) * 3 // 5
    if not kept:
        raise delivery.impossible(f"{delivery.name(name)} is empty")
    kept -= data[kept - 1 : kept] == b"\n"
    delivery.put_content(name, data[:kept])
    return [delivery.done_to_file(delivery.name(name), detail=f"{kept} of {len(data)} bytes")]


@fault(gzip=True)
def truncated_gzip(delivery: Spoiler) -> list[Injection]:
    """The gzipped loan file ends too early, and still yields rows."""
    name = delivery.name(delivery.roles.loans)
    data = delivery.read(name)
    kept = len(data) * 4 // 5
    if b"\n" not in _inflated(data[:kept]):
        kept = len(data) - _GZIP_TRAILER
    rows = _inflated(data[:kept]).count(b"\n")
    if not rows:
        raise delivery.impossible(f"{name} has no row")
    delivery.write(name, data[:kept])
    return [delivery.done_to_file(name, detail=f"{kept} of {len(data)} bytes, which still yield {rows} rows")]


def _inflated(data: bytes) -> bytes:
    return zlib.decompressobj(wbits=31).decompress(data)


@fault(gzip=True)
def broken_gzip(delivery: Spoiler) -> list[Injection]:
    """Bytes in the middle of the gzipped loan file are others."""
    name = delivery.name(delivery.roles.loans)
    data = delivery.read(name)
    at = len(data) // 2
    damaged = bytes(b ^ 0xFF for b in data[at : at + 4])
    delivery.write(name, data[:at] + damaged + data[at + 4 :])
    return [delivery.done_to_file(name, detail=f"bytes {at + 1} to {at + len(damaged)}")]


@fault()
def missing_file(delivery: Spoiler) -> list[Injection]:
    """The file of payments never came."""
    name = delivery.name(delivery.roles.payments)
    delivery.remove(name)
    return [delivery.done_to_file(name, detail="removed")]


@fault()
def zero_bytes(delivery: Spoiler) -> list[Injection]:
    """The loan file is empty, without as much as a header."""
    name = delivery.name(delivery.roles.loans)
    before = len(delivery.read(name))
    delivery.write(name, b"")
    return [delivery.done_to_file(name, detail=f"0 of {before} bytes")]


@fault(media=LINES)
def wrong_encoding(delivery: Spoiler) -> list[Injection]:
    """The loan file is in UTF-8 where another encoding is agreed, in GB18030 where that is UTF-8."""
    name, agreed = delivery.roles.loans, delivery.form.encoding
    other = "gb18030" if codecs.lookup(agreed).name.startswith("utf-8") else "utf-8"
    before = delivery.content(name)
    after = before.decode(agreed).encode(other)
    if after == before:
        raise delivery.impossible(f"{delivery.name(name)} has only ASCII characters")
    delivery.put_content(name, after)
    return [delivery.done(name, detail=f"{other}, not {agreed}")]


@fault(media=LINES)
def bom(delivery: Spoiler) -> list[Injection]:
    """The loan file begins with a byte-order mark; without one, where one is agreed."""
    name = delivery.roles.loans
    mark = "\ufeff".encode(delivery.form.encoding.removesuffix("-sig"))
    before = delivery.content(name)
    there = before.startswith(mark)
    delivery.put_content(name, before[len(mark) :] if there else mark + before)
    detail = f"{'no' if there else 'a'} byte-order mark"
    return [delivery.done(name, lines=[1], detail=detail)]


@fault(media=LINES)
def crlf(delivery: Spoiler) -> list[Injection]:
    """The lines of the loan file end in carriage return and line feed; where that is agreed, in a line feed alone."""
    name = delivery.roles.loans
    before = delivery.content(name)
    if b"\n" not in before:
        raise delivery.impossible(f"{delivery.name(name)} has no line")
    both = b"\r\n" in before
    delivery.put_content(name, before.replace(b"\r\n", b"\n") if both else before.replace(b"\n", b"\r\n"))
    return [delivery.done(name, detail="no carriage returns" if both else "carriage returns")]


@fault(media=LINES)
def no_last_newline(delivery: Spoiler) -> list[Injection]:
    """The last line of the loan file has no end."""
    name = delivery.roles.loans
    before = delivery.content(name)
    after = before.rstrip(b"\r\n")
    if not after or after == before:
        raise delivery.impossible(f"{delivery.name(name)} is empty, or has none anyway")
    delivery.put_content(name, after)
    return [delivery.done(name, lines=[after.count(b"\n") + 1], detail="no line break")]


# ── controls ────────────────────────────────────────────────────────────────────────────────────────────────


@fault(control=("trailer",))
def trailer_count(delivery: Spoiler) -> list[Injection]:
    """The loan file's trailer counts a row too many."""
    name = delivery.roles.loans
    table = delivery.table(name)
    delivery.put(name, table, rows_off=1)
    line = table.line(len(table.rows))
    return [delivery.done(name, lines=[line], detail=f"says {len(table.rows) + 1} rows")]


@fault(control=("trailer",))
def trailer_sum(delivery: Spoiler) -> list[Injection]:
    """The payment file's trailer adds up to more than its rows."""
    name = delivery.roles.payments
    table = delivery.table(name)
    delivery.put(name, table, sum_off=100)
    return [delivery.done(name, lines=[table.line(len(table.rows))], detail="100 too much")]


@fault(control=("trailer",))
def trailer_of_another(delivery: Spoiler) -> list[Injection]:
    """The loan file's trailer agrees with neither the count nor the sum of its rows."""
    name = delivery.roles.loans
    table = delivery.table(name)
    delivery.put(name, table, rows_off=-1, sum_off=-100)
    line, rows = table.line(len(table.rows)), len(table.rows) - 1
    return [delivery.done(name, lines=[line], detail=f"says {rows} rows, and 100 too little")]


@fault(control=("trailer", "manifest", "marker"))
def missing_control(delivery: Spoiler) -> list[Injection]:
    """What tells that the delivery is whole is not there: the loan file's trailer, the manifest, the marker."""
    control = delivery.roles.control
    if isinstance(control, Manifest | Marker):
        delivery.remove(control.file)
        return [delivery.done_to_file(control.file, detail="removed")]
    name = delivery.roles.loans
    lines = delivery.content(name).splitlines(keepends=True)
    delivery.put_content(name, b"".join(lines[:-1]))
    return [delivery.done(name, lines=[len(lines)], detail="the trailer is gone")]


def _manifest(delivery: Spoiler) -> Manifest:
    control = delivery.roles.control
    assert isinstance(control, Manifest), "faults of manifests apply to layouts with one"
    return control


@fault(control=("manifest",))
def manifest_of_yesterday(delivery: Spoiler) -> list[Injection]:
    """The manifest is that of the delivery before."""
    name, earlier = _manifest(delivery).file, delivery.before()
    delivery.write(name, earlier.read(name))
    return [delivery.done_to_file(name, value=earlier.day.isoformat(), detail="the manifest of that day")]


@fault(control=("manifest",))
def manifest_wrong_hash(delivery: Spoiler) -> list[Injection]:
    """The manifest has another SHA-256 for the payments than their file has."""
    manifest, name = _manifest(delivery), delivery.name(delivery.roles.payments)
    day, listed = manifest.listed(delivery.read(manifest.file))
    wrong = {digest: digest[::-1] for file, _, digest in listed if file == name}
    entries = [(file, rows, wrong.get(digest, digest)) for file, rows, digest in listed]
    delivery.write(manifest.file, manifest.render(day, entries))
    return [
        delivery.done_to_file(manifest.file, value=digest, detail=f"SHA-256 of {name}") for digest in wrong.values()
    ]


@fault(control=("manifest",))
def manifest_wrong_rows(delivery: Spoiler) -> list[Injection]:
    """The manifest counts a loan too many."""
    manifest, name = _manifest(delivery), delivery.name(delivery.roles.loans)
    day, listed = manifest.listed(delivery.read(manifest.file))
    entries = [(file, rows + (file == name), digest) for file, rows, digest in listed]
    delivery.write(manifest.file, manifest.render(day, entries))
    said = [rows for file, rows, _ in entries if file == name]
    return [delivery.done_to_file(manifest.file, value=str(rows), detail=f"rows of {name}") for rows in said]

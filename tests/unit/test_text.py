"""Delimited text as it streams past: header, trailer, encodings, line ends, personal data, memory."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import random
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from arrears.contract.model import Resource
from arrears.delivery import lines
from arrears.delivery.files import DeliveryFile
from arrears.delivery.pii import keyed_hash
from arrears.delivery.stream import BrokenFile, TrailerFound
from arrears.delivery.text import TextStream

KEY = b"a key for tests"
IDENTITY, PHONE = "110101199003078515", "13800138000"
SIZES = [1, 2, 3, 5, 7, 16, 64, 1 << 20]


def _resource(columns: list[Any], **properties: Any) -> Resource:
    fields = [{"name": column} if isinstance(column, str) else column for column in columns]
    control = properties.pop("control", None)
    return Resource.model_validate({
        "name": "rows", "path": "rows.csv", "schema": {"fields": fields, **properties.pop("schema", {})},
        "arrears": {"file": "rows.csv", "entity": "loan", "mode": "snapshot", "control": control}, **properties,
    })  # fmt: skip


def _file(folder: Path, content: bytes, resource: Resource, name: str = "rows.csv") -> DeliveryFile:
    (folder / name).write_bytes(content)
    return DeliveryFile(resource, f"acme/{name}", str(folder / name))


def _read(file: DeliveryFile, key: bytes = KEY) -> tuple[bytes, TextStream]:
    stream = TextStream(file, lambda: key)
    return b"".join(stream), stream


def _broken(file: DeliveryFile) -> BrokenFile:
    with pytest.raises(BrokenFile) as broken:
        _read(file)
    return broken.value


@pytest.fixture(params=SIZES)
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The same is read whatever the size of the pieces."""
    monkeypatch.setattr(lines, "BLOCK", request.param)
    return int(request.param)


AB = _resource(["a", "b"])


@pytest.mark.parametrize(
    ("content", "body"),
    [
        (b"a,b\n1,2\n", b"1,2\n"),
        (b"a,b\n1,2", b"1,2\n"),
        (b"\xef\xbb\xbfa,b\n1,2\n", b"1,2\n"),
        (b"a,b\r\n1,2\r\n3,4\r\n", b"1,2\n3,4\n"),
        (b"a,b\r\n1,2\n3,4\r\n", b"1,2\n3,4\n"),
        (b"a,b\r1,2\r3,4", b"1,2\n3,4\n"),
        (b"a,b\n1,2\n\n\n", b"1,2\n"),
        (b"a,b\n1,2\r\n\r\n", b"1,2\n"),
        (b"a,b\n1,2\n\n3,4\n", b"1,2\n\n3,4\n"),
        (b'a,b\n1,"x\ny"\n3,4\n', b'1,"x\ny"\n3,4\n'),
        (b'a,b\n1,"x,""y"""\n', b'1,"x,""y"""\n'),
        (b'a,b\n1,"x\n"', b'1,"x\n"\n'),
        (b'"a","b"\n1,2\n', b"1,2\n"),
        (b" a , b \n1,2\n", b"1,2\n"),
        (b"a,b\n", b""),
        (b"a,b", b""),
        (b"a,b\n,\n", b",\n"),
        ("a,b\n王，小明,\u00a0ｘ\n".encode(), "王，小明,\u00a0ｘ\n".encode()),
    ],
)
def test_the_body(content: bytes, body: bytes, block: int, tmp_path: Path) -> None:
    assert _read(_file(tmp_path, content, AB))[0] == body


def test_a_file_without_header(tmp_path: Path) -> None:
    resource = _resource(["a", "b"], dialect={"header": False})
    body, stream = _read(_file(tmp_path, b"1,2\n3,4", resource))
    assert (body, stream.first_line) == (b"1,2\n3,4\n", 1)


def test_a_title_above_the_header(block: int, tmp_path: Path) -> None:
    resource = _resource(["a", "b"], dialect={"headerRows": [3]})
    body, stream = _read(_file(tmp_path, b"\xef\xbb\xbfthe title\n\na,b\n1,2\n", resource))
    assert (body, stream.first_line) == (b"1,2\n", 4)
    assert [fault.line for fault in _broken(_file(tmp_path, b"title\n\na,x\n", resource)).faults] == [3, 3]
    assert "not even a header" in str(_broken(_file(tmp_path, b"title\na,b\n", resource)))


def test_text_of_the_contracts_dialect(tmp_path: Path) -> None:
    resource = _resource(["a", "b"], dialect={"delimiter": "|", "quoteChar": ""})
    body, stream = _read(_file(tmp_path, b'a|b\n1|"\n', resource))
    assert (body, stream.delimiter, stream.quote) == (b'1|"\n', "|", None)


# ── trailer ──────────────────────────────────────────────────────────────────────────────────────────────

TRAILED = _resource(["a", "b"], dialect={"delimiter": "|"}, control={"kind": "trailer", "mark": "END", "sum": "b"})


@pytest.mark.parametrize(
    ("content", "body", "claims"),
    [
        (b"a|b\n1|2\nEND|1|2\n", b"1|2\n", ("1", "2")),
        (b"a|b\n1|2\nEND|1|2", b"1|2\n", ("1", "2")),
        (b"a|b\r\n1|2\r\nEND|1|2\r\n\r\n", b"1|2\n", ("1", "2")),
        (b"a|b\nEND|0|0\n", b"", ("0", "0")),
        (b'a|b\n"x\nEND|9|9\n"|2\nEND | 1 | 2 \n', b'"x\nEND|9|9\n"|2\n', ("1", "2")),
    ],
)
def test_the_trailer_is_taken_off(
    content: bytes, body: bytes, claims: tuple[str, str], block: int, tmp_path: Path
) -> None:
    found, stream = _read(_file(tmp_path, content, TRAILED))
    assert found == body
    assert stream.trailer is not None
    assert (stream.trailer.rows, stream.trailer.total) == claims


@pytest.mark.parametrize("size", range(1, 40))
def test_a_trailer_at_every_boundary(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BLOCK", size)
    found, stream = _read(_file(tmp_path, b"a|b\n11|22\n33|44\nEND|2|66\n", TRAILED))
    assert found == b"11|22\n33|44\n"
    assert stream.trailer == TrailerFound("2", "66")


@pytest.mark.parametrize("end", [b"", b"1|2\n", b"END|1\n", b"END|1|2|3\n", b"END\n", b"3|", b"ENDE|1|2\n"])
def test_a_missing_trailer(end: bytes, tmp_path: Path) -> None:
    (fault,) = _broken(_file(tmp_path, b"a|b\n1|2\n" + end, TRAILED)).faults
    assert "the last line is not the trailer END with 3 parts" in fault.rule
    assert fault.refuses


def test_a_trailer_without_a_sum(tmp_path: Path) -> None:
    resource = _resource(["a", "b"], control={"kind": "trailer", "mark": "END"})
    _, stream = _read(_file(tmp_path, b"a,b\n1,2\nEND,1\n", resource))
    assert stream.trailer == TrailerFound("1", None)


# ── header ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("header", "faults"),
    [
        (b"a,c", [("b", "missing from the header"), ("c", "does not know")]),
        (b"a", [("b", "missing from the header")]),
        (b"a,b,c,d", [("c", "does not know"), ("d", "does not know")]),
        (b"a,b,a", [("a", "twice in the header")]),
        (b"b,a", [("b", "another order than the contract's (a, b)")]),
        (b"A,b", [("a", "missing"), ("A", "does not know")]),
        (b"a;b", [(None, "no column of the contract")]),
        (b"1,2", [(None, "no column of the contract")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfa,b", [("a", "missing"), ("\ufeffa", "does not know")]),
    ],
)
def test_a_wrong_header(header: bytes, faults: list[tuple[str | None, str]], tmp_path: Path) -> None:
    broken = _broken(_file(tmp_path, header + b"\n1,2\n", AB))
    assert [fault.column for fault in broken.faults] == [column for column, _ in faults]
    for fault, (_, said) in zip(broken.faults, faults, strict=True):
        assert said in fault.rule
        assert (fault.file, fault.line) == ("acme/rows.csv", 1)


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"   \n"])
def test_an_empty_file(content: bytes, block: int, tmp_path: Path) -> None:
    (fault,) = _broken(_file(tmp_path, content, AB)).faults
    assert "not even a header" in fault.rule


def test_a_missing_header_does_not_put_its_first_row_on_record(tmp_path: Path) -> None:
    """Where the header is left out, what stands on line 1 is somebody."""
    broken = _broken(_file(tmp_path, f"张三,{IDENTITY}\n".encode(), PERSONAL_AB))
    assert IDENTITY not in str(broken)
    assert "张三" not in str(broken)


# ── encodings ────────────────────────────────────────────────────────────────────────────────────────────

FOUR_BYTES = "㐂𠀀𠮷𪚥"  # GB18030 needs four bytes for each
assert all(len(character.encode("gb18030")) == 4 for character in FOUR_BYTES)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-16", "utf-8-sig", "big5hkscs"])
def test_characters_split_across_blocks(encoding: str, block: int, tmp_path: Path) -> None:
    rows = "张𠮷,1\n李𪚥,2\n" if encoding == "gb18030" else "張三,1\n李四,2\n"
    if encoding == "gb18030":
        rows += FOUR_BYTES + ",3\n"
    resource = _resource(["a", "b"], encoding=encoding)
    file = _file(tmp_path, ("a,b\n" + rows).encode(encoding), resource)
    assert _read(file)[0].decode() == rows


@pytest.mark.parametrize("bad_row", [1, 2, 500, 999])
def test_a_wrong_encoding_names_the_line(bad_row: int, block: int, tmp_path: Path) -> None:
    rows = [f"{n},x".encode() for n in range(1, 1001)]
    rows[bad_row - 1] = b"1,\xff\xff"
    file = _file(tmp_path, b"\n".join([b"a,b", *rows]) + b"\n", AB)
    (fault,) = _broken(file).faults
    assert "bytes that are not utf-8" in fault.rule
    assert fault.line == bad_row + 1


def test_utf8_that_should_be_gb18030(tmp_path: Path) -> None:
    """UTF-8 often decodes as GB18030, to other characters: then the header shows it."""
    resource = _resource(["借据号", "金额"], encoding="gb18030")
    for content in ("借据号,金额\n甲,1\n", "借据号,金额\n甲乙丙丁,1\n"):
        broken = _broken(_file(tmp_path, content.encode("utf-8"), resource))
        assert {fault.line for fault in broken.faults} == {1}


def test_a_character_cut_off_at_the_end(tmp_path: Path) -> None:
    resource = _resource(["a", "b"], encoding="gb18030")
    (fault,) = _broken(_file(tmp_path, "a,b\n1,𠮷".encode("gb18030")[:-1], resource)).faults
    assert "bytes that are not gb18030" in fault.rule
    assert fault.line == 2


# ── compression ──────────────────────────────────────────────────────────────────────────────────────────


def _random_rows(count: int) -> bytes:
    rng = random.Random(1)
    return b"a,b\n" + b"".join(f"{rng.random()},{rng.random()}\n".encode() for _ in range(count))


@pytest.mark.parametrize(
    ("ending", "squeeze"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_compressed_files(ending: str, squeeze: Any, block: int, tmp_path: Path) -> None:
    content = _random_rows(20)
    assert _read(_file(tmp_path, squeeze(content), AB, f"rows.csv{ending}"))[0] == content[4:]


@pytest.mark.parametrize(
    ("ending", "squeeze"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_a_truncated_archive_still_yields_rows_and_is_broken(ending: str, squeeze: Any, tmp_path: Path) -> None:
    content = _random_rows(100_000)
    whole = squeeze(content)
    stream = TextStream(_file(tmp_path, whole[: len(whole) * 2 // 3], AB, f"rows.csv{ending}"), lambda: KEY)
    got = []
    with pytest.raises(BrokenFile, match=r"broken or truncated.*sent again"):
        got.extend(stream)
    assert 0 < len(b"".join(got)) < len(content)


@pytest.mark.parametrize("name", ["rows.csv.gz", "rows.csv.bz2", "rows.csv.xz", "rows.csv.zip"])
def test_an_archive_that_is_none(name: str, tmp_path: Path) -> None:
    assert "broken or truncated" in str(_broken(_file(tmp_path, b"a,b\n1,2\n" * 9, AB, name)))


def test_a_gzip_with_a_wrong_checksum(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(_random_rows(100)))
    content[-6] ^= 0xFF
    assert "broken or truncated" in str(_broken(_file(tmp_path, bytes(content), AB, "rows.csv.gz")))


def test_zip_archives(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "rows.csv.zip", "w") as archive:
        archive.writestr("rows.csv", "a,b\n1,2\n")
    file = DeliveryFile(AB, "acme/rows.csv.zip", str(tmp_path / "rows.csv.zip"))
    assert _read(file)[0] == b"1,2\n"


def _zipped(method: int) -> bytes:
    """A zip that says that it is compressed in this way."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", "a,b\n1,2\n")
    content = bytearray(sink.getvalue())
    for head, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(head) + at] = method
    return bytes(content)


@pytest.mark.parametrize(
    ("method", "said"), [(9, "Deflate64 (number 9)"), (99, "another method than Deflate (number 99)")]
)
def test_a_zip_in_a_compression_that_is_not_read(method: int, said: str, tmp_path: Path) -> None:
    (fault,) = _broken(_file(tmp_path, _zipped(method), AB, "rows.csv.zip")).faults
    assert fault.rule == (f"the archive is compressed with {said}, which is not read here; ask for Deflate, or for .gz")


def test_a_zip_of_a_later_version(tmp_path: Path) -> None:
    content = bytearray(_zipped(8))
    content[content.index(b"PK\x01\x02") + 6] = 99
    assert "(zip file version 9.9)" in str(_broken(_file(tmp_path, bytes(content), AB, "rows.csv.zip")))


def test_a_zip_of_several_files_is_not_read_by_half(tmp_path: Path) -> None:
    for members in ([], ["rows.csv", "more.csv"]):
        with zipfile.ZipFile(tmp_path / "rows.csv.zip", "w") as archive:
            for member in members:
                archive.writestr(member, "a,b\n1,2\n")
        file = DeliveryFile(AB, "acme/rows.csv.zip", str(tmp_path / "rows.csv.zip"))
        assert "does not hold exactly one file" in str(_broken(file))


def test_any_file_system(block: int) -> None:
    with fsspec.open("memory://landing/rows.csv", "wb") as sink:
        sink.write(b"a,b\n1,2\n")
    file = DeliveryFile(AB, "acme/rows.csv", "memory://landing/rows.csv")
    assert file.exists()
    assert _read(file)[0] == b"1,2\n"


# ── personal data ────────────────────────────────────────────────────────────────────────────────────────

PERSONAL = _resource(
    [
        "no",
        {"name": "name", "arrears": {"pii": "drop"}},
        {"name": "id", "arrears": {"field": "borrower_id", "pii": "hash"}},
    ],
    schema={"missingValues": ["", "\\N", "-"]},
)
PERSONAL_AB = _resource(["name", {"name": "id", "arrears": {"field": "borrower_id", "pii": "hash"}}])


def _rows(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode())))


def test_personal_columns_are_hashed_and_dropped(block: int, tmp_path: Path) -> None:
    content = f'no,name,id\n1,张三,{IDENTITY}\n2,"李,\n四", \n3,王五,"{IDENTITY[:6]} {IDENTITY[6:]}"\n'.encode()
    body, _ = _read(_file(tmp_path, content, PERSONAL))
    hashed = keyed_hash(KEY, IDENTITY)
    assert _rows(body) == [["1", "", hashed], ["2", "", ""], ["3", "", hashed]]
    for secret in (IDENTITY, IDENTITY[:6], "张三", "李", "王五"):
        assert secret.encode() not in body


@pytest.mark.parametrize("missing", ["", " ", "\\N", "-", " - ", "\u3000"])
def test_a_missing_identity_is_nobodys(missing: str, tmp_path: Path) -> None:
    """Hashed, all customers without a number would be one person."""
    body, _ = _read(_file(tmp_path, f"no,name,id\n1,张三,{missing}\n".encode(), PERSONAL))
    assert _rows(body) == [["1", "", ""]]


def test_without_personal_columns_no_key_is_asked_for(tmp_path: Path) -> None:
    def key() -> bytes:
        raise AssertionError("nothing to hash")

    assert b"".join(TextStream(_file(tmp_path, b"a,b\n1,2\n", AB), key)) == b"1,2\n"


@pytest.mark.parametrize("rows", ["1,张三\n", "1,张三,2,3\n", "\n1,a,b\n"])
def test_a_line_with_other_columns_is_named(rows: str, block: int, tmp_path: Path) -> None:
    content = f'no,name,id\n1,"x\ny",{IDENTITY}\n{rows}'.encode()
    (fault,) = _broken(_file(tmp_path, content, PERSONAL)).faults
    assert "columns where the header has 3" in fault.rule
    assert fault.line == 4
    assert "张三" not in str(fault)


def test_a_quote_that_never_closes(tmp_path: Path) -> None:
    content = f'no,name,id\n1,"张三,{IDENTITY}\n2,b,c\n'.encode()
    (fault,) = _broken(_file(tmp_path, content, PERSONAL)).faults
    assert "not a delimited line" in fault.rule
    assert IDENTITY not in str(fault)


def test_a_long_value_beside_personal_data(tmp_path: Path) -> None:
    """What is taken of a file does not depend on whether somebody is in it."""
    content = f"no,name,id\n{'x' * 200_000},张三,\n".encode()
    assert _read(_file(tmp_path, content, PERSONAL))[0] == b"x" * 200_000 + b",,\n"


def test_quotes_are_text_where_nothing_quotes(tmp_path: Path) -> None:
    resource = _resource(["no", {"name": "id", "arrears": {"field": "x", "pii": "hash"}}], dialect={"quoteChar": ""})
    body, _ = _read(_file(tmp_path, b'no,id\n5" pipe,a"b\n', resource))
    assert body.decode() == f'5" pipe,{keyed_hash(KEY, "A" + chr(34) + "B")}\n'


def test_the_hash_is_stable_and_depends_on_the_key() -> None:
    assert keyed_hash(KEY, IDENTITY) == keyed_hash(KEY, IDENTITY)
    assert len(keyed_hash(KEY, IDENTITY)) == 64
    assert keyed_hash(KEY, IDENTITY) != keyed_hash(b"another", IDENTITY)
    assert keyed_hash(KEY, IDENTITY) != keyed_hash(KEY, IDENTITY[:-1] + "6")


@pytest.mark.parametrize(
    "spelling",
    ["11010119900307851x", " 11010119900307851X", "110101 19900307 851X", "１１０１０１１９９００３０７８５１Ｘ"],
)
def test_spellings_of_one_number_are_one_person(spelling: str) -> None:
    assert keyed_hash(KEY, spelling) == keyed_hash(KEY, "11010119900307851X")


# ── size ─────────────────────────────────────────────────────────────────────────────────────────────────


class _Endless(io.RawIOBase):
    """A file made while it is read."""

    def __init__(self, head: bytes, line: bytes, size: int) -> None:
        self._parts = self._make(head, line, size)
        self._rest = b""

    @staticmethod
    def _make(head: bytes, line: bytes, size: int) -> Iterator[bytes]:
        yield head
        piece = line * ((1 << 20) // len(line))
        for _ in range(size // len(piece)):
            yield piece

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size:
            part = next(self._parts, None)
            if part is None:
                break
            self._rest += part
        answer, self._rest = self._rest[:size], self._rest[size:]
        return answer


def _peak(resource: Resource, head: bytes, line: bytes, size: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Bytes that came out, and the most memory held meanwhile."""
    file = DeliveryFile(resource, "acme/rows.csv", "rows.csv")
    monkeypatch.setattr(DeliveryFile, "open", lambda self: _Endless(head, line, size))
    tracemalloc.start()
    try:
        got = sum(map(len, TextStream(file, lambda: KEY)))
        return got, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    line = b"20240131,12345678,some text of a row,0.00\n"
    resource = _resource(["a", "b", "c", "d"])
    got, peak = _peak(resource, b"a,b,c,d\n", line, 200 << 20, monkeypatch)
    assert got > 199 << 20
    assert peak < 16 << 20


def test_memory_does_not_grow_where_personal_data_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    line = f"12345678,zhangsan,{IDENTITY}\n".encode()
    peaks = [_peak(PERSONAL, b"no,name,id\n", line, size << 20, monkeypatch)[1] for size in (2, 8)]
    assert peaks[1] < peaks[0] * 1.2


def test_long_rows_are_not_held_together_where_personal_data_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    line = b"x" * 100_000 + b",zhangsan,1\n"
    got, peak = _peak(PERSONAL, b"no,name,id\n", line, 40 << 20, monkeypatch)
    assert got > 39 << 20
    assert peak < 30 << 20


def test_blank_lines_without_end_are_not_held_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BrokenFile, match="more than 1,048,576 blank lines together"):
        _peak(AB, b"a,b\n1,2\n", b"\n", 32 << 20, monkeypatch)


@pytest.mark.parametrize("head", [b"", b"a,b,c,d\n"])
def test_a_file_without_line_breaks_is_not_held_in_memory(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 4 << 20)
    with pytest.raises(BrokenFile, match="is this a text file"):
        _peak(_resource(["a", "b", "c", "d"]), head, b"\x01" * 1024, 64 << 20, monkeypatch)

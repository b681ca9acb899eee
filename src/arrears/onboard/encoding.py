"""In which encoding a text is written, judged by its first bytes."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

# Characters of a Chinese text: ideographs, full-width forms, Chinese punctuation.
_CHINESE = re.compile(r"[\u4e00-\u9fff\uff01-\uff5e\u3000-\u301e]")
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Encoded:
    """An encoding, and whether it is more than a likelihood."""

    encoding: str
    is_sure: bool


def detect(content: bytes) -> Encoded | None:
    """The encoding of a text; None where it is no text. The last character may be cut."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return Encoded(encoding, is_sure=True)
    if b"\0" in content:
        return None
    if decoded(content, "utf-8") is not None:
        return Encoded("utf-8", is_sure=True)
    text = decoded(content, "gb18030")
    if text is not None and _reads_as_chinese(text):
        return Encoded("gb18030", is_sure=True)
    best = from_bytes(content[: 1 << 18]).best()
    return None if best is None else Encoded(best.encoding.replace("_", "-"), is_sure=False)


def decoded(content: bytes, encoding: str) -> str | None:
    """The text without its byte-order mark; None where bytes are not of the encoding, but for a cut last character."""
    try:
        return codecs.getincrementaldecoder(encoding)("strict").decode(content).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None


def _reads_as_chinese(text: str) -> bool:
    """Whether nearly all that is not ASCII is Chinese, and most of it common: other encodings give rare characters."""
    foreign = [character for character in text[:200_000] if ord(character) > 127]
    chinese = sum(1 for character in foreign if _CHINESE.match(character))
    common = sum(1 for character in foreign if _is_common(character))
    return chinese >= 0.9 * len(foreign) and common >= 0.7 * chinese


def _is_common(character: str) -> bool:
    """Whether it is of GB 2312's first plane or a sign: those come before 0xD8."""
    try:
        return character.encode("gb2312")[0] < 0xD8
    except UnicodeEncodeError:
        return False

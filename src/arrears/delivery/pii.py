"""Personal data on its way in: hashed with a key, or dropped. The one place for it, whatever the file's format."""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Callable, Sequence

from arrears.contract.model import Resource, TableField

Treatment = Callable[[str], str]


def treatments(resource: Resource, key: Callable[[], bytes]) -> list[tuple[int, Treatment]]:
    """The columns with personal data: position among the resource's columns, and what becomes of a value.

    Args:
        resource: the file's description.
        key: gives the key of the hash; asked only where a column is hashed.
    """
    found: list[tuple[int, Treatment]] = []
    for position, column in enumerate(resource.table.columns()):
        if column.arrears.pii == "hash":
            found.append((position, _hashing(resource, column, key())))
        elif column.arrears.pii == "drop":
            found.append((position, _dropped))
    return found


def treat_rows(rows: Sequence[list[str | None]], personal: list[tuple[int, Treatment]]) -> None:
    """Hash or drop the personal values of rows, in their place; null stays null."""
    for position, treat in personal:
        for row in rows:
            value = row[position]
            if value is not None:
                row[position] = treat(value)


def keyed_hash(key: bytes, value: str) -> str:
    """HMAC-SHA-256 of an identity number without blanks, in capitals: the same person has the same everywhere."""
    return _finished(hmac.new(key, digestmod="sha256"), value)


def _finished(keyed: hmac.HMAC, value: str) -> str:
    plain = value if value.isascii() else unicodedata.normalize("NFKC", value)  # full-width digits are digits
    own = keyed.copy()
    own.update("".join(plain.split()).upper().encode())
    return own.hexdigest()


def _hashing(resource: Resource, column: TableField, key: bytes) -> Treatment:
    """A missing identity number is nobody's, so it gets no hash."""
    missing = {"", *resource.table.missing_values_of(column)}
    keyed = hmac.new(key, digestmod="sha256")  # set up once: that takes as long as hashing a value

    def hashed(value: str) -> str:
        return "" if value.strip() in missing else _finished(keyed, value)

    return hashed


def _dropped(value: str) -> str:
    return ""

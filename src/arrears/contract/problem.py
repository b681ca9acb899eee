"""What the rules of a contract share: a problem with its place, and what a value written in a contract can be."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from difflib import get_close_matches

from arrears.contract.entities import Kind

Place = tuple[str | int, ...]
Problem = tuple[Place, str]

_NUMBER = re.compile(r"-?[0-9]+([.][0-9]+)?(e[-+]?[0-9]{1,2})?")
_LITERALS = {
    Kind.FLAG: re.compile("true|false"),
    Kind.INTEGER: re.compile("-?[0-9]{1,9}"),
    Kind.DATE: re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    Kind.INSTANT: re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}.*"),
}


def unknown(what: str, value: str, known: Iterable[str]) -> str:
    """That `value` is not what it should be, and what was perhaps meant."""
    known = list(known)
    close = get_close_matches(value, known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}"
    return f"'{value}' is not {what}; {hint}"


def is_literal(text: str, kind: Kind) -> bool:
    """Whether a value written in the contract can be read as a kind of field."""
    if kind is Kind.TEXT:
        return True
    if not _LITERALS.get(kind, _NUMBER).fullmatch(text):
        return False
    try:
        return kind not in (Kind.DATE, Kind.INSTANT) or dt.datetime.fromisoformat(text) is not None
    except ValueError:
        return False


def a(word: str) -> str:
    """The word with its article: a string, an integer."""
    return f"{'an' if word[:1] in 'aeiou' else 'a'} {word}"

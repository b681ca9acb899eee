"""YAML mappings whose lines say what is guessed and what a person has to decide."""

from __future__ import annotations

from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

GUESSED, DECIDE = "guessed: ", "decide: "
OPEN = DoubleQuotedScalarString("???")  # no contract takes it: what stands there has to be decided


def flow(content: dict[str, Any] | list[Any]) -> Any:
    """On one line, in braces or brackets."""
    made: Any = CommentedMap(content) if isinstance(content, dict) else CommentedSeq(content)
    made.fa.set_flow_style()
    return made


def guess(mapping: CommentedMap, key: str, why: str) -> None:
    """Say on a key's line why it says what it says."""
    mapping.yaml_add_eol_comment(GUESSED + _on_one_line(why), key, column=0)


def decide(mapping: CommentedMap, key: str, what: str) -> None:
    """Say on a key's line what a person has to decide."""
    mapping.yaml_add_eol_comment(DECIDE + _on_one_line(what), key, column=0)


def _on_one_line(text: str) -> str:
    """Names of columns may hold line breaks and characters that YAML has no place for."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))


def counted(number: int, what: str) -> str:
    """A number of things."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"

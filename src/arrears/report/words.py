"""What things are called, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter
from ruamel.yaml import YAML

Language = Literal["en", "zh"]


class Text(BaseModel):
    """A text in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: str
    zh: str

    def __str__(self) -> str:
        """Both, where a place has room for one text alone: the title of a chart."""
        return self.both(" · ")

    def both(self, between: str) -> str:
        return self.en if self.en == self.zh else f"{self.en}{between}{self.zh}"

    def __getitem__(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


def same(text: str) -> Text:
    """What is called the same in both: names, numbers."""
    return Text(en=text, zh=text)


class Words:
    """The words for names of columns and for values. What has none is called what the data call it."""

    def __init__(self, known: Mapping[str, Text]) -> None:
        self._known = known

    @classmethod
    def read(cls, path: Path) -> Words:
        return cls(TypeAdapter(dict[str, Text]).validate_python(read_yaml(path)))

    def __call__(self, name: str) -> Text:
        return self._known.get(name) or same(name)

    def __contains__(self, name: object) -> bool:
        return name in self._known


def read_yaml(path: Path) -> object:
    found: object = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return found

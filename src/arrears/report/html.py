"""The report as one HTML file: style and charts in it, no script, nothing that is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from arrears.report import cells, charts
from arrears.report.figures import Figures
from arrears.report.grids import SHADES
from arrears.report.names import Names
from arrears.report.pages import Definition, Page, Part, read_definitions, read_pages
from arrears.report.panels import Panel, Panels
from arrears.report.tiles import Tiles, tiles
from arrears.report.words import Language, Words

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Filled:
    """A page with what is on it."""

    page: Page
    parts: tuple[tuple[Part, list[Panel] | list[Tiles]], ...]


@dataclass(frozen=True)
class Content:
    """What a report says, wherever it is shown: charts are drawn once."""

    figures: Figures
    words: Words
    names: Names
    pages: tuple[Filled, ...]
    definitions: tuple[Definition, ...]


def fill(figures: Figures, folder: Path) -> Content:
    """Put figures on their pages. folder: that of pages.yaml, words.yaml and definitions.yaml."""
    words = Words.read(folder / "words.yaml")
    names = Names(figures, words)
    panels = Panels(figures, names)
    pages = tuple(
        Filled(
            page,
            tuple(
                (part, tiles(figures, names, part.query) if part.kind == "tiles" else panels.of(part))
                for part in page.parts
            ),
        )
        for page in read_pages(folder / "pages.yaml")
    )
    return Content(figures, words, names, pages, read_definitions(folder / "definitions.yaml"))


def render(content: Content, language: Language, *, paper: bool = False) -> str:
    """The page.

    Args:
        language: the one that is shown at first. A switch on the page shows the other.
        paper: for print: in that language alone, without what only a screen can show.
    """
    known = content.figures
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            pages=content.pages,
            words=content.words,
            definitions=content.definitions,
            publication=known.publication,
            published_at=cells.written("published_at", known.publication["published_at"]),
            lender=content.names.lender(known.lender) if known.lender else None,
            language=language,
            only=language if paper else None,
            style=style(),
        )
    )


def environment() -> Environment:
    """The templates beside this module; what comes from the data is escaped."""
    return Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def style() -> str:
    """The style sheet, with the shades of cells and the colours of charts on black."""
    return (HERE / "page.css").read_text(encoding="utf-8") + "\n".join(_shades()) + "\n" + _dark_colours()


def _shades() -> list[str]:
    return [f".s{shade} {{ background: rgb(56 88 140 / {shade * 6}%); }}" for shade in range(SHADES + 1)]


def _dark_colours() -> str:
    pairs: list[tuple[str, str]] = list(zip(charts.SCALE, charts.DARK_SCALE, strict=True))
    rules = [f'[fill="{light}"] {{ fill: {dark}; }} [stroke="{light}"] {{ stroke: {dark}; }}' for light, dark in pairs]
    return "@media screen and (prefers-color-scheme: dark) { " + " ".join(rules) + " }\n"

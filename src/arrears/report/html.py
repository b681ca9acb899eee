"""The report as one HTML file: style and charts in it, no script, nothing that is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from arrears.report import cells, charts
from arrears.report.figures import Figures
from arrears.report.grids import SHADES
from arrears.report.names import Names
from arrears.report.pages import Page, Part, read_definitions, read_pages
from arrears.report.panels import Panel, Panels
from arrears.report.tiles import Tiles, tiles
from arrears.report.words import Language, Words

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Filled:
    """A page with what is on it."""

    page: Page
    parts: tuple[tuple[Part, list[Panel] | list[Tiles]], ...]


def render(figures: Figures, definitions: Path, language: Language, *, paper: bool = False) -> str:
    """The page.

    Args:
        definitions: the folder of pages.yaml, words.yaml and definitions.yaml.
        language: the one that is shown at first. A switch on the page shows the other.
        paper: for print: in that language alone, without what only a screen can show.
    """
    words = Words.read(definitions / "words.yaml")
    names = Names(figures, words)
    panels = Panels(figures, names)
    pages = [
        Filled(
            page,
            tuple(
                (part, tiles(figures, names, part.query) if part.kind == "tiles" else panels.of(part))
                for part in page.parts
            ),
        )
        for page in read_pages(definitions / "pages.yaml")
    ]
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            pages=pages,
            words=words,
            definitions=read_definitions(definitions / "definitions.yaml"),
            publication=figures.publication,
            published_at=cells.written("published_at", figures.publication["published_at"]),
            lender=names.lender(figures.lender) if figures.lender else None,
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

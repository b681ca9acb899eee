"""The report of a publication: a page, the same on paper, a workbook, and every number in it for scripts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from arrears.report import cells, figures, html, index
from arrears.report.figures import Figures
from arrears.report.shelf import INDEX, Shelf
from arrears.report.words import Language

__all__ = ["Language", "Report", "forget", "write"]

PAGE, PAPER, WORKBOOK, METRICS = "report.html", "report.pdf", "arrears.xlsx", "metrics.json"


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        folder: its address. files: names in it.
        headline: a row for each lender, and one for all, whose lender is None.
        notes: what could not be made, and what to do about it.
    """

    publication_id: int
    folder: str
    files: tuple[str, ...]
    headline: tuple[dict[str, Any], ...]
    notes: tuple[str, ...] = ()

    @property
    def page(self) -> str:
        return f"{self.folder}/{PAGE}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"headline": [{k: cells.plain(v) for k, v in row.items()} for row in self.headline]}


def write(
    publication_id: int | None = None,
    *,
    url: str,
    definitions: Path,
    reports: str,
    lender: str | None = None,
    language: Language = "en",
) -> Report:
    """Write the report of a publication, from what that publication said: the same arguments give the same bytes.

    Args:
        publication_id: None: the current one.
        url: whose rights; BI's are enough.
        definitions: the folder of queries, pages and words.
        reports: path or fsspec URL; the report gets a folder in it.
        lender: leave out all others.
        language: of the paper, and the one that the page opens in.

    Raises:
        Usage: no such publication or lender, or it is no longer kept.
        Infrastructure: the warehouse cannot be reached, or the report not be written.
    """
    known = figures.read(publication_id, url=url, queries=definitions / "queries", lender=lender)
    content = html.fill(known, definitions)
    files, notes = _files(content, language)
    shelf, folder = Shelf(reports), _folder(known.publication_id, lender, language)
    shelf.put(folder, files)
    shelf.put("", {INDEX: index.render(index.read(url), shelf.folders(), content.words)})
    return Report(known.publication_id, shelf.where(folder), tuple(files), tuple(known.tables["headline"]), notes)


def forget(*, url: str, reports: str) -> int:
    """Remove the reports of publications that are no longer kept. Returns how many."""
    shelf = Shelf(reports)
    gone = {str(one.publication_id) for one in index.read(url) if not one.is_kept}
    return shelf.forget({folder for folder in shelf.folders() if folder.partition("-")[0] in gone})


def _files(content: html.Content, language: Language) -> tuple[dict[str, bytes], tuple[str, ...]]:
    from arrears.report import paper, workbook

    known, words = content.figures, content.words
    files = {
        PAGE: html.render(content, language).encode(),
        METRICS: _json(known).encode(),
        WORKBOOK: workbook.write(known, words, content.definitions),
    }
    if not paper.has_chinese():
        return files, (
            "No font of this machine has Chinese characters, so there is no PDF. Install one (Debian: fonts-noto-cjk).",
        )
    page = html.render(content, language, paper=True)
    title = f"{words('report')[language]} {known.publication['business_date']} ({known.publication_id})"
    files[PAPER] = paper.pdf(page, title=title, made_at=known.publication["published_at"])
    return files, ()


def _json(known: Figures) -> str:
    return json.dumps(known.to_dict(), ensure_ascii=False, indent=1, default=cells.plain) + "\n"


def _folder(publication_id: int, lender: str | None, language: Language) -> str:
    """A name that sorts: publications first. English is not named."""
    return "-".join([str(publication_id), *filter(None, [lender, language if language != "en" else None])])

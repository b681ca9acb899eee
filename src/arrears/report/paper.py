"""The report on paper: the same page in one language, as a PDF for A4."""

from __future__ import annotations

import datetime as dt
import io

CHINESE = ("中", "国")


def pdf(page: str, *, title: str, made_at: dt.datetime) -> bytes:
    """A page for print as a PDF. made_at: what the file says of itself, so that the same report is the same file."""
    import plutoprint

    book = plutoprint.Book(plutoprint.PAGE_SIZE_A4)
    book.load_html(page)
    book.set_metadata(plutoprint.PDF_METADATA_TITLE, title)
    book.set_metadata(plutoprint.PDF_METADATA_CREATOR, "arrears")
    for name in (plutoprint.PDF_METADATA_CREATION_DATE, plutoprint.PDF_METADATA_MODIFICATION_DATE):
        book.set_metadata(name, f"{made_at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}")
    out = io.BytesIO()
    book.write_to_pdf_stream(out)
    return out.getvalue()


def has_chinese() -> bool:
    """Whether this machine has a font for Chinese: without one, any two characters are the same empty box."""
    first, second = map(_drawn, CHINESE)
    return first != second


def _drawn(character: str) -> bytes:
    import plutoprint

    book = plutoprint.Book(media=plutoprint.MEDIA_TYPE_SCREEN)
    book.load_html(f'<p lang="zh-CN">{character}</p>')
    out = io.BytesIO()
    book.write_to_png_stream(out, 40, 40)
    return out.getvalue()

"""The page that lists the publications and their reports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from arrears.report import html
from arrears.report.words import Words
from arrears.warehouse.connect import connect


@dataclass(frozen=True)
class Published:
    publication_id: int
    business_date: dt.date
    published_at: dt.datetime
    gate_status: str
    rows_added: int
    rows_closed: int
    is_kept: bool


def read(url: str) -> list[Published]:
    """Every publication, the newest first."""
    with connect(url, "report index") as connection, connection.cursor() as cursor:
        cursor.execute(
            "select publication_id, business_date, published_at, gate_status, rows_added, rows_closed, is_kept "
            "from marts.publication order by publication_id desc"
        )
        return [Published(*row) for row in cursor.fetchall()]


def render(publications: Sequence[Published], folders: Collection[str], words: Words) -> bytes:
    """The page; folders: the reports there are, a publication's own and those of one lender or another language."""
    reports = {
        one.publication_id: sorted(name for name in folders if name.partition("-")[0] == str(one.publication_id))
        for one in publications
    }
    page = (
        html.environment()
        .get_template("index.html.j2")
        .render(publications=publications, reports=reports, words=words, style=html.style())
    )
    return str(page).encode()

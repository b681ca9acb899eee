"""What `make docs` does: one static site of what the marts are and what the words mean.

dbt's own documentation of models, columns, tests and who reads them (exposures), as one file; the definitions that
stand in every report; and a page that leads to both. Everything is under .arrears/site/ and needs no server.
"""

from __future__ import annotations

import shutil
import sys

from rich.console import Console

from arrears.dbt import last_words, run_dbt
from arrears.errors import ArrearsError, Refused, Usage
from arrears.report.html import environment, style
from arrears.report.pages import read_definitions
from arrears.report.words import Words
from arrears.settings import Role, settings
from arrears.warehouse.connect import connect, first

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    own = settings()
    site, target = own.home / "site", own.home / "dbt-docs"
    done = run_dbt(
        "docs", "generate", "--static",
        variables={"business_date": _published_date(own.url(Role.READER))},
        url=own.url(Role.BUILDER), settings=own, target=target,
    )  # fmt: skip
    if done.returncode:
        raise Refused(f"dbt could not document the marts: {last_words(done.stdout)}")
    site.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(target / "static_index.html", site / "marts.html")
    for page in ("index", "definitions"):
        written = (
            environment()
            .get_template(f"site_{page}.html.j2")
            .render(
                words=Words.read(own.dashboards / "report" / "words.yaml"),
                definitions=read_definitions(own.dashboards / "report" / "definitions.yaml"),
                style=style(),
            )
        )
        (site / f"{page}.html").write_text(written, encoding="utf-8")
    console.print(f"{site / 'index.html'}")
    return 0


def _published_date(url: str) -> str:
    """A date to write the models' SQL for."""
    with connect(url, "docs") as connection, connection.cursor() as cursor:
        found = first(cursor, "select business_date from marts.publication where is_current")
    if found is None:
        raise Usage("Nothing is published yet, so there is nothing to document: `make run` first.")
    return f"{found[0]}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ArrearsError as error:
        console.print(f"[bold red]error:[/] {error}")
        sys.exit(error.exit_code)

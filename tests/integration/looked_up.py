"""The dbt project with another answer to how many rows of a table make it worth looking a loan's rows up."""

from __future__ import annotations

import shutil
from pathlib import Path

from arrears.settings import SOURCE_ROOT


def looking_up(folder: Path, rows: str) -> Path:
    """A copy of the project in which a lookup is worth it from so many `rows` a key on, an expression of Jinja."""
    project = folder / "dbt_project"
    shutil.copytree(SOURCE_ROOT / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs"))
    macros = project / "macros" / "lookup.sql"
    as_it_is = macros.read_text()
    macros.write_text(as_it_is.replace("return(50)", f"return({rows})"))
    assert macros.read_text() != as_it_is
    return project

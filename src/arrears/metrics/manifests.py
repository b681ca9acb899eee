"""Where dbt's manifests are, which tell what metrics there are and what columns marts have."""

from __future__ import annotations

from pathlib import Path

from arrears.alone import alone
from arrears.dbt import last_words, run_dbt
from arrears.errors import Infrastructure
from arrears.settings import Role, Settings

SEMANTIC = "semantic_manifest.json"
ALL_NODES = "manifest.json"


def folder_of_manifests(settings: Settings) -> Path:
    """That of the newest build on this machine; where none ran (a container, another worker), of the project as it is.

    Raises:
        Infrastructure: dbt cannot read the project.
    """
    of_build = settings.home / "dbt"
    return of_build if (of_build / SEMANTIC).exists() else _parsed(settings)


def _parsed(settings: Settings) -> Path:
    """Have dbt read the project, each time anew: it takes seconds, and the project may have changed."""
    target = settings.home / "metrics"
    with alone(target):
        done = run_dbt("parse", variables={}, url=settings.url(Role.READER), settings=settings, target=target)
    if done.returncode or not (target / SEMANTIC).exists():
        raise Infrastructure(f"dbt could not read the project {settings.dbt_project}: {last_words(done.stdout)}.")
    return target

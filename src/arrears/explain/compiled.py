"""The project's SQL as dbt compiles it: the analyses that ask about a loan, and every model they stand on, in order.

dbt needs seconds to compile, whatever is asked. So what it made is kept, until a file of the project changes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from arrears.alone import alone
from arrears.dbt import last_words, run_dbt
from arrears.errors import Infrastructure
from arrears.settings import Settings
from arrears.warehouse.address import Address

PARTS = ("dbt_project.yml", "analyses/**/*.sql", "macros/**/*.sql", "models/**/*.sql", "models/**/*.yml")
RELATION = re.compile(r'"[^"]+"\."([^"]+)"\."([^"]+)"')
PREFIX = "explain_"


@dataclass(frozen=True)
class Compiled:
    """SQL ready to run on temporary tables.

    Attributes:
        raw: the raw tables that the models read, without their schema.
        models: schema.name of each model and its select, each after those that it reads.
        questions: what is asked of the models, by subject (`state`, `payment`, …).
    """

    raw: tuple[str, ...]
    models: tuple[tuple[str, str], ...]
    questions: dict[str, str]


def compiled(business_date: dt.date, *, url: str, settings: Settings) -> Compiled:
    """The models and questions as of `business_date`.

    Raises:
        Infrastructure: dbt is not there or cannot compile the project.
    """
    folder = settings.home / "explain"
    project = _digest(settings.dbt_project, Address.parse(url).database)
    kept = folder / f"{project}-{business_date}.json"
    with alone(folder):
        if not kept.exists():
            made = _compile(business_date, url, settings, folder / "dbt")
            for outdated in set(folder.glob("*-*.json")) - set(folder.glob(f"{project}-*.json")):
                outdated.unlink()
            unfinished = kept.with_suffix(".part")
            unfinished.write_text(json.dumps(asdict(made)))
            unfinished.replace(kept)
    content = json.loads(kept.read_text())
    models = tuple((name, select) for name, select in content["models"])
    return Compiled(tuple(content["raw"]), models, content["questions"])


def _digest(project: Path, database: str) -> str:
    """Changes with everything that the compiled SQL depends on, except the business date."""
    digest = hashlib.sha256(database.encode())
    for path in sorted(path for part in PARTS for path in project.glob(part)):
        digest.update(f"\n{path.relative_to(project)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _compile(business_date: dt.date, url: str, settings: Settings, target: Path) -> Compiled:
    manifest = target / "manifest.json"
    manifest.unlink(missing_ok=True)
    done = run_dbt(
        # An incremental model as it is when it is made anew: here nothing stands that it could add to.
        "compile", "--quiet", "--no-populate-cache", "--full-refresh", "--select", "+resource_type:analysis",
        variables={"business_date": business_date.isoformat()},
        url=url, settings=settings, target=target,
    )  # fmt: skip
    if done.returncode != 0 or not manifest.exists():
        raise Infrastructure(
            f"dbt could not compile the models: {last_words(done.stdout)} (log: {target / 'logs' / 'dbt.log'})."
        )
    return taken_from(json.loads(manifest.read_text()))


def taken_from(manifest: Mapping[str, Any]) -> Compiled:
    """The questions of a manifest and the models they stand on.

    What the models read of the warehouse's own tables and of seeds stays as it is, except for raw tables and the
    deliveries: those and the models themselves are temporary tables named `schema.name`.
    """
    nodes, sources = manifest["nodes"], manifest["sources"]
    asking = [name for name, node in nodes.items() if node["resource_type"] == "analysis"]
    needed = _ancestors(asking, nodes)
    order = [
        name
        for name in TopologicalSorter({name: nodes[name]["depends_on"]["nodes"] for name in needed}).static_order()
        if name in needed and nodes[name]["resource_type"] == "model"
    ]
    read = {source for name in needed for source in nodes[name]["depends_on"]["nodes"] if source in sources}
    raw = sorted(sources[name]["name"] for name in read if sources[name]["schema"] == "raw")
    replaced = {f"raw.{name}" for name in raw} | {"ops.delivery"} | {_relation(nodes[name]) for name in order}

    def on_temporary(name: str) -> str:
        return RELATION.sub(
            lambda found: f'pg_temp."{found[1]}.{found[2]}"' if f"{found[1]}.{found[2]}" in replaced else found.group(),
            nodes[name]["compiled_code"],
        )

    return Compiled(
        raw=tuple(raw),
        models=tuple((_relation(nodes[name]), on_temporary(name)) for name in order),
        questions={nodes[name]["name"].removeprefix(PREFIX): on_temporary(name) for name in asking},
    )


def _relation(node: Mapping[str, Any]) -> str:
    return f"{node['schema']}.{node['alias']}"


def _ancestors(names: list[str], nodes: Mapping[str, Any]) -> set[str]:
    """The models and analyses among `names` and everything these read, directly or not. Seeds are read in place."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found and name in nodes and nodes[name]["resource_type"] in ("analysis", "model"):
            found.add(name)
            waiting += nodes[name]["depends_on"]["nodes"]
    return found

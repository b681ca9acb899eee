"""The layers, held: what may know what.

- marts never read staging or sources; intermediate never reads sources; staging reads no layer above it.
- evidence, which the gate holds marts against, reads no sources, and no model reads evidence.
- The package never imports Airflow. DAG files hold no SQL.
- No model, expectation, DAG or module names a lender (the simulator's layouts and scenes are the lenders, and may).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = re.compile(r"""\{\{\s*(ref|source)\(\s*['"](\w+)['"]""")
SQL_STATEMENT = re.compile(
    r"\b(select\s.+\sfrom|insert\s+into|delete\s+from|update\s+\w+\s+set|create\s+table)\b", re.I | re.S
)
SUFFIXES = (".py", ".sql", ".yml", ".yaml", ".csv")
MAY_READ = {
    "staging": ("source", "stg", "seed"),
    "intermediate": ("stg", "int", "seed"),
    "sums": ("int", "mart", "seed"),
    "marts": ("int", "mart", "seed"),
    "evidence": ("stg", "int", "mart", "seed"),
}


def kind_of(how: str, name: str) -> str:
    if how == "source":
        return "source"
    if (ROOT / "dbt_project/models/evidence" / f"{name}.sql").exists():
        return "evidence"
    return {"stg": "stg", "int": "int", "dim": "mart", "fct": "mart", "mart": "mart"}.get(
        name.split("_", maxsplit=1)[0], "seed"
    )


def model_faults() -> Iterator[str]:
    for layer, allowed in MAY_READ.items():
        for path in sorted((ROOT / "dbt_project/models" / layer).rglob("*.sql")):
            for how, name in REFERENCE.findall(path.read_text(encoding="utf-8")):
                if kind_of(how, name) not in allowed:
                    yield f"{path.relative_to(ROOT)}: {layer} may not read {how} {name}"


def python_faults() -> Iterator[str]:
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            if any(name.split(".")[0] == "airflow" for name in names):
                yield f"{path.relative_to(ROOT)}:{node.lineno}: the package does not import Airflow"
    for path in sorted((ROOT / "dags").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL_STATEMENT.search(node.value):
                yield f"{path.relative_to(ROOT)}:{node.lineno}: DAG files hold no SQL"


def lender_faults() -> Iterator[str]:
    lenders = sorted(path.name for path in (ROOT / "lenders").iterdir() if path.is_dir())
    named = re.compile("|".join(map(re.escape, lenders)), re.I)
    for folder in ("src", "dags", "dbt_project", "expectations"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in SUFFIXES or {"layouts", "scenes", "target", "logs"} & set(path.parts):
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                if found := named.search(line):
                    yield f"{path.relative_to(ROOT)}:{number}: names the lender {found.group(0)}"


def main() -> int:
    faults = [*model_faults(), *python_faults(), *lender_faults()]
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print("layering: ok")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())

"""The layers, held: what may know what.

- marts never read staging or sources; intermediate never reads sources; staging reads no layer above it.
- evidence, which the gate holds marts against, reads no sources, and no model reads evidence.
- The package never imports Airflow. DAG files hold no SQL.
- Models, tests, and macros that say rules are written for both engines: what one of them alone understands is behind a
  macro that each has its own of (docs/portability.md).
- No model, expectation, DAG or module names a lender (the simulator's layouts and scenes are the lenders, and may).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = re.compile(r"""\{\{\s*(ref|source)\(\s*['"](\w+)['"]""")
SQL_STATEMENT = re.compile(
    r"\b(select\s.+\sfrom|insert\s+into|delete\s+from|update\s+\w+\s+set|create\s+table)\b", re.I | re.S
)
# What one engine refuses, or takes for something else.
ENGINE_BOUND = {
    "a cast spelled ::": r"::",
    "distinct on": r"\bdistinct\s+on\b",
    "a set-returning function": r"\b(generate_series|unnest|explode|sequence)\s*\(",
    "an interval": r"\binterval\b",
    "extract(epoch)": r"\bextract\s*\(\s*epoch\b",
    "a function of one engine": (
        r"\b(age|to_char|to_date|to_timestamp|date_add|date_sub|datediff|date_trunc|trunc|last_day|(from|to)_utc_timestamp"
        r"|string_agg|listagg|array_agg|collect_(list|set)|nvl|ifnull|split(_part)?|regexp_\w+|random|rand)\s*\("
    ),
    "a time zone": r"\bat\s+time\s+zone\b",
    "a lateral join": r"\blateral\b",
    "a pattern": r"\bilike\b|\brlike\b|\bsimilar\s+to\b|[^!<>=]~",
    "an array": r"\barray\s*[\[(]",
    "a quoted name": r'"[^"]*"|`',
    "a place of a row": r"\bctid\b",
    "the clock": r"\bnow\s*\(|\bcurrent_(date|timestamp)\b",
    "a number without digits": r"\bas\s+(numeric|decimal)\s*\)",
    "a type of one engine": r"\bas\s+(text|string|timestamptz|int4|int8)\s*\)",
    "Spark's <=>": r"<=>",
    "a field of JSON": r"->",
    "a quotient without the macro for it": r"/",
    "arithmetic after a named window": r"\bover\s+\w+\s*[-+*/%]",
}
JINJA_OR_COMMENT = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|--[^\n]*", re.S)
TEXT_OR_BREAK = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\n""", re.S)
NOT_ON_SPARK = "{{ config(enabled=target.type == 'postgres') }}"  # docs/portability.md says which test, and why
OF_BOTH_ENGINES = ("business_date.sql", "delinquency.sql", "entities.sql", "staging.sql")  # among macros
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


def engine_faults() -> Iterator[str]:
    bound = {what: re.compile(pattern, re.I) for what, pattern in ENGINE_BOUND.items()}
    project = ROOT / "dbt_project"
    models = [path for folder in ("models", "tests") for path in sorted((project / folder).rglob("*.sql"))]
    for path in [*models, *(project / "macros" / name for name in OF_BOTH_ENGINES)]:
        written = path.read_text(encoding="utf-8")
        if path.parent.name != "tests" or not written.startswith(NOT_ON_SPARK):
            yield from (f"{path.relative_to(ROOT)}{fault}" for fault in engine_bound(written, bound))


def engine_bound(model: str, bound: Mapping[str, re.Pattern[str]]) -> Iterator[str]:
    """What of a model's own SQL only one engine understands, with its line. Macros speak for themselves."""
    own = JINJA_OR_COMMENT.sub(own_words, model)
    found = {(own.count("\n", 0, at.start()), what) for what, one in bound.items() for at in one.finditer(own)}
    yield from (f":{number + 1}: {what} is of one engine" for number, what in sorted(found))


def own_words(found: re.Match[str]) -> str:
    """What is left of Jinja or a comment, on as many lines: the texts that a macro is given are the model's SQL."""
    if found[0].startswith(("{#", "--")):
        return "\n" * found[0].count("\n")
    kept = TEXT_OR_BREAK.findall(found[0])
    return " ".join(part if part == "\n" else part[1:-1].replace("\\", "") for part in kept)


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
    faults = [*model_faults(), *engine_faults(), *python_faults(), *lender_faults()]
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print("layering: ok")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())

"""Suites as files: expectations/<boundary>/<table>.yaml, checked when they are read.

This module knows nothing of Great Expectations, whose import takes seconds: reading and checking suites is free.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from arrears.errors import Refused

Boundary = Literal["delivery", "candidate", "publication"]
Severity = Literal["critical", "warning", "info"]


class ExpectationFile(BaseModel):
    """One expectation.

    Attributes:
        name: says what must hold; unique in its suite; the name under which results are kept.
        type: Great Expectations' name of the expectation. kwargs: its arguments.
        severity: critical blocks, warning asks for approval, info is recorded.
        notes: why it matters, and where the rule comes from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    type: str
    kwargs: dict[str, Any]
    severity: Severity
    notes: str


class SuiteFile(BaseModel):
    """The expectations of one table: of a delivery's rows of an entity, or of a candidate mart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    expectations: list[ExpectationFile]


def suites(root: Path, boundary: Boundary) -> list[SuiteFile]:
    """All suites of a boundary, in alphabetical order. Raises Refused when a file is wrong."""
    found = [_read(path) for path in sorted((root / boundary).glob("*.yaml"))]
    if not found:
        raise Refused(f"There are no suites under {root / boundary}: a gate without any lets everything through.")
    return found


def _read(path: Path) -> SuiteFile:
    try:
        suite = SuiteFile.model_validate(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
    except YAMLError as error:
        raise Refused(f"The suite {path} is not YAML: {error}") from error
    except ValidationError as error:
        reasons = [f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise Refused(f"The suite {path} is wrong.", reasons) from error
    names = [expectation.name for expectation in suite.expectations]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or suite.table != path.stem:
        raise Refused(
            f"The suite {path} is wrong.",
            [f"the expectation '{name}' stands twice" for name in twice]
            + ([f"its table is '{suite.table}', the file is '{path.stem}'"] if suite.table != path.stem else []),
        )
    return suite

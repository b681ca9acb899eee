"""Reading a contract from its YAML file; every fault in it at once, each with file, line and place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from arrears.contract.model import Contract
from arrears.contract.problem import Place
from arrears.contract.rules import problems
from arrears.errors import Refused


def read_contract(path: Path) -> Contract:
    """Read and check one contract.

    Raises:
        Refused: the file is not YAML, not a Data Package descriptor as we use it, or contradicts itself. Every
            fault is a reason of its own, `file:line: place: what is wrong`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Refused(f"Cannot read the contract {path}: {error.strerror}.") from error
    document = _parse(path, content)
    try:
        contract = Contract.model_validate(_plain(document)).model_copy(
            update={"digest": hashlib.sha256(content).hexdigest()}
        )
    except ValidationError as error:
        raise _refused(path, document, list(_shape_problems(error))) from error
    found = list(problems(contract))
    if contract.name != path.parent.name:
        found.append((("name",), f"the contract of '{contract.name}' lies in the folder '{path.parent.name}'"))
    if found:
        raise _refused(path, document, found)
    return contract


def _parse(path: Path, content: bytes) -> Any:
    try:
        document = YAML(typ="rt").load(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Refused(f"The contract {path} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise Refused(f"The contract is not YAML: {where}: {error.problem or error}.") from error
    except YAMLError as error:  # a character that YAML forbids; its message has several lines
        raise Refused(f"The contract is not YAML: {path}: {' '.join(str(error).split())}.") from error
    if not isinstance(document, dict):
        raise Refused(f"The contract {path} is empty or not a mapping. Start from another lender's contract.")
    return document


def _plain(node: Any) -> Any:
    """ruamel's commented containers as plain ones, scalars as they are."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node


def _shape_problems(error: ValidationError) -> Iterator[tuple[Place, str]]:
    for fault in error.errors():
        message = fault["msg"]
        if fault["type"] == "extra_forbidden":
            message = "there is no such property here"
        elif fault["type"] == "missing":
            message = "this property is missing"
        yield tuple(fault["loc"]), message


def _refused(path: Path, document: Any, found: list[tuple[Place, str]]) -> Refused:
    reasons = [
        f"{path}:{_line(document, place)}: {_spell(place)}: {message}" for place, message in dict.fromkeys(found)
    ]
    count = "1 fault" if len(reasons) == 1 else f"{len(reasons)} faults"
    return Refused(f"The contract {path} has {count}; nothing was loaded.", reasons)


def _line(document: Any, place: Place) -> int:
    """Line of the deepest part of `place` that the document has."""
    node: Any = document
    line = 1
    for step in place:
        try:  # ruamel's containers know where each key and item stands
            line = (node.lc.key(step) if hasattr(node, "keys") else node.lc.item(step))[0] + 1
            node = node[step]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return line


def _spell(place: Place) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.lstrip(".") or "the contract"

"""Our contracts as Data Packages (v2), by two implementations of that standard that are not ours.

dplib holds a descriptor against the standard's own JSON Schema; frictionless reads it and validates, with nothing else,
the files that the lender sends.
"""

from __future__ import annotations

import copy
import datetime as dt
import gzip
import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from arrears.contract import contract_for
from arrears.delivery import Delivery
from arrears.settings import SOURCE_ROOT
from arrears.simulate import FAULTS, layouts, simulate
from arrears.simulate.faults import Order, inject
from arrears.simulate.writers import Landing

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its models, some of whose fields have names that pydantic has too
    from dplib import settings as standard
    from dplib.actions.dialect.check import check_dialect
    from dplib.actions.package.check import check_package
    from dplib.actions.schema.check import check_schema
    from dplib.helpers import profile
    from frictionless import Resource, system

CONTRACTS = SOURCE_ROOT / "lenders"
LENDERS = layouts.names()
DAY = dt.date(2024, 1, 17)
Descriptor = dict[str, Any]


def _descriptor(lender: str) -> Descriptor:
    """A contract as any reader of YAML has it, and of JSON types alone. Every part is a copy of its own."""
    text = (CONTRACTS / lender / "datapackage.yaml").read_text("utf-8")
    plain: Descriptor = json.loads(json.dumps(yaml.safe_load(text), default=str))
    return plain


# ── the descriptors ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """dplib fetches the standard's profiles, though it brings copies: it gets those."""

    def bundled(path: str, **_: Any) -> str:
        name = path.removeprefix(f"{standard.PROFILE_BASEURL}/")
        return (Path(standard.PROFILE_BASEDIR) / name).read_text("utf-8")

    monkeypatch.setattr(profile, "read_file", bundled)
    profile.read_profile.cache_clear()


def _wrong(descriptor: Descriptor) -> list[str]:
    """What the standard has against a descriptor, and against the parts that have profiles of their own."""
    errors = list(check_package(descriptor))
    for resource in descriptor["resources"]:
        errors += check_schema({"$schema": standard.PROFILE_CURRENT_SCHEMA, **resource["schema"]})
        errors += check_dialect({"$schema": standard.PROFILE_CURRENT_DIALECT, **resource.get("dialect", {})})
    return [str(error) for error in errors]


def test_there_is_a_contract_for_every_simulated_lender() -> None:
    assert {path.name for path in CONTRACTS.iterdir()} >= set(LENDERS)


@pytest.mark.parametrize("lender", sorted(path.name for path in CONTRACTS.iterdir() if path.is_dir()))
def test_a_contract_is_a_data_package(lender: str, without_network: None) -> None:
    descriptor = _descriptor(lender)
    assert descriptor["$schema"] == standard.PROFILE_CURRENT_PACKAGE
    assert _wrong(descriptor) == []


def _without_name(descriptor: Descriptor) -> None:
    del descriptor["resources"][0]["name"]


def _no_such_type(descriptor: Descriptor) -> None:
    descriptor["resources"][0]["schema"]["fields"][0]["type"] = "text"


def _long_delimiter(descriptor: Descriptor) -> None:
    descriptor["resources"][0].setdefault("dialect", {})["delimiter"] = 7


def _no_resources(descriptor: Descriptor) -> None:
    descriptor["resources"][:] = descriptor["resources"][:1]
    descriptor["resources"][0]["path"] = 7


@pytest.mark.parametrize("spoil", [_without_name, _no_such_type, _long_delimiter, _no_resources])
def test_what_is_no_data_package_fails(spoil: Callable[[Descriptor], None], without_network: None) -> None:
    descriptor = _descriptor("lakala")
    spoil(descriptor)
    assert _wrong(descriptor) != []


# ── the files ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landing")
    simulate(start=DAY, end=DAY, loans=60, seed=4, landing=folder, truth=tmp_path_factory.mktemp("truth"), workers=1)
    return folder


def _resources(lender: str, landing: Path, only: str | None = None) -> Iterator[Resource]:
    """A delivery's files, each described by its own part of the contract and nothing else."""
    described = {resource["name"]: resource for resource in _descriptor(lender)["resources"]}
    for file in Delivery(contract_for(CONTRACTS, lender, DAY), DAY, str(landing)).files:
        path = Path(file.location)
        if only is None or path.name == only:
            yield _resource(copy.deepcopy(described[file.resource.name]), path)


def _resource(described: Descriptor, path: Path) -> Resource:
    described["path"] = path.name
    if described.get("format") == "jsonl":
        # frictionless reads JSON Lines only with a package of its own; the rows are validated all the same
        names = [field["name"] for field in described["schema"]["fields"]]
        rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        names += sorted({name for row in rows for name in row} - set(names))
        data = [names, *([row.get(name) for name in names] for row in rows)]
        return Resource.from_descriptor({"name": described["name"], "data": data, "schema": described["schema"]})
    if described.get("format") == "xlsx":  # where frictionless 5 looks for what the standard calls sheetName
        described["dialect"]["excel"] = {"sheet": described["dialect"]["sheetName"]}
    return Resource.from_descriptor(described, basepath=str(path.parent))


def _faults(resources: Iterator[Resource]) -> tuple[int, list[tuple[str, int | None, str | None]]]:
    """How many rows frictionless read, and what it has against them: kind of error, row, field."""
    rows, found = 0, []
    for resource in resources:
        with system.use_context(trusted=True):
            report = resource.validate()
        found += [tuple(each) for each in report.flatten(["type", "rowNumber", "fieldName"])]
        found += [(error.type, None, None) for error in report.errors]
        rows += sum(task.stats.get("rows") or 0 for task in report.tasks)
    return rows, found


@pytest.mark.parametrize("lender", LENDERS)
def test_a_delivery_is_what_its_contract_says(lender: str, landing: Path) -> None:
    rows, found = _faults(_resources(lender, landing))
    assert found == []
    assert rows > 500


@pytest.mark.parametrize(
    ("fault", "lender"),
    [
        (fault, lender)
        for fault in ("bad_rows", "unknown_value", "wrong_header", "empty_required")
        for lender in LENDERS
        if FAULTS[fault].applies(layouts.find(lender).FORMAT)
        # the standard knows that a column is an object, and nothing of its members: what they must be is our own rule
        if fault != "empty_required" or "." not in layouts.find(lender).FORMAT.roles.date
    ],
)
def test_a_delivery_that_is_not_fails(fault: str, lender: str, landing: Path, tmp_path: Path) -> None:
    """A wrong type, a value outside its list, a column of another name, nothing where there must be something."""
    form = layouts.find(lender).FORMAT
    shutil.copytree(landing / lender, tmp_path / lender)
    done = inject([Order(fault, lender, DAY)], landings={lender: (Landing(str(tmp_path), lender), form)}, seed=4)
    _, found = _faults(_resources(lender, tmp_path, done[0].file))
    assert found
    if fault != "wrong_header":
        fields = {each.column for each in done if each.column and "." not in each.column}
        assert {field for _, _, field in found} >= fields
        assert {kind for kind, _, _ in found} <= {"type-error", "constraint-error"}

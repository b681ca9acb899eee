"""The steps of a day that talk to the warehouse themselves, each with what it needs, small enough to be run at every
failpoint. They are functions of a folder and an address, so that a process of its own can run them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template

from arrears.contract import read_contract
from arrears.delivery import Delivery
from arrears.gate import gate_candidate, gate_delivery
from arrears.load import load
from arrears.publish import publish
from arrears.settings import Role, Settings
from arrears.warehouse.connect import connect, one

from ..conftest import Warehouse
from ..integration.candidate import FEBRUARY, MARCH, Candidate
from ..integration.test_load import DAY, LOANS, PAYMENTS, PEOPLE, Lender

SUITE = Template("""
table: $table
expectations:
  - name: keyed
    type: expect_compound_columns_to_be_unique
    kwargs: {column_list: $key}
    severity: critical
    notes: For the test.
  - name: never a hundred
    type: unexpected_rows_expectation
    kwargs: {unexpected_rows_query: "select $value from {batch} where $value = 100"}
    severity: warning
    notes: For the test.
""")


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        role: who runs it. prepare: makes what it needs. run: runs it, in that folder and as that address' role.
        tries: at how many of its statements something goes wrong where not all of them are tried.
    """

    name: str
    role: Role
    prepare: Callable[[Warehouse, Path], None]
    run: Callable[[Path, str], object]
    tries: int = 1


def _deliver(warehouse: Warehouse, root: Path) -> None:
    lender = Lender(warehouse, root)
    lender.send(
        loans=LOANS + "".join(f"L{number},p,1000.00,2024-01-05,600\n" for number in range(50)),
        payments=PAYMENTS + "P1,L1,2024-02-01,10.00,bank\nP2,L2,never,10.00,bank\n",
        people=PEOPLE + "L1,张三丰,110101199003078515,13800138000,1990\n",
    )
    lender.delivery()  # writes the contract


def _load(root: Path, url: str) -> object:
    contract = read_contract(root / "lenders" / "acme" / "datapackage.yaml")
    return load(Delivery(contract, DAY, str(root / "landing")), url=url, pii_key=lambda: b"key")


def _write_suite(root: Path, boundary: str, **of: str) -> None:
    """A suite like the real ones, and small: Great Expectations takes its time with those."""
    folder = root / "expectations" / boundary
    folder.mkdir(parents=True)
    (folder / f"{of['table']}.yaml").write_text(SUITE.substitute(of))


def _loaded(warehouse: Warehouse, root: Path) -> None:
    _deliver(warehouse, root)
    _write_suite(root, "delivery", table="loan", key="[lender, loan_id]", value="principal")
    _load(root, warehouse.url(Role.LOADER))


def _gate_delivery(root: Path, url: str) -> object:
    return gate_delivery(
        _newest(url, "delivery"), url=url, settings=Settings(home=root, expectations=root / "expectations")
    )


def _built(warehouse: Warehouse, root: Path, gate: str = "") -> None:
    """A publication, and a build after it with rows changed, gone and new, a new column and a new mart."""
    for boundary in ("candidate", "publication"):
        _write_suite(root, boundary, table="mart_x", key="[lender, month_end]", value="loans")
    candidate = Candidate(warehouse)
    candidate.publish([("a", FEBRUARY, 10, 0.5), ("b", FEBRUARY, 7, None), ("c", FEBRUARY, 3, None)], FEBRUARY)
    candidate.columns += ", overdue bigint"
    candidate.build([("a", FEBRUARY, 12, 0.5, 1), ("a", MARCH, 100, 0.4, 2), ("b", FEBRUARY, 7, None, 0)], gate=gate)
    warehouse.rows("create table candidate.mart_y (lender text primary key)", role=Role.BUILDER)
    warehouse.rows("insert into candidate.mart_y values ('a')", role=Role.BUILDER)
    warehouse.rows(
        "insert into ops.build_mart select max(build_id), 'mart_y', array['lender'], null, 'Y (表)' from ops.build",
        role=Role.BUILDER,
    )


def _gate_candidate(root: Path, url: str) -> object:
    return gate_candidate(
        _newest(url, "build"), url=url, settings=Settings(home=root, expectations=root / "expectations")
    )


def _judged(warehouse: Warehouse, root: Path) -> None:
    _built(warehouse, root, gate="warn")


def _publish(root: Path, url: str) -> object:
    return publish(_newest(url, "build"), url=url, approved_by="Mei", reason="for the test")


def _newest(url: str, table: str) -> int:
    with connect(url, "test") as connection, connection.cursor() as cursor:
        return int(one(cursor, f"select max({table}_id) from ops.{table}")[0])


STEPS = [
    Step("load", Role.LOADER, _deliver, _load, tries=6),
    Step("gate_delivery", Role.LOADER, _loaded, _gate_delivery, tries=2),
    Step("gate_candidate", Role.PUBLISHER, _built, _gate_candidate, tries=2),
    Step("publish", Role.PUBLISHER, _judged, _publish, tries=8),
]

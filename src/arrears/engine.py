"""Who runs the models: Postgres itself, or Spark on the lake. One dbt project, two targets of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from psycopg2.extensions import cursor as Cursor

import arrears
from arrears.errors import Usage
from arrears.lake import Lake
from arrears.settings import Settings
from arrears.warehouse.address import Address
from arrears.warehouse.connect import one


@dataclass(frozen=True)
class Dbt:
    """How dbt is started: `program`, the words before dbt's own; `options`, those after; and its environment."""

    program: tuple[str, ...]
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict, repr=False)


# In a process of its own: dbt keeps global state, and its memory is given back when it ends.
ON_POSTGRES = Dbt((sys.executable, "-m", "arrears.dbt_process"))


def chosen(settings: Settings) -> Dbt:
    """The dbt that builds the candidate. Raises Usage where the engine lacks what it needs."""
    return _on_spark(settings) if settings.engine == "spark" else ON_POSTGRES


def tables(settings: Settings) -> str:
    """Whose tables a build may go on from: each engine has its own, on Spark those of a lake."""
    return f"spark {settings.lake}" if settings.engine == "spark" else settings.engine


def still_there(base: int | None, settings: Settings) -> int | None:
    """The build to go on from, unless what it left is gone: a lake may be lost, or be put back as it was before."""
    if base is None or settings.engine != "spark":
        return base
    return base if Lake(settings.lake).built() == base else None


def check_address(url: str) -> None:
    """Raises Usage where libpq gets to the warehouse by what Java, on this machine and on workers, does not have."""
    address = Address.parse(url)
    if address.host.startswith(("/", "@")):
        raise Usage(
            f"ARREARS_ENGINE is spark, and ARREARS_WAREHOUSE_URL names a socket, {address.host}, which Java cannot "
            "open: name the host and port that workers reach the warehouse at."
        )
    if ("sslrootcert", "system") in address.options:
        raise Usage(
            "ARREARS_ENGINE is spark, and ARREARS_WAREHOUSE_URL says sslrootcert=system, which Java's driver takes for "
            "a file: name the system's file, for example /etc/ssl/certs/ca-certificates.crt."
        )


def check_order_of_text(cursor: Cursor) -> None:
    """Raises Usage where the warehouse sorts text by a language's rules: by bytes, as on Spark, ties end otherwise."""
    (by_bytes,) = one(cursor, "select 'B' < 'a' and 'P-2' < 'P1'")
    if not by_bytes:
        raise Usage(
            "ARREARS_ENGINE is spark, and the warehouse's database does not sort text by its bytes as Spark does: its "
            "collation is not C. `arrears up` makes a database that does: restore this one's dump into it."
        )


def _on_spark(settings: Settings) -> Dbt:
    python = settings.spark_environment / "bin" / "python"
    if not python.exists():
        raise Usage(
            f"ARREARS_ENGINE is spark and there is no Spark in {settings.spark_environment}: `make spark` installs it."
        )
    if not settings.spark_master:
        raise Usage(
            "ARREARS_ENGINE is spark: say where, for example ARREARS_SPARK_MASTER=spark://master.internal:7077."
        )
    if not settings.lake:
        raise Usage(
            "ARREARS_ENGINE is spark: say where the lake is with ARREARS_LAKE, a folder or a URL all workers reach."
        )
    return Dbt(
        (str(python), "-m", "arrears.spark.process"),
        ("--target", "spark"),
        {
            # the package's own files, and none of the packages beside it
            "PYTHONPATH": str(Path(arrears.__file__).parents[1]),
            "ARREARS_SPARK_MASTER": settings.spark_master,
            "ARREARS_LAKE": settings.lake,
            "ARREARS_JDBC_DRIVER": str(settings.jdbc_driver),
        },
    )

"""What a build on Spark reads: the control tables of `ops`, from Postgres, and the rows of `raw`, from the lake."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from arrears.errors import Infrastructure
from arrears.spark.kept import Table, declared, name_table
from arrears.spark.place import Place

# Copied when a build begins, so that all of it sees one state. Of what the gates found the builder may read who and how
# many, not what; a time of day is text on Spark, which has no such type.
OPS = {
    "lender": (
        "lender, name_en, name_zh, currency, timezone, calendar, cast(delivery_deadline as text) as delivery_deadline"
    ),
    "lender_entity": "lender, entity, mode, is_cumulative",
    "lender_convention": "lender, product, convention, value, effective_from",
    "delivery": (
        "delivery_id, lender, business_date, version, status, contract_effective_from, received_at, decided_at, "
        "rows_in_files, rows_accepted, rows_rejected"
    ),
    "delivery_file": "file_id, delivery_id, resource, rows_in_file, rows_accepted, rows_rejected",
    "delivery_in_build": "delivery_id, from_build, until_build",
    "build": "build_id, business_date, status, started_at, base_build",
    "gate_run": "gate_run_id, boundary, delivery_id",
    "gate_result": "gate_run_id, success",
}
# Of what the gates found the models read what they found of deliveries.
OF_DELIVERIES = {
    "gate_run": "where boundary = 'delivery'",
    "gate_result": "where gate_run_id in (select gate_run_id from ops.gate_run where boundary = 'delivery')",
}
RAW = ("loan", "borrower", "instalment", "payment", "loan_event", "collection_action", "reported_position")
AT_ONCE = 4  # tables that are copied
# The folders that the loader sorts its files into.
FOLDERS = ("lender", "business_date")


def running_build(session: SparkSession, place: Place) -> int | None:
    """The build that is under way on record."""
    found = query(session, place, "select build_id from ops.build where status = 'running'").collect()
    return int(found[0]["build_id"]) if found else None


def require_running(session: SparkSession, place: Place, build_id: int) -> None:
    """Raises Infrastructure where a build is given up: the tables that it would change may be those of the next one.

    Who started it holds a lock for it on a connection, and that ends with the server's restart. This process does not.
    """
    if running_build(session, place) != build_id:
        raise Infrastructure(
            f"Build {build_id} was given up on its way: the warehouse has lost the connection that held its lock, and "
            "another build may have begun. What stood before still stands; build again."
        )


def copy_control_tables(session: SparkSession, place: Place) -> None:
    def copy(table: str) -> None:
        read = query(session, place, f"select {OPS[table]} from ops.{table} {OF_DELIVERIES.get(table, '')}")
        read.coalesce(1).write.mode("overwrite").saveAsTable(f"ops.{table}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(copy, OPS))


def name_raw_files(session: SparkSession, place: Place) -> None:
    """Make tables of the lake's files. Their columns are those of Postgres."""
    for entity in RAW:
        columns = query(session, place, f"select * from raw.{entity} where false").dtypes
        name_table(session, Table(f"raw.{entity}", declared(columns), FOLDERS, entity), place.raw)


def query(session: SparkSession, place: Place, asked: str) -> DataFrame:
    """What Postgres answers. Raises Infrastructure where it takes no login from Java."""
    try:
        return session.read.format("jdbc").options(**place.jdbc()).option("query", asked).load()
    except PySparkException as error:
        if "FAILED_JDBC.CONNECTION" not in str(error):
            raise
        raise Infrastructure(
            f"Postgres does not take a login from Java at {place.host}:{place.port}. Does it run? The embedded server "
            "needs `arrears up` with ARREARS_ENGINE=spark once, for a password that the JDBC driver can use."
        ) from error

"""The Spark session that dbt's session method finds when it asks for one."""

from __future__ import annotations

import os
import re
import socket
import subprocess

from pyspark.errors import PySparkException
from pyspark.find_spark_home import _find_spark_home
from pyspark.sql import SparkSession

from arrears.errors import Infrastructure
from arrears.spark.place import Place
from arrears.spark.workers import cores, run_a_task

SECONDS_TO_ANSWER = 5
OLDEST_JAVA = 17
# As Spark's own start-up finds it, in `bin/spark-class`, once it has read an administrator's spark-env.sh.
JAVA_OF_SPARK = """
export SPARK_HOME="$0"
. "$SPARK_HOME/bin/load-spark-env.sh"
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
command -v "$java" || echo "$java"
"$java" -version
"""
VERSION_OF_JAVA = re.compile(r'version "(?:1\.)?(\d+)[^"]*"')
MEMORY_OF_THE_DRIVER = "2g"  # one, which Spark gives it unasked, is full of plans and broadcasts with a large book


def open_session(place: Place) -> SparkSession:
    """A session on the cluster, which has run a first task.

    Raises:
        Infrastructure: no Java or an old one, no JDBC driver, no master or no worker.
    """
    _check_java()
    if not place.driver.is_file():
        raise Infrastructure(
            f"Postgres's JDBC driver is not at {place.driver}: install it (Debian, Ubuntu: libpostgresql-jdbc-java), "
            "or set ARREARS_JDBC_DRIVER to its jar."
        )
    _find_master(place.master)
    # Memory, cores, an object store's keys: spark-defaults.conf (SPARK_CONF_DIR), before which this stands back.
    os.environ.setdefault("SPARK_DRIVER_MEMORY", MEMORY_OF_THE_DRIVER)
    # Here is what the models rely on.
    builder = (
        SparkSession.builder.appName("arrears")
        .master(place.master)
        .config("spark.jars", str(place.driver))
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        # instants are shown in UTC by both engines; local days are computed from the lender's own zone
        .config("spark.sql.session.timeZone", "UTC")
        # a time without a zone is of this session's, UTC, and no type of its own
        .config("spark.sql.timestampType", "TIMESTAMP_LTZ")
        # a quotient with too many digits loses some of them; it would become null
        .config("spark.sql.decimalOperations.allowPrecisionLoss", "true")
        .config("spark.sql.warehouse.dir", place.built)
        # copies of `ops`, whose format nobody names
        .config("spark.sql.sources.default", "parquet")
        # a file that is lost or broken ends the build: without its rows it would go on
        .config("spark.sql.files.ignoreMissingFiles", "false")
        .config("spark.sql.files.ignoreCorruptFiles", "false")
        # two of the same task would both write their rows to Postgres
        .config("spark.speculation", "false")
        .config("spark.sql.sources.partitionOverwriteMode", "dynamic")
        # what it can conclude about a row of many compared columns grows until there is no memory left
        .config("spark.sql.constraintPropagation.enabled", "false")
        # it puts a filter into a recursion (int_payment_attribution) that the planner then cannot resolve
        .config("spark.sql.optimizer.dynamicPartitionPruning.enabled", "false")
        # or it ends with an error after a million rows, which a large book has; the models bound how deep it goes
        .config("spark.sql.cteRecursionRowLimit", "-1")
        # Whether a table is small enough for every worker is judged by its files, in which ids and amounts take a tenth
        # of what they take in memory: a million loans would fill an executor's.
        .config("spark.sql.sources.fileCompressionFactor", "10")
        # which waits for cores behind tasks of other statements; that workers are lost is found out otherwise
        .config("spark.sql.broadcastTimeout", "-1")
        # the first and the last day ever are written as they are
        .config("spark.sql.parquet.datetimeRebaseModeInWrite", "CORRECTED")
        .config("spark.sql.parquet.datetimeRebaseModeInRead", "CORRECTED")
        # tables are known by name to this session alone (arrears.spark.kept), and by folders what is in them: asking
        # Hive's catalogue for every partition took a third of a small build
        .config("spark.sql.catalogImplementation", "in-memory")
        .config("spark.sql.hive.manageFilesourcePartitions", "false")
    )
    try:
        session = builder.getOrCreate()
    except (PySparkException, RuntimeError, OSError) as error:
        raise Infrastructure(f"Spark does not start on {place.master}: {str(error).splitlines()[0]}") from error
    session.sparkContext.setLogLevel("ERROR")
    run_a_task(session, place.master)
    _fit_shuffles(session)
    return session


def _check_java() -> None:
    """Spark would tell of one that is too old by a class that it cannot read."""
    try:
        asked = subprocess.run(
            ["bash", "-c", JAVA_OF_SPARK, _find_spark_home()], capture_output=True, text=True, check=False
        )
        java, said = asked.stdout.strip().rpartition("\n")[2], asked.stderr
    except FileNotFoundError:  # as good as an empty PATH
        java, said = "java", ""
    version = VERSION_OF_JAVA.search(said)
    if version and int(version[1]) >= OLDEST_JAVA:
        return
    where = f"at {java}" if "/" in java else "in PATH"
    found = f"{java} is {version[0]}" if version else f"there is none {where}"
    raise Infrastructure(
        f"Spark needs Java {OLDEST_JAVA} or newer and {found}: install it (Debian and Ubuntu: "
        "openjdk-17-jre-headless), or set JAVA_HOME to where it is."
    )


def _find_master(master: str) -> None:
    """Spark itself would try for a minute and then speak of a stopped context."""
    if not master.startswith("spark://"):
        return
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), SECONDS_TO_ANSWER).close()
        except (OSError, ValueError):
            continue
        return
    raise Infrastructure(f"No Spark master answers at {master}: start it, or set ARREARS_SPARK_MASTER to where it is.")


def _fit_shuffles(session: SparkSession) -> None:
    """As many pieces as the cluster's cores are busy with, a few times over, unless somebody has said how many."""
    asked = session.sparkContext.getConf().get("spark.sql.shuffle.partitions")
    if asked is None:
        session.conf.set("spark.sql.shuffle.partitions", max(4, 3 * cores(session)))

"""Whose fault it is that dbt did not build: a model's or the data's, or the server's, which another try may mend."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from arrears.dbt import results_of
from arrears.errors import Infrastructure, Refused

AT = " at org.apache.spark.sql.execution.SparkPlan.execute(SparkPlan.scala:197) at java.base/java.lang.Thread.run()"


def outcome(folder: Path, message: str, status: str, *, on_spark: bool) -> Exception:
    results = folder / "run_results.json"
    results.write_text(
        json.dumps({"results": [{"unique_id": "model.arrears.x", "status": status, "message": message}]})
    )
    done = subprocess.CompletedProcess(["dbt"], 1, stdout=message)
    with pytest.raises((Refused, Infrastructure)) as raised:
        results_of(done, results, on_spark=on_spark)
    return raised.value


@pytest.mark.parametrize(
    ("message", "status", "kind"),
    [
        ("Runtime Error in model x [CAST_INVALID_INPUT] The value 'a' … SQLSTATE: 22018" + AT, "error", Refused),
        ("Runtime Error in model x Job aborted due to stage failure … SQLSTATE: 22018" + AT, "error", Refused),
        ("Runtime Error in model x [UNRESOLVED_COLUMN] … SQLSTATE: 42703" + AT, "error", Refused),
        ("Compilation Error in model x 'y' is undefined", "error", Refused),
        ("Got 3 results, configured to fail if != 0", "fail", Refused),
        ("Runtime Error in model x Could not execute broadcast in 300 secs." + AT, "error", Infrastructure),
        ("Runtime Error in model x [INTERNAL_ERROR] … SQLSTATE: XX000" + AT, "error", Infrastructure),
        ("Runtime Error in model x Job aborted due to stage failure" + AT, "error", Infrastructure),
    ],
)
def test_spark_says_whose_fault_it_is(tmp_path: Path, message: str, status: str, kind: type[Exception]) -> None:
    raised = outcome(tmp_path, message, status, on_spark=True)
    assert type(raised) is kind
    if kind is Infrastructure:
        assert "org.apache" not in str(raised)
        assert str(raised).startswith("Spark failed while dbt was building: x: Runtime Error in model x")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Database Error in model x division by zero", Refused),
        ("Database Error in model x server closed the connection unexpectedly", Infrastructure),
    ],
)
def test_postgres_says_so_in_words(tmp_path: Path, message: str, kind: type[Exception]) -> None:
    assert type(outcome(tmp_path, message, "error", on_spark=False)) is kind


@pytest.mark.parametrize("written", ['{"results": [{"unique_id": "model.arr', "", "\0\0\0\0", None])
@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("[Errno 28] No space left on device: '/home/arrears/dbt/run_results.json'", Infrastructure),
        ("Compilation Error in model x 'y' is undefined", Refused),
    ],
)
def test_what_dbt_could_not_write_is_for_its_words_to_explain(
    tmp_path: Path, written: str | None, said: str, kind: type[Exception]
) -> None:
    """Where the disk of ARREARS_HOME is full half a file of results is left."""
    results = tmp_path / "run_results.json"
    if written is not None:
        results.write_text(written)
    done = subprocess.CompletedProcess(["dbt"], 2, stdout=f"Encountered an error:\n{said}\n")
    with pytest.raises(kind) as raised:
        results_of(done, results, on_spark=False)
    assert said in str(raised.value)

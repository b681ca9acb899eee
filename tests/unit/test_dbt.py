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


BROKEN_RULE = """Database Error in model dim_loan (models/marts/dim_loan.sql)
  new row for relation "dim_loan__dbt_tmp" violates check constraint "dim_loan__dbt_tmp_dpd_check"
  DETAIL:  Failing row contains (lakala, L-1, B-77, 612.00, 1980,
  DETAIL:  a text of its own).
  CONTEXT:  a statement
  compiled code at target/run/arrears/models/marts/dim_loan.sql"""
SAME_KEY = """Database Error in model dim_loan (models/marts/dim_loan.sql)
  could not create unique index "dim_loan__dbt_tmp_pkey"
  DETAIL:  Key (lender, loan_id)=(lakala, L-1) is duplicated."""


def test_a_reason_shows_no_row(tmp_path: Path) -> None:
    """It is told by mail and webhook. Which rule it was, and of a key that stands twice which, is what helps."""
    listed = outcome(tmp_path, BROKEN_RULE, "error", on_spark=False)
    (tmp_path / "run_results.json").unlink()
    done = subprocess.CompletedProcess(["dbt"], 1, stdout="".join(BROKEN_RULE.splitlines(keepends=True)[:3]))
    with pytest.raises(Refused) as unlisted:
        results_of(done, tmp_path / "run_results.json", on_spark=False)
    for reason in (str(listed), str(unlisted.value)):
        assert 'violates check constraint "dim_loan__dbt_tmp_dpd_check" (the row is in the log)' in reason
        assert not [value for value in ("L-1", "B-77", "612.00", "1980", "of its own") if value in reason]


def test_a_reason_names_the_key_that_stands_twice(tmp_path: Path) -> None:
    reason = str(outcome(tmp_path, SAME_KEY, "error", on_spark=False))
    assert "Key (lender, loan_id)=(lakala, L-1) is duplicated" in reason

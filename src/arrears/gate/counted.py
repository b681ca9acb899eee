"""The kind of expectation that most suites are made of, asking the warehouse once.

In a module of its own: Great Expectations takes seconds to be imported.
"""

from __future__ import annotations

from typing import Any

from great_expectations.expectations.core import UnexpectedRowsExpectation

ROW_COUNT = "unexpected_rows_query.row_count"


class CountedRowsExpectation(UnexpectedRowsExpectation):  # type: ignore[misc]  # Great Expectations is not typed
    """No row breaks it.

    Great Expectations runs such a query twice, to count the rows and to fetch them. The gate fetches the first of them
    itself, and only where there are any.
    """

    metric_dependencies = (ROW_COUNT,)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        return {"success": metrics[ROW_COUNT] == 0, "result": {"observed_value": metrics[ROW_COUNT]}}

"""The kind of expectation that most suites are made of, with its query asked beside those of the others.

In a module of its own: Great Expectations takes seconds to be imported.
"""

from __future__ import annotations

from typing import Any

from great_expectations.expectations.core import UnexpectedRowsExpectation

from arrears.gate.asked import rows_found


class CountedRowsExpectation(UnexpectedRowsExpectation):  # type: ignore[misc]  # Great Expectations is not typed
    """No row breaks it.

    Great Expectations runs such a query twice, to count the rows and to fetch them. The gate counts them, and fetches
    the first of them only where there are any.

    Attributes:
        question: which of the queries that are asked is its own.
    """

    question: int

    metric_dependencies = ()

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        found = rows_found(self.question)
        return {"success": found == 0, "result": {"observed_value": found}}

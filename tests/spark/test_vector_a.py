"""Vector A, of files through the whole pipeline, as Spark builds it."""

from __future__ import annotations

import pytest

from ..golden.test_vector_a import (  # noqa: F401
    published,
    test_days_past_due_at_close,
    test_the_daily_mart_counts_the_same_loans,
)

# before the lender's files are published
pytestmark = [pytest.mark.spark, pytest.mark.timeout(7200), pytest.mark.usefixtures("lake")]

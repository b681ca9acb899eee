"""The truth, as files: `<truth>/<lender>/<month-end>.parquet`, one row for every loan disbursed by then.

| column | is |
|---|---|
| loan_id | as the lender's files spell it |
| as_of | the month-end |
| state | active, settled, written_off, transferred, compensated, bought_back |
| dpd | days past due on the plan in force, without the days of a pause; goes on when a loan has left the book |
| contractual_dpd | days past due on the original plan, pauses or not; likewise |
| outstanding_principal | 0 unless active (a settled loan may keep 0.01) |
| overdue_principal, overdue_amount | shortfall of instalments due before the month-end: of principal, and in all |
| is_restructured | was extended or given new terms by then; a part prepayment is neither |

What a chargeback opened again is due on its day. Amounts are decimal(18,2) in the lender's currency; default
conventions of metrics.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from arrears.simulate.book import Ints, day_date
from arrears.simulate.engine import MonthEnd
from arrears.simulate.ledger import STATES


def money(name: str, cents: Ints) -> pl.Series:
    """Whole cents as decimal(18,2), exactly."""
    wide = np.empty((len(cents), 2), dtype=np.int64)  # a decimal is the number of cents in 128 bits
    wide[:, 0], wide[:, 1] = cents, cents >> 63
    decimals = pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), [None, pa.py_buffer(wide)])
    return pl.Series(name, decimals, dtype=pl.Decimal(18, 2))


def write_truth(truth: Path, lender: str, at: MonthEnd, loan_ids: list[str]) -> Path:
    """Write a lender's month-end; returns the file. Writes over one that is there."""
    day = day_date(at.day)
    count = len(at.dpd)
    frame = pl.DataFrame(
        [
            pl.Series("loan_id", loan_ids[:count], dtype=pl.String),
            pl.repeat(day, count, dtype=pl.Date, eager=True).alias("as_of"),
            pl.Series("state", at.state).replace_strict(dict(enumerate(STATES)), return_dtype=pl.String),
            pl.Series("dpd", at.dpd, dtype=pl.Int32),
            pl.Series("contractual_dpd", at.contractual_dpd, dtype=pl.Int32),
            money("outstanding_principal", at.outstanding),
            money("overdue_principal", at.overdue_principal),
            money("overdue_amount", at.overdue_amount),
            pl.Series("is_restructured", at.restructured),
        ]
    )
    path = truth / lender / f"{day}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path, statistics=False)
    return path

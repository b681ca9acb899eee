"""The connection cut in the middle of a COPY."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from arrears.errors import Infrastructure
from arrears.settings import Role

from ..conftest import Warehouse
from ..integration.test_load import LOANS, PAYMENTS, Lender
from .conftest import Note
from .content import content
from .effort import FULL
from .wire import COPY_DATA, Fault, Wire, through

ROWS = 500_000 if FULL else 50_000
COPYING = "select pid from pg_stat_progress_copy where relid = 'raw.payment_acme'::regclass and tuples_processed > 0"


def test_a_load_is_cut_in_mid_copy(warehouse: Warehouse, tmp_path: Path, note: Note) -> None:
    lender = Lender(warehouse, tmp_path)
    payments = "".join(f"P{number},L1,2024-02-01,10.00,bank\n" for number in range(ROWS))
    lender.send(loans=LOANS + "L1,p,1000.00,2024-01-05,600\n", payments=PAYMENTS + payments)
    untouched = content(warehouse)

    def strike() -> None:
        while not (copying := warehouse.rows(COPYING)):
            time.sleep(0.01)
        assert warehouse.value("select pg_terminate_backend(%s, 5000)", copying[0][0])

    with Wire(warehouse.settings.owner().port) as wire:
        # the loans are one message; then come the payments, a mebibyte each
        cut = Fault(3, strike, counted=COPY_DATA)
        wire.set(cut)
        lender.url = through(warehouse.url(Role.LOADER), wire)
        with pytest.raises(Infrastructure, match="failed during load acme"):
            lender.load()
        assert cut.struck.wait(10)
    assert content(warehouse) == untouched
    lender.url = warehouse.url(Role.LOADER)
    assert lender.load().rows == ROWS + 1
    assert warehouse.value("select count(distinct payment_id) from raw.payment") == ROWS
    assert warehouse.value("select count(*) from raw.payment") == ROWS
    note(f"load of {ROWS:,} rows cut in mid-COPY", "nothing of it there; loaded again whole, every row once")

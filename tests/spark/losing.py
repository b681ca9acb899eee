"""Losing a worker while a build is under way."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from benchmarks.cluster import Cluster

HALF_WAY = b"OK created sql touched model intermediate.int_loan_state"


def lose_a_worker(home: Path, cluster: Cluster) -> None:
    """Kill a worker once dbt, of which `home` has the log, is half-way through the build that begins now."""
    log = home / "dbt" / "logs" / "dbt.log"
    threading.Thread(target=_kill_half_way, args=(log, log.stat().st_size, cluster), daemon=True).start()


def _kill_half_way(log: Path, begins_at: int, cluster: Cluster) -> None:
    while HALF_WAY not in log.read_bytes()[begins_at:]:
        time.sleep(0.2)
    cluster.kill_worker()

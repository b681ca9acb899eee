"""A standalone Spark cluster on loopback: a master and workers of one core each, in processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = "127.0.0.1"


@dataclass
class Cluster:
    """Where the master listens, and the workers' processes."""

    master: str
    environment: Path
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add_worker(self) -> None:
        number = len(self.workers)
        self.workers.append(
            _start(
                self.environment, self.folder / f"worker_{number}.log", "org.apache.spark.deploy.worker.Worker",
                "--host", LOOPBACK, "--webui-port", "0", "--cores", "1", "--memory", "2g",
                "--work-dir", str(self.folder / f"work_{number}"), self.master,
            )
        )  # fmt: skip

    def kill_worker(self) -> None:
        """As a machine that is switched off: the worker and what it runs are gone without a word."""
        worker = self.workers.pop(0)
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


@contextmanager
def running_cluster(environment: Path, folder: Path, workers: int) -> Iterator[Cluster]:
    """A master and as many workers, stopped at the end. environment: of the pyspark that is run."""
    port = _free_port()
    master = _start(
        environment, folder / "master.log", "org.apache.spark.deploy.master.Master",
        "--host", LOOPBACK, "--port", str(port), "--webui-port", "0",
    )  # fmt: skip
    cluster = Cluster(f"spark://{LOOPBACK}:{port}", environment, folder)
    try:
        _wait_for(port)
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        for process in [*cluster.workers, master]:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait()


def _start(environment: Path, log: Path, *command: str) -> subprocess.Popen[bytes]:
    (home,) = environment.glob("lib/python3*/site-packages/pyspark")
    with log.open("wb") as sink:
        return subprocess.Popen(
            [str(home / "bin" / "spark-class"), *command],
            env={**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": LOOPBACK},
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(240):
        try:
            socket.create_connection((LOOPBACK, port), 1).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise AssertionError("the master does not listen")

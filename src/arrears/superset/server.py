"""A Superset of this machine, beside the embedded warehouse: prepared, started, filled and stopped.

It has an environment of its own, because it asks for versions that Airflow cannot live with. All it writes is in one
folder: its metadata (SQLite), its cache, its key and the passwords of its two logins, made once.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import httpx

from arrears.errors import Infrastructure
from arrears.superset.bundle import DATABASE_FILE, bundle
from arrears.superset.client import Superset
from arrears.warehouse.address import Address

ADMIN, PUBLISHER = "arrears", "arrears_publisher"
STARTS_WITHIN = 300.0  # seconds; its imports alone take half a minute on a busy machine
PORT = 8088  # if it is free


class LocalSuperset:
    """A Superset that is running.

    Attributes:
        url: where it listens, on 127.0.0.1. admin, publisher: passwords of the two logins.
    """

    def __init__(self, home: Path, programs: Path, folder: Path) -> None:
        """home: for what it writes. programs: bin of its environment. folder: its configuration and assets."""
        self.home, self.programs, self.folder = home.absolute(), programs.absolute(), folder.absolute()
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.admin, self.publisher = _made_once(self.home / "admin"), _made_once(self.home / "publisher")
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator[LocalSuperset]:
        """Prepare and start it; stop it at the end.

        Raises:
            Infrastructure: its environment is not there, or it does not start. What it said is in superset.log.
        """
        if not (self.programs / "gunicorn").exists():
            raise Infrastructure(f"Superset's environment is not at {self.programs}: `make bi` makes it.")
        port = _free_port()
        command = ["--worker-class", "gthread", "--threads", "16", "--timeout", "120", "--bind", f"127.0.0.1:{port}"]
        with (self.home / "superset.log").open("wb") as log:
            try:
                self._process = self._start(log, "python", str(self.folder / "prepare.py"))
                if self._process.wait():
                    raise Infrastructure(f"Superset's metadata could not be prepared: {self._end_of_log()}")
                self._process = self._start(log, "gunicorn", *command, "superset.app:create_app()")
                self.url = f"http://127.0.0.1:{port}"
                self._wait_until_it_answers()
                yield self
            finally:
                if self._process:
                    self._process.terminate()
                    self._process.wait(60)

    def load(self, reader: Address) -> None:
        """Bring its database, datasets, charts and dashboards to what the folder says."""
        with Superset.logged_in(self.url, ADMIN, self.admin, timeout=300) as superset:
            superset.load(bundle(self.folder / "assets", reader), {DATABASE_FILE: reader.password})

    def wait(self) -> None:
        """Until it ends."""
        assert self._process
        self._process.wait()

    def _start(self, log: BinaryIO, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        own = {
            "SUPERSET_CONFIG_PATH": str(self.folder / "superset_config.py"),
            "SUPERSET_SECRET_KEY": _made_once(self.home / "secret_key"),
            "SUPERSET_METADATA_URI": f"sqlite:///{self.home / 'metadata.db'}",
            "SUPERSET_CACHE": str(self.home / "cache"),
            "SUPERSET_HOME": str(self.home),
            "SUPERSET_ADMIN_PASSWORD": self.admin,
            "ARREARS_SUPERSET_PASSWORD": self.publisher,
        }
        return subprocess.Popen(
            [str(self.programs / program), *arguments], env={**os.environ, **own}, cwd=self.home,
            stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def _wait_until_it_answers(self) -> None:
        assert self._process
        deadline = time.monotonic() + STARTS_WITHIN
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/health", timeout=5).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.5)
        raise Infrastructure(f"Superset did not start: {self._end_of_log()}")

    def _end_of_log(self) -> str:
        path = self.home / "superset.log"
        return f"{path.read_text(errors='replace')[-1500:].strip()} (all of it: {path})"


def _made_once(path: Path) -> str:
    """A secret that nobody else can read and that stays: from its file, or new and in it."""
    if not path.exists():
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(secrets.token_urlsafe(32))
        partial.replace(path)
    return path.read_text()


def _free_port() -> int:
    for port in (PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Infrastructure("There is no free port on 127.0.0.1.")

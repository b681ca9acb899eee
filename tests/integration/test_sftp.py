"""A landing folder behind SFTP: a delivery fetched from a real server of the protocol, on loopback."""

from __future__ import annotations

import datetime as dt
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
import pytest
from fsspec.implementations.cached import SimpleCacheFileSystem
from fsspec.implementations.sftp import SFTPFileSystem
from paramiko import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_SUCCEEDED,
    SFTP_OK,
    PKey,
    RSAKey,
    ServerInterface,
    SFTPAttributes,
    SFTPHandle,
    SFTPServer,
    SFTPServerInterface,
    Transport,
)

from arrears import pipeline
from arrears.errors import Infrastructure
from arrears.lake.store import Lake
from arrears.report.shelf import Shelf
from arrears.settings import Role, settings
from tests.integration.command_line import CommandLine

Warehouse = Any  # what the fixture `warehouse` gives
DAY = dt.date(2024, 3, 5)
USER, PASSWORD = "arrears", "what the lender gave us"
CONTRACT = {
    "name": "acme",
    "arrears": {
        "effective_from": "2024-01-01", "names": {"en": "Acme"}, "currency": "CNY", "timezone": "Asia/Shanghai",
    },
    "resources": [{
        "name": "loans", "path": "loans.csv", "format": "csv",
        "schema": {"fields": [
            {"name": "no", "arrears": {"field": "loan_id"}}, {"name": "kind", "arrears": {"field": "product"}},
            {"name": "amount", "type": "number", "arrears": {"field": "principal"}},
            {"name": "lent", "type": "date", "arrears": {"field": "disbursed_on"}},
        ]},
        "arrears": {"file": "loans.csv", "entity": "loan", "mode": "append", "constants": {"currency": "CNY"}},
    }],
}  # fmt: skip


class _Login(ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        return AUTH_SUCCESSFUL if (username, password) == (USER, PASSWORD) else AUTH_FAILED

    def check_auth_publickey(self, username: str, key: PKey) -> int:
        return AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED


class _Read(SFTPHandle):
    """A file that is read."""

    readfile: BinaryIO


class _Files(SFTPServerInterface):
    """What lies below a folder, to be read."""

    root: Path

    def stat(self, path: str) -> SFTPAttributes | int:
        try:
            return SFTPAttributes.from_stat((self.root / path.lstrip("/")).stat())
        except OSError as error:
            return SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def open(self, path: str, flags: int, attr: SFTPAttributes) -> SFTPHandle | int:
        try:
            handle = _Read(flags)
            handle.readfile = (self.root / path.lstrip("/")).open("rb")
        except OSError as error:
            return SFTPServer.convert_errno(error.errno or SFTP_OK)
        return handle


class Server:
    """An SFTP server of the files below a folder."""

    def __init__(self, root: Path) -> None:
        self.key = RSAKey.generate(2048)
        self._files = type("Files", (_Files,), {"root": root})
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: list[Transport] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            transport = Transport(connection)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", SFTPServer, self._files)
            transport.start_server(server=_Login(), event=threading.Event())
            self._open.append(transport)

    def hang_up(self) -> None:
        for transport in self._open:
            transport.close()

    def stop(self) -> None:
        self._listening.close()
        self.hang_up()


@pytest.fixture
def server(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A lender's server, known and logged in to, as the landing folder of one lender's contract."""
    contract = tmp_path / "lenders" / "acme" / "datapackage.yaml"
    contract.parent.mkdir(parents=True)
    contract.write_text(json.dumps(CONTRACT), "utf-8")
    server = Server(tmp_path / "server")
    _known(tmp_path, server.port, server.key)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ARREARS_LENDERS", str(tmp_path / "lenders"))
    monkeypatch.setenv("ARREARS_LANDING", f"sftp://{USER}@127.0.0.1:{server.port}/extracts")
    monkeypatch.setitem(
        fsspec.config.conf, "sftp", {"password": PASSWORD, "look_for_keys": False, "allow_agent": False}
    )
    SFTPFileSystem.clear_instance_cache()
    settings.cache_clear()
    yield server
    server.stop()
    SFTPFileSystem.clear_instance_cache()
    settings.cache_clear()


def _known(home: Path, port: int, key: PKey) -> None:
    known = home / ".ssh" / "known_hosts"
    known.parent.mkdir(exist_ok=True)
    known.write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")


def _deliver(home: Path) -> None:
    folder = home / "server" / "extracts" / "acme" / f"{DAY}"
    folder.mkdir(parents=True)
    (folder / "loans.csv").write_text("no,kind,amount,lent\nL1,cash,1.50,2024-01-15\n")


@pytest.fixture
def arrears(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return CommandLine(capsys, monkeypatch)


def test_a_delivery_is_fetched_and_loaded(server: Server, warehouse: Warehouse, tmp_path: Path) -> None:
    assert not pipeline.delivery_complete("acme", DAY)
    _deliver(tmp_path)
    assert pipeline.delivery_complete("acme", DAY)
    result = pipeline.load("acme", DAY, url=settings().url(Role.LOADER))
    assert (result.outcome, result.rows, result.rejected) == ("loaded", 1, 0)
    assert warehouse.rows("select loan_id, principal::text from raw.loan") == [("L1", "1.50")]


def test_a_connection_that_is_lost_is_no_file_that_is_missing(server: Server, tmp_path: Path) -> None:
    """A delivery is refused for a missing file, and nothing retries that."""
    _deliver(tmp_path)
    assert pipeline.delivery_complete("acme", DAY)
    server.hang_up()
    with pytest.raises(Infrastructure, match=r"Cannot read sftp://"):
        pipeline.delivery_complete("acme", DAY)


@pytest.mark.parametrize("known", ["another key", "none"])
def test_a_server_that_is_not_known_is_given_no_password(
    server: Server, arrears: CommandLine, tmp_path: Path, known: str
) -> None:
    if known == "none":
        (tmp_path / ".ssh" / "known_hosts").unlink()
    else:
        _known(tmp_path, server.port, RSAKey.generate(2048))
    answer = arrears("check", "acme", f"{DAY}")
    assert answer.code == 3
    assert f"the key of [127.0.0.1]:{server.port} is not in {tmp_path}/.ssh/known_hosts" in answer.err
    assert PASSWORD not in answer.err


@pytest.mark.parametrize("store", [Shelf, Lake])
@pytest.mark.parametrize("chained", ["", "simplecache::"])
def test_no_report_and_no_raw_row_goes_to_a_server_that_is_not_known(
    server: Server, tmp_path: Path, store: type[Shelf | Lake], chained: str
) -> None:
    assert store(f"{chained}{settings().landing}")
    SFTPFileSystem.clear_instance_cache()
    SimpleCacheFileSystem.clear_instance_cache()
    (tmp_path / ".ssh" / "known_hosts").unlink()
    with pytest.raises(Infrastructure, match=rf"the key of \[127.0.0.1\]:{server.port} is not in"):
        store(f"{chained}{settings().landing}")


def test_a_wrong_password_is_said(server: Server, arrears: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fsspec.config.conf["sftp"], "password", "another")
    answer = arrears("check", "acme", f"{DAY}")
    assert answer.code == 3
    assert "Authentication failed" in answer.err
    assert "another" not in answer.err

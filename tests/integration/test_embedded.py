"""The embedded server: started twice, interrupted, killed, moved to another port; its passwords kept to itself."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from arrears.errors import Infrastructure
from arrears.settings import Settings
from arrears.warehouse import embedded as module
from arrears.warehouse import migrations
from arrears.warehouse.connect import connect
from arrears.warehouse.embedded import EmbeddedServer
from arrears.warehouse.provision import provision


@pytest.fixture
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedServer]:
    for name in [name for name in os.environ if name.startswith("ARREARS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ARREARS_HOME", str(tmp_path))
    server = EmbeddedServer(tmp_path)
    yield server
    server.down()


def _postmaster(server: EmbeddedServer) -> int:
    return int((server.data / "postmaster.pid").read_text().splitlines()[0])


def test_starting_twice_is_starting_once(embedded: EmbeddedServer) -> None:
    port, pid = embedded.up(), None
    pid = _postmaster(embedded)
    assert (embedded.up(), _postmaster(embedded)) == (port, pid)
    assert embedded.down() is True
    assert embedded.down() is False
    assert embedded.up() == port  # saved BI connections go on working


def test_home_may_be_relative(embedded: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(embedded.home.parent)
    relative = EmbeddedServer(Path(embedded.home.name))
    assert relative.up() == embedded.port()
    assert relative.down() is True


def test_secrets_are_for_the_owner_alone_and_stay_the_same(embedded: EmbeddedServer) -> None:
    embedded.up()
    before = embedded.secrets_file.read_text()
    assert stat.S_IMODE(embedded.secrets_file.stat().st_mode) == 0o600
    embedded.down()
    embedded.up()
    assert embedded.secrets_file.read_text() == before


def test_a_password_is_needed(embedded: EmbeddedServer) -> None:
    port = embedded.up()
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(host="127.0.0.1", port=port, user="arrears_owner", dbname="postgres", password="guess")


def test_an_interrupted_first_start_is_started_over(embedded: EmbeddedServer) -> None:
    (embedded.home / "postgres.partial" / "base").mkdir(parents=True)
    (embedded.home / "postgres.partial" / "PG_VERSION").write_text("18")
    assert embedded.up() > 0


def test_a_killed_server_recovers(embedded: EmbeddedServer) -> None:
    embedded.up()
    own = Settings(home=embedded.home)
    provision(own)
    with connect(own.owner().url(), "test") as connection, connection.cursor() as cursor:
        cursor.execute("create table kept (a int); insert into kept values (1)")
    os.kill(_postmaster(embedded), signal.SIGKILL)
    while embedded.port():  # it takes a moment to die where the machine is busy, and answers until then
        time.sleep(0.05)
    embedded.up()
    with connect(Settings(home=embedded.home).owner().url(), "test") as connection, connection.cursor() as cursor:
        cursor.execute("select a from kept")
        assert cursor.fetchall() == [(1,)]


def test_a_taken_port_is_left_to_whoever_has_it(embedded: EmbeddedServer) -> None:
    port = embedded.up()
    embedded.down()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert embedded.up() != port


def test_provisioning_twice_changes_nothing(embedded: EmbeddedServer) -> None:
    newest = max(path.name[:4] for path in Path(migrations.__file__).parent.glob("versions/[0-9]*.py"))
    embedded.up()
    own = Settings(home=embedded.home)
    provision(own)
    provision(own)
    with connect(own.owner().url(), "test") as connection, connection.cursor() as cursor:
        cursor.execute("select version_num from ops.alembic_version")
        assert cursor.fetchall() == [(newest,)]


def test_neither_side_waits_for_hours_for_one_that_has_vanished(embedded: EmbeddedServer) -> None:
    embedded.up()
    provision(own := Settings(home=embedded.home))
    with connect(own.owner().url(), "test") as connection, connection.cursor() as cursor:
        cursor.execute("select setting from pg_settings where name like 'tcp_keepalives_%' order by name")
        assert cursor.fetchall() == [("3",), ("30",), ("10",)]  # count, idle, interval
        assert connection.get_dsn_parameters()["keepalives_idle"] == "30"


def test_an_unreachable_server_is_one_clear_message_without_the_password(tmp_path: Path) -> None:
    with (
        pytest.raises(
            Infrastructure, match=r"Cannot reach the warehouse at 127.0.0.1:9/db as u.*arrears up"
        ) as failure,
        connect("postgresql://u:sesame@127.0.0.1:9/db", "test"),
    ):
        pass
    assert "sesame" not in str(failure.value)


def test_without_unshare_root_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    module._not_as_root.cache_clear()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Infrastructure, match="ordinary user"):
        module._not_as_root()
    module._not_as_root.cache_clear()

"""What a build may go on from, by engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arrears import engine
from arrears.errors import Usage
from arrears.settings import Settings


def test_postgres_goes_on_from_its_own_tables(tmp_path: Path) -> None:
    own = Settings(home=tmp_path)
    assert engine.tables(own) == "postgres"
    assert engine.still_there(7, own) == 7
    assert not any(tmp_path.iterdir())


def test_spark_goes_on_from_what_the_lake_says_it_has(tmp_path: Path) -> None:
    own = Settings(engine="spark", lake=str(tmp_path))
    assert engine.tables(own) != engine.tables(Settings(engine="spark", lake="/another"))
    assert engine.still_there(None, own) is None
    assert engine.still_there(7, own) is None
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "tables.json").write_text(json.dumps({"build": 7, "tables": []}))
    assert engine.still_there(7, own) == 7
    assert engine.still_there(8, own) is None  # of a backup of the lake, or of a build that was not whole


@pytest.mark.parametrize("left", ["", '{"bui', "[]", "{}", '{"build": null}', "\0\0\0\0"])
def test_what_a_power_cut_has_left_of_a_record_is_no_record(tmp_path: Path, left: str) -> None:
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "tables.json").write_text(left)
    assert engine.still_there(7, Settings(engine="spark", lake=str(tmp_path))) is None


def test_a_lake_is_where_it_was_said_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark takes what does not begin at the root for a folder within its own, and would build of nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    said = {"lake": f"{tmp_path}/lake", "~/lake": f"{tmp_path}/home/lake", "/srv/lake": "/srv/lake", "": ""}
    for url in ("s3://bucket/lake", "file:///srv/lake"):
        said[url] = url
    for address, place in said.items():
        monkeypatch.setenv("ARREARS_LAKE", address)
        assert Settings(home=tmp_path).lake == place


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:pw@/db?host=/var/run/postgresql", "names a socket, /var/run/postgresql"),
        ("postgresql://me:pw@%2Fvar%2Frun:5433/db", "names a socket, /var/run"),
        ("postgresql://me:pw@there/db?sslmode=verify-full&sslrootcert=system", "sslrootcert=system"),
    ],
)
def test_what_java_does_not_have_is_refused(url: str, said: str) -> None:
    with pytest.raises(Usage, match=said):
        engine.check_address(url)
    engine.check_address("postgresql://me:pw@[2001:db8::1]:5433/db?sslmode=verify-full&sslrootcert=/etc/ca.pem")

"""What a build may go on from, by engine."""

from __future__ import annotations

from pathlib import Path

from arrears import engine
from arrears.settings import Settings


def test_postgres_goes_on_from_its_own_tables(tmp_path: Path) -> None:
    assert engine.tables(Settings(home=tmp_path)) == "postgres"
    assert not any(tmp_path.iterdir())


def test_spark_goes_on_from_what_its_catalogue_knows(tmp_path: Path) -> None:
    here = Settings(home=tmp_path / "here", engine="spark", lake="/lake")
    first = engine.tables(here)
    (tmp_path / "here" / "spark" / "catalogue").mkdir()
    assert engine.tables(here) == first
    assert engine.tables(Settings(home=here.home, engine="spark", lake="/another")) != first
    assert engine.tables(Settings(home=tmp_path / "another machine", engine="spark", lake="/lake")) != first


def test_a_catalogue_that_was_lost_knows_nothing(tmp_path: Path) -> None:
    own = Settings(home=tmp_path, engine="spark", lake="/lake")
    before = engine.tables(own)
    (tmp_path / "spark" / "catalogue").mkdir()
    (tmp_path / "spark" / "catalogue").rmdir()
    assert engine.tables(own) != before

"""Migrations of the warehouse's own tables: numbered SQL files, applied by Alembic, each in one transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from arrears.warehouse.address import Address


def migrate(url: str) -> None:
    """Bring ops and raw to the newest version. Waits for another migration that is running; a no-op when current."""
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent))
    engine = create_engine(Address.parse(url).url("postgresql+psycopg2"))
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(hashtext('arrears.migrate'))"))
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")
    finally:
        engine.dispose()

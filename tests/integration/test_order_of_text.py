"""Text sorts by its bytes, whatever a server's own databases do: ties end the same everywhere, and as on Spark."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import psycopg2
import pytest
from pydantic import SecretStr

from arrears import engine
from arrears.errors import Usage
from arrears.settings import Settings
from arrears.warehouse.connect import connect
from arrears.warehouse.provision import provision

from ..conftest import running_server

LANGUAGE = "en_US.utf8"
BY_A_LANGUAGE = f"template template0 encoding 'UTF8' locale_provider libc locale '{LANGUAGE}'"

pytestmark = pytest.mark.skipif(
    LANGUAGE not in subprocess.check_output(["locale", "-a"], text=True).split(),
    reason=f"this machine has no locale {LANGUAGE}: localedef -i en_US -f UTF-8 en_US.UTF-8",
)


@pytest.fixture(scope="module")
def of_a_language(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A server whose new databases sort as English does, and have nothing in them."""
    with running_server(tmp_path_factory.mktemp("of_a_language")) as (_, own):
        connection = psycopg2.connect(own.owner().to("postgres").url())
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("alter database template1 is_template false")
            cursor.execute("drop database template1")
            cursor.execute(f"create database template1 {BY_A_LANGUAGE} is_template true")
            cursor.execute("create database made_by_hand")
        connection.close()
        yield own


def check(own: Settings, database: str) -> None:
    with connect(own.owner().to(database).url(), "test") as connection, connection.cursor() as cursor:
        engine.check_order_of_text(cursor)


def test_a_database_that_we_make_sorts_by_bytes(of_a_language: Settings) -> None:
    elsewhere = of_a_language.owner().to("made_by_us")
    provision(of_a_language.model_copy(update={"warehouse_url": SecretStr(elsewhere.url())}))
    check(of_a_language, "made_by_us")


def test_one_that_does_not_is_nothing_for_spark(of_a_language: Settings) -> None:
    with pytest.raises(Usage, match="does not sort text by its bytes as Spark does"):
        check(of_a_language, "made_by_hand")

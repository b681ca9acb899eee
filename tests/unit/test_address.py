"""Addresses of databases, and what their sessions are asked for."""

from __future__ import annotations

import psycopg2.extensions
import pytest

from arrears.dbt import dbt_environment
from arrears.errors import Usage
from arrears.spark.place import Place
from arrears.warehouse.address import Address


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("postgresql://me:p%20w@there:5433/db", "-cenable_nestloop=off"),
        ("postgresql://me:p%20w@there:5433/db?sslmode=require", "-cenable_nestloop=off"),
        ("postgresql://me:p%20w@there:5433/db?options=-cjit%3Doff", "-cjit=off -cenable_nestloop=off"),
    ],
)
def test_settings_come_to_those_that_an_address_has(url: str, options: str) -> None:
    address = Address.parse(url)
    judging = address.setting(enable_nestloop="off")
    assert judging.options == tuple(sorted({**dict(address.options), "options": options}.items()))
    assert psycopg2.extensions.parse_dsn(judging.url())["options"] == options
    assert Address.parse(judging.url()) == judging


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postgresql://me:pw@/db?host=/var/run/postgresql", "/var/run/postgresql"),
        ("postgresql://me:pw@%2Fvar%2Frun:5433/db", "/var/run"),
        ("postgresql://me:pw@[2001:db8::1]:5433/db", "2001:db8::1"),
    ],
)
def test_sockets_and_ipv6_stay_what_they_are(url: str, host: str) -> None:
    address = Address.parse(url)
    assert address.host == host
    assert psycopg2.extensions.parse_dsn(address.url())["host"] == host
    assert Address.parse(address.url()) == address


def test_one_of_several_hosts_has_to_be_named() -> None:
    with pytest.raises(Usage, match="several hosts"):
        Address.parse("postgresql://me:pw@one:5432,two:5433/db")


def test_what_an_address_says_of_tls_holds_for_dbt_and_for_spark() -> None:
    """dbt's profile has no place for it, so that libpq would take any server for the right one."""
    url = "postgresql://me:pw@there:5433/db?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&connect_timeout=3"
    environment = dbt_environment(url)
    tls = {name: value for name, value in environment.items() if name.startswith("PG")}
    assert tls == {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/etc/ca.pem"}
    jdbc = jdbc_of(url)
    assert jdbc["url"].startswith("jdbc:postgresql://there:5433/db?")
    assert jdbc["url"].endswith("&sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem")
    assert "pw" not in jdbc["url"]


def test_java_is_told_the_same_address() -> None:
    """Its driver takes a + for a blank, and a ? for the end of a name."""
    jdbc = jdbc_of("postgresql://m%20e:p%20w@[2001:db8::1]:5433/a%2Bb%3Fc%2Fd")
    assert jdbc["url"].startswith("jdbc:postgresql://[2001:db8::1]:5433/a%2Bb%3Fc%2Fd?")
    assert (jdbc["user"], jdbc["password"]) == ("m e", "p w")


def jdbc_of(url: str) -> dict[str, str]:
    spark = {"ARREARS_SPARK_MASTER": "local[1]", "ARREARS_LAKE": "/lake", "ARREARS_JDBC_DRIVER": "/driver.jar"}
    return Place.of_environment(dbt_environment(url) | spark).jdbc()

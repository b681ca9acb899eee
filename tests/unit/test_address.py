"""Addresses of databases, and what their sessions are asked for."""

from __future__ import annotations

import psycopg2.extensions
import pytest

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

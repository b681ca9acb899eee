"""Superset is told of a publication, where one is configured; that it cannot be told is told, and fails nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from arrears.settings import settings
from arrears.superset.bundle import DATABASE

from ..unit.stand_in_superset import PASSWORD, StandIn, standing_in
from .receivers import Webhook, listening
from .stand_in import run

pytestmark = pytest.mark.usefixtures("metadata", "package")


@pytest.fixture
def superset(monkeypatch) -> Iterator[StandIn]:
    with standing_in() as server:
        server.datasets = [DATABASE] * 3
        monkeypatch.setenv("ARREARS_SUPERSET_URL", server.url)
        monkeypatch.setenv("ARREARS_SUPERSET_PASSWORD", PASSWORD)
        settings.cache_clear()
        yield server
    settings.cache_clear()


@pytest.fixture
def chat(monkeypatch) -> Iterator[Webhook]:
    webhook = Webhook()
    monkeypatch.setenv("ARREARS_NOTIFY_WEBHOOK", webhook.url)
    with listening(webhook):
        yield webhook


def test_superset_forgets_what_it_kept(dags, superset, chat):
    assert run(dags["publish_marts"]).state == "success"
    assert superset.forgotten == ["1__table", "2__table", "3__table"]
    assert [message["text"].partition("\n")[0] for message in chat.received] == ["arrears: published 2024-03-31"]


@pytest.mark.parametrize("status", [403, 502])
def test_a_superset_that_fails_fails_no_publication(dags, superset, chat, caplog, status):
    superset.broken["/api/v1/cachekey/invalidate"] = status
    with caplog.at_level(logging.WARNING):
        assert run(dags["publish_marts"]).state == "success"
    told = sorted(message["text"].partition("\n")[0] for message in chat.received)
    assert told == ["arrears: dashboards may still show what was before 2024-03-31", "arrears: published 2024-03-31"]
    assert not superset.forgotten


def test_without_one_nobody_is_asked(dags, chat, monkeypatch):
    monkeypatch.delenv("ARREARS_SUPERSET_URL", raising=False)
    settings.cache_clear()
    assert run(dags["publish_marts"]).state == "success"
    assert [message["text"].partition("\n")[0] for message in chat.received] == ["arrears: published 2024-03-31"]


def test_nothing_is_told_of_what_was_not_published(dags, superset, package):
    package.warn = True
    assert run(dags["publish_marts"], ask=False).exit_code == 1
    assert not superset.forgotten

"""Whether OpenLineage is told anything."""

from __future__ import annotations

import pytest

from arrears import lineage

FILE = '{"type": "file", "log_file_path": "events", "append": true}'


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OPENLINEAGE_NAMESPACE": "arrears"}, False),
        ({"OPENLINEAGE_URL": ""}, False),
        ({"OPENLINEAGE_URL": "http://127.0.0.1:5000"}, True),
        ({"OPENLINEAGE__TRANSPORT": FILE}, True),
        ({"OPENLINEAGE__TRANSPORT__TYPE": "console"}, True),
        ({"OPENLINEAGE__TRANSPORT": FILE, "OPENLINEAGE_DISABLED": "true"}, False),
    ],
)
def test_only_who_says_where_is_told(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], wanted: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert lineage.is_wanted() is wanted
    monkeypatch.setattr(lineage, "find_spec", lambda name: None)  # as where the extra is not installed
    assert lineage.is_wanted() is False

"""What the command line refuses by itself, before anything is asked of a warehouse."""

from __future__ import annotations

import pytest

from ..integration.command_line import CommandLine


def test_a_dimension_is_filtered_by_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two values the last would count, without a word."""
    asked = ("metrics", "overdue_rate", "--where", "lender=a", "--where", "lender=b")
    answer = CommandLine(capsys, monkeypatch)(*asked)
    assert (answer.code, answer.out) == (2, "")
    assert "--where has a dimension twice: ask for one value of each, or group by it." in answer.err

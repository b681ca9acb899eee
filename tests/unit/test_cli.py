"""What the command line refuses by itself, before anything is asked of a warehouse."""

from __future__ import annotations

from pathlib import Path

import pytest

from arrears.cli import output
from arrears.settings import settings

from ..integration.command_line import CommandLine


def test_a_dimension_is_filtered_by_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two values the last would count, without a word."""
    asked = ("metrics", "overdue_rate", "--where", "lender=a", "--where", "lender=b")
    answer = CommandLine(capsys, monkeypatch)(*asked)
    assert (answer.code, answer.out) == (2, "")
    assert "--where has a dimension twice: ask for one value of each, or group by it." in answer.err


def test_a_file_that_cannot_be_written_is_no_refusal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Exit code 1 would say that the data are wrong, and a retry would not be worth it."""
    taken = tmp_path / "landing"
    taken.write_text("a file where a folder should be")
    monkeypatch.setenv("ARREARS_LANDING", str(taken))
    settings.cache_clear()
    days = ("--from", "2024-03-30", "--to", "2024-03-31")
    answer = CommandLine(capsys, monkeypatch)("simulate", *days, "--loans", "1", "--lender", "lakala")
    settings.cache_clear()
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("error: A file or the network failed: ")
    assert str(taken) in answer.err


def test_what_a_spreadsheet_would_calculate_is_written_as_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Lenders call their loans as they like; numbers stay numbers."""
    assert output.as_csv([{"loan_id": '=HYPERLINK("http://x","y")', "at": "@x", "dpd": -3, "amount": "-1.50"}]) == 1
    said = capsys.readouterr().out
    assert said == 'loan_id,at,dpd,amount\n"\'=HYPERLINK(""http://x"",""y"")",\'@x,-3,-1.50\n'

"""Calls the command line in this process, so that slow imports are paid once."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from arrears.cli import main


@dataclass
class Answer:
    code: int
    out: str
    err: str


class CommandLine:
    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys, self.monkeypatch = capsys, monkeypatch

    def __call__(self, *arguments: str) -> Answer:
        self.monkeypatch.setattr(sys, "argv", ["arrears", *arguments])
        self.capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as done:
            code = int(done.code or 0)
        captured = self.capsys.readouterr()
        return Answer(code, captured.out, captured.err)

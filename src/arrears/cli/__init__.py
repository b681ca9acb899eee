"""The command line. Exit codes: 0 done, 1 refused by a check or gate, 2 usage, 3 an infrastructure failure."""

from arrears.cli.app import main

__all__ = ["main"]

"""dbt in a process that ends with the one that started it, which holds the other end of its standard input.

A dbt whose parent was killed would go on for minutes, and make tables under the hands of the build that comes next.
Terminating its connections does not end it: it opens another for every model.
"""

from __future__ import annotations

import os
import sys
import threading


def main() -> None:
    end_with_the_parent()
    from dbt.cli.main import cli

    cli()


def end_with_the_parent() -> None:
    """Have this process end when the one that started it does."""
    threading.Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    # Nothing is ever written, so it returns when the other end is gone. sys.stdin has a lock that Python wants at exit.
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main()

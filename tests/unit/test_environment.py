"""The environment: locked with hashes, from no particular address, and the same for running and testing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from arrears.settings import SOURCE_ROOT

LOCKS = sorted((SOURCE_ROOT / "requirements").glob("*.lock"))
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.M)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_address_and_hashes_everything(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "--index-url" not in text
    requirements = re.split(r"\n(?=[a-z0-9])", text.split("\n", 2)[2])
    assert all("--hash=sha256:" in requirement for requirement in requirements if "==" in requirement)


def test_tests_run_with_the_versions_that_run() -> None:
    run, dev = (
        {tuple(pin) for pin in PINNED.findall((SOURCE_ROOT / "requirements" / f"{name}.lock").read_text())}
        for name in ("run", "dev")
    )
    assert run <= dev


def test_the_package_that_downloads_while_it_is_built_is_never_installed() -> None:
    for lock in LOCKS:
        for line in lock.read_text().splitlines():
            if line.startswith("dbt-core-experimental-parser"):
                assert "sys_platform == 'never'" in line

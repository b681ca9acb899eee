"""What a figure was measured on and with."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from arrears.warehouse.embedded import binaries

PACKAGES = ("arrears", "apache-airflow", "dbt-core", "dbt-postgres", "great-expectations", "psycopg2-binary")


def described() -> list[str]:
    """A line on the machine and a line on the versions."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    memory = f"{pages * size / 2**30:.0f} GiB"
    return [
        f"{_processor()}, {os.cpu_count()} cores, {memory}, {platform.system()} {platform.release()}",
        f"{_server()}, Python {platform.python_version()}, "
        + ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES),
    ]


def _processor() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.processor()


def _server() -> str:
    return subprocess.check_output([binaries() / "postgres", "--version"], text=True).strip()

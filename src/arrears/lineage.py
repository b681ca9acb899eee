"""OpenLineage events of a build: which tables dbt made, and from which.

Off unless OpenLineage is installed and its own variables say where events go. Run as a program, with the variables that
profiles.yml reads, because OpenLineage looks up in it which server the tables are on.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path


def is_wanted() -> bool:
    """Whether somebody is to be told: as Airflow's own OpenLineage provider decides it."""
    if os.environ.get("OPENLINEAGE_DISABLED", "").lower() in ("true", "1"):
        return False
    places = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT")
    return any(value and name.startswith(places) for name, value in os.environ.items()) and bool(
        find_spec("openlineage")
    )


def send(project: Path, target: Path) -> int:
    """Send the events of the dbt run that wrote `target`. Returns how many.

    Where OPENLINEAGE_PARENT_ID says whose run it was part of, the events say so.
    """
    from openlineage.client import OpenLineageClient
    from openlineage.common.provider.dbt import DbtLocalArtifactProcessor
    from openlineage.common.provider.dbt.utils import get_parent_run_metadata

    processor = DbtLocalArtifactProcessor(
        producer="urn:arrears:build",
        job_namespace=os.environ.get("OPENLINEAGE_NAMESPACE", "default"),
        project_dir=str(project),
        target_path=str(target),
    )
    if parent := get_parent_run_metadata():
        processor.dbt_run_metadata = parent
    events = processor.parse().events()
    client = OpenLineageClient()
    for event in events:
        client.emit(event)
    client.close()
    return len(events)


if __name__ == "__main__":
    print(send(Path(sys.argv[1]), Path(sys.argv[2])))

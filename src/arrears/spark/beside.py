"""What both processes of a build on Spark have to agree on: which relations go to Postgres, and by which names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CANDIDATE = "candidate"
BESIDE = "__from_spark"


def candidate(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The models of the candidate schema: marts, and what the gate holds them against."""
    return [
        node for node in manifest["nodes"].values() if node["resource_type"] == "model" and node["schema"] == CANDIDATE
    ]

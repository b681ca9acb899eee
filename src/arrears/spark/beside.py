"""What both processes of a build on Spark agree on: what goes to Postgres, by which names, and how trouble is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BESIDE = "__from_spark"
# What sessions of Spark's are called on the server.
ON_POSTGRES = "arrears spark"
# In the lake: which tables the newest whole build there has left, and which build that is.
RECORD = "tables.json"
# In dbt's target folder: how many rows Spark has of each relation that it handed over.
COUNTED = "handed_over.json"
# Before the message of an error of ours, in a line of JSON, among what Spark and dbt say.
TROUBLE = "arrears cannot build on Spark: "


def handed_over(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The candidate: marts, and what the gate holds them against. And the seeds, which `arrears explain` reads."""
    return [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "seed" or (node["resource_type"] == "model" and node["schema"] == "candidate")
    ]

"""Raw as files: every accepted delivery also as Parquet, for engines that read files and not rows of PostgreSQL."""

from arrears.lake.filling import Filled, fill
from arrears.lake.store import Lake

__all__ = ["Filled", "Lake", "fill"]

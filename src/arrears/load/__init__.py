"""Loading: a delivery's files into raw, in one transaction, every row accepted or rejected with a reason."""

from arrears.load.loader import Findings, LoadResult, check, load
from arrears.load.rejected import forget

__all__ = ["Findings", "LoadResult", "check", "forget", "load"]

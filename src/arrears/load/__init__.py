"""Loading: a delivery's files into raw, in one transaction, every row accepted or rejected with a reason."""

from arrears.load.loader import Findings, LoadResult, check, load

__all__ = ["Findings", "LoadResult", "check", "load"]

"""Explaining one loan on one day, as known at any publication: the very models of a build, run again over that loan."""

from arrears.explain.explainer import explain
from arrears.explain.explanation import Explanation

__all__ = ["Explanation", "explain"]

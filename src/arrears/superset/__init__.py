"""Superset: the datasets, charts and dashboards of dashboards/superset brought to one, and its cache told of news."""

from __future__ import annotations

from arrears.superset.configured import forget_figures, load_dashboards

__all__ = ["forget_figures", "load_dashboards"]

"""Metrics as the marts' YAML defines them, asked of what is published."""

from arrears.metrics.definitions import Metric, Metrics
from arrears.metrics.question import Answer, Question, ask, query

__all__ = ["Answer", "Metric", "Metrics", "Question", "ask", "query"]

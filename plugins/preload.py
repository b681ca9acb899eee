"""Imports what the scheduler's task processes would each import anew: LocalExecutor forks them from the scheduler.

Great Expectations takes four seconds of a core, and every gate is a task of its own. This is no plugin, but Airflow
imports what lies here before it forks. What starts threads (polars) stays out: a process that is forked has the locks
of the one before, and not the threads that would let go of them.
"""

from __future__ import annotations

import importlib
import logging

logging.getLogger("great_expectations").setLevel(logging.ERROR)  # being imported, it tells of every class it has
importlib.import_module("great_expectations")

"""The gate: Great Expectations suites at each boundary. What fails a critical expectation goes no further."""

from arrears.gate.gate import GateResult, gate_candidate, gate_delivery
from arrears.gate.rows import unexpected

__all__ = ["GateResult", "gate_candidate", "gate_delivery", "unexpected"]

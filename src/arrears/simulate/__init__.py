"""Writes deliveries of invented lenders, each in its own layout, and beside them the truth about every loan."""

from arrears.simulate.faults import FAULTS, Injection
from arrears.simulate.run import Simulated, SimulatedLender, lenders, simulate
from arrears.simulate.scenarios import names as scenario_names

__all__ = ["FAULTS", "Injection", "Simulated", "SimulatedLender", "lenders", "scenario_names", "simulate"]

"""Simulation with cocotb and Verilator: run a core on real input, compare every code, once."""

from sim.errors import SimulationError, ToolError
from sim.scoreboard import Verdict, check
from sim.simulation import simulate
from sim.stressing import Stress, Stressed, prepare, stress
from sim.trace import HardwareTrace

__all__ = [
    "HardwareTrace",
    "SimulationError",
    "Stress",
    "Stressed",
    "ToolError",
    "Verdict",
    "check",
    "prepare",
    "simulate",
    "stress",
]

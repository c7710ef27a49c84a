"""Simulation with cocotb and Verilator: run a core on real input, compare every code, once."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.errors import SimulationError, ToolError
    from sim.scenario import Pattern
    from sim.scoreboard import Verdict, check
    from sim.simulation import simulate
    from sim.stressing import Stress, Stressed, prepare, stress
    from sim.trace import HardwareTrace
else:
    # Imported when they are asked for: the test bench inside the simulator needs none of them.
    WHERE = {
        "errors": ("SimulationError", "ToolError"),
        "scenario": ("Pattern",),
        "scoreboard": ("Verdict", "check"),
        "simulation": ("simulate",),
        "stressing": ("Stress", "Stressed", "prepare", "stress"),
        "trace": ("HardwareTrace",),
    }

    def __getattr__(name: str) -> Any:
        for module, names in WHERE.items():
            if name in names:
                return getattr(import_module(f"sim.{module}"), name)
        raise AttributeError(f"module 'sim' has no attribute {name!r}")


__all__ = [
    "HardwareTrace",
    "Pattern",
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

"""Simulation with cocotb and Verilator: run a core on real input, compare every code, once."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.errors import SimulationError, ToolError
    from sim.scenario import Pattern
    from sim.scoreboard import Verdict, check
    from sim.simulation import simulate
    from sim.stressing import Stress, Stressed, prepare, stress
    from sim.trace import HardwareTrace
else:
    # The test bench inside the simulator needs none of them.
    from golden.lazy import names

    __getattr__ = names(
        "sim",
        {
            "errors": ("SimulationError", "ToolError"),
            "scenario": ("Pattern",),
            "scoreboard": ("Verdict", "check"),
            "simulation": ("simulate",),
            "stressing": ("Stress", "Stressed", "prepare", "stress"),
            "trace": ("HardwareTrace",),
        },
    )

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

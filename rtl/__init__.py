"""The gateware: lanes, sequencer, tail pipeline and core in Amaranth; its plan; Verilog."""

from rtl.options import CoreOptions
from rtl.planning import CorePlan, plan
from rtl.schedule.pruning import prune
from rtl.schedule.schedule import LaneError, Schedule, allowed_lanes
from rtl.step_plan import StepPlan

__all__ = [
    "CoreOptions",
    "CorePlan",
    "LaneError",
    "Schedule",
    "StepPlan",
    "allowed_lanes",
    "plan",
    "prune",
]

"""The gateware: lanes, sequencer, tail pipeline and core in Amaranth; its plan; Verilog."""

from rtl.options import CoreOptions
from rtl.planning import CorePlan, StepPlan, plan
from rtl.schedule.schedule import LaneError, Schedule, allowed_lanes

__all__ = [
    "CoreOptions",
    "CorePlan",
    "LaneError",
    "Schedule",
    "StepPlan",
    "allowed_lanes",
    "plan",
]

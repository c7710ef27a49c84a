"""The gateware: lanes, sequencer, tail pipeline and core in Amaranth; its schedule; Verilog."""

from rtl.core import Core
from rtl.schedule import LaneError, Schedule, allowed_lanes, plan

__all__ = ["Core", "LaneError", "Schedule", "allowed_lanes", "plan"]

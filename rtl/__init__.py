"""The gateware: lanes, sequencer, tail pipeline and core in Amaranth; its schedule; Verilog."""

from rtl.core import Core
from rtl.offline import OfflineCore, make_core
from rtl.schedule import LaneError, Schedule, allowed_lanes, plan

__all__ = ["Core", "LaneError", "OfflineCore", "Schedule", "allowed_lanes", "make_core", "plan"]

"""The FPGA flow: a core to a placed and routed design with open tools, and what that reaches."""

from rtl.flow.design import Design, alone
from rtl.flow.devices import DEVICES, find
from rtl.flow.errors import FlowError, ToolFailedError, TooSmallError
from rtl.flow.family import Device
from rtl.flow.figures import Figures
from rtl.flow.implementation import Implementation, implement, write_bitstream
from rtl.flow.nextpnr import Placement, place
from rtl.flow.yosys import Netlist, synthesise

__all__ = [
    "DEVICES",
    "Design",
    "Device",
    "Figures",
    "FlowError",
    "Implementation",
    "Netlist",
    "Placement",
    "TooSmallError",
    "ToolFailedError",
    "alone",
    "find",
    "implement",
    "place",
    "synthesise",
    "write_bitstream",
]

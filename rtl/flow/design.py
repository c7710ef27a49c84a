"""A design that can be built: Verilog, its top module, and the pins where there are any."""

from dataclasses import dataclass

from rtl.flow.pins import FewPins
from rtl.planning import CorePlan
from rtl.verilog import convert, module_name


@dataclass(frozen=True)
class Design:
    """Verilog for a device.

    Attributes
    ----------
    verilog, top : the text and its top module.
    constraints : pins and clock, in the format of the device's family; empty without a board.
    """

    verilog: str
    top: str
    constraints: str = ""


def alone(plan: CorePlan) -> Design:
    """The core without a board; see `FewPins`."""
    name = module_name(plan.qnet)
    return Design(convert(FewPins(plan), name), name)

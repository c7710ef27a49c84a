"""The kit: all files that `carousel verilog` leaves, by name."""

from rtl import verilog
from rtl.axi.wrapper import wrappable
from rtl.kit import templates
from rtl.kit.waivers import waivers
from rtl.planning import CorePlan


def files(plan: CorePlan, *, axi: bool = False) -> dict[str, str]:
    """The core's own files (`rtl.verilog.texts`) and what helps to build them in: `.veo` and
    `.vho`, instances to copy, and `.vlt`, Verilator's waivers.

    Raises
    ------
    CarouselError : a core that AXI cannot carry.
    """
    plan = wrappable(plan) if axi else plan
    about, module = verilog.describe(plan, axi), verilog.module_name(plan.qnet)
    return {
        **verilog.texts(plan, axi=axi),
        f"{module}.veo": templates.verilog(about),
        f"{module}.vho": templates.vhdl(about),
        f"{module}.vlt": waivers(module),
    }

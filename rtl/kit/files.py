"""The kit: all files that `carousel verilog` leaves, by name."""

from rtl import verilog
from rtl.axi.wrapper import wrappable
from rtl.kit import templates
from rtl.kit.bench import bench
from rtl.kit.contents import apart
from rtl.kit.recording import Recording
from rtl.kit.waivers import waivers
from rtl.planning import CorePlan


def files(
    plan: CorePlan, recording: Recording, *, axi: bool = False, memory_files: bool = False
) -> dict[str, str]:
    """The core's own files (`rtl.verilog.texts`) and what helps to build them in: `.veo` and
    `.vho`, instances to copy, `.vlt`, Verilator's waivers, and `_tb.v`, a test bench that plays
    the recording.

    Parameters
    ----------
    memory_files : whether the Verilog reads its memories' contents from files, `_0.mem` and so on.

    Raises
    ------
    CarouselError : a core that AXI cannot carry.
    """
    plan = wrappable(plan) if axi else plan
    about, module = verilog.describe(plan, axi), verilog.module_name(plan.qnet)
    found = verilog.texts(plan, axi=axi)
    if memory_files:
        found[f"{module}.v"], memories = apart(found[f"{module}.v"], f"{module}_")
        found |= memories
    return {
        **found,
        f"{module}.veo": templates.verilog(about),
        f"{module}.vho": templates.vhdl(about),
        f"{module}.vlt": waivers(module),
        **bench(plan, recording, axi),
    }

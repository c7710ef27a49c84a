"""The kit: all files that `carousel verilog` leaves, by name."""

from rtl import verilog
from rtl.axi.systemrdl import to_systemrdl
from rtl.axi.table import registers
from rtl.axi.wrapper import wrappable
from rtl.kit import projects, templates
from rtl.kit.bench import bench
from rtl.kit.contents import apart
from rtl.kit.driver import driver
from rtl.kit.recording import Recording
from rtl.kit.waivers import waivers
from rtl.planning import CorePlan


def files(
    plan: CorePlan, recording: Recording, *, axi: bool = False, memory_files: bool = False
) -> dict[str, str]:
    """The core's own files (`rtl.verilog.texts`) and what helps to build them in: `.veo` and
    `.vho`, instances to copy, `.vlt`, Verilator's waivers, `_tb.v`, a test bench that plays the
    recording, `.core` for FuseSoC, scripts for Vivado and Quartus; with `axi` the registers as
    SystemRDL, `.rdl`, and a driver in C.

    Parameters
    ----------
    memory_files : whether the Verilog reads its memories' contents from files, `_0.mem` and so on.

    Raises
    ------
    CarouselError : a core that AXI cannot carry.
    """
    plan = wrappable(plan) if axi else plan
    about, module = verilog.describe(plan, axi), verilog.module_name(plan.qnet)
    texts, memories = verilog.texts(plan, axi=axi), dict[str, str]()
    if memory_files:
        texts[f"{module}.v"], memories = apart(texts[f"{module}.v"], f"{module}_")
    benches, clock = bench(plan, recording, axi), "aclk" if axi else "clk"
    recorded = [name for name in benches if name.endswith(".mem")]
    texts |= {
        **memories,
        f"{module}.veo": templates.verilog(about),
        f"{module}.vho": templates.vhdl(about),
        f"{module}.vlt": waivers(module),
        **benches,
        f"{module}.core": projects.fusesoc(module, [*memories], recorded),
        **projects.vivado(module, clock, [*memories], axi),
        **projects.quartus(module, clock, [*memories]),
    }
    if axi:
        texts[f"{module}.rdl"] = to_systemrdl(module, registers(plan))
        texts |= driver(plan, recording)
    return texts

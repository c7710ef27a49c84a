"""Simulation of what synthesis makes of a core: each output beat of the netlist, in its clock.

The netlist stands in the harness where the core would stand; what is asked of it and how the answer
is judged is the same. Of a netlist only the ports are seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Flow, In

from rtl.flow.cells import as_verilog, cell_models
from rtl.flow.family import Device
from rtl.flow.tools import Progress, silent
from rtl.flow.yosys import synthesise
from rtl.planning import CorePlan
from rtl.signature import core_members
from rtl.verilog import Top, convert, module_name, top_members
from sim.job import Ints
from sim.runner import BUILD_DIR
from sim.scenario import UNDISTURBED, Pattern
from sim.simulation import Progress as StepProgress
from sim.simulation import simulate_core
from sim.tools import check_tools
from sim.trace import HardwareTrace


@dataclass(frozen=True)
class CoreNetlist:
    """A core in a device's cells.

    Attributes
    ----------
    plan : of the core that it was made from.
    top, ports : its module, and that module's ports: those of `rtl.verilog.Top`.
    verilog : that module and the models of its cells.
    packed : how many hard blocks hold registers of the core, by what they hold.
    """

    plan: CorePlan
    top: str
    ports: Mapping[str, Flow]
    verilog: str
    packed: Mapping[str, int]


def synthesise_core(
    plan: CorePlan, device: Device, folder: Path, progress: Progress = silent
) -> CoreNetlist:
    """Make a device's netlist of a core, as `rtl.flow.implement` does, in an existing folder.

    Parameters
    ----------
    plan : of a core without a probe.

    Raises
    ------
    FlowError : a device whose cells cannot be simulated.
    ToolFailedError : Yosys fails.
    """
    models = cell_models(device.family)
    name = module_name(plan.qnet)
    netlist = synthesise(convert(Top(plan), name), name, device, folder, progress)
    text = as_verilog(netlist, progress) + models
    ports = {port: member.flow for port, member in top_members(plan).items()}
    return CoreNetlist(plan, name, ports, text, netlist.packed)


def simulate_netlist(
    netlist: CoreNetlist,
    codes: Ints,
    *,
    pattern: Pattern = UNDISTURBED,
    build_dir: Path | str | None = None,
    progress: StepProgress | None = None,
) -> HardwareTrace:
    """Run a netlist on input codes; parameters, result and errors as those of `sim.simulate`."""
    place = Path(build_dir or BUILD_DIR).resolve()
    check_tools(place)
    return simulate_core(
        Mapped(netlist),
        netlist.plan.qnet.check_codes(codes),
        pattern,
        place,
        progress=progress,
        library=netlist.verilog,
    )


class Mapped(wiring.Component):
    """A core's ports around the module that was synthesised from it.

    Timing and formats: those of the core, clock for clock.
    """

    saturations: data.View

    def __init__(self, netlist: CoreNetlist):
        self.netlist, self.plan = netlist, netlist.plan
        super().__init__(core_members(netlist.plan))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        wires: dict[str, Any] = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
        for name, flow in self.netlist.ports.items():
            wires[f"{'i' if flow == In else 'o'}_{name}"] = self._wire(name)
        m.submodules.netlist = Instance(self.netlist.top, **wires)
        return m

    def _wire(self, name: str) -> Any:
        """The port that `Top` calls so."""
        group, _, field = name.partition("_")
        if group == "saturated":
            return self.saturations[field]
        if group not in ("i", "o"):
            return getattr(self, name)
        stream = getattr(self, group)
        return getattr(stream, field) if field in ("valid", "ready") else stream.payload[field]

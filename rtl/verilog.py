"""Verilog-2001 for an FPGA, and with it a JSON file that says what it is.

The file stands alone: no tool of this project is needed to simulate or synthesise it. The same
network, formats and lanes give the same bytes. File and modules are named after the network, so
that several cores can live in one design.
"""

import json
import re
from pathlib import Path
from typing import Any

from amaranth.back import verilog
from amaranth.hdl import Module, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from fixedpoint.network import QuantizedNetwork
from golden.errors import CarouselError
from golden.files import filling
from rtl.axi.registers import to_json, to_markdown
from rtl.axi.table import registers
from rtl.axi.wrapper import AxiTop, axi_members, wrappable
from rtl.kit.header import header
from rtl.kit.meaning import meaning
from rtl.lib.arithmetic import shape_of
from rtl.lib.contents import by_memory
from rtl.lib.kept import COPY
from rtl.planning import CorePlan
from rtl.program.loading import to_load
from rtl.signature import COUNTER_BITS, core_members

# Verilog's implicit extension is meant, and a default before `casez` makes it complete
LINT = "/* verilator lint_off WIDTH */\n/* verilator lint_off CASEINCOMPLETE */\n"
MARKS = ("first", "last")
PORT = ("idle", "state_address", "state_write", "state_in", "state_out")
UPSETS = ("corrected", "uncorrectable")
LOAD = ("load_address", "load_write", "load_in")
PLAIN = ("steps", "cycles", *UPSETS, *PORT, *LOAD, "too_long")


def plain_members(plan: CorePlan) -> dict[str, Any]:
    """The core's ports that are single wires, by name."""
    members = core_members(plan)
    return {name: members[name] for name in PLAIN if name in members}


def top_members(plan: CorePlan) -> dict[str, Any]:
    """The ports of `Top`."""
    qnet, index = plan.qnet, plan.parts[0].program.index_width
    return {
        "i_valid": In(1),
        "i_ready": Out(1),
        "i_data": In(shape_of(qnet.formats.input)),
        **({"i_index": In(index)} if index else {}),
        **{f"i_{mark}": In(1) for mark in MARKS},
        "o_valid": Out(1),
        "o_ready": In(1),
        "o_data": Out(shape_of(qnet.out_format)),
        **{f"o_{mark}": Out(1) for mark in MARKS},
        **{f"saturated_{kind}": Out(COUNTER_BITS) for kind in plan.saturation_kinds},
        **plain_members(plan),
    }


class Top(wiring.Component):
    """The core with plain ports: one wire a field, named as a Verilog user would.

    Timing and formats: those of `Core`; this adds nothing but names.

    Members
    -------
    i_valid, i_ready, i_data, i_first, i_last : the input stream; i_index too where it is sparse.
    o_valid, o_ready, o_data, o_first, o_last : the output stream.
    saturated_{kind} : Out, counters.
    steps, cycles : Out, counters of a core that takes step after step.
    corrected, uncorrectable : Out, counters of a protected core.
    idle, state_address, state_write, state_in, state_out : the state port, where the core has one.
    load_address, load_write, load_in : the load port, where the core has one.
    too_long : Out(1), of a core that holds sequences.
    """

    i_valid: Signal
    i_ready: Signal
    i_index: Signal
    o_valid: Signal
    o_ready: Signal

    def __init__(self, plan: CorePlan):
        self.plan, self.plain = plan, plain_members(plan)
        super().__init__(top_members(plan))

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = self.plan.component()
        for name in ("data", "first", "last"):
            m.d.comb += core.i.payload[name].eq(getattr(self, f"i_{name}"))
            m.d.comb += getattr(self, f"o_{name}").eq(core.o.payload[name])
        if "i_index" in self.signature.members:
            m.d.comb += core.i.payload.index.eq(self.i_index)
        m.d.comb += [core.i.valid.eq(self.i_valid), self.i_ready.eq(core.i.ready)]
        m.d.comb += [self.o_valid.eq(core.o.valid), core.o.ready.eq(self.o_ready)]
        for kind in self.plan.saturation_kinds:
            m.d.comb += getattr(self, f"saturated_{kind}").eq(core.saturations[kind])
        for name, member in self.plain.items():
            ours, its = getattr(self, name), getattr(core, name)
            m.d.comb += its.eq(ours) if member.flow == In else ours.eq(its)
        return m


def module_name(qnet: QuantizedNetwork) -> str:
    """The top module: `carousel_` and the network's name, as far as Verilog can say it."""
    return "carousel_" + re.sub(r"[^A-Za-z0-9_]", "_", qnet.name)


def convert(component: wiring.Component, name: str) -> str:
    """Verilog text of any component, without source paths: the same on every machine."""
    try:
        with by_memory():
            text = verilog.convert(component, name=name, emit_src=False, strip_internal_attrs=True)
    except verilog.YosysError as error:
        reason = str(error).strip().splitlines()[-1:] or ["it said nothing"]
        raise CarouselError(f"Yosys, which writes the Verilog, failed: {reason[0]}") from None
    except OSError as error:
        raise CarouselError(f"Yosys, which writes the Verilog, failed: {error.strerror}") from None
    text = re.sub(r"\A/\*.*?\*/\s*", "", text, flags=re.DOTALL)
    # Yosys joins registers that are the same but where their process says that it must not
    return re.sub(
        rf"^(  always @\(posedge clk\)\n    \S+{COPY}\d )", r"  (* keep *)\n\1", text, flags=re.M
    )


def describe(plan: CorePlan, axi: bool = False) -> dict[str, Any]:
    """What a user of the Verilog must know, ready for JSON."""
    return {
        "module": module_name(plan.qnet),
        "network": plan.qnet.name,
        "network_sha256": plan.qnet.digest(),
        "ports": _ports(plan, axi),
        **plan.as_dict(),
    }


def _ports(plan: CorePlan, axi: bool) -> list[dict[str, Any]]:
    implied = {} if axi else dict.fromkeys(("clk", "rst"), In(1))
    members, what = axi_members(plan) if axi else top_members(plan), meaning(plan)
    return [
        {
            "name": name,
            "direction": "input" if member.flow == In else "output",
            "width": Shape.cast(member.shape).width,
            "signed": Shape.cast(member.shape).signed,
            "meaning": what(name),
        }
        for name, member in {**implied, **members}.items()
    ]


def texts(plan: CorePlan, *, axi: bool = False) -> dict[str, str]:
    """The core's files by name: `<module>.v` and `.core.json`; with `axi` the core in its wrapper
    and the register map, `.registers.md` and `.registers.json`; of a core with a load port what is
    loaded for this network, `.load.json`.

    Raises
    ------
    CarouselError : a core that AXI cannot carry.
    """
    plan = wrappable(plan) if axi else plan
    about, module = describe(plan, axi), module_name(plan.qnet)
    below = (
        _summary(plan) + LINT + _with_signs(convert((AxiTop if axi else Top)(plan), module), about)
    )
    found = {
        f"{module}.v": header(about, below) + below,
        f"{module}.core.json": json.dumps(about, indent=2) + "\n",
    }
    if axi:
        named = module, registers(plan)
        found[f"{module}.registers.md"] = to_markdown(*named)
        found[f"{module}.registers.json"] = json.dumps(to_json(*named), indent=2) + "\n"
    if plan.options.load_port:
        found[f"{module}.load.json"] = json.dumps(to_load(plan.parts[0].program)) + "\n"
    return found


def _summary(plan: CorePlan) -> str:
    """Which network it is."""
    qnet, name = plan.qnet, re.sub(r"[^A-Za-z0-9_-]", "_", plan.qnet.name) or "network"
    size = f"{qnet.inputs} inputs, {qnet.outputs} outputs, {plan.lanes} lanes"
    most = "up to " if plan.options.skip else ""
    time = f"{most}{plan.cycles_per_step} cycles a step"
    return f"// {name}: {size}, {time}\n// network SHA-256 {qnet.digest()}\n"


def _with_signs(text: str, about: dict[str, Any]) -> str:
    """The top module's ports declared with their sign, on which nothing inside depends."""
    start = text.index(f"module {about['module']}(")
    end = text.index("endmodule", start)
    names = "|".join(port["name"] for port in about["ports"] if port["signed"])
    if not names:
        return text
    top = re.sub(
        rf"^  (input|output|wire) (\[\d+:0\] )?({names});",
        r"  \1 signed \2\3;",
        text[start:end],
        flags=re.M,
    )
    return text[:start] + top + text[end:]


def write(plan: CorePlan, folder: str | Path, *, axi: bool = False) -> tuple[Path, ...]:
    """Write what `texts` gives into `folder`, all of the files or none.

    Raises
    ------
    CarouselError : a core that AXI cannot carry; a folder that cannot be written.
    """
    return put(texts(plan, axi=axi), Path(folder))


def put(files: dict[str, str], folder: Path) -> tuple[Path, ...]:
    """Write files by name into `folder`, all or none; returns their paths in the same order."""
    with filling(folder, CarouselError) as stage:
        for name, text in files.items():
            (stage / name).write_text(text, encoding="utf-8", newline="\n")
    return tuple(folder / name for name in files)

"""Verilog-2001 for an FPGA, and beside it a JSON that says what it is.

The file stands alone: no tool of this project is needed to simulate or synthesise it. The same
network, formats and lanes give the same bytes. Modules are named after the network, so that several
cores can live in one design.
"""

import json
import re
from pathlib import Path
from typing import Any

from amaranth.back import verilog
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from fixedpoint.formats import Format
from fixedpoint.network import QuantizedNetwork
from golden.errors import CarouselError
from golden.files import filling
from rtl.arithmetic import shape_of
from rtl.axi.registers import to_json, to_markdown
from rtl.axi.wrapper import AxiTop
from rtl.core import COUNTER_BITS, Core
from rtl.loading import structure, to_load
from rtl.offline import OfflineCore, make_core

# Verilog's implicit extension is meant, and a default before `casez` makes it complete
LINT = "/* verilator lint_off WIDTH */\n/* verilator lint_off CASEINCOMPLETE */\n"
PORT = ("idle", "state_address", "state_write", "state_in", "state_out")
PLAIN = ("steps", "cycles", *PORT, "load_address", "load_write", "load_in", "too_long")


class Top(wiring.Component):
    """The core with plain ports: one wire a field, named as a Verilog user would.

    Timing and formats: those of `Core`; this adds nothing but names.

    Members
    -------
    i_valid, i_ready, i_data, i_first, i_last : the input stream; i_index too where it is sparse.
    o_valid, o_ready, o_data, o_first, o_last : the output stream.
    saturated_{kind} : Out, counters.
    steps, cycles : Out, counters of a core that takes step after step.
    idle, state_address, state_write, state_in, state_out : the state port, where the core has one.
    load_address, load_write, load_in : the load port, where the core has one.
    too_long : Out(1), of a core that holds sequences.
    """

    i_valid: Signal
    i_ready: Signal
    i_index: Signal
    o_valid: Signal
    o_ready: Signal

    def __init__(self, core: Core | OfflineCore):
        self.core = core
        marks = ("first", "last")
        ports = {
            "i_valid": In(1),
            "i_ready": Out(1),
            "i_data": In(shape_of(core.qnet.formats.input)),
        }
        index = core.i.payload.shape().members.get("index")
        ports |= {"i_index": In(index)} if index else {}
        ports |= {f"i_{mark}": In(1) for mark in marks}
        ports |= {
            "o_valid": Out(1),
            "o_ready": In(1),
            "o_data": Out(shape_of(core.qnet.out_format)),
        }
        ports |= {f"o_{mark}": Out(1) for mark in marks}
        ports |= {f"saturated_{kind}": Out(COUNTER_BITS) for kind in core.saturation_kinds}
        self.plain = [name for name in PLAIN if name in core.signature.members]
        ports |= {name: core.signature.members[name] for name in self.plain}
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = self.core
        for name in ("data", "first", "last"):
            m.d.comb += core.i.payload[name].eq(getattr(self, f"i_{name}"))
            m.d.comb += getattr(self, f"o_{name}").eq(core.o.payload[name])
        if "i_index" in self.signature.members:
            m.d.comb += core.i.payload.index.eq(self.i_index)
        m.d.comb += [core.i.valid.eq(self.i_valid), self.i_ready.eq(core.i.ready)]
        m.d.comb += [self.o_valid.eq(core.o.valid), core.o.ready.eq(self.o_ready)]
        for kind in core.saturation_kinds:
            m.d.comb += getattr(self, f"saturated_{kind}").eq(core.saturations[kind])
        for name in self.plain:
            ours, its = getattr(self, name), getattr(core, name)
            inward = core.signature.members[name].flow == In
            m.d.comb += its.eq(ours) if inward else ours.eq(its)
        return m


def module_name(qnet: QuantizedNetwork) -> str:
    """The top module: `carousel_` and the network's name, as far as Verilog can say it."""
    return "carousel_" + re.sub(r"[^A-Za-z0-9_]", "_", qnet.name)


def convert(component: wiring.Component, name: str) -> str:
    """Verilog text of any component, without source paths: the same on every machine."""
    text = verilog.convert(component, name=name, emit_src=False, strip_internal_attrs=True)
    return re.sub(r"\A/\*.*?\*/\s*", "", text, flags=re.DOTALL)


def describe(top: Top | AxiTop) -> dict[str, Any]:
    """What a user of the Verilog must know, ready for JSON."""
    core = top.core
    qnet, schedule = core.qnet, core.schedule
    return {
        "module": module_name(qnet),
        "network": qnet.name,
        "network_sha256": qnet.digest(),
        "ports": _ports(top),
        "input": {"elements": qnet.inputs, "format": _format(qnet.formats.input)},
        "output": {
            "elements": qnet.outputs,
            "format": _format(qnet.out_format),
            "steps": qnet.output,
        },
        "formats": json.loads(json.dumps(qnet.formats, default=_plain)),
        "lanes": schedule.lanes,
        "cycles_per_step": schedule.cycles_per_step,
        "ideal_cycles_per_step": schedule.ideal_cycles,
        "stall_cycles_per_step": schedule.stall_per_step,
        "mac_utilisation": schedule.utilisation,
        **(_steps(core) if isinstance(core, Core) else _sequences(core)),
    }


def _steps(core: Core) -> dict[str, Any]:
    """What is said of a core that takes step after step."""
    schedule, program = core.schedule, core.program
    found: dict[str, Any] = {
        "streams": schedule.streams,
        "beats_per_vector": schedule.elements,
        "latency_cycles": schedule.latency,
        "accumulator_bits": program.paths.sum,
        "weight_memory_bits": program.memories["weights"],
    }
    if program.loadable:
        found["structure_sha256"] = structure(program)
    if core.has_state_port:
        found["state_words"] = [vars(row) for row in core.state_words]
    return found


def _sequences(core: OfflineCore) -> dict[str, Any]:
    """What is said of a core that holds whole sequences."""
    return {"max_length": core.max_length, "sequence_memory_bits": core.schedule.buffer_bits}


def _ports(top: Top | AxiTop) -> list[dict[str, Any]]:
    implied = () if isinstance(top, AxiTop) else ("clk", "rst")
    found = [{"name": name, "direction": "input", "width": 1, "signed": False} for name in implied]
    for _, member, signal in top.signature.flatten(top):
        way, shape = "input" if member.flow == In else "output", signal.shape()
        port = {"name": signal.name, "direction": way, "width": shape.width, "signed": shape.signed}
        found.append(port)
    return found


def _format(form: Format) -> dict[str, Any]:
    width = {"width": form.width, "fraction_bits": form.frac, "signed": form.signed}
    return {"format": str(form), **width}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Format) else vars(value)


def shipped(
    qnet: QuantizedNetwork,
    lanes: int | None = None,
    *,
    max_length: int | None = None,
    state_port: bool = False,
    axi: bool = False,
    streams: int = 1,
    load_port: bool = False,
    nonzeros: int | None = None,
) -> Core | OfflineCore:
    """The core that is written with these options; with `axi` it has its state port, where it can.

    Raises
    ------
    LaneError : lanes that the network cannot use.
    CarouselError : see `rtl.offline.make_core`; several streams or sparse input with `axi`.
    """
    if axi and streams != 1:
        raise CarouselError(f"streams {streams}: AXI's packets are of one sequence at a time")
    if axi and nonzeros is not None:
        raise CarouselError(f"nonzeros {nonzeros}: AXI's packets are of whole vectors")
    return make_core(
        qnet,
        lanes,
        max_length=max_length,
        state_port=state_port or (axi and qnet.first_reverse is None),
        streams=streams,
        load_port=load_port,
        nonzeros=nonzeros,
    )


def write(
    qnet: QuantizedNetwork,
    folder: str | Path,
    lanes: int | None = None,
    *,
    axi: bool = False,
    load_port: bool = False,
    **options: Any,
) -> tuple[Path, ...]:
    """Write `<network's name>.v` and `.core.json` into `folder`, with `axi` the core in its wrapper
    and the register map, `.registers.md` and `.registers.json`, with `load_port` what is loaded for
    this network, `.load.json`; all of them or none. Options are those of `shipped`.

    Raises
    ------
    CarouselError : see `shipped`; a folder that cannot be written.
    """
    core = shipped(qnet, lanes, axi=axi, load_port=load_port, **options)
    top = AxiTop(core) if axi else Top(core)
    about = describe(top)
    stem = Path(folder) / (re.sub(r"[^A-Za-z0-9_-]", "_", qnet.name) or "network")
    header = (
        f"// {stem.name}: {qnet.inputs} inputs, {qnet.outputs} outputs, "
        f"{core.schedule.lanes} lanes, {core.schedule.cycles_per_step} cycles a step\n"
        f"// network SHA-256 {about['network_sha256']}\n"
    )
    texts = {
        stem.with_suffix(".v"): header + LINT + convert(top, module_name(qnet)),
        stem.with_suffix(".core.json"): json.dumps(about, indent=2) + "\n",
    }
    if isinstance(top, AxiTop):
        named = stem.name, top.wrapped.registers
        table = json.dumps(to_json(*named), indent=2) + "\n"
        texts |= {
            stem.with_suffix(".registers.md"): to_markdown(*named),
            stem.with_suffix(".registers.json"): table,
        }
    if isinstance(core, Core) and load_port:
        words = json.dumps(to_load(core.program)) + "\n"
        texts[stem.with_suffix(".load.json")] = words
    with filling(stem.parent, CarouselError) as stage:
        for path, text in texts.items():
            (stage / path.name).write_text(text, encoding="utf-8", newline="\n")
    return tuple(texts)

"""Where the signals of a core are in its Verilog: what a probe would show, read off inner wires.

The Verilog that is compiled is thus the very text that `rtl.verilog` writes, without a probe.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.lib import data

from rtl.datapath.activation import activation_layout
from rtl.datapath.cell import cell_layout
from rtl.schedule.rows import Row
from rtl.step_plan import StepPlan


@dataclass(frozen=True)
class Bits:
    """Some bits of a wire.

    Attributes
    ----------
    wire : its name in `module`, the module's path below the top.
    low, high : the first and the last bit.
    """

    module: str
    wire: str
    low: int
    high: int


@dataclass(frozen=True)
class Stream:
    """Signed codes that pass by a place in the core, and the bit that says when one does.

    Attributes
    ----------
    rows : what the codes of a step are, in order of arrival.
    """

    valid: Bits
    code: Bits
    rows: tuple[Row, ...]


def streams(plan: StepPlan) -> tuple[Stream, ...]:
    """The streams of `plan.probe_streams`."""
    places = dict(_places(plan))
    return tuple(Stream(*places[shown.name], shown.rows) for shown in plan.probe_streams)


def _places(plan: StepPlan) -> Iterator[tuple[str, tuple[Bits, Bits]]]:
    program, width = plan.program, plan.program.paths
    for place in range(plan.schedule.tail):
        layout = activation_layout(program)
        yield f"act{place}", _fields(f"core.activation{place}", "o", layout)
    if program.states:
        yield "s", _fields("core.cell", "s", cell_layout(width.s))
        yield "y", _fields("core.cell", "y", cell_layout(width.m))
    if plan.schedule.peepholes:
        late = Bits("core.cell", "o", 0, program.activation_width - 1)
        yield "o", (Bits("core.cell", "o_valid", 0, 0), late)


def _fields(module: str, wire: str, layout: data.StructLayout) -> tuple[Bits, Bits]:
    """`valid` and `code` of a structure on a wire."""
    valid, code = (
        Bits(module, wire, field.offset, field.offset + field.width - 1)
        for field in (layout["valid"], layout["code"])
    )
    return valid, code

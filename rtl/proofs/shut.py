"""The gates: shut pre-activations give exactly 0 and exactly 1, in every layer."""

from dataclasses import dataclass

from fixedpoint.cell import QuantizedLayer
from fixedpoint.retention.hold import closing, keeping
from fixedpoint.squash import GUARD
from rtl.program.program import Program
from rtl.program.words import knot_word, knot_words
from rtl.proofs.design import Design
from rtl.proofs.errors import InapplicableError
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.schedule import latency
from rtl.step_plan import StepPlan

WAY = latency.SQUASH - 1  # from a pre-activation, clipped, to the gate


@dataclass(frozen=True)
class Ends:
    """Where the gates of a layer are shut, in a mode of the tail.

    Attributes
    ----------
    mode : place in `Program.net_modes`.
    layer : the first one that has it; others with the mode have the same gates.
    closed, kept : the highest pre-activation of 0, the lowest of 1.
    """

    mode: int
    layer: QuantizedLayer
    closed: int
    kept: int

    @property
    def one(self) -> int:
        return self.layer.formats.gate.one


@dataclass(frozen=True)
class Reader:
    """A place where gates are squashed, and its reader of the sigma table.

    Attributes
    ----------
    code : the net with the pre-activation; `mode` stands beside it.
    port : the table's.
    gate, delay : the net with the gate, so many clocks later.
    """

    code: str
    mode: str
    port: str
    gate: str
    delay: int


def shut(core: StepPlan, design: Design) -> Proof:
    """sigma's two ends, where they begin, through the table and the squash.

    Raises
    ------
    NeverShutError : gates that are clipped to where none is exactly 0, or 1.
    InapplicableError : a core without cells.
    """
    ends, table = find_ends(core.program), core.qnet.table
    if not ends:
        raise InapplicableError("there are no cells, so no gates")
    hard = any(each.layer.gate.squash.linear for each in ends)
    said = "; ".join(
        f"{each.closed} LSB or less gives 0, {each.kept} LSB or more gives {each.one}, which is 1.0"
        for each in ends
    )
    return Proof(
        "shut",
        f"A gate's pre-activation of {said}, exactly, in each of {len(ends)} formats of gates; "
        "and every gate is from 0 to 1.0.",
        f"the core's own table of {len(table.knots) - 1} knots, its interpolation, "
        f"{len(readers(core))} places that squash gates: {table.argument.width} bits in, "
        f"{core.program.paths.gate} out",
        ("The row has the reader of the table (proof `reader`).",) * core.schedule.one_sigma
        + ("A hard gate's pre-activation is clipped (proof `saturates-net`).",) * hard
        + ("Nothing is loaded; every network that can be has this table.",) * core.program.loadable,
        design,
        lambda given: state(given, core, ends),
        WAY + latency.HOP + 3,
        _twin(design, core, ends),
    )


def find_ends(program: Program) -> tuple[Ends, ...]:
    """Of each mode that gates are squashed in, the ends.

    Raises
    ------
    NeverShutError : gates that are clipped to where none is exactly 0, or 1.
    """
    found: dict[int, Ends] = {}
    for word in program.rows:
        number = word.row.layer
        if number is None or word.row.kind not in "ifo" or word.net_mode in found:
            continue
        layer, where = program.qnet.layers[number], f"layer {number}"
        ends = closing(layer, where), keeping(layer, where)
        found[word.net_mode] = Ends(word.net_mode, layer, *ends)
    return tuple(found.values())


def readers(core: StepPlan) -> tuple[Reader, ...]:
    """All places of a core where gates are squashed."""
    tail, peepholes = core.schedule.tail, core.schedule.peepholes
    gates = [
        Reader(
            f"activation{place}.net_code",
            f"activation{place}.squash_mode_1",
            f"sigma.code{place}",
            f"activation{place}.o.code",
            WAY + latency.HOP,
        )
        for place in range(tail)
    ]
    if peepholes:
        gate, port = "cell.output_gate", f"sigma.code{tail + 1}"  # behind h
        late = Reader(f"{gate}.o_net_code", f"{gate}.o_squash_mode_1", port, "cell.o", WAY)
        gates.append(late)
    return tuple(gates)


def _twin(design: Design, core: StepPlan, ends: tuple[Ends, ...]) -> Twin:
    """What is a bit too much for a gate at its closed end."""
    curved = [each.layer.gate for each in ends if not each.layer.gate.squash.linear]
    if not curved:
        old, new = r"^(\s+linear_5 <=) (.*);", r"\1 \2 | 1;"
        broken = design.replaced(design.find("activation0"), old, new)
        return Twin("a hard gate is never an even code", broken, WAY + 4)
    lsb = 1 << GUARD + max(gate.shift for gate in curved)
    broken = design.replaced(
        design.find("sigma"), r"knots\[0\] = (\S+);", rf"knots[0] = \1 + {lsb};"
    )
    return Twin("the table's first knot is 1 LSB of the gate too high", broken, WAY + 4)


def state(design: Design, core: StepPlan, ends: tuple[Ends, ...]) -> Harness:
    """The pre-activations are free in every clock, and so are the modes beside."""
    h = Harness(design, "")
    h.leave_lanes()
    if core.program.loadable:
        claim_table(h, core)
    for number, reader in enumerate(readers(core)):
        net = h.cut(reader.code)
        modes = len(core.program.net_modes)
        mode = h.cut(reader.mode) if modes > 1 else "0"
        reads = (
            f"$signed({h.see(reader.port)}) == $signed({net})" if core.schedule.one_sigma else "1"
        )
        for each in ends:
            gate = each.layer.gate
            clipped = f"$signed({net}) >= {gate.low} && $signed({net}) <= {gate.high}"
            # a hard gate is its pre-activation; a curved one asks the table, whatever it is
            known, asks = (clipped, clipped) if gate.squash.linear else ("1", reads)
            found = h.see(reader.gate)
            sides = {
                "any": (known, f"$signed({found}) >= 0 && $signed({found}) <= {each.one}"),
                "closed": (f"{asks} && $signed({net}) <= {each.closed}", f"{found} == 0"),
                "kept": (f"{asks} && $signed({net}) >= {each.kept}", f"{found} == {each.one}"),
            }
            for side, (given, shown) in sides.items():
                name = f"{side}{number}_{each.mode}"
                h.line(f"wire {name} = {mode} == {each.mode} && {given};")
                due = h.delayed(f"{name}_due", name, 1, reader.delay)[-1]
                h.prove(f"!{due} || ({shown})")
    return h


def claim_table(h: Harness, core: StepPlan) -> None:
    """The table that could be loaded anew is what it was at power-up."""
    h.assume(f"!{h.see('load_write')}")
    h.prove(f"!{h.see('load_now')}")
    word = knot_word(core.qnet.table)
    for k, values in enumerate(knot_words(core.qnet.table)):
        h.prove(f"{h.see(f'sigma.knots[{k}]')} == {word.pack(values)}")

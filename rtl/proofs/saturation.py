"""What is clipped to a format: the code is the exact value, or the end that it is beyond, and the
flag says which."""

from dataclasses import dataclass

from rtl.program.program import Program
from rtl.proofs.design import Design
from rtl.proofs.errors import InapplicableError
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.values import Rounding, clipped, known
from rtl.schedule import latency
from rtl.step_plan import StepPlan

# a late output gate's sum waits so long
LATE = 1 + latency.Depths(peepholes=True).activation + latency.STATE


@dataclass(frozen=True)
class Place:
    """A register that holds a clipped value.

    Attributes
    ----------
    part, code : where it lies, and its name there; its flag is `{code}_clipped`.
    before : the registers of a clock before, whose sum is rounded and clipped.
    mode : the register beside them that says which rounding is taken; it counts where there are
        several.
    roundings : by mode.
    """

    part: str
    code: str
    before: tuple[str, ...]
    mode: str
    roundings: tuple[Rounding, ...]


def places(program: Program, name: str) -> tuple[Place, ...]:
    """All places of a core where a net input, s, the argument of h or the cell output is clipped.

    The argument of h and net inputs are rounded there too, a net input without an adder: half of
    what is shifted away comes with its bias.
    """
    cells = program.cell_modes
    if name == "net":
        return tuple(_nets(program))
    if name == "s":
        ends = tuple(Rounding(0, 0, mode.s.low, mode.s.high) for mode in cells)
        return (Place("cell", "state", ("kept", "written"), "sum_mode_1", ends),)
    if name == "h":
        ends = tuple(Rounding.of(mode.h, rounds=True) for mode in cells)
        mode = f"h_mode_{latency.STATE}"
        return (Place("cell", "h_net_code", ("state",), mode, ends),)
    ends = tuple(Rounding(0, 0, mode.m.low, mode.m.high) for mode in cells)
    return (Place("cell", "output", ("rounded",), "y_mode_1", ends),)


def _nets(program: Program) -> list[Place]:
    """One for each row that the tail takes at once, and that of late output gates."""
    ends = tuple(Rounding.of(mode, rounds=False) for mode in program.net_modes)
    net, mode = "net", f"net_mode_{latency.NET - 1}"
    if program.schedule.peepholes:
        net, mode = "net_seen", f"net_mode_seen_{latency.SEEN}"
    nets = [
        Place(f"activation{place}", "net_code", (net,), mode, ends)
        for place in range(program.schedule.tail)
    ]
    if program.schedule.peepholes:
        mode = f"mode_{LATE - latency.NET + latency.LATE}"
        nets.append(Place("cell.output_gate", "o_net_code", ("net",), mode, ends))
    return nets


POINTS = {
    "net": "net inputs, rounded",
    "s": "the state",
    "h": "the argument of h, rounded",
    "y": "the cell output",
}


def saturation(core: StepPlan, design: Design, name: str) -> Proof:
    """The places of one kind, in every mode that there is.

    Raises
    ------
    InapplicableError : a core without cells, which has net inputs only.
    """
    if name != "net" and not core.program.states:
        raise InapplicableError("there are no cells")
    roundings = places(core.program, name)
    first = roundings[0]
    module = design.find(first.part)
    bits = sum_bits(design, first)
    # whatever the register is called there, it stands before its flag
    code = rf"^(\s+\S+ +<=) .*;(\n.*\n\s+{first.code}_clipped <=)"
    if first.roundings[0].clips(bits):
        fault = "the code wraps around where it should be clipped"
        broken = design.replaced(module, code, rf"\1 $signed({first.code}_wide);\2")
    else:
        fault = "the flag is raised where nothing is clipped"
        broken = design.replaced(module, rf"^(\s+{first.code}_clipped <=) .*;", r"\1 1;")
    several = len(first.roundings) > 1
    chosen = ("The mode beside is that of the row or of its cell (proofs `reader`, `cell`).",)
    return Proof(
        f"saturates-{name}",
        f"A code ({POINTS[name]}) is the exact value where its format holds that, else the end of "
        "the format that it is beyond; its flag is raised if and only if the two differ.",
        f"the core's own: {len(roundings)} places of {len(first.roundings)} roundings, {bits} bits "
        f"before, {design.net(module, first.code)[0]} after",
        ("What comes in is free in every clock; so the multipliers do not matter.",)
        + chosen * several,
        design,
        lambda given: state(given, core, name),
        2,
        Twin(fault, broken, 4, {f"{first.part}.{first.mode}": 0} if several else {}),
    )


def sum_bits(design: Design, place: Place) -> int:
    """Bits of what is clipped at a place, exact."""
    widths = [design.net(design.find(place.part), name)[0] for name in place.before]
    return max(widths) + len(widths) - 1


def state(design: Design, core: StepPlan, name: str) -> Harness:
    """The registers before are free in every clock."""
    h = Harness(design, "")
    h.leave_lanes()
    h.register("begun", 1, "1")
    for number, place in enumerate(places(core.program, name)):
        claim_clipped(h, place, f"at{number}")
    return h


def claim_clipped(h: Harness, place: Place, name: str) -> None:
    """What the code and the flag at a place are, a clock after the registers before."""
    path = f"{place.part}."
    value = " + ".join(f"$signed({h.cut(path + before)})" for before in place.before)
    bits = sum_bits(h.design, place) + max(0, *(-each.shift for each in place.roundings)) + 2
    mode = h.cut(path + place.mode) if len(place.roundings) > 1 else "0"
    found = clipped(h, name, value, bits, place.roundings, mode)
    was = h.register(f"{name}_was", bits, found)
    differs = h.register(f"{name}_differs", 1, f"{found} != {name}_exact")
    there = h.register(f"{name}_known", 1, known(mode, place.roundings))
    code, flag = h.see(path + place.code), h.see(f"{path}{place.code}_clipped")
    h.prove(f"!begun || !{there} || ($signed({code}) == $signed({was}) && {flag} == {differs})")

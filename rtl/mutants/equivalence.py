"""Mutants that cannot be told from the sound core at its ports, in any state that it can reach.

Sound core and mutant get the same inputs from power-up on. Suppose that all registers agree but
some that may differ, of which the mutant has copies of its own. If no reachable state lets an
output or another register differ in the next clock, none ever does: the two are equivalent. Where
equal logic is one node, that is often seen without a search; else a solver looks for such a
state.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from rtl.flow.tools import YOSYS, run
from rtl.mutants.aiger import Graph, Machine, read, read_text
from rtl.mutants.mutant import Mutant, selectable

PORT = "mutant"
TO_GRAPH = """read_verilog in.v
hierarchy -top {top}
proc
flatten
opt_clean
memory_map
opt_expr
opt_merge
opt_clean
techmap
opt_expr
opt_merge
opt_clean
dfflegalize -cell $_DFF_P_ 01
zinit -all
opt_expr
opt_clean
setundef -undriven -zero
aigmap
opt_clean
write_aiger -ascii -symbols out.aag
"""
PATIENCE = "-F 20 -C 2000 -D 200"  # frames, and conflicts of a question and of a generalisation
MANY = 300  # registers on which an answer depends at most for it to be searched for
SAME, PROVEN = "the same logic", "no reachable state tells them apart"


@dataclass(frozen=True)
class Try:
    """One way to show equivalence.

    Attributes
    ----------
    part : whether the mutant's own module is looked at alone, at whose ports anything may come;
        else the whole core.
    depth : how many registers behind the fault those may lie that differ.
    search : whether a state that tells them apart is searched for; else equal logic is found alone.
    """

    part: bool
    depth: int
    search: bool


EQUAL_LOGIC = Try(False, 0, False), Try(False, 1, False)
SEARCH = Try(True, 0, True), Try(True, 1, True), Try(True, 3, True), Try(False, 1, True)


def equivalent(
    text: str, top: str, mutants: Sequence[Mutant], tries: Sequence[Try] = (*EQUAL_LOGIC, *SEARCH)
) -> dict[Mutant, str]:
    """Those of a core's mutants that are equivalent, and how that is known.

    Parameters
    ----------
    tries : one after the other, for those of which it is not known yet.

    Raises
    ------
    ToolFailedError : Yosys fails.
    """
    fates: dict[Mutant, str] = {}
    machines: dict[tuple[bool, str], tuple[Machine, list[Mutant]]] = {}
    for each in tries:
        left: dict[str, list[Mutant]] = {}
        for mutant in mutants:
            if mutant not in fates:
                left.setdefault(mutant.module if each.part else top, []).append(mutant)
        for module, some in left.items():
            here = each.part, module  # those of a part may be the top module's own
            if here not in machines:
                machines[here] = _machine(selectable(text, module, some, PORT), module), some
            machine, numbered = machines[here]
            numbers = [numbered.index(mutant) + 1 for mutant in some]
            fates |= dict(zip(some, _shown(machine, numbers, each), strict=True))
            fates = {mutant: how for mutant, how in fates.items() if how}
    return fates


def _shown(machine: Machine, numbers: Sequence[int], how: Try) -> list[str]:
    """What is known of each mutant by one try; of most nothing."""
    whole = _compared(machine, numbers, how.depth)
    same = [output == 0 for output in whole.outputs]
    proven = _unreachable(whole) if how.search and not all(same) else same
    return [
        SAME if alike else PROVEN if never else ""
        for alike, never in zip(same, proven, strict=True)
    ]


def _machine(text: str, top: str) -> Machine:
    with tempfile.TemporaryDirectory(prefix="equivalence-") as temporary:
        folder = Path(temporary)
        (folder / "in.v").write_text(text, encoding="utf-8", newline="\n")
        (folder / "script.ys").write_text(TO_GRAPH.format(top=top), newline="\n")
        run(YOSYS, ["-q", "-s", "script.ys"], folder, "log", "Equivalence")
        return read_text((folder / "out.aag").read_text())


def _compared(machine: Machine, numbers: Sequence[int], depth: int) -> Machine:
    """The sound core, and for each mutant its copies of registers that may differ and an output: in
    the next clock another register differs, or in this one an output."""
    graph = Graph()
    chosen = {literal: name for name, literal in machine.inputs.items() if name.startswith(PORT)}
    inputs = {name: graph.new() for name, at in machine.inputs.items() if at not in chosen}
    values = {0: 0} | {machine.inputs[name]: literal for name, literal in inputs.items()}
    values |= {register: graph.new() for register, _ in machine.registers}
    ends = [*(following for _, following in machine.registers), *machine.outputs]
    places = {register: k for k, (register, _) in enumerate(machine.registers)}

    def follows(number: int, own: dict[int, int]) -> list[int]:
        """What all registers are next, and the outputs."""
        now = values | own
        for literal, name in chosen.items():
            now[literal] = number >> int(name[len(PORT) :].strip("[]") or 0) & 1
        for node, a, b in machine.ands:
            now[node] = graph.both(now[a & ~1] ^ a & 1, now[b & ~1] ^ b & 1)
        return [now[literal & ~1] ^ literal & 1 for literal in ends]

    def differing(number: int, own: dict[int, int]) -> tuple[list[int], list[int]]:
        """That of a mutant, and the places of those that may not differ and are other logic."""
        theirs, free = follows(number, own), {places[register] for register in own}
        return theirs, [k for k, at in enumerate(theirs) if k not in free and at != sound[k]]

    sound, held, outputs = follows(0, {}), list[tuple[int, int]](), list[int]()
    for number in numbers:
        own = dict[int, int]()
        theirs, wrong = differing(number, own)
        for _ in range(depth):
            own |= {machine.registers[k][0]: graph.new() for k in wrong if k < len(places)}
            theirs, wrong = differing(number, own)
        held += [(copy, theirs[places[register]]) for register, copy in own.items()]
        outputs.append(reduce(graph.either, (graph.differ(sound[k], theirs[k]) for k in wrong), 0))
    kept = [(values[register], sound[k]) for register, k in places.items()]
    return Machine(inputs, [*kept, *held], outputs, graph.ands)


def _unreachable(machine: Machine) -> list[bool]:
    """Whether no state in which an output is 1 can be reached, as far as patience goes."""
    with tempfile.TemporaryDirectory(prefix="equivalence-") as temporary:
        folder = Path(temporary)
        machine.write(folder / "all.aig")
        # registers that are always equal, or constant, become one
        _abc(folder, ["read_aiger all.aig", "scorr", "write_aiger less.aig"])
        less = read(folder / "less.aig")
        cones = {k: less.cone(k) for k, output in enumerate(less.outputs) if output > 1}
        searched = [k for k, cone in cones.items() if len(cone.registers) <= MANY]
        lines = []
        for k in searched:
            cones[k].write(folder / f"{k}.aig")
            lines += [f"read_aiger {k}.aig", f"pdr {PATIENCE}", f"write_status {k}.txt"]
        _abc(folder, lines)
        return [
            output == 0
            or (k in searched and (folder / f"{k}.txt").read_text().startswith("snl_UNSAT"))
            for k, output in enumerate(less.outputs)
        ]


def _abc(folder: Path, lines: Sequence[str]) -> None:
    """Run commands of ABC, which is a part of Yosys and is started for a design: that is put aside
    and given back."""
    script = ["write_blif any.blif", *lines, "read_blif any.blif", ""]
    (folder / "script.abc").write_text("\n".join(script), newline="\n")
    (folder / "any.v").write_text("module any(input a, b, output c); assign c = a & b; endmodule\n")
    commands = "read_verilog any.v; techmap; simplemap; abc -script script.abc"
    run(YOSYS, ["-p", commands], folder, "log", "Equivalence")

"""The cell update alone: its equations, and that with its gates shut a state does not change."""

from collections.abc import Callable

from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.update import claim_update
from rtl.schedule import latency
from rtl.step_plan import StepPlan

PART = "cell"


def cell(core: StepPlan, design: Design) -> Proof:
    """The update for any gates; with these shut s(t) = s(t-1)."""
    program = core.program
    return Proof(
        "cell",
        "For all gates, states and cell inputs the new state is sat(round(f s) + round(i g)), the "
        "output sat(round(o h)), with their flags and marks; if the input gate is 0 and the forget "
        "gate 1.0, or absent, the new state is the old one, to the bit.",
        f"the core's own cell update: {program.paths.s} bits a state, {program.paths.g} a cell "
        f"input, {program.paths.gate} a gate, its multipliers among them",
        (),
        design,
        lambda given: state(given, core),
        latency.STATE + 2,
        Twin(
            "the old state is rounded towards minus infinity: if it is negative, it loses an LSB",
            design.replaced(
                design.find(PART), r"^(\s+kept <=) (.*);", r"\1 $signed(\2) - ($signed(\2) < 0);"
            ),
            latency.STATE + 4,
        ),
    )


def state(design: Design, core: StepPlan) -> Harness:
    """The old state is free in every clock, and so is all that comes in."""
    h = Harness(design, PART)
    h.cut("value0")
    say_kept(h, core, h.prove)
    claim_update(h, core)
    return h


def say_kept(h: Harness, core: StepPlan, say: Callable[[str], None], path: str = "") -> None:
    """Of each mode k of the cell at a path: where the gates are `shut<k>`, s is the old state.

    `was_shut<k>_<n>` and `old<k>_<n>` say n clocks later that they were, and what the state was.
    """
    program, old = core.program, h.see(f"{path}value0")
    one_a_time = program.schedule.tail == 1
    gates = {kind: f"{kind}_operand_1" if one_a_time else f"gate_{kind}" for kind in "if"}
    low = f"[{program.paths.gate - 1}:0]"
    for k, mode in enumerate(program.cell_modes):
        shut = f"{h.see(path + gates['i'])}{low} == 0"
        if mode.keeps != "whole":
            shut += f" && {h.see(path + gates['f'])}{low} == {mode.gate_one}"
        fits = f"$signed({old}) >= {mode.s.low} && $signed({old}) <= {mode.s.high}"
        kind = f"{h.see(f'{path}i.kind')} == {program.kinds.index('g')}"
        here = f"{h.see(f'{path}i.valid')} && {kind}"
        mine = f"{h.see(f'{path}i.cell_mode')} == {k}"
        h.line(f"wire shut{k} = {here} && {shut} && {fits} && {mine};")
        known = h.delayed(f"was_shut{k}", f"shut{k}", 1, latency.STATE)[-1]
        olds = h.delayed(f"old{k}", old, program.paths.s, latency.STATE)[-1]
        say(f"!{known} || ({h.see(f'{path}s.valid')} && {h.see(f'{path}s.code')} == {olds})")

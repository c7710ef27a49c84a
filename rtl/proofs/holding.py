"""A whole core with its gates shut: the state memory holds, whatever streams in."""

from rtl import latency
from rtl.core import Core
from rtl.proofs.cell import say_kept
from rtl.proofs.design import Design
from rtl.proofs.errors import ProofError
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import COMING, STATE, Rows, at, claim_rows, passed


def holding(core: Core, design: Design) -> Proof:
    """s of every cell, over any number of steps.

    Raises
    ------
    ProofError : layers with formats of their own; see also `rtl.proofs.rows.Rows`.
    """
    program, rows = core.program, Rows(core.program)
    if len(program.cell_modes) > 1:
        raise ProofError(f"hold: {len(program.cell_modes)} kinds of cells share the cell update")
    return Proof(
        "hold",
        "With its gates shut, every word of the state memory is in every clock what it was in the "
        "clock before, to the LSB, but for what the first step of a sequence writes, which is the "
        "state that the sequence starts from: from any states, over any number of steps, whatever "
        "streams in, however input and output stall, and whatever the weights are.",
        f"the whole core: {len(program.states)} cells, {program.paths.s} bits a state, "
        f"{program.schedule.lanes} lanes, {rows.cycles} clocks a step",
        (
            "Input gates have the code of 0 and forget gates that of 1.0, which is what shut "
            "pre-activations give (proofs `shut` and `reader`); every other activation is free.",
            "Between shut gates the cell update keeps its state (proof `cell`).",
            "No reset comes after power-up.",
        ),
        design,
        lambda given: state(given, core, rows),
        3,
        Twin(
            "a step that goes on with a sequence takes the initial state",
            design.replaced(design.find("cell.states"), r"= clear0_2 \?", "= ~clear0_2 ?"),
            rows.limit + 10,
            {"i__valid": 1, "r_en": 1, "i__payload": 0},
        ),
    )


def state(design: Design, core: Core, rows: Rows) -> Harness:
    """Every word of memory, and what becomes of it on its way through the cell."""
    h, program = Harness(design, ""), rows.program
    (mode,) = program.cell_modes
    kinds, one = program.kinds, mode.gate_one
    code = h.cut("activation0.o.code")
    kind, valid = h.see("activation0.o.kind"), h.see("activation0.o.valid")
    h.assume(f"!({valid} && {kind} == {kinds.index('i')}) || {code} == 0")
    if "f" in kinds:
        h.assume(f"!({valid} && {kind} == {kinds.index('f')}) || {code} == {one}")
    h.see("sequencer.newborn", anything=True)
    words = [h.see(f"cell.states.memory[{k}]", anything=True) for k in range(len(program.states))]
    h.cut("cell.s.code")
    say_kept(h, core, h.assume, "cell.")
    claim_rows(h, rows)
    cells = rows.of("g")
    h.prove(f"{h.see('cell.gate_i')} == 0 && {h.see('cell.i_operand_1')} == 0")
    claim_cells(h, cells)
    claim_marks(h, cells)
    if mode.keeps != "whole":
        claim_forget(h, rows, one, "i" if mode.keeps == "coupled" else "f")
    h.register("begun", 1, "1")
    starts = program.initial(program.states) or [0] * len(words)
    for k, (arrival, word) in enumerate(zip(cells, words, strict=True)):
        start = starts[k] & ((1 << program.paths.s) - 1)
        claim_word(h, arrival, word, start)
        claim_past(h, k, program.paths.s, arrival, word, start)
    return h


def claim_cells(h: Harness, cells: list[int]) -> None:
    """Where cell inputs are on their way, and which cell's state is read and written."""
    for k in range(1, COMING):
        h.prove(f"{h.see(f'activation0.coming_{k}')} == {at(cells, 1 + k)}")
    h.prove(f"{h.see('cell.step_over0')} == {at(cells, COMING)}")
    for k in range(1, latency.STATE + 1):
        h.prove(f"{h.see(f'cell.s_valid_{k}')} == {at(cells, latency.ACTIVATION + k)}")
    h.prove(f"{h.see('cell.states.place0')} == {passed(cells, COMING)}")
    h.prove(f"{h.see('cell.states.written')} == {passed(cells, STATE)}")


def claim_marks(h: Harness, cells: list[int]) -> None:
    """Whether a step is its sequence's first is the same for the state that is read and written."""
    read = [h.see(f"activation0.coming_first_{k}") for k in range(1, COMING)]
    read += [h.see(f"cell.states.clear0_{k}") for k in range(1, 1 + latency.MEMORY)]
    for k, mark in enumerate(read):
        h.prove(f"!{at(cells, 2 + k)} || {mark} == {h.see(f'activation0.step_first_{k + 1}')}")


def claim_forget(h: Harness, rows: Rows, one: int, kind: str) -> None:
    """From the first of its rows on, the forget gate is exactly 1."""
    first = rows.of(kind)[0]
    h.register("known", 1, f"known || {at([first], latency.ACTIVATION)}")
    h.register("sure", 1, f"sure || {at([first], latency.ACTIVATION + 1)}")
    h.prove(f"!known || {h.see('cell.gate_f')} == {one}")
    h.prove(f"!sure || {h.see('cell.f_operand_1')} == {one}")
    # no step comes to its cells before it has come to its gates
    early = f"age <= {first + latency.ACTIVATION + 1} || age == {rows.limit}"
    h.prove(f"sure || (back == {rows.limit} && ({early}))")


def claim_past(h: Harness, k: int, bits: int, arrival: int, word: str, start: int) -> None:
    """A word of memory is what it was a clock before, or what a sequence starts from if its first
    step has just written it."""
    h.register(f"past{k}", bits, word)
    opened = f"{at([arrival], STATE)} && {h.see(f'cell.s_step_first_{latency.STATE}')}"
    h.register(f"opened{k}", 1, opened)
    h.prove(f"!begun || {word} == (opened{k} ? {start} : past{k})")


def claim_word(h: Harness, arrival: int, word: str, start: int) -> None:
    """A state from the memory to the memory: in each stage it is still what the memory holds, or
    in a sequence's first step what that starts from."""

    def claim(delay: int, condition: str) -> None:
        h.prove(f"!{at([arrival], delay)} || ({condition})")

    first = [h.see(f"activation0.step_first_{k}") for k in range(1, latency.ACTIVATION)]
    first += [h.see(f"cell.s_step_first_{k}") for k in range(1, latency.STATE + 1)]
    stages = [h.see(f"cell.states.{name}") for name in ("port__data", "read0_1")]
    for k, stage in enumerate(stages):
        claim(COMING + 1 + k, f"{stage} == {word}")
    for k, stage in enumerate(h.see(f"cell.states.{name}") for name in ("seen0", "value0_1")):
        held = f"({first[COMING + 1 + k]} ? {start} : {word})"
        claim(COMING + 3 + k, f"{stage} == {held}")
    for k in range(1, latency.STATE + 1):
        late = latency.ACTIVATION + k
        claim(late, f"was_shut0_{k}")
        claim(late, f"old0_{k} == ({first[late - 2]} ? {start} : {word})")

"""A whole core with its gates shut: the state memory holds, whatever streams in."""

from rtl import latency
from rtl.core import Core
from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import COMING, STATE, Rows, at, claim_rows, passed

SUM = r"(assign \\?state_wide\S* +=) \$signed\(kept\)"  # where old state and new input meet


def holding(core: Core, design: Design) -> Proof:
    """s of every cell, over any number of steps.

    Raises
    ------
    ProofError : see `rtl.proofs.rows.Rows`.
    """
    program, rows, cell = core.program, Rows(core.program), design.find("cell")
    sign = design.net(cell, "kept")[0] - 1
    return Proof(
        "hold",
        "With its gates shut, no step that goes on with a sequence changes any word of the state "
        "memory by as much as one LSB: from any states, over any number of steps, whatever streams "
        "in, however input and output stall, and whatever the weights are.",
        f"the whole core: {len(program.states)} cells, {program.s_width} bits a state, "
        f"{program.schedule.lanes} lanes, {rows.cycles} clocks a step",
        (
            "Input gates have the code of 0 and forget gates that of 1.0, which is what shut "
            "pre-activations give (proof `shut`); every other activation is free.",
        ),
        design,
        lambda given: state(given, rows),
        3,
        Twin(
            "the old state is rounded towards minus infinity: if it is negative, it loses an LSB",
            design.replaced(cell, SUM, rf"\1 $signed(kept) - $signed({{1'b0, kept[{sign}]}})"),
            rows.limit + 10,
            {"i__valid": 1, "r_en": 1, "i__payload": 0},
        ),
    )


def state(design: Design, rows: Rows) -> Harness:
    """Every word of memory, and what becomes of it on its way through the cell."""
    h, program = Harness(design, ""), rows.program
    kinds, one = program.kinds, program.cell_modes[0].gate_one
    code = h.cut("activation0.o.code")
    kind, valid = h.see("activation0.o.kind"), h.see("activation0.o.valid")
    h.assume(f"!({valid} && {kind} == {kinds.index('i')}) || {code} == 0")
    if "f" in kinds:
        h.assume(f"!({valid} && {kind} == {kinds.index('f')}) || {code} == {one}")
    h.see("sequencer.newborn", anything=True)
    words = [h.see(f"cell.states.memory[{k}]", anything=True) for k in range(len(program.states))]
    claim_rows(h, rows)
    cells = rows.of("g")
    h.prove(f"{h.see('cell.gate_i')} == 0 && {h.see('cell.i_operand_1')} == 0")
    for k in range(1, COMING):
        h.prove(f"{h.see(f'activation0.coming_{k}')} == {at(cells, 1 + k)}")
    h.prove(f"{h.see('cell.step_over0')} == {at(cells, COMING)}")
    for k in range(1, latency.STATE + 1):
        h.prove(f"{h.see(f'cell.s_valid_{k}')} == {at(cells, latency.ACTIVATION + k)}")
    h.prove(f"{h.see('cell.states.place0')} == {passed(cells, COMING)}")
    h.prove(f"{h.see('cell.states.written')} == {passed(cells, STATE)}")
    claim_marks(h, cells)
    keeps = program.cell_modes[0].keeps
    if keeps != "whole":
        claim_forget(h, rows, one, "i" if keeps == "coupled" else "f")
    for arrival, word in zip(cells, words, strict=True):
        claim_word(h, arrival, word, one if keeps != "whole" else 0)
    return h


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


def claim_word(h: Harness, arrival: int, word: str, one: int) -> None:
    """A state from the memory to the memory: in each stage it is still what the memory holds."""

    def claim(delay: int, condition: str, mark: str = "0") -> None:
        h.prove(f"!{at([arrival], delay)} || {mark} || ({condition})")

    first = [h.see(f"activation0.step_first_{k}") for k in range(1, latency.ACTIVATION)]
    first += [h.see(f"cell.s_step_first_{k}") for k in range(1, latency.STATE + 1)]
    stages = [h.see(f"cell.states.{name}") for name in ("port__data", "read0_1")]
    for k, stage in enumerate(stages):
        claim(COMING + 1 + k, f"{stage} == {word}")
    for k, stage in enumerate(h.see(f"cell.states.{name}") for name in ("seen0", "value0_1")):
        claim(COMING + 3 + k, f"{stage} == {word}", first[COMING + 1 + k])
    held = latency.ACTIVATION + 1
    claim(held, f"{h.see('cell.whole_1')} == {word}", first[held - 2])
    if one:
        scaled = f"$signed({h.see('cell.kept_product')}) == $signed({word}) * {one}"
        claim(held, scaled, first[held - 2])
    claim(held + 1, f"$signed({h.see('cell.kept')}) == $signed({word})", first[held - 1])
    claim(held + 1, f"{h.see('cell.written')} == 0")  # what i g comes to
    claim(held + 2, f"{h.see('cell.s.code')} == {word}", first[held])

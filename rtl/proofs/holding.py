"""A whole core with its gates shut: the state memory holds, whatever streams in."""

from rtl import latency
from rtl.planning import StepPlan
from rtl.program import CellMode
from rtl.proofs.ages import chosen
from rtl.proofs.cell import say_kept
from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.idle import LOADS
from rtl.proofs.marks import Mark, streamed
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import Rows, claim_rows
from rtl.proofs.words import claim_word, words_of


def holding(core: StepPlan, design: Design) -> Proof:
    """s of every cell, over any number of steps."""
    program, rows = core.program, Rows(core)
    driven = {"i__valid": 1, "r_en": 1, "i__payload": 0}
    ports = {"state_write": core.options.state_port, "load_write": program.loadable}
    driven |= {port: 0 for port, there in ports.items() if there}
    return Proof(
        "hold",
        "With its gates shut, every word of the state memory is in every clock what it was in the "
        "clock before, to the LSB, but for what the first step of a sequence writes, which is the "
        "state that the sequence starts from"
        + (", and what the state port writes while the core is idle" * core.options.state_port)
        + ": from any states, over any number of steps, whatever streams in, however input and "
        "output stall, and whatever the weights are.",
        f"the whole core: {len(program.states)} cells, {program.paths.s} bits a state, "
        f"{program.schedule.lanes} lanes, {rows.cycles} clocks a step",
        assumptions(core),
        design,
        lambda given: state(given, rows),
        3,
        Twin(
            "a step that goes on with a sequence takes the initial state",
            design.replaced(design.find("cell.states"), r"= clear0_2 \?", "= ~clear0_2 ?"),
            rows.limit + 10,
            driven,
        ),
    )


def assumptions(core: StepPlan) -> tuple[str, ...]:
    """What `hold` takes for granted of a core."""
    narrow = any(mode.s.width < core.program.paths.s for mode in core.program.cell_modes)
    written = ["the first states"] + ["what the state port writes"] * core.options.state_port
    found = [
        "Input gates have the code of 0 and forget gates that of 1.0, which is what shut "
        "pre-activations give (proofs `shut` and `reader`); every other activation is free.",
        "Between shut gates the cell update keeps its state (proof `cell`).",
        "A step is its sequence's first if the sequencer took it for that (proof `first`).",
        "No reset comes after power-up.",
    ]
    found += [f"{' and '.join(written).capitalize()} are codes of their layers' formats."] * narrow
    return (*found, *([LOADS] * core.program.loadable))


def state(design: Design, rows: Rows) -> Harness:
    """Every word of memory, and what becomes of it on its way through the cell."""
    h, program = Harness(design, ""), rows.program
    for place in rows.places:
        assume_shut(h, rows, place.path)
    h.see("sequencer.newborn", anything=True)
    for k in range(len(program.states)):
        h.see(f"cell.states.memory[{k}]", anything=True)
    h.cut("cell.s.code")
    say_kept(h, rows.core, h.assume, "cell.")
    claim_rows(h, rows)
    claim_cells(h, rows)
    first = Mark(h, rows, "first")
    claim_first(h, rows, first)
    if len(rows.places) == 1:
        h.prove(f"{h.see('cell.gate_i')} == 0 && {h.see('cell.i_operand_1')} == 0")
        claim_forget(h, rows)
    h.register("begun", 1, "1")
    for word in words_of(h, rows):
        claim_word(h, rows, first, word)
    return h


def assume_shut(h: Harness, rows: Rows, path: str) -> None:
    """The gates that leave a place of the tail have the codes of shut ones."""
    kinds, valid = rows.program.kinds, f"{h.see(f'{path}.o.valid')}"
    code, kind = h.cut(f"{path}.o.code"), h.see(f"{path}.o.kind")
    h.assume(f"!({valid} && {kind} == {kinds.index('i')}) || {code} == 0")
    for k, mode in enumerate(rows.program.cell_modes):
        if mode.keeps == "gate":
            mine = f"{kind} == {kinds.index('f')} && {h.see(f'{path}.o.cell_mode')} == {k}"
            h.assume(f"!({valid} && {mine}) || {code} == {mode.gate_one}")


def claim_cells(h: Harness, rows: Rows) -> None:
    """Where cell inputs are on their way, and which cell's state is read and written."""
    cells, path = rows.of("g"), rows.places[-1].path
    for k in range(1, rows.coming):
        h.prove(f"{h.see(f'{path}.coming_{k}')} == {rows.at(cells, 1 + k)}")
    h.prove(f"{h.see('cell.step_over0')} == {rows.at(cells, rows.coming)}")
    for k in range(1, latency.STATE + 1):
        h.prove(f"{h.see(f'cell.s_valid_{k}')} == {rows.at(cells, rows.activation + k)}")
    h.prove(f"{h.see('cell.states.place0')} == {rows.passed(cells, rows.coming)}")
    h.prove(f"{h.see('cell.states.written')} == {rows.passed(cells, rows.state)}")


def claim_first(h: Harness, rows: Rows, first: Mark) -> None:
    """Whether a step is its sequence's first is known where its cells' states are read."""
    place, cells = rows.places[-1], streamed(rows.rows("g"))
    first.claim_way(place)
    for k in range(1, rows.coming):
        first.claim(f"{place.path}.coming_first_{k}", cells, 1 + k)
    for k in range(1, 1 + latency.MEMORY):
        first.claim(f"cell.states.clear0_{k}", cells, rows.coming + k)


def claim_forget(h: Harness, rows: Rows) -> None:
    """From the first row on that sets it, the forget gate is exactly the 1.0 of the latest one."""

    def setting(mode: CellMode, kind: str) -> bool:
        return kind == "f" or (kind == "i" and mode.keeps == "coupled")

    modes = rows.program.cell_modes
    rows_of = [(row, modes[row.word.cell_mode]) for row in rows.rows("i", "f")]
    rows_of = [(row, mode) for row, mode in rows_of if setting(mode, row.word.row.kind)]
    if not rows_of:
        return
    clocks, ones = [row.clock for row, _ in rows_of], [mode.gate_one for _, mode in rows_of]
    ones = [ones[-1], *ones[:-1]]  # of the row before
    way = rows.activation
    h.register("known", 1, f"known || {rows.at(clocks[:1], way)}")
    h.register("sure", 1, f"sure || {rows.at(clocks[:1], way + 1)}")
    for name, net, late in (("known", "gate_f", way), ("sure", "f_operand_1", way + 1)):
        h.line(f"wire [15:0] {name}_of = {rows.passed(clocks, late)};")
        h.prove(f"!{name} || {h.see(f'cell.{net}')} == {chosen(f'{name}_of', ones)}")
    # no step comes to its cells before it has come to its gates
    early = f"age <= {clocks[0] + way + 1} || age == {rows.limit}"
    idle = " && ".join(f"{age} == {rows.limit}" for age in rows.ages.names[1:])
    h.prove(f"sure || ({idle} && ({early}))")

"""A whole core with its gates shut: the state memory holds, whatever streams in."""

from collections.abc import Mapping

from rtl.program.program import CellMode
from rtl.proofs.cell import say_kept
from rtl.proofs.design import Design
from rtl.proofs.errors import ProofError
from rtl.proofs.flow import AnyMark, claim_flow, mark_of, rows_of
from rtl.proofs.harness import Harness
from rtl.proofs.idle import LOADS
from rtl.proofs.marks import streamed
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import Rows
from rtl.proofs.skipping.rows import SkipRows
from rtl.proofs.words import claim_word
from rtl.schedule import latency
from rtl.step_plan import StepPlan


def holding(core: StepPlan, design: Design) -> Proof:
    """s of every cell, over any number of steps.

    Raises
    ------
    ProofError : a core that skips, of too few rows to tell when a state is written.
    """
    program, rows = core.program, rows_of(core)
    if isinstance(rows, SkipRows) and rows.count <= latency.STATE_READ + latency.STATE:
        raise ProofError(f"{rows.count} rows: one of so few could come again before it is written")
    driven: dict[str, int | str] = {"i__valid": 1, "r_en": 1, "i__payload": 0}
    ports = {"state_write": core.options.state_port, "load_write": program.loadable}
    driven |= {port: 0 for port, there in ports.items() if there}
    if isinstance(rows, SkipRows):
        driven |= rows.shortest
    return Proof(
        "hold",
        "Every word of the state memory is in every clock what it was in the clock before, to the "
        "LSB, unless its own cell has just been computed with a gate that is not shut, or in the "
        "first step of a sequence: with shut gates that writes what the sequence starts from"
        + ("; or the state port has written it, while the core is idle" * core.options.state_port)
        + ". So from any states, over any number of steps, whatever streams in, however input and "
        "output stall, whatever the weights are and whatever other cells do.",
        f"the whole core: {len(program.states)} cells, {program.paths.s} bits a state, "
        f"{program.schedule.lanes} lanes, {program.schedule.cycles_per_step} clocks a step",
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
    written.append("what a cell yields (proof `saturates-s`)")
    lines = [
        "A gate is shut if its activation is: the input gate has the code of 0, and the forget "
        "gate, where there is one, that of 1.0, which shut pre-activations give (proofs `shut` and "
        "`reader`).",
        "Between shut gates the cell update keeps its state (proof `cell`).",
        "A step is its sequence's first if the sequencer took it for that"
        + (" (proof `first`)." if not core.options.skip else "."),
        "No reset comes after power-up.",
    ]
    lines += [f"Codes of their layers' formats are {', '.join(written)}."] * narrow
    return (*lines, *([LOADS] * core.program.loadable))


def state(design: Design, rows: Rows) -> Harness:
    """Any one word of memory, and what becomes of it on its way through the cell."""
    h = Harness(design, "")
    h.leave_lanes()
    for place in rows.places:
        h.cut(f"{place.path}.o.code")
    if not isinstance(rows, SkipRows):
        h.see("sequencer.newborn", anything=True)
    h.cut("cell.s.code")
    say_kept(h, rows.core, h.assume, "cell.")
    claim_flow(h, rows)
    claim_cells(h, rows)
    first = mark_of(h, rows, "first")
    claim_first(h, rows, first)
    shut = claim_gates(h, rows)
    h.register("begun", 1, "1")
    claim_word(h, rows, first, shut)
    return h


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


def claim_first(h: Harness, rows: Rows, first: AnyMark) -> None:
    """Whether a step is its sequence's first is known where its cells' states are read."""
    place, cells = rows.places[-1], streamed(rows.rows("g"))
    first.claim_way(place)
    for k in range(1, rows.coming):
        first.claim(f"{place.path}.coming_first_{k}", cells, 1 + k)
    for k in range(1, 1 + latency.MEMORY):
        first.claim(f"cell.states.clear0_{k}", cells, rows.coming + k)


def claim_gates(h: Harness, rows: Rows) -> list[str]:
    """Shut gates reach the cell; returns of each kind of cell whether those of the cell input are
    shut that stands there."""
    if len(rows.places) > 1:
        codes = [h.see(f"{place.path}.o.code") for place in rows.places]
        gates = rows.program.shapes[0].gates
        values = dict(zip(gates, codes, strict=False))
        return [shut(mode, values) for mode in rows.program.cell_modes]
    code = h.see(f"{rows.places[0].path}.o.code")
    closed = f"{rows.at(rows.of('i'), rows.activation)} ? {code} == 0 : closed"
    h.delayed("closed", h.register("closed", 1, closed), 1, 1)
    h.prove(f"!closed || {h.see('cell.gate_i')} == 0")
    h.prove(f"!closed_1 || {h.see('cell.i_operand_1')} == 0")
    found = []
    for k, mode in enumerate(rows.program.cell_modes):
        if mode.keeps == "whole":
            found.append("closed_1")
            continue
        claim_forget(h, rows, k, mode)
        found.append(f"closed_1 && kept{k}_1")
    return found


def shut(mode: CellMode, values: Mapping[str, str]) -> str:
    """Whether the gates are shut that have these values."""
    kept = f" && {values['f']} == {mode.gate_one}" if mode.keeps == "gate" else ""
    return f"{values['i']} == 0{kept}"


def claim_forget(h: Harness, rows: Rows, number: int, mode: CellMode) -> None:
    """The forget gate is 1.0 of a kind of cell if the latest row that set it says so."""
    code, modes = h.see(f"{rows.places[0].path}.o.code"), rows.program.cell_modes
    text, times = f"kept{number}", {}
    for row in rows.rows("i", "f"):
        kind, own = row.word.row.kind, row.word.cell_mode
        if kind == "f" or modes[own].keeps == "coupled":
            value = mode.gate_one if kind == "f" else 0
            found = f"{code} == {value}" if own == number else "0"
            times.setdefault(found, []).append(row.clock)
    for found, clocks in times.items():
        text = f"{rows.at(clocks, rows.activation)} ? {found} : {text}"
    name = h.register(f"kept{number}", 1, text)
    h.delayed(name, name, 1, 1)
    h.prove(f"!{name} || {h.see('cell.gate_f')} == {mode.gate_one}")
    h.prove(f"!{name}_1 || {h.see('cell.f_operand_1')} == {mode.gate_one}")

"""The sigma table's reader: a row has it when it needs it, and with the mode of its kind."""

from rtl import latency
from rtl.core import Core
from rtl.proofs.design import Design
from rtl.proofs.errors import InapplicableError
from rtl.proofs.harness import Harness
from rtl.proofs.holding import claim_cells
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import STATE, Rows, at, claim_rows

ASKS = latency.NET + 1  # clocks from a row's sum to its argument of sigma


def reader(core: Core, design: Design) -> Proof:
    """Rows and states take turns at one reader, and never want it in the same clock.

    Raises
    ------
    InapplicableError : each has a reader of its own.
    ProofError : see `rtl.proofs.rows.Rows`.
    """
    if not core.schedule.one_sigma:
        raise InapplicableError("rows and states have a reader of the table each, by wiring")
    rows = Rows(core.program)
    return Proof(
        "reader",
        "When a row's pre-activation asks the sigma table, the table reads it and no state's, and "
        "the row is squashed as its kind is; when a state asks, the table reads that.",
        f"the whole core's control: {len(rows.arrivals)} rows in {rows.cycles} clocks a step",
        ("No reset comes after power-up.",),
        design,
        lambda given: state(given, rows),
        3,
        Twin(
            "the reader never turns to a state",
            design.replaced(design.top, r"= h_due_1 \? \S+ *: ", "= "),
            rows.limit + 10,
            {"i__valid": 1, "r_en": 1, "activation0.net_code": 0, "cell.h_net_code": 1},
        ),
    )


def state(design: Design, rows: Rows) -> Harness:
    """Arguments are free, and so are the moments in which steps begin."""
    h = Harness(design, "")
    row, cell = h.cut("activation0.net_code"), h.cut("cell.h_net_code")
    claim_rows(h, rows)
    claim_cells(h, rows.of("g"))
    read = f"$signed({h.see('sigma.code0')})"  # an argument that is clipped may be narrower
    h.prove(f"!{at(rows.arrivals, ASKS)} || {read} == $signed({row})")
    h.prove(f"!{at(rows.of('g'), STATE + 1)} || {read} == $signed({cell})")
    modes = ["activation0.port__data.net_mode", "activation0.word_1.net_mode"]
    modes += [f"activation0.net_mode_{k}" for k in range(1, latency.NET)]
    modes += ["activation0.squash_mode_1"]
    words = rows.program.tail(0)
    for stage, path in enumerate(modes):
        for mode in range(len(rows.program.net_modes)):
            times = [
                clock
                for clock, word in zip(rows.arrivals, words, strict=True)
                if word.net_mode == mode
            ]
            h.prove(f"!{at(times, stage)} || {h.see(path)} == {mode}")
    return h

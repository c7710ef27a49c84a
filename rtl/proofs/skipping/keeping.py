"""Kept sums: what is added in a step comes to what was there, of every row, and nothing is lost."""

from rtl.proofs.design import Design
from rtl.proofs.errors import InapplicableError, ProofError
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.skipping.marks import RowMark
from rtl.proofs.skipping.rows import SkipRows
from rtl.proofs.skipping.stages import claim_due, claim_stages, leave_lists
from rtl.schedule import latency
from rtl.step_plan import StepPlan


def keeping(core: StepPlan, design: Design) -> Proof:
    """sum(t) = sum(t-1) + what the lanes give, modulo 2^width.

    Raises
    ------
    InapplicableError : a core that keeps no sums.
    ProofError : too few of them to tell when one is written.
    """
    rows = SkipRows(core)
    if not rows.schedule.changed:
        raise InapplicableError("sums of a core that skips 0 are not kept, they begin anew")
    if rows.count <= latency.KEPT + 1:
        raise ProofError(f"{rows.count} rows: one of so few could come again before it is written")
    width = core.program.paths.sum
    return Proof(
        "sum",
        "What the tail gets of a row is what the lanes have added up of it in this step and what "
        f"it got in the step before, modulo 2^{width}, exactly; in a sequence's first step the "
        "first alone"
        + ", and in one that rebuilds sums, of which the tail gets nothing"
        * core.has_idle
        + ". So it is the sum of all that was ever added, over any number of steps, however input "
        "and output stall.",
        f"the whole core's control and kept sums: {rows.count} rows of {width} bits",
        ("No reset comes after power-up.",),
        design,
        lambda given: state(given, rows),
        4,
        Twin(
            "a sum is read from the row behind",
            design.replaced(design.find("kept"), r"^(    _0_ <= kept\[.*)\];", r"\1 ^ 1];"),
            rows.limit + 10,
            {"i__valid": 1, "r_en": 1, **rows.shortest},
        ),
    )


def state(design: Design, rows: SkipRows) -> Harness:
    """One row, chosen freely, is followed from step to step; what the lanes give is free."""
    h = Harness(design, "")
    h.leave_lanes()
    leave_lists(h)
    claim_stages(h, rows)
    first = RowMark(h, rows, "first")
    first.claim_way(rows.places[0])
    stage, bits = rows.sums - latency.KEPT, h.width("kept.sum")  # in which its lane's sum comes
    claim_due(h, rows, "kept", f"here_{stage - 1}", f"next_{stage - 1}")
    h.prove(f"{h.see('kept.$signature__addr')} == next_{stage - 1}")
    for k, (due, place) in enumerate(
        (("due_1", "place_1"), ("due_2", "place_2"), ("write__en", "write__addr"))
    ):
        h.prove(f"{h.see(f'kept.{due}')} == here_{stage + k}")
        h.prove(f"{h.see(f'kept.{place}')} == next_{stage + k}")
    for k, name in enumerate(("first", "fresh_1")):
        h.prove(f"!here_{stage + k} || {h.see(f'kept.{name}')} == first_{stage + k}")
    at, word = h.look("kept.kept")
    total = h.see("kept.sum_out")
    h.line(f"wire mine = here_{rows.sums} && next_{rows.sums} == {at};")
    was = h.register("was", bits, f"mine ? {total} : was")
    h.prove(f"{at} >= {rows.count} || {word} == {was}")
    own = f"here_{stage + 1} && next_{stage + 1} == {at}"
    h.prove(f"!({own}) || {h.see('kept.kept_1')} == {was}")
    added = h.delayed("added", h.see("kept.sum"), bits, latency.KEPT)
    h.prove(f"{h.see('kept.new_1')} == {added[1]}")
    h.line(f"wire [{bits - 1}:0] whole = {added[-1]} + (first_{rows.sums} ? 0 : {was});")
    h.prove(f"!mine || {total} == whole")
    h.prove(f"!mine || {h.see('activation0.sum')} == whole")
    return h

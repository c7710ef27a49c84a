"""Every step ends: its last beat is given within a bound, as long as its output is taken.

What is still to be done is counted in clocks: so many for each word that has to leave the FIFO, and
those until the last one is written. Whatever happens, it becomes less in every clock.
"""

from rtl.lib.beat import beat_layout
from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.leaving import Beats, claim_beats, leaving
from rtl.proofs.marks import Mark
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import claim_rows
from rtl.schedule import latency
from rtl.step_plan import StepPlan


def progress(core: StepPlan, design: Design) -> Proof:
    """Liveness of the whole core as two bounds."""
    beats = Beats(core)
    wait, stay = bounds(beats)
    elements, outputs = (core.schedule.streams * n for n in (core.schedule.elements, beats.outputs))
    return Proof(
        "ends",
        f"While the output is taken, a step whose input is there begins within {wait} clocks, and "
        f"its last beat is given within {stay} more.",
        f"the whole core's control: {beats.cycles} clocks a step, {beats.outputs} outputs",
        leaving(core, design).assumes,
        design,
        lambda given: state(given, beats),
        3,
        starved(core, design, core.latency + elements + outputs + 3),
    )


def starved(core: StepPlan, design: Design, depth: int) -> Twin:
    """Steps take their room, and give none back."""
    beat = beat_layout(core.qnet.formats.input, core.program.index_width)
    return Twin(
        "the room of a step never comes back",
        design.replaced(
            design.top, r"(\$signed\(\\\$\d+ \)) \+ \$signed\(\{ 1'h0, \\\$\d+  \}\)", r"\1"
        ),
        depth,
        # every vector is 0 and its sequence's last one
        {"i__valid": 1, "r_en": 1, "i__payload": 1 << beat.size - 1, "follow": 0},
    )


def bounds(beats: Beats) -> tuple[int, int]:
    """Clocks until a step begins, and from there until its last beat is given."""
    stay = latency.FIFO * beats.outputs * beats.room + beats.last + 1
    return stay + beats.cycles, stay


def state(design: Design, beats: Beats) -> Harness:
    """Beside the accounting of beats: what there is to do before a step begins, and before the
    followed one has left."""
    h, streams = Harness(design, ""), beats.core.schedule.streams
    h.leave_lanes()
    claim_rows(h, beats)
    last = claim_beats(h, beats)
    blocked = left(beats, "age", f"{beats.room} - {h.see('free')}")
    nets = "sequencer.starts", "sequencer.running", "input.waiting"
    claim_begins(h, nets, streams, (blocked, beats.cycles, bounds(beats)[0]))
    claim_followed(h, beats, last)
    return h


def claim_begins(
    h: Harness,
    nets: tuple[str, str, str],
    streams: int,
    clocks: tuple[str, int, int],
    more: str = "",
) -> None:
    """A step whose input is there begins within a bound.

    Parameters
    ----------
    nets : it begins, any step runs, its input is there.
    clocks : until there is room, if there is none now; those of a step; and the bound.
    more : a term, of clocks that are to come besides.
    """
    blocked, step, wait = clocks
    starts, running = h.see(nets[0]), h.see(nets[1])
    taking, free = h.see("r_en"), h.see("free")
    h.line(f"wire [15:0] blocked = {free} < {streams} ? {blocked} : 0;")
    h.line(f"wire [15:0] busy = {running} ? {step - 1} - age : 0;")
    waits = f"{h.see(nets[2])} && {taking} && !{starts}"
    h.register("waited", 16, f"{waits} ? waited + 1 : 0")
    h.prove(f"waited + blocked + busy{more} <= {wait}")


def left(beats: Beats, since: str, vectors: str) -> str:
    """Clocks until so many vectors have left, the last of them of a step of that age."""
    write = f"({since} <= {beats.last} ? {beats.last + 1} - {since} : 0)"
    return f"{latency.FIFO} * ({beats.outputs} * ({vectors}) - gave) + {write} - quiet"


def claim_followed(h: Harness, beats: Beats, last: Mark) -> None:
    """Any one step with beats of its own has given them within its bound."""
    starts, taking, ages = h.see("sequencer.starts"), h.see("r_en"), beats.ages.names
    marks = [f"{h.see('sequencer.last')}[{k}]" for k in range(len(beats.written))]
    vectors = str(len(marks)) if beats.every else f"({' + '.join(marks)})"
    h.any("follow", 1)
    h.line(f"wire met = {starts} && follow && {vectors} != 0 && {taking};")
    h.line(f"wire done = given && gave == {beats.outputs - 1};")
    h.line(f"wire [15:0] all = {beats.room} - {h.see('free')} - done + {vectors};")
    h.register("mine", 16, f"met ? all : {taking} && mine != 0 ? mine - done : 0")
    h.register("since", 16, "met ? 0 : mine == 0 ? 0 : since + 1")
    later = len(ages)  # steps that have begun since, counted so far
    h.register("later", later.bit_length(), f"met ? 0 : later + ({starts} && later < {later})")
    under_way = enumerate(beats.under_way(last))
    own = [f"(later <= {step} ? {count} : 0)" for step, count in under_way]
    place = f"since > {beats.last}"
    for step, age in reversed(list(enumerate(ages))):
        # the followed step's age is counted no further than to the limit
        same = f"({age} == {beats.limit} ? since >= {beats.limit} : {age} == since)"
        place = f"(later == {step} ? {same} : {place})"
    h.prove(f"mine == 0 || {place}")
    h.prove(f"mine <= whole + {' + '.join(own)}")
    h.prove(f"mine == 0 || since + {left(beats, 'since', 'mine')} <= {bounds(beats)[1]}")

"""Every step ends: its last beat is given within a bound, as long as its output is taken.

What is still to be done is counted in clocks: so many for each word that has to leave the FIFO, and
those until the last one is written. Whatever happens, it becomes less in every clock.
"""

from rtl import latency
from rtl.core import Core
from rtl.operands import beat_layout
from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.leaving import Beats, counted, leaving, of_steps
from rtl.proofs.leaving import state as beats_of
from rtl.proofs.proof import Proof, Twin


def progress(core: Core, design: Design) -> Proof:
    """Liveness of the whole core as two bounds.

    Raises
    ------
    ProofError : see `rtl.proofs.rows.Rows`.
    """
    beats = Beats(core)
    wait, stay = bounds(beats)
    beat = beat_layout(core.qnet.formats.input, core.program.index_width)
    return Proof(
        "ends",
        f"While the output is taken, a step whose input is there begins within {wait} clocks, and "
        f"its last beat is given within {stay} more.",
        f"the whole core's control: {beats.cycles} clocks a step, {beats.outputs} outputs",
        leaving(core, design).assumes,
        design,
        lambda given: state(given, beats),
        3,
        Twin(
            "the room of a step never comes back",
            design.replaced(
                design.top, r"(\$signed\(\\\$\d+ \)) \+ \$signed\(\{ 1'h0, \\\$\d+  \}\)", r"\1"
            ),
            core.schedule.latency + core.qnet.inputs + core.qnet.outputs + 3,
            {"i__valid": 1, "r_en": 1, "i__payload": 1 << beat.size - 1},  # 0, marked last
        ),
    )


def bounds(beats: Beats) -> tuple[int, int]:
    """Clocks until a step begins, and from there until its last beat is given."""
    stay = latency.FIFO * beats.outputs * beats.room + beats.written[-1] + 1
    return stay + beats.cycles, stay


def state(design: Design, beats: Beats) -> Harness:
    """Beside the accounting of beats: what there is to do before a step begins, and before the
    followed one has left."""
    h, end = beats_of(design, beats), beats.written[-1]
    wait, stay = bounds(beats)
    starts, running = h.see("sequencer.starts"), h.see("sequencer.running")
    taking, free = h.see("r_en"), h.see("free")

    def left(since: str, words: str) -> str:
        """Clocks until so many words have left, the last of them written `end` after a start."""
        return f"{latency.FIFO} * ({words}) + ({since} <= {end} ? {end + 1} - {since} : 0) - quiet"

    youngest = f"(age <= {end} ? age : back)"
    h.line(f"wire [15:0] blocked = {free} == 0 ? {left(youngest, 'unwritten + count')} : 0;")
    h.line(f"wire [15:0] busy = {running} ? {beats.cycles - 1} - age : 0;")
    waits = f"{h.see('input.waiting')} && {taking} && !{starts}"
    h.register("waited", 16, f"{waits} ? waited + 1 : 0")
    h.prove(f"waited + blocked + busy <= {wait}")

    h.any("follow", 1)
    own = "1" if beats.every else f"{h.see('sequencer.last')}"
    h.line(f"wire met = {starts} && follow && {own} && {taking};")
    h.line(f"wire leaves = mine <= given || !{taking};")
    h.line(f"wire [15:0] all = unwritten + count - given + {beats.outputs};")
    h.register("mine", 16, "met ? all : leaves ? 0 : mine - given")
    h.register("since", 16, "met ? 0 : mine == 0 ? 0 : since + 1")
    h.register("later", 2, f"met ? 0 : {starts} && later < 2 ? later + 1 : later")
    now, before = of_steps(beats, *counted(beats.written, "<="))
    h.line(f"wire [15:0] own = later == 0 ? {now} + {before} : later == 1 ? {before} : 0;")
    followed = "mine == 0"

    def same(age: str) -> str:
        """Whether it is the followed step's age, which is counted no further than to the limit."""
        return f"({age} == {beats.limit} ? since >= {beats.limit} : {age} == since)"

    age = f"later == 0 ? {same('age')} : later == 1 ? {same('back')} : since > {end}"
    h.prove(f"{followed} || ({age})")
    h.prove(f"{followed} || mine <= count + own")
    h.prove(f"{followed} || since + {left('since', 'mine')} <= {stay}")
    return h

"""The output: each step's beats, no more and no fewer, with its marks, and room for all of them."""

from collections.abc import Sequence

from rtl import latency
from rtl.core import Core
from rtl.proofs.design import Design
from rtl.proofs.fifo import claim_counts
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import FETCH, LAST_TO_START, Rows, at, claim_rows, wrapped

MARKS = ("first", "last")
WRITE = latency.LEAVE - latency.FIFO  # clocks from an output to the FIFO


class Beats(Rows):
    """The timetable of a step's output beats.

    Attributes
    ----------
    core : of which.
    source, way : the part that yields them, and the clocks from its rows' sums to them.
    rows_out : when the sums of the rows come that yield them.
    written : when they are written to the FIFO.
    every : each step has some; else a sequence's last one only.
    """

    def __init__(self, core: Core):
        super().__init__(core.program)
        self.core, self.every = core, core.qnet.output == "every"
        words = zip(self.arrivals, self.program.tail(0), strict=True)
        self.rows_out = [clock for clock, word in words if word.output]
        of_cells = core.schedule.phases[-1].yields == "g"
        self.source = "cell" if of_cells else "activation0"
        self.way = latency.ACTIVATION + of_cells * (latency.STATE + latency.OUTPUT)
        self.written = [clock + self.way + WRITE for clock in self.rows_out]

    @property
    def outputs(self) -> int:
        return self.core.qnet.outputs

    @property
    def room(self) -> int:
        """Steps that the FIFO has room for."""
        return self.core.schedule.buffered_steps


def leaving(core: Core, design: Design) -> Proof:
    """The accounting of beats, from steps begun to beats given.

    Raises
    ------
    ProofError : see `rtl.proofs.rows.Rows`.
    """
    beats = Beats(core)
    return Proof(
        "output",
        f"Every step {'' if beats.every else 'that ends a sequence '}writes {beats.outputs} beats "
        "with its own marks, always into room; beats given, in the FIFO and under way are those of "
        "the steps begun, at any time.",
        f"the whole core's control: {beats.outputs} outputs, room for {beats.room} steps of them",
        (
            "The FIFO gives its words in order and unchanged (proof `fifo`).",
            "No reset comes after power-up.",
        ),
        design,
        lambda given: state(given, beats),
        3,
        Twin(
            "a step that begins does not take its room",
            design.replaced(design.top, r"= free - \\\$\d+ ;", "= free;"),
            latency.START + core.qnet.inputs + 3,
            {"i__valid": 1},
        ),
    )


def state(design: Design, beats: Beats) -> Harness:
    """Input and output stall as they please."""
    h = Harness(design, "")
    claim_rows(h, beats)
    claim_step_marks(h, beats)
    claim_written(h, beats)
    claim_counts(h, beats.outputs * beats.room, "fifo.")
    claim_room(h, beats)
    return h


def claim_step_marks(h: Harness, beats: Beats) -> None:
    """A step's marks go with its rows, stage by stage, to the FIFO."""
    starts, ends, rows = h.see("sequencer.starts"), beats.ends, beats.rows_out
    for mark in MARKS:
        now = h.see(f"sequencer.running_{mark}")
        h.register(f"before_{mark}", 1, f"{starts} ? {now} : before_{mark}")

        def claim(path: str, times: Sequence[int], late: int, now: str = now, mark: str = mark):
            found = h.see(path)
            for age, marked in (("age", now), ("back", f"before_{mark}")):
                here = " || ".join(f"{age} == {time + late}" for time in times)
                h.prove(f"!({here}) || {found} == {marked}")

        claim(f"sequencer.step_{mark}", ends, FETCH)
        for k in range(1, LAST_TO_START - FETCH):
            claim(f"row_step_{mark}_{k}", ends, FETCH + k)
        claim(f"activation0.step_{mark}", ends, LAST_TO_START)
        claim(f"activation0.row_step_{mark}", rows, 0)
        claim(f"activation0.row_step_{mark}_1", rows, 1)
        for k in range(1, latency.ACTIVATION - 1):
            claim(f"activation0.step_{mark}_{k}", rows, 1 + k)
        claim(f"activation0.o.step_{mark}", rows, latency.ACTIVATION)
        if beats.source == "cell":
            for k in range(1, beats.way - latency.ACTIVATION):
                claim(f"cell.y_step_{mark}_{k}", rows, latency.ACTIVATION + k)
            claim(f"cell.y.step_{mark}", rows, beats.way)


def of_steps(beats: Beats, age: str, back: str) -> tuple[str, str]:
    """A count for the latest step and one for that before, where these have beats at all."""
    if beats.every:
        return age, back
    return f"(running_last ? {age} : 0)", f"(before_last ? {back} : 0)"


def counted(times: Sequence[int], relation: str) -> tuple[str, str]:
    """How many of some times a step's age has that relation to; for both steps."""
    age, back = (" + ".join(f"({n} {relation} {t})" for t in times) for n in ("age", "back"))
    return f"({age})", f"({back})"


def claim_written(h: Harness, beats: Beats) -> None:
    """What is written to the FIFO, and when."""
    claim_flags(h, beats)
    h.line(f"wire running_last = {h.see('sequencer.running_last')};")
    h.line(f"wire running_first = {h.see('sequencer.running_first')};")
    enabled, word = h.see("fifo.w_en"), h.see("fifo.w_data")
    h.register("wrote", 16, f"{enabled} ? (wrote == {beats.outputs - 1} ? 0 : wrote + 1) : wrote")
    for name, count, late in (("placed", h.see("place"), 0), ("behind", "wrote", WRITE)):
        times = [time - WRITE + late for time in beats.written]
        done = of_steps(beats, *counted(times, ">"))
        h.line(f"wire [15:0] {name} = age > {times[0]} ? {done[0]} : {done[1]};")
        h.prove(f"{count} == {wrapped(name, beats.outputs)}")
    now, before = of_steps(beats, *counted(beats.written, "=="))
    h.prove(f"{enabled} == ({now} + {before} != 0)")
    high, final = h.width("fifo.w_data") - 1, f"(wrote == {beats.outputs - 1})"
    last, first = (f"({now} != 0 ? running_{mark} : before_{mark})" for mark in ("last", "first"))
    h.prove(f"!{enabled} || {word}[{high}] == {final}")
    h.prove(f"!{enabled} || {word}[{high - 1}] == ({final} && {last})")
    opens = first if beats.every else "1"
    h.prove(f"!{enabled} || {word}[{high - 2}] == (wrote == 0 && {opens})")


def claim_flags(h: Harness, beats: Beats) -> None:
    """Every row is known as one that leaves or stays; the valid ones arrive when they are due."""
    words = list(zip(beats.arrivals, beats.program.tail(0), strict=True))
    stages = [("activation0.port__data.output", 0, words)]
    stages += [(f"activation0.output_{k}", 1 + k, words) for k in range(1, latency.ACTIVATION - 1)]
    stages += [("activation0.o.output", latency.ACTIVATION, words)]
    if beats.source == "cell":
        cells = [(clock, word) for clock, word in words if word.row.kind == "g"]
        for k in range(1, 1 + beats.way - latency.ACTIVATION):
            late = latency.ACTIVATION + k
            h.prove(f"{h.see(f'cell.y_valid_{k}')} == {at(beats.of('g'), late)}")
            stages.append((f"cell.y_output_{k}", late, cells))
    for path, late, rows in stages:
        for flag in (False, True):
            times = [clock for clock, word in rows if word.output == flag]
            if times:
                h.prove(f"!{at(times, late)} || {h.see(path)} == {int(flag)}")


def claim_room(h: Harness, beats: Beats) -> None:
    """Room is given back with a step's last beat; what is written always has some."""
    outputs, free = beats.outputs, h.see("free")
    shown, high = h.cut("fifo.r_data"), h.width("fifo.r_data") - 1
    h.register("gave", 16, f"given ? (gave == {outputs - 1} ? 0 : gave + 1) : gave")
    h.assume(f"!{h.see('fifo.r_rdy')} || {shown}[{high}] == (gave == {outputs - 1})")
    now, before = of_steps(beats, *counted(beats.written, "<="))
    h.line(f"wire [15:0] unwritten = {now} + {before};")
    h.prove(f"{outputs} * {free} + unwritten + count + gave == {outputs * beats.room}")
    h.prove(f"gave < {outputs} && {free} <= {beats.room} && (gave + count) % {outputs} == wrote")
    h.prove(f"!{h.see('fifo.w_en')} || {h.see('fifo.w_rdy')}")

"""The output: each step's beats, no more and no fewer, with its marks, and room for all of them."""

from collections.abc import Callable, Mapping

from rtl.proofs.ages import before, meets
from rtl.proofs.design import Design
from rtl.proofs.fifo import claim_counts
from rtl.proofs.flow import AnyMark
from rtl.proofs.harness import Harness
from rtl.proofs.idle import LOADS
from rtl.proofs.marks import MARKS, Mark, streamed
from rtl.proofs.proof import Proof, Twin
from rtl.proofs.rows import Rows, Timed, claim_rows
from rtl.schedule import latency
from rtl.step_plan import StepPlan

WRITE = latency.LEAVE - latency.FIFO  # clocks from an output to the FIFO


class Leaving(Rows):
    """The rows of a step that yield output beats.

    Attributes
    ----------
    every : each step has some; else those only that end a sequence, of their streams.
    source, way : the part that yields them, and the clocks from its rows' sums to them.
    place : of the tail, to which the rows come that yield them.
    leaving : those rows.
    """

    def _leave(self) -> None:
        """What of the rows leaves."""
        self.every = self.core.qnet.output == "every"
        of_cells = self.core.schedule.phases[-1].yields == "g"
        self.place = self.places[-1 if of_cells else 0]
        self.source = "cell.y" if of_cells else f"{self.place.path}.o"
        self.way = self.state + self.output if of_cells else self.activation
        self.leaving = [row for row in self.place.rows if row.word.output]

    @property
    def outputs(self) -> int:
        """Beats of a stream's step."""
        return self.core.qnet.logits

    @property
    def room(self) -> int:
        """Vectors of beats that the FIFO has room for."""
        return self.core.schedule.streams * self.core.schedule.buffered_steps


class Beats(Leaving):
    """The timetable of a step's output beats.

    Attributes
    ----------
    written : when they are written to the FIFO, stream by stream.
    """

    def __init__(self, core: StepPlan):
        super().__init__(core)
        self._leave()
        streams = range(core.schedule.streams)
        self.written = [
            [row.clock + self.way + WRITE for row in self.leaving if row.word.row.stream == stream]
            for stream in streams
        ]

    @property
    def last(self) -> int:
        """When a step's last beat is written."""
        return self.written[-1][-1]

    def of_steps(self, last: Mark, count: Callable[[str, list[int]], str]) -> list[str]:
        """A count for each step under way, the latest one first.

        Parameters
        ----------
        last : the mark that says which steps have any.
        count : of a vector, from its step's age and the times at which its beats are written.
        """
        terms = []
        for step, age in enumerate(self.ages.names):
            parts = []
            for stream, times in enumerate(self.written):
                part = count(age, times)
                parts.append(part if self.every else f"({last.of(step, stream)} ? {part} : 0)")
            terms.append(f"({' + '.join(parts)})")
        return terms

    def under_way(self, last: Mark) -> list[str]:
        """Vectors of each step that are not yet in the FIFO as a whole."""
        return self.of_steps(last, lambda age, times: f"({age} <= {times[-1]})")

    def started(self, last: Mark, early: int) -> list[str]:
        """Beats that are there of each step's vector that is not yet complete, as many clocks
        before they are written."""

        def count(age: str, times: list[int]) -> str:
            return before(age, (time - early for time in times))

        return self.of_steps(last, count)


def leaving(core: StepPlan, design: Design) -> Proof:
    """The accounting of beats, from steps begun to beats given."""
    beats = Beats(core)
    each = "of each stream " * (core.schedule.streams > 1)
    return Proof(
        "output",
        f"Every step {each}{'' if beats.every else 'that ends a sequence '}writes {beats.outputs} "
        "beats with its own marks, always into room; beats given, in the FIFO and under way are "
        "those of the steps begun, at any time.",
        f"the whole core's control: {beats.outputs} outputs, room for {beats.room} vectors of them",
        (
            "The FIFO gives its words in order and unchanged (proof `fifo`).",
            "No reset comes after power-up.",
            *([LOADS] * core.program.loadable),
        ),
        design,
        lambda given: state(given, beats),
        3,
        crowded(
            design,
            latency.START + core.schedule.elements * core.schedule.streams + 3,
            {"i__valid": 1},
        ),
    )


def crowded(design: Design, depth: int, driven: Mapping[str, int]) -> Twin:
    """Steps begin whose output has no room."""
    return Twin(
        "a step that begins does not take its room",
        design.replaced(design.top, r"= free - \\\$\d+ ;", "= free;"),
        depth,
        driven,
    )


def state(design: Design, beats: Beats) -> Harness:
    """Input and output stall as they please."""
    h = Harness(design, "")
    h.leave_lanes()
    claim_rows(h, beats)
    claim_beats(h, beats)
    return h


def claim_beats(h: Harness, beats: Beats) -> Mark:
    """All of it; returns the mark that says which steps have beats."""
    first, last = (Mark(h, beats, name) for name in MARKS)
    for mark in (first, last):
        claim_mark(beats, mark)
    claim_flags(h, beats)
    claim_written(h, beats, first, last)
    claim_counts(h, beats.outputs * beats.room, "fifo.")
    claim_room(h, beats, " + ".join(beats.under_way(last)))
    return last


def claim_mark(beats: Leaving, mark: AnyMark) -> None:
    """A step's mark goes with its rows, stage by stage, to the FIFO."""
    path, name, rows = beats.place.path, mark.name, streamed(beats.leaving)
    mark.claim_way(beats.place)
    for k in range(1, beats.activation - 1):
        mark.claim(f"{path}.step_{name}_{k}", rows, 1 + k)
    mark.claim(f"{path}.o.step_{name}", rows, beats.activation)
    if beats.source == "cell.y":
        for k in range(1, beats.way - beats.activation):
            mark.claim(f"cell.y_step_{name}_{k}", rows, beats.activation + k)
        mark.claim(f"cell.y.step_{name}", rows, beats.way)


def claim_written(h: Harness, beats: Beats, first: Mark, last: Mark) -> None:
    """What is written to the FIFO, and when."""
    enabled, word = h.see("fifo.w_en"), h.see("fifo.w_data")
    h.register("wrote", 16, f"{enabled} ? (wrote == {beats.outputs - 1} ? 0 : wrote + 1) : wrote")
    for count, early in ((h.see("place"), WRITE), ("wrote", 0)):
        h.prove(f"{count} == {' + '.join(beats.started(last, early))}")
    due = beats.of_steps(last, meets)
    h.prove(f"{enabled} == ({' + '.join(due)} != 0)")
    high, final = h.width("fifo.w_data") - 1, f"(wrote == {beats.outputs - 1})"
    h.prove(f"!{enabled} || {word}[{high}] == {final}")
    for stream, times in enumerate(beats.written):
        for step, age in enumerate(beats.ages.names):
            here = f"{enabled} && {meets(age, times)}"
            opens = first.of(step, stream) if beats.every else "1"
            h.prove(f"!({here}) || {word}[{high - 1}] == ({final} && {last.of(step, stream)})")
            h.prove(f"!({here}) || {word}[{high - 2}] == (wrote == 0 && {opens})")


def claim_flags(h: Harness, beats: Leaving) -> None:
    """Every row is known as one that leaves or stays; the valid ones arrive when they are due."""
    path, tail = beats.place.path, beats.place.rows
    stages = [(f"{path}.word_1.output", 1, tail)]
    stages += [(f"{path}.output_{k}", 1 + k, tail) for k in range(1, beats.activation - 1)]
    stages += [(f"{path}.o.output", beats.activation, tail)]
    if beats.source == "cell.y":
        cells = tuple(beats.rows("g"))
        for k in range(1, 1 + beats.way - beats.activation):
            late = beats.activation + k
            h.prove(f"{h.see(f'cell.y_valid_{k}')} == {beats.at(beats.of('g'), late)}")
            stages.append((f"cell.y_output_{k}", late, cells))
    for net, late, rows in stages:
        claim_flag(h, beats, net, late, rows)


def claim_flag(h: Harness, beats: Leaving, net: str, late: int, rows: tuple[Timed, ...]) -> None:
    """A net says of each row whether it leaves, some clocks after its sum came."""
    for flag in (False, True):
        times = [clock for clock, word in rows if word.output == flag]
        if times:
            h.prove(f"!{beats.at(times, late)} || {h.see(net)} == {int(flag)}")


def claim_room(h: Harness, beats: Leaving, under_way: str) -> None:
    """Room is given back with a vector's last beat; what is written always has some. A vector has
    room, is in the FIFO as a whole, or is one of a step under way, of which there are so many."""
    outputs, free = beats.outputs, h.see("free")
    shown, high = h.cut("fifo.r_data"), h.width("fifo.r_data") - 1
    h.register("gave", 16, f"given ? (gave == {outputs - 1} ? 0 : gave + 1) : gave")
    h.assume(f"!{h.see('fifo.r_rdy')} || {shown}[{high}] == (gave == {outputs - 1})")
    ends = f"{h.see('fifo.w_en')} && wrote == {outputs - 1}"
    h.register("whole", 16, f"whole + ({ends}) - (given && gave == {outputs - 1})")
    h.prove(f"gave < {outputs} && gave + count == {outputs} * whole + wrote")
    h.prove(f"{free} + whole + {under_way} == {beats.room}")
    h.prove(f"{free} <= {beats.room} && whole <= {beats.room}")
    h.prove(f"!{h.see('fifo.w_en')} || {h.see('fifo.w_rdy')}")

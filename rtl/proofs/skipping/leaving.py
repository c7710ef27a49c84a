"""The output of a core that skips: each step's beats, with its marks, and room for all of them.

Beats are counted where steps begin (`begun`) and behind each stage that their rows go through
(`beats_<k>`): what lies between two counts is on its way there.
"""

from collections.abc import Sequence

from rtl.proofs.ages import wrapped
from rtl.proofs.design import Design
from rtl.proofs.fifo import claim_counts
from rtl.proofs.harness import Harness
from rtl.proofs.leaving import WRITE, Leaving, claim_flags, claim_mark, claim_room, crowded
from rtl.proofs.marks import MARKS
from rtl.proofs.pieces import chosen
from rtl.proofs.proof import Proof
from rtl.proofs.skipping.marks import RowMark
from rtl.proofs.skipping.rebuilding import of_front
from rtl.proofs.skipping.rows import SkipRows
from rtl.proofs.skipping.stages import SEQUENCER, claim_stages, group_rows, leave_lists
from rtl.schedule import latency
from rtl.step_plan import StepPlan


class SkipBeats(Leaving, SkipRows):
    """The rows of a step that yield output beats, in a core that skips.

    Attributes
    ----------
    written : the stage in which a beat is written to the FIFO.
    """

    def __init__(self, core: StepPlan):
        super().__init__(core)
        self._leave()
        self.written = self.sums + self.way + WRITE

    @property
    def most(self) -> int:
        """Beats of all steps that have begun and not been given."""
        return self.outputs * self.room

    @property
    def bits(self) -> int:
        """Of a count of beats: differences are told by them."""
        return self.most.bit_length() + 2

    def beats(self, mark: str, count: str | int) -> str:
        """So many beats, if the step has any: if it has that mark."""
        return str(count) if self.every else f"({mark} ? {count} : 0)"

    def promised(self, marks: str) -> str:
        """Vectors of a step whose streams have these marks."""
        if self.every:
            return str(self.core.schedule.streams)
        return f"({' + '.join(f'{marks}[{k}]' for k in range(self.core.schedule.streams))})"

    def to_come(self, following: str, marks: str) -> str:
        """Beats of the rows from one on, of a step whose streams have these marks."""
        found = []
        for stream in range(self.core.schedule.streams):
            its = [row.clock for row in self.leaving if row.word.row.stream == stream]
            left = chosen(following, [len([r for r in its if r >= k]) for k in range(self.count)])
            found.append(self.beats(f"{marks}[{stream}]", left))
        return f"({' + '.join(found)})"

    def started(self, stage: int) -> str:
        """Beats that are there of a step's vector that is not yet complete, at a stage."""
        gone = " + ".join(f"({self.next(stage)} > {row})" for row in self._rows)
        return self.beats(f"last_{stage}", wrapped(gone, self.outputs))

    def leaves(self, stage: int) -> str:
        """Whether a row stands in a stage that yields a beat."""
        return f"({self.taken(self._rows, stage)} && {self.beats(f'last_{stage}', 1)})"

    @property
    def _rows(self) -> Sequence[int]:
        return [row.clock for row in self.leaving]


def leaving(core: StepPlan, design: Design) -> Proof:
    """The accounting of beats, from steps begun to beats given."""
    beats = SkipBeats(core)
    return Proof(
        "output",
        f"Every step {'' if beats.every else 'that ends a sequence '}writes {beats.outputs} beats "
        "with its own marks, always into room; beats given, in the FIFO and under way are those of "
        "the steps begun, at any time.",
        f"the whole core's control: {beats.outputs} outputs, room for {beats.room} vectors of them",
        assumptions(),
        design,
        lambda given: state(given, beats),
        3,
        crowded(design, latency.START + 3, {}),
    )


def assumptions() -> tuple[str, ...]:
    """What is taken for granted of the output."""
    return (
        "The FIFO gives its words in order and unchanged (proof `fifo`).",
        "No reset comes after power-up.",
    )


def state(design: Design, beats: SkipBeats) -> Harness:
    """Input, lists and output stall as they please."""
    h = Harness(design, "")
    h.leave_lanes()
    leave_lists(h)
    claim_stages(h, beats)
    claim_beats(h, beats)
    return h


def claim_beats(h: Harness, beats: SkipBeats) -> None:
    """All of it."""
    for name in MARKS:
        claim_mark(beats, RowMark(h, beats, name))
    claim_flags(h, beats)
    claim_under_way(h, beats)
    claim_written(h, beats)
    claim_counts(h, beats.outputs * beats.room, "fifo.")
    claim_room(h, beats, "vectors")


def claim_under_way(h: Harness, beats: SkipBeats) -> None:
    """Beats between where they are counted: of the running step, and of rows in each stage."""
    starts, running = h.see(f"{SEQUENCER}.starts"), h.see(of_front(h, "running"))
    coming = h.see("front.input.last")
    streams = beats.core.schedule.streams
    marks = h.register("running_last", streams, f"{starts} ? {coming} : running_last")
    h.prove(f"{h.see(f'{SEQUENCER}.$like')} == {marks}")  # its only register without a name
    phases = chosen(h.see(f"{SEQUENCER}.phase"), [each.stream for each in beats.schedule.phases])
    was = h.register("running_last_1", 1, f"{marks}[{phases}]")
    h.prove(f"{h.see(f'{SEQUENCER}.step_last')} == {was}")
    whose = chosen("next_0", [beats.streams[g] for g, _ in group_rows(beats)])
    h.prove(f"!here_0 || group == 0 || last_0 == {marks}[{whose}]")
    bits, high = beats.bits, beats.bits - 1
    promised = f"{beats.outputs} * {beats.promised(coming)}"
    h.line(f"wire [{high}:0] promised = {h.see(of_front(h, 'starts'))} ? {promised} : 0;")
    h.register("begun", bits, "begun + promised")
    h.register("beats_0", bits, f"beats_0 + {beats.leaves(0)}")
    h.line(f"wire [{high}:0] ahead_0 = begun - beats_0;")
    for k in range(beats.written):
        h.register(f"beats_{k + 1}", bits, f"beats_{k}")
        h.line(f"wire [{high}:0] ahead_{k + 1} = begun - beats_{k + 1};")
        h.line(f"wire [{high}:0] between_{k} = beats_{k} - beats_{k + 1};")
        h.prove(f"between_{k} == {beats.leaves(k + 1)}")
    final = f"{{{streams}{{last_0}}}}"  # the rows of the last group are of one stream
    h.line(f"wire [{streams - 1}:0] final = {final};")
    left = beats.to_come(beats.next(0), "final")
    h.line(f"wire [{high}:0] ended = {beats.here(0)} && group == 0 ? {left} : 0;")
    left = beats.to_come(f"(group == 0 ? 0 : {beats.next(0)})", marks)
    h.line(f"wire [{high}:0] unended = {running} ? {left} : 0;")
    h.prove("ahead_0 == ended + unended")


def claim_written(h: Harness, beats: SkipBeats) -> None:
    """What is written to the FIFO, and when."""
    enabled, word = h.see("fifo.w_en"), h.see("fifo.w_data")
    h.register("wrote", 16, f"{enabled} ? (wrote == {beats.outputs - 1} ? 0 : wrote + 1) : wrote")
    for count, stage in ((h.see("place"), beats.written - WRITE), ("wrote", beats.written)):
        h.prove(f"{count} == {beats.started(stage)}")
    h.prove(f"{enabled} == {beats.leaves(beats.written)}")
    begins = f"{h.see(of_front(h, 'starts'))} ? {beats.promised(h.see('front.input.last'))} : 0"
    ends = f"{enabled} && wrote == {beats.outputs - 1}"
    h.register("vectors", 16, f"vectors + ({begins}) - ({ends})")
    h.line(f"wire [15:0] unwritten = ahead_{beats.written};")
    h.prove(f"unwritten + wrote == {beats.outputs} * vectors")
    high, final = h.width("fifo.w_data") - 1, f"(wrote == {beats.outputs - 1})"
    marks = [f"{mark}_{beats.written}" for mark in MARKS]
    opens = marks[0] if beats.every else "1"
    h.prove(f"!{enabled} || {word}[{high}] == {final}")
    h.prove(f"!{enabled} || {word}[{high - 1}] == ({final} && {marks[1]})")
    h.prove(f"!{enabled} || {word}[{high - 2}] == (wrote == 0 && {opens})")

"""A core that skips columns: lists in the place of the dense core's buffers and program.

         ┌────────────┐  a column a clock   ┌───────────┐ sums ┌──────────┐
i ─────► │ InputLists │────────┬───────────►│ LaneArray │─────►│ KeptSums │──► Activation,
         └────────────┘        │            └───────────┘      └──────────┘    CellUpdate ──► o
               ▲        ┌──────┴──────┐                                           │ y, gates
         SkipSequencer ─│ OutputLists │◄──────────────────────────────────────────┘
                        └─────────────┘
"""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.wiring import INPUT
from rtl.core import Core
from rtl.datapath.activation import Activation
from rtl.datapath.cell import CellUpdate
from rtl.datapath.lane import feed_layout
from rtl.datapath.lanes import LaneArray
from rtl.lib.arithmetic import delay
from rtl.lib.beat import beat_layout
from rtl.program.program import Program
from rtl.schedule import latency
from rtl.schedule.phases import Phase
from rtl.schedule.skipping import Given, SkipSchedule, thresholds_of
from rtl.skipping.input import InputLists
from rtl.skipping.outputs import OutputLists, written_layout
from rtl.skipping.sequencer import SkipSequencer
from rtl.skipping.sums import KeptSums

INPUTS = (Given(INPUT),)
Banks = dict[tuple[Given, ...], OutputLists]
"""Lists by what is in them, outputs first."""


class SkipFront(wiring.Component):
    """Lists and the sequencer that runs over them: what feeds the lanes.

    Timing: the feed stands `latency.SKIP_OPERAND` = 6 clocks after a column was chosen, its
    weight's address `latency.WEIGHT` before.

    Parameters
    ----------
    program : the network and its schedule.

    Members
    -------
    i : In(stream).  ready : In(1), the output has room for a step.
    waiting, starts, running : Out(1), see `InputLists` and `SkipSequencer`.
    last : Out(1), the coming step's mark.
    step_first, step_last : Out(1), the running step's, one clock after a column was chosen.
    y_written, gates_written : In({valid, fresh, data}), see `OutputLists`; the second with gate
        recurrence only.
    feed : Out(feed_layout).
    """

    i: stream.Interface
    ready: Signal
    waiting: Signal
    starts: Signal
    running: Signal
    last: Signal
    step_first: Signal
    step_last: Signal
    y_written: data.View
    gates_written: data.View
    feed: data.View

    def __init__(self, program: Program):
        assert isinstance(program.schedule, SkipSchedule)
        self.program, self.schedule = program, program.schedule
        flags = ("waiting", "starts", "running", "last", "step_first", "step_last")
        written = {"y_written": program.paths.y}
        written |= {"gates_written": program.paths.gate + 1} if self.schedule.gates else {}
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(program.qnet.formats.input))),
                "ready": In(1),
                **{name: Out(1) for name in flags},
                **{name: In(written_layout(width)) for name, width in written.items()},
                "feed": Out(feed_layout(program.operand, program.weight_address_width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        schedule, qnet = self.schedule, self.program.qnet
        first = [qnet.threshold] if schedule.changed else None
        m.submodules.sequencer = sequencer = SkipSequencer(schedule)
        m.submodules.input = buffer = InputLists(qnet.formats.input, qnet.inputs, first)
        wiring.connect(m, wiring.flipped(self.i), buffer.i)
        m.d.comb += [
            sequencer.ready.eq(self.ready),
            sequencer.first.eq(buffer.first),
            sequencer.last.eq(buffer.last),
            buffer.take.eq(sequencer.starts),
            buffer.release.eq(sequencer.over0),
            buffer.address.eq(sequencer.entry),
            self.waiting.eq(buffer.waiting),
            self.last.eq(buffer.last),
        ]
        for name in ("starts", "running", "step_first", "step_last"):
            m.d.comb += getattr(self, name).eq(getattr(sequencer, name))
        banks = {schedule.outputs: self._lists(m, "y", schedule.outputs, sequencer)}
        if schedule.gates:
            banks[schedule.gates] = self._lists(m, "gates", schedule.gates, sequencer)
        for p, phase in enumerate(schedule.phases):
            self._connect(m, p, phase, sequencer, buffer, banks)
        self._feed(m, sequencer, buffer, banks)
        return m

    def _lists(
        self, m: Module, name: str, given: tuple[Given, ...], sequencer: SkipSequencer
    ) -> OutputLists:
        """Lists of what is written to `{name}_written`."""
        written, schedule = getattr(self, f"{name}_written"), self.schedule
        widths = [schedule.widths[each] for each in given]
        known = thresholds_of(self.program.qnet)
        thresholds = [known.get(each, 0) for each in given] if schedule.changed else None
        lists = OutputLists(widths, len(written.data), thresholds)
        m.submodules[name] = lists
        m.d.comb += [
            lists.written.eq(written),
            lists.parity.eq(sequencer.parity),
            lists.address.eq(sequencer.entry),
        ]
        for k, each in enumerate(given):
            phase, _ = schedule.yields[each]
            m.d.comb += getattr(lists, f"over{k}").eq(getattr(sequencer, f"over{phase}"))
        return lists

    def _connect(
        self,
        m: Module,
        p: int,
        phase: Phase,
        sequencer: SkipSequencer,
        buffer: InputLists,
        banks: Banks,
    ) -> None:
        """A phase's lists to the sequencer: how far each has come; and which is read to the lists.

        A sequence's first step finds none of the step before, which it waits for all the same.
        """
        segments = self.schedule.segments(phase)
        for k in range(len(segments), self.schedule.lists):
            m.d.comb += getattr(sequencer, f"ends{p}_{k}").whole.eq(1)
        for k, (given, before, _) in enumerate(segments):
            ends = getattr(sequencer, f"ends{p}_{k}")
            if given in INPUTS:
                m.d.comb += [ends.whole.eq(1), ends.count.eq(buffer.count)]
                continue
            ((listed, bank),) = ((each, bank) for each, bank in banks.items() if given in each)
            number = listed.index(given)
            its = getattr(bank, f"{'before' if before else 'now'}{number}")
            count = Mux(sequencer.opens, 0, its.count) if before else its.count
            m.d.comb += [ends.whole.eq(its.whole), ends.count.eq(count)]
            with m.If((sequencer.phase == p) & (sequencer.reading == k)):
                m.d.comb += [bank.stage.eq(number), bank.before.eq(before)]

    def _source(self, sequencer: SkipSequencer, sources: Sequence[Given]) -> Value:
        """Whether a column of one of these is chosen."""
        found: Value = Const(0)
        for p, phase in enumerate(self.schedule.phases):
            for k, (given, _, _) in enumerate(self.schedule.segments(phase)):
                if given in sources:
                    found |= (sequencer.phase == p) & (sequencer.reading == k)
        return found

    def _feed(self, m: Module, sequencer: SkipSequencer, buffer: InputLists, banks: Banks) -> None:
        """Entries to operands and their weights' addresses."""
        wait = latency.MEMORY - 1  # behind the choice, which is a clock behind the memories
        choice = sequencer.choice
        issue = delay(m, choice.issue, wait, name="issue", keep_reset=True)
        entries = {given: bank.entry for given, bank in banks.items()} | {INPUTS: buffer.entry}
        value = Signal(signed(self.program.operand))
        unit = Signal(max(len(entry.unit) for entry in entries.values()))
        outputs = entries.pop(self.schedule.outputs)
        m.d.comb += [value.eq(outputs.value), unit.eq(outputs.unit)]
        for given, entry in entries.items():
            chosen = delay(m, self._source(sequencer, given), latency.MEMORY, name="chosen")
            with m.If(chosen):
                m.d.comb += [value.eq(entry.value), unit.eq(entry.unit)]
        operand = Signal.like(value, reset_less=True)
        address = Signal.like(self.feed.address, reset_less=True)
        m.d.sync += [
            operand.eq(Mux(issue, value, 0)),
            address.eq(delay(m, choice.base, wait, name="base") + unit),
        ]
        stages = latency.MEMORY + 1 + latency.WEIGHT
        assert stages == latency.SKIP_OPERAND
        m.d.comb += [
            self.feed.address.eq(address),
            self.feed.operand.eq(delay(m, operand, latency.WEIGHT, name="operand")),
            self.feed.first.eq(delay(m, choice.first, stages - 1, name="first")),
            self.feed.last.eq(delay(m, choice.last, stages - 1, name="last", keep_reset=True)),
        ]


class SkipCore(Core):
    """A `Core` in which columns take no clock whose values are 0, or that have not changed.

    Every code is that of the network: of its thresholds, where it has any. Ports are those of a
    `Core`; a step takes as many clocks as `schedule.spans` says of its active columns.
    """

    def _front(self, m: Module) -> tuple[Any, Any, Any]:
        m.submodules.front = front = SkipFront(self.program)
        wiring.connect(m, wiring.flipped(self.i), front.i)
        return front, front, front

    def _sums(
        self, m: Module, lanes: LaneArray, sequencer: Any
    ) -> tuple[Value, list[Value], list[Value]]:
        start, sums, marks = super()._sums(m, lanes, sequencer)
        if not self.schedule.changed:
            return start, sums, marks
        m.submodules.kept = kept = KeptSums(self.program)
        m.d.comb += [kept.start.eq(start), kept.step_first.eq(marks[0]), kept.sum.eq(sums[0])]
        late = [delay(m, mark, latency.KEPT, name="kept_mark") for mark in marks]
        return kept.starts, [kept.sum_out], late

    def _connect_cell(
        self, m: Module, activations: list[Activation], cell: CellUpdate, operands: Any
    ) -> None:
        super()._connect_cell(m, activations, cell, operands)
        m.d.comb += operands.y_written.fresh.eq(cell.y.step_first)
        if "y" in self.program.kinds:  # of a projection
            self._dense_mark(m, activations[0], operands, "y")
        if self.program.gates:
            m.d.comb += operands.gates_written.fresh.eq(activations[0].o.step_first)

    def _connect_dense(self, m: Module, activation: Activation, operands: Any) -> None:
        super()._connect_dense(m, activation, operands)
        self._dense_mark(m, activation, operands, "dense")

    def _dense_mark(self, m: Module, activation: Activation, operands: Any, kind: str) -> None:
        """The mark of the step of what a row of a kind yields."""
        with m.If(activation.o.valid & self._is_kind(activation.o.kind, kind)):
            m.d.comb += operands.y_written.fresh.eq(activation.o.step_first)

"""A core that skips columns: lists in the place of the dense core's buffers and program.

         ┌────────────┐  a column a clock   ┌───────────┐ sums ┌──────────┐
i ─────► │ InputLists │────────┬───────────►│ LaneArray │─────►│ KeptSums │──► Activation,
         └────────────┘        │            └───────────┘      └──────────┘    CellUpdate ──► o
               ▲        ┌──────┴──────┐                                           │ y
         SkipSequencer ─│ OutputLists │◄──────────────────────────────────────────┘
                        └─────────────┘
"""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed
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
from rtl.schedule.skipping import Segment, SkipSchedule
from rtl.skipping.input import InputLists
from rtl.skipping.outputs import OutputLists
from rtl.skipping.sequencer import SkipSequencer
from rtl.skipping.sums import KeptSums


class SkipFront(wiring.Component):
    """Lists and the sequencer that runs over them: what feeds the lanes.

    Timing: the feed stands `latency.SKIP_OPERAND` = 6 clocks after a column was chosen, its
    weight's address `latency.WEIGHT` before.

    Parameters
    ----------
    program : the network and its schedule.
    thresholds : of the input and of each layer's outputs, see `rtl.skipping.lister.Lister`.

    Members
    -------
    i : In(stream).  ready : In(1), the output has room for a step.
    waiting, starts, running : Out(1), see `InputLists` and `SkipSequencer`.
    last : Out(1), the coming step's mark.
    step_first, step_last : Out(1), the running step's, one clock after a column was chosen.
    y_written : In({valid, fresh, data}), see `OutputLists`.
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
    feed: data.View

    def __init__(self, program: Program):
        assert isinstance(program.schedule, SkipSchedule)
        self.program, self.schedule = program, program.schedule
        flags = ("waiting", "starts", "running", "last", "step_first", "step_last")
        written = {"valid": 1, "fresh": 1, "data": signed(program.paths.y)}
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(program.qnet.formats.input))),
                "ready": In(1),
                **{name: Out(1) for name in flags},
                "y_written": In(data.StructLayout(written)),
                "feed": Out(feed_layout(program.operand, program.weight_address_width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        schedule, qnet = self.schedule, self.program.qnet
        known = dict(enumerate(qnet.thresholds, INPUT))
        stages = schedule.stages
        given = [known.get(k, 0) for k in stages] if schedule.changed else None
        first = [qnet.threshold] if schedule.changed else None
        m.submodules.sequencer = sequencer = SkipSequencer(schedule)
        m.submodules.input = buffer = InputLists(qnet.formats.input, qnet.inputs, first)
        widths = [schedule.widths[k] for k in stages]
        m.submodules.outputs = outputs = OutputLists(widths, self.program.paths.y, given)
        wiring.connect(m, wiring.flipped(self.i), buffer.i)
        m.d.comb += [
            sequencer.ready.eq(self.ready),
            sequencer.first.eq(buffer.first),
            sequencer.last.eq(buffer.last),
            buffer.take.eq(sequencer.starts),
            buffer.release.eq(sequencer.over0),
            buffer.address.eq(sequencer.entry),
            outputs.written.eq(self.y_written),
            outputs.parity.eq(sequencer.parity),
            outputs.address.eq(sequencer.entry),
            self.waiting.eq(buffer.waiting),
            self.last.eq(buffer.last),
        ]
        for name in ("starts", "running", "step_first", "step_last"):
            m.d.comb += getattr(self, name).eq(getattr(sequencer, name))
        self._connect(m, sequencer, buffer, outputs)
        self._feed(m, sequencer, buffer, outputs)
        return m

    def _connect(
        self, m: Module, sequencer: SkipSequencer, buffer: InputLists, outputs: OutputLists
    ) -> None:
        """Each phase's lists to the sequencer, and which of them it reads to the lists."""
        stages = self.schedule.stages
        for p, phase in enumerate(self.schedule.phases):
            segments = self.schedule.segments(phase)
            late, early = segments[-1], segments[0] if len(segments) > 1 else None
            for name, segment in (("early", early), ("late", late)):
                ends = getattr(sequencer, f"{name}{p}")
                self._ends(m, ends, segment, sequencer, buffer, outputs)
                with m.If((sequencer.phase == p) & (sequencer.in_late == (name == "late"))):
                    if segment and segment.stage != INPUT:
                        m.d.comb += outputs.stage.eq(stages.index(segment.stage))
                        m.d.comb += outputs.before.eq(segment.before)
            if phase.layer in stages:
                over = getattr(sequencer, f"over{p}")
                m.d.comb += getattr(outputs, f"over{stages.index(phase.layer)}").eq(over)

    def _ends(
        self,
        m: Module,
        ends: Any,
        segment: Segment | None,
        sequencer: SkipSequencer,
        buffer: InputLists,
        outputs: OutputLists,
    ) -> None:
        """How far a phase's list has come. A sequence's first step finds none of the step before,
        which it waits for all the same."""
        if segment is None:
            m.d.comb += ends.whole.eq(1)
        elif segment.stage == INPUT:
            m.d.comb += [ends.whole.eq(1), ends.count.eq(buffer.count)]
        else:
            k = self.schedule.stages.index(segment.stage)
            its = getattr(outputs, f"{'before' if segment.before else 'now'}{k}")
            count = Mux(sequencer.opens, 0, its.count) if segment.before else its.count
            m.d.comb += [ends.whole.eq(its.whole), ends.count.eq(count)]

    def _feed(
        self, m: Module, sequencer: SkipSequencer, buffer: InputLists, outputs: OutputLists
    ) -> None:
        """Entries to operands and their weights' addresses."""
        wait = latency.MEMORY - 1  # behind the choice, which is a clock behind the memories
        choice = sequencer.choice
        from_input = delay(m, sequencer.from_input, wait, name="from_input")
        issue = delay(m, choice.issue, wait, name="issue", keep_reset=True)
        value = Signal(signed(self.program.operand))
        unit = Signal(max(len(buffer.entry.unit), len(outputs.entry.unit)))
        m.d.comb += [
            value.eq(Mux(from_input, buffer.entry.value, outputs.entry.value)),
            unit.eq(Mux(from_input, buffer.entry.unit, outputs.entry.unit)),
        ]
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

    def _connect_dense(self, m: Module, activation: Activation, operands: Any) -> None:
        super()._connect_dense(m, activation, operands)
        with m.If(activation.o.valid & self._is_kind(activation.o.kind, "dense")):
            m.d.comb += operands.y_written.fresh.eq(activation.o.step_first)

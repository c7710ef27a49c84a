"""A core that skips columns: lists in the place of the dense core's buffers and program.

         ┌────────────┐  a column a clock   ┌───────────┐ sums ┌──────────┐
i ─────► │ InputLists │────────┬───────────►│ LaneArray │─────►│ KeptSums │──► Activation,
         └────────────┘        │            └───────────┘      └──────────┘    CellUpdate ──► o
               ▲        ┌──────┴──────┐                                           │ y, gates
         SkipSequencer ─│ OutputLists │◄──────────────────────────────────────────┘
                        └─────────────┘
"""

from collections.abc import Mapping, Sequence
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.core import Core
from rtl.datapath.activation import Activation
from rtl.datapath.cell import CellUpdate
from rtl.datapath.lane import feed_layout
from rtl.datapath.lanes import LaneArray
from rtl.datapath.ports import connect_load_port
from rtl.lib.arithmetic import delay, number
from rtl.lib.beat import beat_layout
from rtl.program.program import Program
from rtl.schedule import latency
from rtl.schedule.phases import Phase
from rtl.schedule.skipping import Given, SkipSchedule, threshold_of
from rtl.skipping.input import InputLists
from rtl.skipping.outputs import OutputLists, written_layout
from rtl.skipping.restore import Restore
from rtl.skipping.sequencer import SkipSequencer
from rtl.skipping.sums import KeptSums

Banks = dict[tuple[Given, ...], OutputLists]
"""Lists by what is in them, outputs first."""


class SkipFront(wiring.Component):
    """Lists and the sequencer that runs over them: what feeds the lanes.

    Timing: the feed stands `latency.SKIP_OPERAND` = 6 clocks after a column was chosen, its
    weight's address `latency.WEIGHT` before.

    Parameters
    ----------
    program : the network and its schedule.
    stateful : whether its state, or another network, may be written.

    Members
    -------
    i : In(stream).  ready : In(1), the output has room for a step.
    waiting, starts, running : Out(1), see `InputLists` and `SkipSequencer`.
    last : Out(streams), the coming step's mark.
    step_first, step_last : Out(1), the running step's, one clock after a column was chosen.
    y_written, gates_written : In({valid, fresh, data}), see `OutputLists`; the second with gate
        recurrence only.
    feed : Out(feed_layout).
    loaded, renewed, begun, step_alone, {y, gates}_access, {y, gates}_word : of a stateful one. See
        `Restore`; `loaded` says that the state is written, `renewed` that another network is,
        `begun` that part of a vector is there at least. `step_alone` stands with `step_first`: the
        tail takes nothing of the step.
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
    loaded: Signal
    renewed: Signal
    begun: Signal
    step_alone: Signal

    def __init__(self, program: Program, stateful: bool = False):
        assert isinstance(program.schedule, SkipSchedule)
        self.program, self.schedule = program, program.schedule
        self.restore: Restore | None = None
        flags = ("waiting", "starts", "running", "step_first", "step_last")
        written = {"y": program.paths.y}
        written |= {"gates": program.paths.gate + 1} if self.schedule.gates else {}
        ports = {}
        if stateful:
            self.restore = self._restore(written)
            ports = {name: In(1) for name in ("loaded", "renewed")}
            ports |= {name: Out(1) for name in ("begun", "step_alone")}
            members = self.restore.signature.members
            ports |= {
                f"{name}_{part}": members[f"{name}_{part}"]
                for name in self.kept
                for part in ("access", "word")
            }
        super().__init__(
            {
                **ports,
                "i": In(stream.Signature(beat_layout(program.qnet.formats.input))),
                "ready": In(1),
                **{name: Out(1) for name in flags},
                "last": Out(self.schedule.streams),
                **{f"{name}_written": In(written_layout(width)) for name, width in written.items()},
                "feed": Out(feed_layout(program.operand, program.weight_address_width)),
            }
        )

    def _restore(self, widths: Mapping[str, int]) -> Restore:
        given = {"y": self.schedule.outputs, "gates": self.schedule.gates}
        sizes = {
            name: (sum(self.schedule.widths[each] for each in given[name]), width)
            for name, width in widths.items()
        }
        return Restore(sizes, self.schedule.listing_anew)

    @property
    def kept(self) -> dict[str, int]:
        """How many values the state port reaches, by name."""
        assert self.restore
        return {name: count for name, (count, _) in self.restore.sizes.items()}

    def elaborate(self, platform):
        m = Module()
        schedule, qnet = self.schedule, self.program.qnet
        first = [qnet.threshold] * schedule.streams if schedule.changed else None
        m.submodules.sequencer = sequencer = SkipSequencer(schedule)
        m.submodules.input = buffer = InputLists(
            qnet.formats.input, qnet.inputs, first, schedule.streams, self.restore is not None
        )
        wiring.connect(m, wiring.flipped(self.i), buffer.i)
        m.d.comb += [
            sequencer.last.eq(buffer.last),
            buffer.address.eq(sequencer.entry),
            buffer.turn.eq(number(sequencer.phase, [each.stream for each in schedule.phases])),
            self.waiting.eq(buffer.waiting),
            self.last.eq(buffer.last),
            self.step_first.eq(sequencer.step_first),
            self.step_last.eq(sequencer.step_last),
        ]
        self._steps(m, sequencer, buffer)
        banks = {schedule.outputs: self._lists(m, "y", schedule.outputs, sequencer)}
        if schedule.gates:
            banks[schedule.gates] = self._lists(m, "gates", schedule.gates, sequencer)
        for p, phase in enumerate(schedule.phases):
            self._connect(m, p, phase, sequencer, buffer, banks)
        self._feed(m, sequencer, buffer, banks)
        return m

    def _steps(self, m: Module, sequencer: SkipSequencer, buffer: InputLists) -> None:
        """When steps begin, and which take an input: all but those that list a state."""
        ready, first = self.ready, buffer.first
        release = getattr(sequencer, f"over{self.schedule.releases}")
        starts, running = sequencer.starts, sequencer.running
        if restore := self.restore:
            m.submodules.restore = restore
            written = self.loaded | self.renewed
            m.d.comb += [
                restore.written.eq(written),
                restore.ready.eq(ready),
                restore.running.eq(running),
                buffer.loaded.eq(self.loaded),
                buffer.anew.eq(written),
                self.begun.eq(buffer.begun),
            ]
            ready = (ready & ~restore.holds) | restore.begins
            first |= restore.begins.replicate(self.schedule.streams)
            starts, running = starts & ~restore.begins, running & ~restore.alone
            release &= ~restore.alone
            m.d.sync += self.step_alone.eq(restore.alone)
        m.d.comb += [
            sequencer.ready.eq(ready),
            sequencer.first.eq(first),
            buffer.take.eq(starts),
            buffer.release.eq(release),
            self.starts.eq(starts),
            self.running.eq(running),
        ]

    def _written(self, m: Module, name: str) -> data.View:
        """What is listed of a name: what the tail gives, or what is kept of a state."""
        written, restore = getattr(self, f"{name}_written"), self.restore
        if not restore:
            return written
        m.d.comb += [
            getattr(restore, f"{name}_written").eq(written),
            getattr(restore, f"{name}_access").eq(getattr(self, f"{name}_access")),
            getattr(self, f"{name}_word").eq(getattr(restore, f"{name}_word")),
        ]
        return getattr(restore, f"{name}_listed")

    def _lists(
        self, m: Module, name: str, given: tuple[Given, ...], sequencer: SkipSequencer
    ) -> OutputLists:
        """Lists of what is written to `{name}_written`."""
        written, schedule = self._written(m, name), self.schedule
        widths = [schedule.widths[each] for each in given]
        thresholds = None
        if schedule.changed:
            thresholds = [threshold_of(self.program.qnet, each) for each in given]
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
            if given in self.schedule.input:
                count = getattr(buffer, f"entries{phase.stream}")
                if self.restore:
                    count = Mux(self.restore.alone, 0, count)
                m.d.comb += [ends.whole.eq(1), ends.count.eq(count)]
                continue
            ((listed, bank),) = ((each, bank) for each, bank in banks.items() if given in each)
            number = listed.index(given)
            its = getattr(bank, f"{'before' if before else 'now'}{number}")
            opens = sequencer.opens[phase.stream]
            count = Mux(opens, 0, its.count) if before else its.count
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
        entries = {given: bank.entry for given, bank in banks.items()}
        entries[self.schedule.input] = buffer.entry
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
        m.submodules.front = front = SkipFront(self.program, self.plan.has_idle)
        wiring.connect(m, wiring.flipped(self.i), front.i)
        return front, front, front

    def _sums(
        self, m: Module, lanes: LaneArray, sequencer: Any
    ) -> tuple[Value, list[Value], list[Value]]:
        start, sums, marks = super()._sums(m, lanes, sequencer)
        stateful = self.plan.has_idle
        alone: Value = Const(0)
        if stateful:
            alone = delay(m, sequencer.step_alone, self._to_start, name="row_step_alone")
        if not self.schedule.changed:
            return start & ~alone if stateful else start, sums, marks
        m.submodules.kept = kept = KeptSums(self.program, stateful)
        if stateful:
            m.d.comb += kept.alone.eq(alone)
        m.d.comb += [kept.start.eq(start), kept.step_first.eq(marks[0]), kept.sum.eq(sums[0])]
        late = [delay(m, mark, latency.KEPT, name="kept_mark") for mark in marks]
        return kept.starts, [kept.sum_out], late

    def _busy(self, buffer: Any) -> Value:
        return buffer.begun

    def _load_port(self, m: Module, loads: dict[str, data.View], operands: Any) -> None:
        """The load port; outputs start from 0. Sums of other weights are sums anew."""
        connect_load_port(m, self, loads)
        m.d.comb += operands.renewed.eq(self.idle & self.load_write)

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
        self._dense_mark(m, activation, operands, "stem", "dense")

    def _dense_mark(self, m: Module, activation: Activation, operands: Any, *kinds: str) -> None:
        """The mark of the step of what a row of these kinds yields."""
        with m.If(activation.o.valid & self._is_kind(activation.o.kind, *kinds)):
            m.d.comb += operands.y_written.fresh.eq(activation.o.step_first)

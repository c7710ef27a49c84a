"""The core: a trained network as one component, input stream in, output stream out.

         ┌────────────┐ columns ┌──────────┐ feed ┌───────────┐ sums ┌────────────┐
i ─────► │ InputBuffer│────────►│ Operands │─────►│ LaneArray │─────►│ Activation │
         └────────────┘         └──────────┘      └───────────┘      └─────┬──────┘
               ▲  step by step    ▲    ▲ y, gates                          ▼ i f o g
         ┌─────┴──────┐           │    │                             ┌────────────┐
         │ Sequencer  │───────────┘    └─────────────────────────────│ CellUpdate │──► FIFO ──► o
         └────────────┘                                              └────────────┘
"""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring

from rtl.datapath.activation import Activation
from rtl.datapath.cell import CellUpdate
from rtl.datapath.lanes import LaneArray
from rtl.datapath.operands import InputBuffer, Operands, operand_code
from rtl.datapath.ports import connect_load_port, connect_state_port, idle
from rtl.datapath.sequencer import Sequencer
from rtl.datapath.squash import SigmaUnit
from rtl.lib.arithmetic import delay, layout_of
from rtl.lib.beat import beat_layout
from rtl.lib.decision import Decision
from rtl.lib.fifo import BlockFIFO
from rtl.lib.guarded_fifo import GuardedFIFO
from rtl.lib.kept import become, held, kept
from rtl.lib.secded import UPSETS, joined
from rtl.program.loading import load_word
from rtl.schedule import latency
from rtl.signature import COUNTER_BITS, core_members
from rtl.step_plan import StepPlan


class Core(wiring.Component):
    """A quantised network in gateware; every code equals `QuantizedNetwork.run`.

    With several streams the core processes as many sequences side by side, each with a state of
    its own; a step is one of each, and begins when the vectors of all of them are there.

    Timing: `schedule.cycles_per_step` clocks a step in the steady state, `schedule.latency` from
    the last element of its input to its first output. Input of the next step is taken while a step
    runs; a consumer that is not ready holds up later steps, and nothing is lost or repeated. Number
    formats: those of `qnet.formats`.

    Parameters
    ----------
    plan : the network, its schedule and what the memories hold, and the ports that it has.

    Members
    -------
    i : In(stream), schedule.elements beats a vector: data (input format), first, last; with sparse
        input `index` too. `first` on the first element of a vector starts a sequence, from the
        initial state; `last` on the last element ends one. A vector of each stream in turn.
    o : Out(stream), qnet.outputs beats a vector, the streams in turn: data (output format), first
        on the sequence's first beat, last on its last one. Where the network gives its last output
        only, of a sequence's last step only. Where it decides, one beat: the index of the largest.
    saturations : Out, 32-bit counters since reset, summed over layers and streams: i, f, o, g, h,
        dense and out count net inputs, s, m and y the values themselves. They wrap around.
    steps, cycles : Out(32), steps begun and clocks in which one ran, since reset; they wrap around.
    probe : Out, `valid` and a code for each of `plan.probe_streams`.
    corrected, uncorrectable : Out(32), of a protected core: clocks since reset in which a flipped
        bit was mended, and in which a word with more of them was read; they wrap around.
    idle : Out(1), no step runs and none may start; only then are the two ports listened to.
    state_address, state_write, state_in : In, one of `plan.state_words`, and what to write to it. A
        vector that comes next without `first` goes on from what was written.
    state_out : Out, the word, `latency.STATE_PORT` = 3 clocks after its address.
    load_address, load_write, load_in : In, where in the memories of weights, rows, sigma and
        initial states, and the raw word to write there (see `rtl.program.loading`), one a clock.
    """

    i: stream.Interface
    o: stream.Interface
    saturations: data.View
    steps: Signal
    cycles: Signal
    probe: data.View
    corrected: Signal
    uncorrectable: Signal
    idle: Signal
    state_address: Signal
    state_write: Signal
    state_in: Signal
    state_out: Signal
    load_address: Signal
    load_write: Signal
    load_in: Signal

    def __init__(self, plan: StepPlan):
        self.plan = plan
        self.qnet, self.schedule, self.program = plan.qnet, plan.schedule, plan.program
        super().__init__(core_members(plan))

    def elaborate(self, platform):
        m = Module()
        program = self.program
        sequencer, buffer, operands = self._front(m)
        m.submodules.lanes = lanes = LaneArray(program)
        places = range(self.schedule.tail)
        activations = [Activation(program, place) for place in places]
        cell = CellUpdate(program) if program.states else None
        m.d.comb += lanes.feed.eq(operands.feed)
        start, sums, marks = self._sums(m, lanes, sequencer)
        for place, activation in enumerate(activations):
            m.submodules[f"activation{place}"] = activation
            m.d.comb += [
                activation.start.eq(start),
                activation.sum.eq(sums[place]),
                activation.step_first.eq(marks[0]),
                activation.step_last.eq(marks[1]),
            ]
        source = activations[0].o
        if cell:
            m.submodules.cell = cell
            self._connect_cell(m, activations, cell, operands)
            source = cell.y if self.schedule.phases[-1].yields == "g" else source
        if {"stem", "dense"} & set(program.kinds):
            self._connect_dense(m, activations[0], operands)
        room, fifo = self._output(m, source, sequencer.starts, buffer.last)
        ready = buffer.waiting & room
        if program.protected:
            ready = held(m, ready, True, name="ready")
        m.d.comb += sequencer.ready.eq(ready)
        m.d.sync += [
            self.steps.eq(
                self.steps + delay(m, sequencer.starts, 1, name="begun", keep_reset=True)
            ),
            self.cycles.eq(self.cycles + sequencer.running),
        ]
        sigma = self._sigma(m, activations, cell)
        self._count(m, activations, cell)
        if self.plan.options.probe:
            self._probe(m, activations, cell)
        if self.plan.has_idle or program.protected:
            resting = idle(m, self.schedule, sequencer, self._busy(buffer))
            if self.plan.has_idle:
                m.d.comb += self.idle.eq(resting)
            if program.protected:
                swept = [*activations, sigma, *([cell] if cell else [])]
                self._guard(m, resting, swept, [sequencer, operands, lanes, fifo])
        if self.plan.options.state_port and cell:
            connect_state_port(m, self, sequencer, operands, cell)
        if self.program.loadable:
            loads = {"weights": lanes.load, "sigma": sigma.load}
            loads |= {f"rows{k}": one.load for k, one in enumerate(activations)}
            loads |= {"initial s": cell.load} if cell else {}
            self._load_port(m, loads, operands)
        return m

    def _load_port(self, m: Module, loads: dict[str, data.View], operands: Any) -> None:
        """The load port, and the memories that it reaches."""
        if self.program.outputs:
            loads["initial y"] = operands.load
        connect_load_port(m, self, loads)

    def _front(self, m: Module) -> tuple[Any, Any, Any]:
        """Sequencer, input buffer and operands, connected with each other and with the input."""
        program, qnet = self.program, self.qnet
        m.submodules.sequencer = sequencer = Sequencer(self.schedule)
        m.submodules.input = buffer = InputBuffer(
            qnet.formats.input,
            self.schedule.elements,
            self.schedule.streams,
            program.index_width,
            self.schedule.depths.fetch,
            operand_code(program),
        )
        m.submodules.operands = operands = Operands(program)
        wiring.connect(m, wiring.flipped(self.i), buffer.i)
        m.d.comb += [
            sequencer.first.eq(buffer.first),
            sequencer.last.eq(buffer.last),
            buffer.take.eq(sequencer.starts),
            buffer.release.eq(sequencer.word.release),
            buffer.address.eq(sequencer.word.address),
            operands.x.eq(buffer.value),
        ]
        if self.schedule.sparse:
            m.d.comb += operands.index.eq(buffer.index)
        for name in ("word", "weight", "step_first", "parity"):
            m.d.comb += getattr(operands, name).eq(getattr(sequencer, name))
        return sequencer, buffer, operands

    def _sums(
        self, m: Module, lanes: LaneArray, sequencer: Any
    ) -> tuple[Value, list[Value], list[Value]]:
        """The sums of rows with their start, and the marks of their step, first and last."""
        marks = [
            delay(m, getattr(sequencer, name), self._to_start, name=f"row_{name}")
            for name in ("step_first", "step_last")
        ]
        sums = [getattr(lanes, f"sum{place}") for place in range(self.schedule.tail)]
        return lanes.start, sums, marks

    @property
    def _to_start(self) -> int:
        """Clocks from the word, a clock behind the issue, to the start, which is before the first
        row's sum by a clock and those that a row's word takes longer."""
        return self.schedule.row - 2 - (self.schedule.depths.fetch - latency.MEMORY)

    def _busy(self, buffer: Any) -> Value:
        """Whether there is input that the state must not change before."""
        return buffer.waiting

    def _connect_cell(
        self, m: Module, activations: list[Activation], cell: CellUpdate, operands: Operands
    ) -> None:
        """Activations into the cell update, and what both yield back to the operands."""
        activation = activations[-1]
        if len(activations) > 1:
            for kind, other in zip(self.program.shapes[0].gates, activations, strict=False):
                m.d.comb += getattr(cell, f"gate_{kind}").eq(other.o.code)
        m.d.comb += [
            cell.i.eq(activation.o),
            cell.coming.eq(activation.coming),
            cell.coming_first.eq(activation.coming_first),
            operands.y_written.valid.eq(cell.y.valid),
            operands.y_written.data.eq(cell.y.code),
        ]
        if "y" in self.program.kinds:
            # all m are written long before the first projected row comes, and it before the next m
            projected = activation.o.valid & self._is_kind(activation.o.kind, "y")
            with m.If(projected):
                m.d.comb += [
                    operands.y_written.valid.eq(1),
                    operands.y_written.data.eq(activation.o.code),
                ]
        if self.program.gates:
            gate = self._is_kind(activation.o.kind, "i", "f", "o")
            m.d.comb += [
                operands.gates_written.valid.eq(activation.o.valid & gate),
                operands.gates_written.data.eq(activation.o.code),
            ]
        if self.schedule.peepholes:
            m.d.comb += [
                cell.unseen.eq(activation.unseen),
                cell.seen_step_over.eq(activation.step_over),
                cell.seen_clear.eq(activation.clear),
                activation.state.eq(cell.seen),
            ]

    def _connect_dense(self, m: Module, activation: Activation, operands: Operands) -> None:
        """What a dense stage gives back to the operands, for the next one."""
        with m.If(activation.o.valid & self._is_kind(activation.o.kind, "stem", "dense")):
            m.d.comb += [
                operands.y_written.valid.eq(1),
                operands.y_written.data.eq(activation.o.code),
            ]

    def _sigma(
        self, m: Module, activations: list[Activation], cell: CellUpdate | None
    ) -> SigmaUnit:
        """One sigma table for all that squash."""
        readers = [(activation.code, activation.value) for activation in activations]
        if cell and self.schedule.one_sigma:
            code = Signal.like(cell.code, name="argument")
            due = delay(m, cell.s.valid, 1, name="h_due", keep_reset=True)
            m.d.comb += code.eq(Mux(due, cell.code, activations[0].code))
            m.d.comb += cell.value.eq(activations[0].value)
            readers = [(code, activations[0].value)]
        elif cell:
            readers.append((cell.code, cell.value))
            if self.schedule.peepholes:
                readers.append((cell.o_code, cell.o_value))
        load = layout_of(load_word(self.program)) if self.program.loadable else None
        m.submodules.sigma = sigma = SigmaUnit(
            self.qnet.table, len(readers), load, self.program.protected
        )
        for k, (code, value) in enumerate(readers):
            m.d.comb += getattr(sigma, f"code{k}").eq(code)
            m.d.comb += value.eq(getattr(sigma, f"value{k}"))
        return sigma

    def _is_kind(self, kind: Value, *names: str) -> Value:
        return kind.matches(*(k for k, name in enumerate(self.program.kinds) if name in names))

    def _output(self, m: Module, source, starts: Value, last: Value) -> tuple[Value, Any]:
        """Outputs into a FIFO and out; returns whether it has room for one more step's, and it."""
        outputs, streams = self.qnet.logits, self.schedule.streams
        vectors = streams * self.schedule.buffered_steps
        every = self.qnet.output == "every"
        guarded = self.program.protected
        m.submodules.fifo = fifo = (GuardedFIFO if guarded else BlockFIFO)(
            width=self.qnet.logit_format.width + 3, depth=outputs * vectors
        )
        place = Signal(range(max(2, outputs)))
        final = place == outputs - 1
        written = source.valid & source.output & (every | source.step_last)
        places = kept(m, place, guarded)
        with m.If(written):
            m.d.sync += become(places, Mux(final, 0, place + 1))
        beat = beat_layout(self.qnet.logit_format)
        word = Signal(data.StructLayout({"beat": beat, "final": 1}))
        wait = latency.LEAVE - latency.FIFO
        shown = data.View(word.shape(), fifo.r_data)
        opening = source.step_first if every else 1
        m.d.comb += [
            word.beat.data.eq(source.code),
            word.beat.first.eq(opening & (place == 0)),
            word.beat.last.eq(source.step_last & final),
            word.final.eq(final),
            fifo.w_data.eq(delay(m, word, wait, name="leaving")),
            fifo.w_en.eq(delay(m, written, wait, name="leaves", keep_reset=True)),
        ]
        offered = self.o
        if self.qnet.decides:
            forms = self.qnet.logit_format, outputs, self.qnet.out_format
            m.submodules.decision = decision = Decision(*forms)
            wiring.connect(m, decision.o, wiring.flipped(self.o))
            offered = decision.i
        m.d.comb += [
            offered.payload.eq(shown.beat),
            offered.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(offered.ready),
        ]
        free = Signal(range(vectors + 1), init=vectors)
        promised = Const(streams) if every else reduce(add, list(last))
        given = offered.valid & offered.ready & shown.final
        promised = Mux(starts, promised, 0)
        if guarded:
            given = held(m, given, True, name="given")
            promised = held(m, promised, True, name="promised")
        left = free - promised + given
        m.d.sync += become(kept(m, free, guarded), left)
        return free >= streams, fifo

    def _guard(
        self, m: Module, resting: Value, swept: Sequence[Any], others: Sequence[Any]
    ) -> None:
        """Words that no step needs are read in turn between steps, and upsets are counted."""
        sweep = held(m, resting, True, name="sweep")
        for part in swept:
            m.d.comb += part.sweep.eq(sweep)
        found = Signal(UPSETS)
        m.d.sync += found.as_value().eq(joined(part.upsets for part in (*swept, *others)))
        for name in UPSETS.members:
            counter = Signal(COUNTER_BITS, name=f"{name}_count")
            m.d.sync += counter.eq(counter + found[name])
            m.d.comb += getattr(self, name).eq(counter)

    def _count(self, m: Module, activations: list[Activation], cell: CellUpdate | None) -> None:
        """One counter a kind of saturation."""
        events: dict[str, Value] = {}
        for place, activation in enumerate(activations):
            row = activation.o
            for kind in dict.fromkeys(word.row.kind for word in self.program.tail(place)):
                events[kind] = row.valid & row.saturated & self._is_kind(row.kind, kind)
        if self.qnet.output != "every":  # of the others nothing leaves
            for kind in ("dense", "out"):
                if kind in events:
                    events[kind] &= activations[0].o.step_last
        if cell:
            y, clipped = cell.y, cell.y.valid & cell.y.saturated
            events |= {"s": cell.s.valid & cell.s.saturated, "h": y.valid & cell.h_saturated}
            events["m"] = clipped & y.projected
            events["y"] = events.get("y", Const(0)) + (clipped & ~y.projected)
            if self.schedule.peepholes:
                events["o"] = cell.o_valid & cell.o_saturated
        for kind in self.plan.saturation_kinds:
            counter = Signal(COUNTER_BITS, name=f"saturated_{kind}")
            event = delay(m, events[kind], 1, name=f"{kind}_event", keep_reset=True)
            m.d.sync += counter.eq(counter + event)
            m.d.comb += self.saturations[kind].eq(counter)

    def _probe(self, m: Module, activations: list[Activation], cell: CellUpdate | None) -> None:
        shown = {f"act{k}": (one.o.valid, one.o.code) for k, one in enumerate(activations)}
        if cell:
            shown |= {"s": (cell.s.valid, cell.s.code), "y": (cell.y.valid, cell.y.code)}
            if self.schedule.peepholes:
                shown["o"] = cell.o_valid, cell.o
        for name, (valid, code) in shown.items():
            m.d.comb += [self.probe[f"{name}_valid"].eq(valid), self.probe[name].eq(code)]

"""The core: a trained network as one component, input stream in, output stream out.

         ┌────────────┐ columns ┌──────────┐ feed ┌───────────┐ sums ┌────────────┐
i ─────► │ InputBuffer│────────►│ Operands │─────►│ LaneArray │─────►│ Activation │
         └────────────┘         └──────────┘      └───────────┘      └─────┬──────┘
               ▲  step by step    ▲    ▲ y, gates                          ▼ i f o g
         ┌─────┴──────┐           │    │                             ┌────────────┐
         │ Sequencer  │───────────┘    └─────────────────────────────│ CellUpdate │──► FIFO ──► o
         └────────────┘                                              └────────────┘
"""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from fixedpoint.network import QuantizedNetwork
from rtl import latency
from rtl.activation import Activation
from rtl.arithmetic import delay
from rtl.cell import CellUpdate
from rtl.lanes import LaneArray
from rtl.operands import InputBuffer, Operands, beat_layout
from rtl.program import Program
from rtl.schedule import Schedule, plan
from rtl.sequencer import Sequencer
from rtl.squash import SigmaUnit

COUNTER_BITS = 32


class Core(wiring.Component):
    """A quantised network in gateware; every code equals `QuantizedNetwork.run`.

    Timing: `schedule.cycles_per_step` clocks a step in the steady state, `schedule.latency` from
    the last element of a vector to its first output. Input of the next step is taken while a step
    runs; a consumer that is not ready holds up later steps, and nothing is lost or repeated. Number
    formats: those of `qnet.formats`.

    Parameters
    ----------
    qnet : the integer network.
    lanes : multipliers, one of `allowed_lanes(qnet)`; default all that the network can use.
    probe : give the core a port that shows every gate, state and output as it is computed.

    Members
    -------
    i : In(stream), qnet.inputs beats a step: data (input format), first, last. `first` on the first
        element of a vector clears the state before that step; `last` on the last element ends a
        sequence.
    o : Out(stream), qnet.outputs beats a step: data (output format), first on the sequence's first
        beat, last on its last one.
    saturations : Out, 32-bit counters since reset, summed over layers: i, f, o, g, h and out count
        net inputs, s and y the values themselves. They wrap around.
    probe : Out, {act, s, y} each with `valid`: act in the order of `schedule.rows`, s and y in the
        order of cells, layer by layer.

    Raises
    ------
    LaneError : lanes that the network cannot use.
    """

    i: stream.Interface
    o: stream.Interface
    saturations: data.View
    probe: data.View
    schedule: Schedule

    def __init__(self, qnet: QuantizedNetwork, lanes: int | None = None, probe: bool = False):
        self.qnet, self.schedule = qnet, plan(qnet, lanes)
        self.program = program = Program(qnet, self.schedule)
        ports = {
            "i": In(stream.Signature(beat_layout(qnet.formats.input))),
            "o": Out(stream.Signature(beat_layout(qnet.out_format))),
            "saturations": Out(
                data.StructLayout(dict.fromkeys(self.saturation_kinds, COUNTER_BITS))
            ),
        }
        if probe:
            width = max(program.activation_width, program.s_width, program.y_width)
            fields = {}
            for name in ("act", "s", "y"):
                fields |= {f"{name}_valid": 1, name: signed(width)}
            ports["probe"] = Out(data.StructLayout(fields))
        self.has_probe = probe
        super().__init__(ports)

    @property
    def saturation_kinds(self) -> tuple[str, ...]:
        """Fields of `saturations`: net inputs of the rows that there are and of h, then s and y."""
        return (*self.program.kinds, "h", "s", "y")

    def elaborate(self, platform):
        m = Module()
        program, qnet = self.program, self.qnet
        m.submodules.sequencer = sequencer = Sequencer(self.schedule)
        m.submodules.input = buffer = InputBuffer(qnet.formats.input, qnet.inputs)
        m.submodules.operands = operands = Operands(program)
        m.submodules.lanes = lanes = LaneArray(program)
        m.submodules.sigma = sigma = SigmaUnit(qnet.table, readers=2)
        m.submodules.activation = activation = Activation(program)
        m.submodules.cell = cell = CellUpdate(program)
        wiring.connect(m, wiring.flipped(self.i), buffer.i)

        room = self._output(m, activation, cell, sequencer.starts)
        m.d.comb += [
            sequencer.ready.eq(buffer.full & room),
            sequencer.first.eq(buffer.first),
            sequencer.last.eq(buffer.last),
            buffer.release.eq(sequencer.release),
            buffer.address.eq(operands.x_address),
            operands.x.eq(buffer.value),
        ]
        for name in (
            "issue",
            "column",
            "weight",
            "group_first",
            "group_last",
            "step_first",
            "parity",
        ):
            m.d.comb += getattr(operands, name).eq(getattr(sequencer, name))
        m.d.comb += [
            lanes.feed.eq(operands.feed),
            activation.start.eq(lanes.start),
            activation.sum.eq(lanes.sum),
            activation.step_first.eq(delay(m, sequencer.step_first, latency.ROW, name="row_first")),
            activation.step_last.eq(delay(m, sequencer.step_last, latency.ROW, name="row_last")),
            sigma.code0.eq(activation.code),
            activation.value.eq(sigma.value0),
            sigma.code1.eq(cell.code),
            cell.value.eq(sigma.value1),
            cell.i.eq(activation.o),
            operands.y_write.valid.eq(cell.y.valid),
            operands.y_write.data.eq(cell.y.code),
            operands.gate_write.valid.eq(activation.o.valid & self._is_gate(activation.o.kind)),
            operands.gate_write.data.eq(activation.o.code),
        ]
        self._count(m, activation, cell)
        if self.has_probe:
            for name, shown in (("act", activation.o), ("s", cell.s), ("y", cell.y)):
                m.d.comb += [
                    self.probe[f"{name}_valid"].eq(shown.valid),
                    self.probe[name].eq(shown.code),
                ]
        return m

    def _is_gate(self, kind: Value) -> Value:
        gates = [k for k, name in enumerate(self.program.kinds) if name in ("i", "f", "o")]
        return kind.matches(*gates)

    def _output(self, m: Module, activation: Activation, cell: CellUpdate, starts: Value) -> Value:
        """Outputs into a FIFO and out; returns whether one more step's outputs have room."""
        outputs, steps = self.qnet.outputs, self.schedule.buffered_steps
        source = activation.o if self.qnet.readout else cell.y
        m.submodules.fifo = fifo = SyncFIFOBuffered(
            width=self.qnet.out_format.width + 3, depth=outputs * steps
        )
        place = Signal(range(max(2, outputs)))
        final = place == outputs - 1
        written = source.valid & source.output
        with m.If(written):
            m.d.sync += place.eq(Mux(final, 0, place + 1))
        beat = beat_layout(self.qnet.out_format)
        word = Signal(data.StructLayout({"beat": beat, "final": 1}))
        shown = data.View(word.shape(), fifo.r_data)
        m.d.comb += [
            word.beat.data.eq(source.code),
            word.beat.first.eq(source.step_first & (place == 0)),
            word.beat.last.eq(source.step_last & final),
            word.final.eq(final),
            fifo.w_data.eq(word),
            fifo.w_en.eq(written),
            self.o.payload.eq(shown.beat),
            self.o.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(self.o.ready),
        ]
        free = Signal(range(steps + 1), init=steps)
        m.d.sync += free.eq(free - starts + (self.o.valid & self.o.ready & shown.final))
        return free != 0

    def _count(self, m: Module, activation: Activation, cell: CellUpdate) -> None:
        """One counter a kind of saturation."""
        events = {"s": cell.s.valid & cell.s.saturated, "y": cell.y.valid & cell.y.saturated}
        events["h"] = cell.y.valid & cell.h_saturated
        for k, kind in enumerate(self.program.kinds):
            events[kind] = activation.o.valid & activation.o.saturated & (activation.o.kind == k)
        for name, event in events.items():
            counter = Signal(COUNTER_BITS, name=f"saturated_{name}")
            m.d.sync += counter.eq(counter + event)
            m.d.comb += self.saturations[name].eq(counter)

"""Cores that know their answers by heart: the harness's test doubles, with faults on request.

They have the ports of `rtl`'s cores and play back what the integer model computed for one known
input, so that the harness can be shown every fault that it must catch. One design holds all faults:
the first element of the first vector says which (the network must not depend on that element).
"""

from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
from amaranth.hdl import Array, Module, Mux, Shape, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from fixedpoint.network import QuantizedNetwork
from golden.cell import LayerState
from rtl import CoreOptions
from rtl.lib.arithmetic import delay
from rtl.program.probe import ProbeStream
from rtl.schedule import latency
from rtl.schedule.rows import Row
from sim.scoreboard import by_kind

KINDS = ("i", "f", "o", "g", "h", "s", "m", "y", "out")
CODE = signed(34)
# A part of the probe by its name, or `out`: the lowest bit of its last code is wrong. Beside these:
FAULTS = (
    "first",  # the flag is wrong on the last output beat
    "last",
    "unstable",  # the payload changes while the sink is not ready
    "retract",  # valid falls while the sink is not ready
    "missing",  # the last output beat never comes
    "extra",  # one output beat too many at the end
    "probe",  # the last code on the first part of the probe never comes
    "endless",  # once half of the steps are done, outputs without end, and no input is taken
    "saturations",  # the counter of `s` is one too high from the second step on
    "flicker",  # the same, during the second step only
    "late",  # the counter of `i` rises in the second step for what was clipped in the first one
    "steps",  # the counter of steps is one too high at the end
    "steps late",  # the counter of steps rises for the second step with its last output
    "cycles",  # the counter of clocks is one too high at the end
    "cycles late",  # the counter of clocks rises a clock later than it must, in the second step
    "too_long",  # the flag is set after the last step
    "state",  # the lowest bit of the last word of the state is wrong
    "busy",  # the core does not come to rest after the last step
)


@dataclass(frozen=True)
class ReplayPlan:
    """What the test bench asks of a core's plan."""

    qnet: QuantizedNetwork
    probe_streams: tuple[ProbeStream, ...]
    state_words: tuple[Row, ...]
    max_length: int
    options: CoreOptions = CoreOptions()
    parts: tuple[None, ...] = (None,)

    @property
    def holds_sequences(self) -> bool:
        return self.max_length > 0

    @property
    def elements(self) -> int:
        return self.qnet.inputs

    @property
    def cycles_per_step(self) -> int:
        return max(len(part.rows) for part in self.probe_streams)


def _head_rows(qnet: QuantizedNetwork) -> list[Row]:
    """Those of the dense stages, the last stage first."""
    stages = [(k, kind) for k, kind in qnet.rows if kind in ("stem", "dense", "out")]
    return [Row(*stage, n) for stage in reversed(stages) for n in range(qnet.rows[stage].outputs)]


def rows_of(qnet: QuantizedNetwork) -> tuple[Row, ...]:
    """Rows in an order that is nobody's natural one: readout first, blocks backwards."""
    found = _head_rows(qnet)
    for k, layer in enumerate(qnet.layers):
        shape = layer.shape
        for block in reversed(range(shape.blocks)):
            found += [Row(k, "g", block * shape.block_size + c) for c in range(shape.block_size)]
            found += [Row(k, kind, block) for kind in shape.gates]
    return tuple(found)


def streams_of(qnet: QuantizedNetwork) -> tuple[ProbeStream, ...]:
    """Rows, states and outputs, as a core shows them that runs all layers step by step."""
    cells = {
        kind: tuple(
            Row(k, kind, cell)
            for k, layer in enumerate(qnet.layers)
            for cell in range(layer.shape.cells)
        )
        for kind in "sy"
    }
    return (
        ProbeStream("act0", rows_of(qnet)),
        *(ProbeStream(kind, rows) for kind, rows in cells.items()),
    )


def offline_streams_of(qnet: QuantizedNetwork) -> tuple[ProbeStream, ...]:
    """A part for each layer, in the order of its own steps, and one for the head."""
    found = [
        ProbeStream(
            f"layer{k}",
            tuple(Row(k, name, n) for name, n in layer.shape.signals.items() for n in range(n)),
            reverse=layer.shape.reverse,
        )
        for k, layer in enumerate(qnet.layers)
    ]
    return (*found, ProbeStream("head", tuple(_head_rows(qnet)), once=qnet.output != "every"))


def state_words_of(qnet: QuantizedNetwork) -> tuple[Row, ...]:
    """Gates where they are part of the state, then outputs, then states, last units first."""
    found = []
    for k, layer in enumerate(qnet.layers):
        widths = {kind: layer.shape.signals[kind] for kind in "ys"}
        if layer.shape.gate_recurrence:
            widths = dict.fromkeys(layer.shape.gates, layer.shape.blocks) | widths
        found += [Row(k, kind, n) for kind, width in widths.items() for n in reversed(range(width))]
    return tuple(found)


def one_of(state: tuple[LayerState, ...], k: int) -> tuple[LayerState, ...]:
    """The state of one sequence of a batch."""
    return tuple(LayerState(part.s[k], part.y[k], part.gates[k]) for part in state)


class Replay(wiring.Component):
    """Takes D elements, plays the step's part of the probe, then its outputs; and again.

    With reverse layers it takes whole sequences before it plays their steps.

    Parameters
    ----------
    qnet, codes : the network and the input (N, T, D) whose answers are played.
    state : where the sequences start from; with it there is a state port.
    """

    i: Any
    o: Any
    probe: Any
    saturations: Any
    steps: Any
    cycles: Any
    too_long: Any
    idle: Any
    state_address: Any
    state_out: Any

    def __init__(
        self,
        qnet: QuantizedNetwork,
        codes: np.ndarray,
        state: tuple[LayerState, ...] | None = None,
    ):
        self.qnet, self.trace = qnet, qnet.run(codes, state)
        self.alone = [
            qnet.run(each, None if state is None else one_of(state, k))
            for k, each in enumerate(codes)
        ]
        self.every = replace(qnet, output="every").run(codes, state)
        self.sequences, self.length = codes.shape[:2]
        self.offline = any(layer.shape.reverse for layer in qnet.layers)
        self.probe_streams = offline_streams_of(qnet) if self.offline else streams_of(qnet)
        self.state_words = () if state is None else state_words_of(qnet)
        self.faults = ("none", *(part.name for part in self.probe_streams), "out", *FAULTS)
        room = self.length if self.offline else 0
        self.plan = ReplayPlan(qnet, self.probe_streams, self.state_words, room)
        inputs = {"data": signed(qnet.formats.input.width), "first": 1, "last": 1}
        code = Shape(qnet.out_format.width, qnet.out_format.signed)
        probe = {}
        for part in self.probe_streams:
            probe |= {f"{part.name}_valid": 1, part.name: CODE}
        ports: dict[str, Any] = {
            "i": In(stream.Signature(data.StructLayout(inputs))),
            "o": Out(stream.Signature(data.StructLayout({**inputs, "data": code}))),
            "probe": Out(data.StructLayout(probe)),
            "saturations": Out(data.StructLayout(dict.fromkeys(KINDS, 32))),
        }
        ports |= {"too_long": Out(1)} if self.offline else {"steps": Out(32), "cycles": Out(32)}
        if self.state_words:
            ports |= {
                "idle": Out(1),
                "state_address": In(range(len(self.state_words))),
                "state_write": In(1),
                "state_in": In(CODE),
                "state_out": Out(CODE),
            }
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        inputs, total, steps = self.qnet.inputs, self.sequences * self.length, self.length
        self._fault, step, taken = Signal(8), Signal(range(total + 1)), Signal(range(inputs + 1))
        vector, self._place = Signal(range(steps + 1)), Signal(range(steps + 1))
        self._last_step, end, ended = step == total - 1, self._place == steps - 1, Signal()
        endless = self._is("endless") & (step == total // 2)
        m.d.comb += self.o.valid.eq(endless)
        with m.FSM() as control:
            with m.State("TAKE"):
                m.d.comb += self.i.ready.eq(~endless)
                with m.If(self.i.valid & self.i.ready):
                    with m.If((step == 0) & (vector == 0) & (taken == 0)):
                        m.d.sync += self._fault.eq(self.i.payload.data)
                    m.d.sync += taken.eq(Mux(taken == inputs - 1, 0, taken + 1))
                    with m.If(taken == inputs - 1):
                        m.d.sync += vector.eq(Mux(vector == steps - 1, 0, vector + 1))
                        with m.If((not self.offline) | (vector == steps - 1)):
                            m.next = "PROBE"
            with m.State("PROBE"), m.If(self._play_probe(m, end)):
                m.next = "GIVE"
            leaves = end | (self.qnet.output == "every")
            with m.State("GIVE"), m.If(self._give(m, leaves)):
                m.d.comb += ended.eq(end)
                m.d.sync += [step.eq(step + 1), self._place.eq(Mux(end, 0, self._place + 1))]
                m.next = "TAKE"
                if self.offline:
                    with m.If(~end):
                        m.next = "PROBE"
        probing = control.ongoing("PROBE")
        self._count_saturations(m, step, probing & (self._place == 0), ended)
        if self.offline:
            m.d.comb += self.too_long.eq(self._is("too_long") & (step == total))
        else:
            self._count_steps(m, step, probing)
        if self.state_words:
            at_start = control.ongoing("TAKE") & (vector == 0) & (taken == 0)
            m.d.comb += self.idle.eq(at_start & ~(self._is("busy") & (step == total)))
            self._show_state(m, ended)
        return m

    def _is(self, fault: str) -> Any:
        return self._fault == self.faults.index(fault)

    def _count_saturations(self, m: Module, step: Any, begins: Any, ended: Any) -> None:
        """Counters that rise, one a clock, to what there is up to the running sequence."""
        begun, running, over = Signal(8), Signal(), Signal(8)
        m.d.sync += [running.eq((running | begins) & ~ended), over.eq(over + ended)]
        m.d.comb += begun.eq(over + running)
        for kind in KINDS:
            counts = [by_kind(model).get(kind, 0) for model in self.alone]
            upto = Array([0, *accumulate(counts)])
            count, wanted = Signal(32, name=f"count_{kind}"), Signal(32, name=f"wanted_{kind}")
            m.d.comb += wanted.eq(upto[Mux(self._is("late"), over, begun)])
            m.d.sync += count.eq(count + (count != wanted))
            m.d.comb += self.saturations[kind].eq(count)
            if kind == "s":
                wrong = self._is("saturations") & (step > 0) | self._is("flicker") & (step == 1)
                m.d.comb += self.saturations.s.eq(count + wrong)

    def _count_steps(self, m: Module, step: Any, probing: Any) -> None:
        """A step is counted with its first clock on the probe, and runs as long as it is there."""
        probed, at, begun, running = Signal(), Signal.like(step), Signal(32), Signal(32)
        opens, over, left = probing & ~probed, probed & ~probing, at != step
        late = {name: self._is(f"{name} late") & (step == 1) for name in ("steps", "cycles")}
        left_late = self._is("steps late") & left & (at == 1)
        m.d.sync += [
            probed.eq(probing),
            at.eq(step),
            begun.eq(begun + (opens & ~late["steps"] | left_late)),
            running.eq(running + Mux(late["cycles"], probing & probed | over, probing)),
        ]
        at_end = step == self.sequences * self.length
        m.d.comb += [
            self.steps.eq(begun + (self._is("steps") & at_end)),
            self.cycles.eq(running + (self._is("cycles") & at_end)),
        ]

    def _give(self, m: Module, leaves: Any) -> Any:
        """A step's outputs; true in the clock of the last of them, or where none leave."""
        payload, outputs = self.o.payload, self.qnet.outputs
        beat, waited = Signal(range(outputs + 2)), Signal()
        given = self.o.valid & self.o.ready
        dropped = self._is("missing") & self._last_step & (beat == outputs - 1)
        extra = self._is("extra") & self._last_step
        done = (given | dropped) & (beat == outputs - 1 + extra)
        m.d.sync += waited.eq(self.o.valid & ~self.o.ready)
        with m.If(given | dropped):
            m.d.sync += beat.eq(Mux(done, 0, beat + 1))
        at_end = self._last_step & (beat == outputs - 1)
        last = (self._place == self.length - 1) & (beat == outputs - 1)
        opening = (self._place == 0) & (not self.state_words) | (self.qnet.output != "every")
        m.d.comb += [
            self.o.valid.eq(leaves & ~dropped & ~(waited & self._is("retract"))),
            payload.data.eq(
                self._memory(m, "out", self.trace.out, given) ^ (waited & self._is("unstable"))
            ),
            payload.first.eq((opening & (beat == 0)) ^ (at_end & self._is("first"))),
            payload.last.eq(last ^ (at_end & self._is("last"))),
        ]
        return done | ~leaves

    def _show_state(self, m: Module, ended: Any) -> None:
        """The words after the sequence that `ended` last, two clocks after their address."""
        count = len(self.state_words)
        words = [self.trace.get(row.kind, row.layer)[:, -1, row.index] for row in self.state_words]
        flat = [0] * count + [int(code) for code in np.stack(words, axis=-1).reshape(-1)]
        m.submodules.state_codes = memory = Memory(shape=CODE, depth=len(flat), init=flat)
        port, start, final = memory.read_port(), Signal(range(len(flat))), Signal()
        with m.If(ended):
            m.d.sync += start.eq(start + count)
        m.d.comb += port.addr.eq(start + self.state_address)
        m.d.sync += final.eq(port.addr == len(flat) - 1)
        word = port.data ^ (self._is("state") & final)
        m.d.comb += self.state_out.eq(delay(m, word, latency.STATE_PORT - 1, name="state_word"))

    def _codes(self, part: ProbeStream) -> np.ndarray:
        """What a part of the probe shows, (N, T or 1, rows), in order of arrival."""
        given = self.trace if part.once else self.every
        signals = [
            (given if r.kind in ("dense", "out") else self.trace).get(r.kind, r.layer)
            for r in part.rows
        ]
        found = np.stack(
            [codes[..., r.index] for codes, r in zip(signals, part.rows, strict=True)], axis=-1
        )
        return found[:, ::-1] if part.reverse else found

    def _play_probe(self, m: Module, end: Any) -> Any:
        """A step's codes of every part, a clock each; true in the last clock."""
        length = max(len(part.rows) for part in self.probe_streams)
        count = Signal(range(length + 1))
        for part in self.probe_streams:
            name, rows, valid = part.name, len(part.rows), Signal(name=f"{part.name}_valid")
            final = self._last_step & (count == rows - 1)
            silent = final & self._is("probe") if part is self.probe_streams[0] else 0
            m.d.comb += [
                valid.eq((count < rows) & (end | (not part.once))),
                self.probe[f"{name}_valid"].eq(valid & ~silent),
                self.probe[name].eq(self._memory(m, name, self._codes(part), valid)),
            ]
        done = count == length - 1
        m.d.sync += count.eq(Mux(done, 0, count + 1))
        return done

    def _memory(self, m: Module, name: str, codes: np.ndarray, advance: Any) -> Any:
        """The codes one after another, each shown until `advance`; the last one with its fault."""
        flat = [int(code) for code in codes.reshape(-1)]
        memory = Memory(shape=CODE, depth=len(flat) + 1, init=flat)
        m.submodules[f"{name}_codes"] = memory
        port = memory.read_port(domain="comb")
        with m.If(advance):
            m.d.sync += port.addr.eq(port.addr + 1)
        return port.data ^ (self._is(name) & (port.addr == len(flat) - 1))

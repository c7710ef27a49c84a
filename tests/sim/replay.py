"""A core that knows its answers by heart: the harness's test double, with faults on request.

It has the ports of `rtl.core.Core` and plays back what the integer model computed for one known
input, so that the harness can be shown every fault that it must catch. One design holds all faults:
the first element of the first vector says which (the network must not depend on that element).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Module, Mux, Shape, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from fixedpoint.network import QuantizedNetwork
from rtl.schedule import Row

KINDS = ("i", "f", "o", "g", "h", "s", "y", "out")
FAULTS = (
    "none",
    "act",  # the lowest bit of the last code is wrong; so for the next three
    "s",
    "y",
    "out",
    "first",  # the flag is wrong on the last output beat
    "last",
    "unstable",  # the payload changes while the sink is not ready
    "retract",  # valid falls while the sink is not ready
    "missing",  # the last output beat never comes
    "extra",  # one output beat too many at the end
    "probe",  # the last code on `act` never comes
    "saturations",  # the counter of `s` is one too high
)


@dataclass(frozen=True)
class ReplaySchedule:
    """The part of a schedule that the harness asks for."""

    rows: tuple[Row, ...]
    cycles_per_step: int


def rows_of(qnet: QuantizedNetwork) -> tuple[Row, ...]:
    """Rows in an order that is nobody's natural one: readout first, blocks backwards."""
    found = [Row(None, "out", n) for n in range(qnet.outputs if qnet.readout else 0)]
    for k, layer in enumerate(qnet.layers):
        shape = layer.shape
        for block in reversed(range(shape.blocks)):
            found += [Row(k, "g", block * shape.block_size + c) for c in range(shape.block_size)]
            found += [Row(k, kind, block) for kind in shape.gates]
    return tuple(found)


class Replay(wiring.Component):
    """Takes D elements, plays the step's probe rows, then its outputs; and again.

    Parameters
    ----------
    qnet, codes : the network and the input (N, T, D) whose answers are played.
    """

    i: Any
    o: Any
    probe: Any
    saturations: Any

    def __init__(self, qnet: QuantizedNetwork, codes: np.ndarray):
        self.qnet, self.trace = qnet, qnet.run(codes)
        self.sequences, self.steps = codes.shape[:2]
        rows = rows_of(qnet)
        self.schedule = ReplaySchedule(rows, qnet.inputs + len(rows) + qnet.outputs)
        inputs = {"data": signed(qnet.formats.input.width), "first": 1, "last": 1}
        code = Shape(qnet.out_format.width, qnet.out_format.signed)
        probe = {}
        for name in ("act", "s", "y"):
            probe |= {f"{name}_valid": 1, name: signed(34)}
        super().__init__(
            {
                "i": In(stream.Signature(data.StructLayout(inputs))),
                "o": Out(stream.Signature(data.StructLayout({**inputs, "data": code}))),
                "probe": Out(data.StructLayout(probe)),
                "saturations": Out(data.StructLayout(dict.fromkeys(KINDS, 32))),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        inputs, total = self.qnet.inputs, self.sequences * self.steps
        self._fault, step, taken = Signal(8), Signal(range(total + 1)), Signal(range(inputs + 1))
        self._last_step = step == total - 1
        for name, count in self._saturations().items():
            m.d.comb += self.saturations[name].eq(count)
        m.d.comb += self.saturations.s.eq(self._saturations()["s"] + self._is("saturations"))
        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    with m.If((step == 0) & (taken == 0)):
                        m.d.sync += self._fault.eq(self.i.payload.data)
                    m.d.sync += taken.eq(Mux(taken == inputs - 1, 0, taken + 1))
                    with m.If(taken == inputs - 1):
                        m.next = "PROBE"
            with m.State("PROBE"), m.If(self._play_probe(m)):
                m.next = "GIVE"
            with m.State("GIVE"), m.If(self._give(m)):
                m.d.sync += step.eq(step + 1)
                m.next = "TAKE"
        return m

    def _is(self, fault: str) -> Any:
        return self._fault == FAULTS.index(fault)

    def _saturations(self) -> dict[str, int]:
        found = dict.fromkeys(KINDS, 0)
        for name, count in self.trace.saturations.items():
            found[name.rpartition(".")[2]] += count
        return found

    def _give(self, m: Module) -> Any:
        """A step's outputs; true in the clock of the last of them."""
        payload, outputs = self.o.payload, self.qnet.outputs
        beat, place, waited = Signal(range(outputs + 2)), Signal(range(self.steps + 1)), Signal()
        given = self.o.valid & self.o.ready
        dropped = self._is("missing") & self._last_step & (beat == outputs - 1)
        extra = self._is("extra") & self._last_step
        done = (given | dropped) & (beat == outputs - 1 + extra)
        m.d.sync += waited.eq(self.o.valid & ~self.o.ready)
        with m.If(given | dropped):
            m.d.sync += beat.eq(Mux(done, 0, beat + 1))
        with m.If(done):
            m.d.sync += place.eq(Mux(place == self.steps - 1, 0, place + 1))
        at_end = self._last_step & (beat == outputs - 1)
        last = (place == self.steps - 1) & (beat == outputs - 1)
        m.d.comb += [
            self.o.valid.eq(~dropped & ~(waited & self._is("retract"))),
            payload.data.eq(
                self._memory(m, "out", self.trace.out, given) ^ (waited & self._is("unstable"))
            ),
            payload.first.eq(((place == 0) & (beat == 0)) ^ (at_end & self._is("first"))),
            payload.last.eq(last ^ (at_end & self._is("last"))),
        ]
        return done

    def _play_probe(self, m: Module) -> Any:
        """A step's codes of act, s and y, a clock each; true in the last clock."""
        parts = [
            self.trace.out if row.layer is None else self.trace.get(row.kind, row.layer)
            for row in self.schedule.rows
        ]
        rows = zip(parts, self.schedule.rows, strict=True)
        codes = {"act": np.stack([part[..., row.index] for part, row in rows], axis=-1)}
        for name in ("s", "y"):
            codes[name] = np.concatenate([layer[name] for layer in self.trace.layers], axis=-1)
        length = max(part.shape[-1] for part in codes.values())
        count = Signal(range(length + 1))
        for name, part in codes.items():
            valid = Signal(name=f"{name}_valid")
            final = self._last_step & (count == part.shape[-1] - 1)
            silent = final & self._is("probe") if name == "act" else 0
            m.d.comb += [
                valid.eq(count < part.shape[-1]),
                self.probe[f"{name}_valid"].eq(valid & ~silent),
                self.probe[name].eq(self._memory(m, name, part, valid)),
            ]
        done = count == length - 1
        m.d.sync += count.eq(Mux(done, 0, count + 1))
        return done

    def _memory(self, m: Module, name: str, codes: np.ndarray, advance: Any) -> Any:
        """The codes one after another, each shown until `advance`; the last one with its fault."""
        flat = [int(code) for code in codes.reshape(-1)]
        memory = Memory(shape=signed(34), depth=len(flat) + 1, init=flat)
        m.submodules[f"{name}_codes"] = memory
        port = memory.read_port(domain="comb")
        with m.If(advance):
            m.d.sync += port.addr.eq(port.addr + 1)
        return port.data ^ (self._is(name) & (port.addr == len(flat) - 1))

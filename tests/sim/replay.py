"""A core that knows its answers by heart: the harness's test double, with faults on request.

It has the ports of `rtl.core.Core` and plays back what the integer model computed for one known
input, so that the harness can be shown every fault that it must catch.
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


@dataclass(frozen=True)
class ReplaySchedule:
    """The part of a schedule that the harness asks for."""

    rows: tuple[Row, ...]
    cycles_per_step: int


def rows_of(qnet: QuantizedNetwork) -> tuple[Row, ...]:
    """Rows in an order that is nobody's natural one: blocks backwards, gates and cells mixed."""
    found = []
    for k, layer in enumerate(qnet.layers):
        shape = layer.shape
        for block in reversed(range(shape.blocks)):
            found += [Row(k, "g", block * shape.block_size + c) for c in range(shape.block_size)]
            found += [Row(k, kind, block) for kind in shape.gates]
    if qnet.readout:
        found += [Row(None, "out", n) for n in range(qnet.outputs)]
    return tuple(found)


class Replay(wiring.Component):
    """Takes D elements, plays the step's probe rows, then its outputs; and again.

    Parameters
    ----------
    qnet, codes : the network and the input (N, T, D) or (T, D) whose answers are played.
    fault : None, or what to do wrong:
        "act", "s", "y", "out" - flip the lowest bit of one code of that signal, in the last step;
        "first", "last" - turn that flag over on the last output beat;
        "unstable" - the payload changes while the sink is not ready;
        "retract" - valid falls while the sink is not ready;
        "missing" - the last output beat never comes;  "extra" - one beat too many at the end;
        "probe" - the last `act` never comes;
        "saturations" - the counter of `s` is one too high.
    """

    def __init__(self, qnet: QuantizedNetwork, codes: np.ndarray, fault: str | None = None):
        self.qnet, self.fault = qnet, fault
        batch = codes[None] if codes.ndim == 2 else codes
        self.trace = qnet.run(batch)
        self.sequences, self.steps = batch.shape[:2]
        rows = rows_of(qnet)
        self.schedule = ReplaySchedule(rows, qnet.inputs + len(rows) + qnet.outputs)
        out = data.StructLayout(
            {"data": Shape(qnet.out_format.width, qnet.out_format.signed), "first": 1, "last": 1}
        )
        probe = {}
        for name in ("act", "s", "y"):
            probe |= {f"{name}_valid": 1, name: signed(34)}
        inputs = {"data": signed(qnet.formats.input.width), "first": 1, "last": 1}
        self.i: Any
        self.o: Any
        self.probe: Any
        self.saturations: Any
        super().__init__(
            {
                "i": In(stream.Signature(data.StructLayout(inputs))),
                "o": Out(stream.Signature(out)),
                "probe": Out(data.StructLayout(probe)),
                "saturations": Out(data.StructLayout(dict.fromkeys(KINDS, 32))),
            }
        )

    def _act(self) -> np.ndarray:
        parts = []
        for row in self.schedule.rows:
            part = self.trace.out if row.layer is None else self.trace.get(row.kind, row.layer)
            parts.append(part[..., row.index])
        return self._flat(np.stack(parts, axis=-1), "act")

    def _cells(self, name: str) -> np.ndarray:
        every = [layer[name] for layer in self.trace.layers]
        return self._flat(np.concatenate(every, axis=-1), name)

    def _flat(self, values: np.ndarray, name: str) -> np.ndarray:
        flat = values.reshape(-1).copy()
        if self.fault == name:
            flat[-1] ^= 1
        return flat

    def _saturations(self) -> dict[str, int]:
        found = dict.fromkeys(KINDS, 0)
        for name, count in self.trace.saturations.items():
            found[name.rpartition(".")[2]] += count
        found["s"] += self.fault == "saturations"
        return found

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        outputs, steps = self.qnet.outputs, self.sequences * self.steps
        step, beat = Signal(range(steps + 1)), Signal(range(outputs + 2))
        for name, count in self._saturations().items():
            m.d.comb += self.saturations[name].eq(count)
        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += self.i.ready.eq(1)
                taken = Signal(range(self.qnet.inputs))
                with m.If(self.i.valid):
                    m.d.sync += taken.eq(taken + 1)
                    with m.If(taken == self.qnet.inputs - 1):
                        m.d.sync += taken.eq(0)
                        m.next = "PROBE"
            with m.State("PROBE"):
                done = self._play_probe(m, step == steps - 1)
                with m.If(done):
                    m.next = "GIVE"
            with m.State("GIVE"):
                last_step = step == steps - 1
                self._give(m, beat, step, last_step)
                with m.If((self.o.valid & self.o.ready) | self._dropped(beat, last_step)):
                    m.d.sync += beat.eq(beat + 1)
                    with m.If(beat == outputs - 1 + (last_step & (self.fault == "extra"))):
                        m.d.sync += [beat.eq(0), step.eq(step + 1)]
                        m.next = "TAKE"
        return m

    def _dropped(self, beat: Any, last_step: Any) -> Any:
        missing = self.fault == "missing"
        return missing & last_step & (beat == self.qnet.outputs - 1)

    def _give(self, m: Module, beat: Any, step: Any, last_step: Any) -> None:
        outputs, payload = self.qnet.outputs, self.o.payload
        codes = self._memory(
            m, "out", self._flat(self.trace.out, "out"), self.o.valid & self.o.ready
        )
        waited = Signal()
        m.d.sync += waited.eq(self.o.valid & ~self.o.ready)
        at_end = last_step & (beat >= outputs - 1)
        in_sequence = Signal(range(self.steps + 1))
        with m.If(self.o.valid & self.o.ready & (beat == outputs - 1)):
            m.d.sync += in_sequence.eq(Mux(in_sequence == self.steps - 1, 0, in_sequence + 1))
        first = (in_sequence == 0) & (beat == 0)
        last = (in_sequence == self.steps - 1) & (beat == outputs - 1)
        m.d.comb += [
            self.o.valid.eq(
                ~self._dropped(beat, last_step) & ~(waited & (self.fault == "retract"))
            ),
            payload.data.eq(codes ^ (waited & (self.fault == "unstable"))),
            payload.first.eq(first ^ (at_end & (self.fault == "first"))),
            payload.last.eq(last ^ (at_end & (self.fault == "last"))),
        ]

    def _play_probe(self, m: Module, last_step: Any) -> Any:
        """A counter runs over the longest of act, s, y; each is valid while its codes last."""
        per_step = {"act": len(self.schedule.rows)}
        per_step |= dict.fromkeys("sy", sum(layer.shape.cells for layer in self.qnet.layers))
        count = Signal(range(max(per_step.values()) + 1))
        flat = {"act": self._act(), "s": self._cells("s"), "y": self._cells("y")}
        for name, length in per_step.items():
            valid = Signal(name=f"{name}_valid")
            silent = last_step & (count == length - 1) & (self.fault == "probe") & (name == "act")
            m.d.comb += [
                valid.eq(count < length),
                self.probe[f"{name}_valid"].eq(valid & ~silent),
                self.probe[name].eq(self._memory(m, name, flat[name], valid)),
            ]
        done = count == max(per_step.values()) - 1
        m.d.sync += count.eq(Mux(done, 0, count + 1))
        return done

    def _memory(self, m: Module, name: str, codes: np.ndarray, advance: Any) -> Any:
        """The codes one after another, each shown until `advance`."""
        memory = Memory(shape=signed(34), depth=len(codes) + 1, init=[int(c) for c in codes])
        m.submodules[f"{name}_codes"] = memory
        port = memory.read_port(domain="comb")
        with m.If(advance):
            m.d.sync += port.addr.eq(port.addr + 1)
        return port.data

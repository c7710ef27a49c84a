"""What boards are tested with: a component in a core's place, and a board without hardware."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from fixedpoint import quantize
from fixedpoint.network import QuantizedNetwork
from rtl import CoreOptions
from rtl.lib.arithmetic import shape_of
from rtl.lib.beat import beat_layout
from tests.fixedpoint.nets import uniform
from tests.rtl.support import stack

Beat = tuple[int, int, int]


def network(inputs: int = 2, outputs: int = 2, bits: int = 12, seed: int = 1) -> QuantizedNetwork:
    """A random network of one cell; its input and output codes are not a whole number of bytes."""
    rng = np.random.default_rng(seed)
    net = stack(rng, inputs, 1, outputs=outputs)
    return quantize(net, uniform(net, bits, rng.normal(size=(4, 12, inputs))))


@dataclass(frozen=True)
class StandIn:
    """In the place of a core's plan: its component is `Adder`."""

    qnet: QuantizedNetwork
    wait: int = 0
    max_length: int = 0
    options: CoreOptions = CoreOptions()

    def component(self) -> "Adder":
        return Adder(self.qnet, self.wait)


class Adder(wiring.Component):
    """In a core's place: a sum that goes on through a sequence, so that any vector that is lost,
    repeated or out of order changes all that follows.

    Timing: `wait` clocks a vector. Formats: those of `qnet`, of whose shapes it is.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, qnet: QuantizedNetwork, wait: int = 0):
        self.qnet, self.wait = qnet, wait
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(qnet.formats.input))),
                "o": Out(stream.Signature(beat_layout(qnet.out_format))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        inputs, outputs = self.qnet.inputs, self.qnet.outputs
        total, place = Signal(shape_of(self.qnet.out_format)), Signal(range(inputs + outputs + 1))
        first, last, timer = Signal(), Signal(), Signal(range(self.wait + 1))
        i, o = self.i.payload, self.o.payload
        out = place - inputs
        m.d.comb += [
            self.i.ready.eq(place < inputs),
            self.o.valid.eq((place >= inputs) & (timer == self.wait)),
            o.data.eq(total + out),
            o.first.eq(first & (out == 0)),
            o.last.eq(last & (out == outputs - 1)),
        ]
        with m.If(self.i.valid & self.i.ready):
            start = (place == 0) & i.first
            m.d.sync += [total.eq(Mux(start, 0, total) * 3 + i.data), place.eq(place + 1)]
            m.d.sync += [last.eq(i.last), timer.eq(0)]
            with m.If(place == 0):
                m.d.sync += first.eq(i.first)
        with m.Elif((place >= inputs) & (timer != self.wait)):
            m.d.sync += timer.eq(timer + 1)
        with m.Elif(self.o.valid & self.o.ready):
            m.d.sync += place.eq(Mux(out == outputs - 1, 0, place + 1))
        return m


@dataclass
class Sums:
    """What `StandIn` computes, in Python."""

    qnet: QuantizedNetwork
    total: int = 0

    def step(self, vector: list[int], first: bool) -> list[int]:
        self.total = 0 if first else self.total
        for code in vector:
            self.total = self._wrap(self.total * 3 + code)
        return [self._wrap(self.total + k) for k in range(self.qnet.outputs)]

    def run(self, codes: np.ndarray) -> np.ndarray:
        """Of sequences (N, T, D): (N, T, K)."""
        return np.array(
            [[self.step(list(map(int, v)), t == 0) for t, v in enumerate(s)] for s in codes]
        )

    def _wrap(self, value: int) -> int:
        form = self.qnet.out_format
        return (value - form.low) % (1 << form.width) + form.low


@dataclass
class Damage:
    """A line that flips, drops and invents bytes, each with this probability a byte."""

    rate: float
    seed: int
    harmed: int = 0
    rng: Any = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def __call__(self, data: bytes) -> bytes:
        found = bytearray()
        for byte in data:
            chance = self.rng.random() / self.rate if self.rate else 1
            self.harmed += chance < 1
            if chance < 1 / 3:
                continue
            found.append(byte ^ int(self.rng.integers(1, 256)) if chance < 2 / 3 else byte)
            if 2 / 3 <= chance < 1:
                found.append(int(self.rng.integers(256)))
        return bytes(found)

"""A serial line to simulated gateware, bit by bit: what a host's UART does, well or badly."""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from amaranth.sim import Simulator

CLOCK = 1e-6


class Line:
    """A UART at the far end of `rx` and `tx`, and a serial port for the host's program.

    Its time is its own: bits begin and end between clocks.

    Parameters
    ----------
    component : with `rx`, and `tx` where it is to be heard.
    clocks : of a bit, in clocks of the component.
    error : how much longer its bits are, as a share.
    jitter : how far an edge may be off, as a share of a bit.
    harm : what becomes of bytes on their way to the board, and to the host.
    patience : clocks in which a reading times out.
    """

    def __init__(
        self,
        component: Any,
        clocks: int,
        error: float = 0.0,
        jitter: float = 0.0,
        seed: int = 0,
        harm: tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]] = (bytes, bytes),
        patience: int = 20_000,
    ):
        self._component, self.clocks = component, clocks
        self._bit = clocks * CLOCK * (1 + error)
        self._jitter, self._rng = jitter, np.random.default_rng(seed)
        self._harm, self._patience = harm, patience
        self._waves: deque[list[tuple[int, float]]] = deque()
        self.received, self.wrong_stops, self._now = bytearray(), 0, 0.0
        self.simulator = Simulator(component)
        self.simulator.add_clock(CLOCK)
        self.simulator.add_testbench(self._drive, background=True)
        if "tx" in component.signature.members:
            self.simulator.add_testbench(self._listen, background=True)

    def write(self, data: bytes) -> None:
        """Send bytes, once those before them are over."""
        for byte in self._harm[0](bytes(data)):
            self.wave([0, *(byte >> k & 1 for k in range(8)), 1])

    def wave(self, levels: list[int], bits: float = 1.0) -> None:
        """Send levels, each for so many bits."""
        self._waves.append([(level, bits) for level in levels])

    def read(self, size: int) -> bytes:
        """What has come, or comes before the reading times out."""
        until = self._now + self._patience * CLOCK
        while not self.received and self._now < until:
            self.run(10 * self._bit / CLOCK)
        found = self._harm[1](bytes(self.received[:size]))
        del self.received[:size]
        return found

    def run(self, clocks: float) -> None:
        """Let this much time pass."""
        self._now += clocks * CLOCK
        self.simulator.run_until(self._now)

    async def _drive(self, ctx: Any) -> None:
        ctx.set(self._component.rx, 1)
        while True:
            if not self._waves:
                await ctx.delay(self._bit / 3)
                continue
            late = 0.0
            for level, bits in self._waves.popleft():
                ctx.set(self._component.rx, level)
                shift = self._jitter * self._rng.uniform(-1, 1) * self._bit
                await ctx.delay(bits * self._bit + shift - late)
                late = shift
            ctx.set(self._component.rx, 1)

    async def _listen(self, ctx: Any) -> None:
        while True:
            await ctx.negedge(self._component.tx)
            await ctx.delay(1.5 * self._bit)
            byte = 0
            for k in range(8):
                byte |= ctx.get(self._component.tx) << k
                await ctx.delay(self._bit)
            self.wrong_stops += 1 - ctx.get(self._component.tx)
            self.received.append(byte)

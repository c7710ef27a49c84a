"""Weights through the register map, and counters, with the ports of a core that has them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from fixedpoint.network import QuantizedNetwork
from rtl import CoreOptions
from rtl.axi.wrapper import AxiCore
from rtl.lib.beat import beat_layout
from tests.rtl.support import quantized, simulate, stack

OKAY, SLVERR, DECERR = 0, 2, 3


@dataclass
class Loadable:
    """In the place of a core's plan: its component is `Ports`.

    Attributes
    ----------
    qnet : whose formats the streams have.
    bits : of a word that is loaded.
    """

    qnet: QuantizedNetwork
    bits: int
    saturation_kinds: tuple[str, ...] = ("s",)
    _made: "Ports | None" = None
    holds_sequences = False
    has_idle = True
    options = CoreOptions(load_port=True)
    lanes = cycles_per_step = 1

    @property
    def load_bits(self) -> tuple[int, int]:
        return 10, self.bits

    def component(self) -> "Ports":
        """One, and the same whenever it is asked for, so that a test can look at it."""
        self._made = self._made or Ports(self.qnet, self.bits)
        return self._made


class Ports(wiring.Component):
    """A core's ports, without a core: it takes no vector, and is idle until one is offered."""

    def __init__(self, qnet: QuantizedNetwork, bits: int):
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(qnet.formats.input))),
                "o": Out(stream.Signature(beat_layout(qnet.out_format))),
                "saturations": Out(data.StructLayout({"s": 32})),
                **{name: Out(32) for name in ("cycles", "steps")},
                "idle": Out(1),
                "load_address": In(10),
                "load_write": In(1),
                "load_in": In(bits),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        me: Any = self
        m.d.comb += [me.idle.eq(~me.i.valid), me.cycles.eq(0x12345678), me.steps.eq(0x9ABCDEF0)]
        return m


class Host:
    """A manager of AXI4-Lite that does one thing after another, and sees what is loaded."""

    def __init__(self, ctx: Any, axi: AxiCore, core: Any):
        self.ctx, self.axi, self.bus, self.core = ctx, axi, axi.s_axil, core
        self.at = {each.name: each.offset for each in axi.registers}
        self.loaded: list[tuple[int, int]] = []

    async def clock(self) -> None:
        ctx, core = self.ctx, self.core
        if ctx.get(core.load_write):
            self.loaded.append((ctx.get(core.load_address), ctx.get(core.load_in)))
        await ctx.tick()

    async def write(self, name: str, value: int, strobe: int = 0b1111) -> int:
        ctx, bus = self.ctx, self.bus
        ctx.set(bus.awaddr, self.at[name])
        ctx.set(bus.wdata, value)
        ctx.set(bus.wstrb, strobe)
        for valid in (bus.awvalid, bus.wvalid, bus.bready):
            ctx.set(valid, 1)
        await self.clock()
        for valid in (bus.awvalid, bus.wvalid):
            ctx.set(valid, 0)
        while not ctx.get(bus.bvalid):
            await self.clock()
        response = ctx.get(bus.bresp)
        await self.clock()
        return response

    async def read(self, name: str) -> tuple[int, int]:
        ctx, bus = self.ctx, self.bus
        ctx.set(bus.araddr, self.at[name])
        ctx.set(bus.arvalid, 1)
        ctx.set(bus.rready, 1)
        await self.clock()
        ctx.set(bus.arvalid, 0)
        while not ctx.get(bus.rvalid):
            await self.clock()
        answer = ctx.get(bus.rresp), ctx.get(bus.rdata)
        await self.clock()
        return answer


def on(bits: int, script: Any) -> list[tuple[int, int]]:
    """Plays a script on such a core; (address, word) of what it was given."""
    rng = np.random.default_rng(0)
    plan = Loadable(quantized(stack(rng, 2, 1), rng, 8), bits)
    core, axi = plan.component(), AxiCore(plan)  # type: ignore[arg-type]
    loaded: list[tuple[int, int]] = []

    async def testbench(ctx: Any) -> None:
        host = Host(ctx, axi, core)
        await script(host)
        loaded.extend(host.loaded)

    simulate(axi, testbench)
    return loaded


def test_words_are_loaded_one_after_another():
    """Wide words in two parts, of which the upper one stays; the address goes on by itself, and is
    written byte by byte; what was written is read back."""

    async def script(host: Host) -> None:
        assert await host.write("LOAD_ADDRESS", 0xFFFF_FFFE) == OKAY
        assert await host.write("LOAD_ADDRESS", 0x0000_0100, strobe=0b0010) == OKAY
        assert await host.write("LOAD_DATA_HIGH", 0xA5) == OKAY
        for word in (0x89ABCDEF, 0x01234567):
            assert await host.write("LOAD_DATA", word) == OKAY
        assert await host.read("LOAD_ADDRESS") == (OKAY, 0x200)
        assert await host.read("LOAD_DATA_HIGH") == (OKAY, 0xA5)
        assert await host.read("LOAD_DATA") == (SLVERR, 0)

    assert on(40, script) == [(0x1FE, 0xA5_89ABCDEF), (0x1FF, 0xA5_01234567)]


def test_narrow_words_have_one_part():
    """There is no register for bits that no word has; the address does not wrap around."""

    async def script(host: Host) -> None:
        assert "LOAD_DATA_HIGH" not in host.at
        assert await host.write("LOAD_ADDRESS", 1023) == OKAY
        assert await host.write("LOAD_DATA", 0xFFFF_1234) == OKAY
        assert await host.write("LOAD_DATA", 0x5678) == SLVERR

    assert on(16, script) == [(1023, 0x1234)]


def test_nothing_is_loaded_while_a_vector_waits_or_a_byte_lacks():
    """Refused, and the address stays."""

    async def script(host: Host) -> None:
        assert await host.write("LOAD_DATA", 1, strobe=0b0111) == SLVERR
        assert await host.write("LOAD_DATA", 2) == OKAY
        host.ctx.set(host.axi.s_axis.tvalid, 1)
        await host.clock()
        assert await host.write("LOAD_DATA", 3) == SLVERR
        assert await host.read("LOAD_ADDRESS") == (OKAY, 1)

    assert on(16, script) == [(0, 2)]


def test_counters_are_read():
    """Where a core counts cycles and steps."""

    async def script(host: Host) -> None:
        assert await host.read("CYCLES") == (OKAY, 0x12345678)
        assert await host.read("STEPS") == (OKAY, 0x9ABCDEF0)
        assert await host.write("STEPS", 0) == SLVERR

    assert on(16, script) == []

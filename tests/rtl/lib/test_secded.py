"""A memory that mends itself: whatever flips, and whenever it is reset, it keeps its words."""

import numpy as np
import pytest
from amaranth.hdl import Module, ResetInserter, Signal, Value
from amaranth.lib.memory import Memory

import rtl.lib.contents
from rtl.lib.secded import GuardedRom
from tests.rtl.support import simulate

WORDS = (0x155, 0x2AA, 0x3C3, 0x0F0)


@pytest.mark.parametrize("readers", (1, 2))
def test_words_that_are_written_back_are_the_right_ones(readers, monkeypatch):
    """3,000 clocks of addresses in turn and any, flips, and resets in any state: a word never
    differs by more than the bit that flipped."""
    memories = []

    class Known(Memory):
        def __init__(self, **options):
            super().__init__(**options)
            memories.append(self)

    monkeypatch.setattr(rtl.lib.contents, "Memory", Known)
    rom, reset, m = GuardedRom(10, WORDS, readers), Signal(), Module()
    m.submodules.rom = ResetInserter(reset)(rom)
    addresses = [getattr(rom, f"address{k}") for k in range(readers)]
    good, rng = list(map(rom.code.encode, WORDS)), np.random.default_rng(1)

    async def testbench(ctx):
        cells = [Value.cast(memories[0].data[place]) for place in range(len(WORDS))]
        flips = written = 0
        for clock in range(3000):
            if rng.random() < 0.03:
                ctx.set(reset, 1)
                await ctx.tick().repeat(int(rng.integers(1, 3)))
                ctx.set(reset, 0)
            for k, address in enumerate(addresses):
                turn = clock % 400 < 200 and not k
                ctx.set(address, (ctx.get(address) + 1) % 4 if turn else int(rng.integers(4)))
            await ctx.tick()
            written += ctx.get(rom.upsets.corrected)
            place = int(rng.integers(len(WORDS)))
            if rng.random() < 0.05 and ctx.get(cells[place]) == good[place]:
                ctx.set(cells[place], good[place] ^ 1 << int(rng.integers(rom.code.bits)))
                flips += 1
            for cell, right in zip(cells, good, strict=True):
                assert (ctx.get(cell) ^ right).bit_count() <= 1, clock
        assert flips > 50 and written > flips / 2

    simulate(m, testbench)

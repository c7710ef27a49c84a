"""The FIFO in block RAM: nothing lost, repeated or late."""

import numpy as np
import pytest
from amaranth.hdl import Module

from rtl.lib.fifo import AHEAD, BlockFIFO
from rtl.lib.guarded_fifo import GuardedFIFO
from rtl.schedule import latency
from tests.rtl.support import simulate

KINDS = {BlockFIFO: 0, GuardedFIFO: latency.CHECKED}  # clocks more, and words more at the output


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", (1, 2, 5, 16))
@pytest.mark.parametrize("idle", (0.0, 0.5))
@pytest.mark.parametrize("pause", (0.0, 0.7))
def test_words_pass_in_order(kind, depth, idle, pause):
    """300 words under any idle writer and slow reader; without both, one a clock once it is deep
    enough to hide its own latency."""
    fifo, rng = kind(width=9, depth=depth), np.random.default_rng(depth)
    words, found, clocks = rng.integers(0, 512, 300).tolist(), [], 0

    async def testbench(ctx):
        nonlocal clocks
        sent = 0
        while len(found) < len(words):
            writes = sent < len(words) and rng.random() >= idle
            ctx.set(fifo.w_en, writes)
            ctx.set(fifo.w_data, words[sent] if writes else 511)
            reads = rng.random() >= pause
            ctx.set(fifo.r_en, reads)
            sent += writes and ctx.get(fifo.w_rdy)
            if reads and ctx.get(fifo.r_rdy):
                found.append(ctx.get(fifo.r_data))
            clocks += 1
            await ctx.tick()

    simulate(fifo, testbench, clocks=20 * len(words))
    assert found == words
    if not idle and not pause and depth > 1:
        assert clocks == len(words) + latency.FIFO + KINDS[kind]


def test_a_word_that_does_not_come_is_not_waited_for_without_end():
    """A FIFO whose reader is never told that there is a word fails, in so many clocks."""

    class Silent(BlockFIFO):
        def elaborate(self, platform):
            m, whole = Module(), BlockFIFO(width=self.width, depth=self.depth)
            m.submodules.whole = whole
            m.d.comb += [whole.w_en.eq(self.w_en), self.w_rdy.eq(whole.w_rdy)]
            return m

    fifo = Silent(width=4, depth=4)

    async def testbench(ctx):
        ctx.set(fifo.w_en, 1)
        while not ctx.get(fifo.r_rdy):
            await ctx.tick()

    with pytest.raises(AssertionError, match="still waits after 100 clocks"):
        simulate(fifo, testbench, clocks=100)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", (1, 3, 8))
def test_it_holds_its_depth_and_says_when_it_is_full(kind, depth):
    fifo, taken = kind(width=4, depth=depth), 0

    async def testbench(ctx):
        nonlocal taken
        ctx.set(fifo.w_en, 1)
        for _ in range(40):
            taken += ctx.get(fifo.w_rdy)
            await ctx.tick()

    simulate(fifo, testbench)
    assert taken == depth + AHEAD + KINDS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_latency(kind):
    """The first word can be read `latency.FIFO` clocks after it was written, and not before; one
    that is mended a clock later."""
    fifo, seen, clocks = kind(width=4, depth=4), [], latency.FIFO + KINDS[kind]

    async def testbench(ctx):
        ctx.set(fifo.w_en, 1)
        for _ in range(clocks + 2):
            seen.append(ctx.get(fifo.r_rdy))
            await ctx.tick()
            ctx.set(fifo.w_en, 0)

    simulate(fifo, testbench)
    assert seen == [0] * clocks + [1, 1]

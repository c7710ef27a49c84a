"""A protected core: what flips in its memories and control is mended, counted, and never seen."""

from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest
from amaranth.hdl import Signal, Value
from amaranth.lib.memory import Memory

import rtl.lib.guarded_fifo
import rtl.lib.kept
import rtl.lib.memory
from golden.errors import CarouselError
from rtl.schedule.schedule import schedule_of
from tests.rtl.lib.test_memory import Colliding
from tests.rtl.shapes import forget
from tests.rtl.support import (
    CoreRun,
    agree,
    any_codes,
    beats_of,
    drive,
    make_core,
    planned,
    run_core,
    simulate,
)
from tests.rtl.test_core_streams import NETWORKS
from tests.soak import few


@dataclass
class Flips:
    """Bits that are flipped in a core while it runs.

    Attributes
    ----------
    memories, registers : of the core; the registers are copies of those that are kept.
    pace : clocks from one flip to the next, about.
    bits : that are flipped at once in a word.
    words : of the memories that are hit; default any.
    made : how many, by memory or register.
    left : by memory and word what the last flip there left; while that stands, it is left alone.
    """

    memories: list[Memory] = field(default_factory=list)
    registers: list[Signal] = field(default_factory=list)
    pace: int = 6
    bits: int = 1
    words: int | None = None
    made: Counter[int] = field(default_factory=Counter)
    left: dict[tuple[int, int], int] = field(default_factory=dict)

    def _word(self, number: int, place: int) -> Value:
        if number < len(self.memories):
            return Value.cast(self.memories[number].data[place])
        return self.registers[number - len(self.memories)]

    def one(self, ctx, rng: np.random.Generator) -> None:
        """Flip in a word of any memory, or in any register."""
        those = [k for k, each in enumerate(self.memories) if self.words in (None, each.depth)]
        number, place = those[self.made.total() % len(those)], 0
        if self.registers and rng.random() < 0.4:
            number = len(self.memories) + int(rng.integers(len(self.registers)))
        else:
            place = int(rng.integers(self.memories[number].depth))
        word = self._word(number, place)
        held = ctx.get(word) & (1 << len(word)) - 1
        if self.left.get((number, place)) == held and number < len(self.memories):
            return
        flipped = rng.choice(len(word), min(self.bits, len(word)), replace=False).tolist()
        self.left[number, place] = held ^ sum(1 << bit for bit in flipped)
        ctx.set(word, self.left[number, place])
        self.made[number] += 1


@pytest.fixture
def flips(monkeypatch):
    """Flips in the cores that are made meanwhile."""
    found = Flips()

    class Known(Memory):
        def __init__(self, **options):
            super().__init__(**options)
            found.memories.append(self)

    class Copied:
        @staticmethod
        def like(other, **options):
            made = Signal.like(other, **options)
            if rtl.lib.kept.COPY in made.name:
                found.registers.append(made)
            return made

    monkeypatch.setattr(rtl.lib.memory, "Memory", Known)
    monkeypatch.setattr(rtl.lib.kept, "Signal", Copied)
    return found


def played(core, codes, flips: Flips, streams: int = 1, **options) -> tuple[CoreRun, list[int]]:
    """A run while bits flip, and what a protected core counted: mended, not to be mended."""
    found, counted = [], []

    async def driver(ctx):
        found.append(await drive(ctx, core, beats_of(codes, streams), **options))
        if core.plan.options.protect:
            counted.extend(ctx.get(each) for each in (core.corrected, core.uncorrectable))

    async def upsets(ctx):
        rng = np.random.default_rng(5)
        while not found:
            await ctx.tick().repeat(int(rng.integers(1, 2 * flips.pace)))
            flips.one(ctx, rng)

    simulate(core, driver, upsets)
    return found[0], counted


@pytest.mark.parametrize("name", few(["projection below"], NETWORKS))
def test_no_flipped_bit_is_seen(name, flips):
    """At any time, in any word of any memory and any copy of a register: every code is right."""
    qnet, rng, streams = NETWORKS[name], np.random.default_rng(3), 1 + len(name) % 2
    core = make_core(qnet, 4, probe=True, streams=streams, protect=True)
    codes = any_codes(rng, qnet, 2 * streams, 6)
    run, (corrected, uncorrectable) = played(core, codes, flips, streams, idle=0.3)
    assert agree(core.plan, run, codes)
    assert corrected > 9 and not uncorrectable
    assert set(range(len(flips.memories))) <= set(flips.made)
    assert len(set(flips.made) - set(range(len(flips.memories)))) > 20  # registers


def test_they_are_seen_in_a_core_that_is_not_protected(flips):
    """Flips in the states alone spoil the codes of the same network: the test above can fail."""
    qnet, rng = NETWORKS["forget"], np.random.default_rng(3)
    core = make_core(qnet, 4, probe=True)
    codes = any_codes(rng, qnet, 2, 3)
    flips.words = len(core.program.states)
    run, _ = played(core, codes, flips)
    with pytest.raises(AssertionError):
        agree(core.plan, run, codes)


def test_two_flipped_bits_of_a_word_are_told(flips):
    """They cannot be mended, and are counted."""
    qnet, rng = NETWORKS["forget"], np.random.default_rng(3)
    core = make_core(qnet, 4, probe=True, protect=True)
    flips.bits = 2
    flips.registers.clear()

    async def driver(ctx):
        await drive(ctx, core, beats_of(any_codes(rng, qnet, 1, 3)), stop_after=300)
        assert ctx.get(core.uncorrectable)

    async def upsets(ctx):
        for _ in range(40):
            await ctx.tick().repeat(5)
            flips.one(ctx, rng)

    simulate(core, driver, upsets)


def test_no_word_is_needed_that_is_written_then(monkeypatch):
    """Memories that collide, which those that mend themselves do too, may give anything."""
    monkeypatch.setattr(Colliding, "hits", [])
    monkeypatch.setattr(rtl.lib.memory, "Memory", Colliding)
    plain = partial(Memory, init=())
    monkeypatch.setattr(
        rtl.lib.guarded_fifo, "few_words", lambda bits, n: plain(shape=bits, depth=n)
    )
    qnet, rng = NETWORKS["forget"], np.random.default_rng(4)
    core = make_core(qnet, 4, probe=True, protect=True)
    codes = any_codes(rng, qnet, 2, 4)

    async def testbench(ctx):
        run = await drive(ctx, core, beats_of(codes), idle=0.3, back_pressure=0.3)
        assert agree(core.plan, run, codes)

    simulate(core, testbench)


REFUSED = {
    "nonzeros": ({"nonzeros": 1}, "protect: cannot be combined with nonzeros 1: the indices"),
    "skip": ({"skip": "zero"}, "protect: cannot be combined with skip zero: the lists"),
    "load port": ({"load_port": True}, "protect: cannot be combined with a load port: what"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_cannot_have_is_refused(name):
    """One line that says why."""
    options, told = REFUSED[name]
    with pytest.raises(CarouselError, match=told):
        planned(NETWORKS["forget"], 4, protect=True, **options)


@pytest.mark.parametrize("name", few(["forget", "peepholes"], NETWORKS))
def test_it_keeps_the_pace_of_its_schedule(name):
    """At full speed the first output and the last ones of steps come when the plan says."""
    qnet, rng = NETWORKS[name], np.random.default_rng(6)
    core = make_core(qnet, probe=True, protect=True)
    codes = any_codes(rng, qnet, 2, 6)
    run = run_core(core, codes)
    assert agree(core.plan, run, codes)
    if qnet.output == "every":
        assert run.given[0] - run.taken[qnet.inputs - 1] == core.schedule.latency
        finals = np.array(run.given[qnet.outputs - 1 :: qnet.outputs])
        assert set(np.diff(finals[2:])) == {core.schedule.cycles_per_step}


def test_what_it_takes_longer():
    """A clock for an operand's check bits and for those of each knot, and where a gate sees the
    state for that too; no more in all. Where lanes never wait a step takes no clock more."""
    for name, qnet in NETWORKS.items():
        plain, guarded = (planned(qnet, 4, protect=each) for each in (False, True))
        before, behind = (each.parts[0].schedule for each in (plain, guarded))
        assert behind.after.gate - before.after.gate == 2 + before.peepholes, name
        assert behind.after.cell - before.after.cell == 3 + before.peepholes, name
        bits, coded = (sum(each.memories.values()) for each in (plain, guarded))
        assert bits < coded, name
    busy = forget(16, 32)
    assert [schedule_of(busy, 16, protected=each).cycles_per_step for each in (0, 1)] == [384, 384]

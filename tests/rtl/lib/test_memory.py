"""Block RAM that is read and written at one address in one clock gives anything, and may."""

from types import SimpleNamespace

import numpy as np
import pytest
from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib.memory import Memory

import rtl.lib.memory
from rtl.lib.memory import columns
from tests.rtl.support import agree, any_codes, beats_of, drive, make_core, simulate
from tests.rtl.test_core_streams import NETWORKS

GARBAGE = 0x5A5A_5A5A_5A5A


class Colliding(Memory):
    """A memory whose readers see garbage in place of a word that is written in the same clock, or
    in place of every word. `hits` of all such memories count the garbage."""

    always = False
    hits: list[Signal] = []  # noqa: RUF012 - shared by all on purpose

    def read_port(self, **options):
        port = super().read_port(**options)
        shown = SimpleNamespace(addr=port.addr, data=Signal(self.shape))
        self.__dict__.setdefault("pairs", []).append((port, shown))
        return shown

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = super().elaborate(platform)
        for port, shown in self.pairs:
            hit, count = Signal(), Signal(32)
            writes = [w.en.any() & (w.addr == port.addr) for w in self.write_ports]
            m.d.sync += hit.eq(Cat(self.always, *writes).any())
            data = Value.cast(port.data)
            m.d.comb += Value.cast(shown.data).eq(
                data ^ (Const(GARBAGE, len(data)) & hit.replicate(len(data)))
            )
            m.d.sync += count.eq(count + hit)
            Colliding.hits.append(count)
        return m


@pytest.fixture
def colliding(monkeypatch):
    """All block RAM, however small, gives garbage where it collides."""
    monkeypatch.setattr(Colliding, "hits", [])
    monkeypatch.setattr(rtl.lib.memory, "Memory", Colliding)


def _run(name: str, streams: int, lanes: int):
    """Whether a core agrees with the model, and how often garbage was read."""
    qnet, rng = NETWORKS[name], np.random.default_rng(lanes)
    core = make_core(qnet, lanes, probe=True, streams=streams)
    codes, found = any_codes(rng, qnet, 2 * streams, 6), []

    async def testbench(ctx):
        options = {"idle": 0.3, "back_pressure": 0.3}
        found.append(await drive(ctx, core, beats_of(codes, streams), seed=lanes, **options))
        found.append(sum(ctx.get(count) for count in Colliding.hits))

    simulate(core, testbench)
    return agree(core.plan, found[0], codes), found[1]


@pytest.mark.parametrize("name", NETWORKS)
def test_no_word_is_needed_that_is_written_then(name, colliding):
    """Every code is right although memories do collide."""
    right, hits = _run(name, 1 + len(name) % 2, 4)
    assert right and hits


def test_garbage_that_is_needed_is_seen(colliding, monkeypatch):
    """The same core is wrong if its memories give nothing else."""
    monkeypatch.setattr(Colliding, "always", True)
    with pytest.raises(AssertionError):
        _run("forget", 1, 4)


@pytest.mark.parametrize("width", (1, 5, 16, 18, 37))
@pytest.mark.parametrize("count", (1, 17, 600, 1025, 3000, 5000, 20000))
def test_columns_side_by_side_hold_the_words(width, count):
    """Bits put together from the columns are the words; a column is a block RAM's own shape, or
    there is one column alone."""
    words = np.random.default_rng(width).integers(-(1 << width - 1), 1 << width - 1, count).tolist()
    found = columns(width, words)
    together = [0] * count
    for bits, part in found:
        assert len(part) == count and max(part) < 1 << bits.stop - bits.start
        together = [word | low << bits.start for word, low in zip(together, part, strict=True)]
    assert together == [word & (1 << width) - 1 for word in words]
    assert sum(len(range(width)[bits]) for bits, _ in found) == width
    deep = {36: 512, 18: 1024, 9: 2048, 4: 4096, 2: 8192, 1: 16384}
    widest = max(len(range(width)[bits]) for bits, _ in found)
    whole = [wide for wide, depth in deep.items() if wide >= widest and count <= depth]
    assert whole or len(found) == 1

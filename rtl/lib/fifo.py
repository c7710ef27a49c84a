"""A FIFO in a block RAM that has its output register, which a fast clock needs."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.fifo import FIFOInterface, SyncFIFO

from rtl.lib.arithmetic import delay
from rtl.lib.kept import become, kept
from rtl.lib.memory import block_memory, few_words
from rtl.lib.secded import UPSETS, encode, mend, seen
from rtl.program.secded import Secded
from rtl.schedule import latency

# Words between memory and reader: as many as pass while a place is taken and given back.
AHEAD = latency.MEMORY + 2


class BlockFIFO(wiring.Component, FIFOInterface):
    """Words come out in the order in which they were put in; one a clock passes.

    The memory is read ahead, without an enable in its way, into a few words of a second FIFO; it is
    read only when a place there is free.

    Timing: a word can be read `latency.FIFO` = 4 clocks after it was written at the earliest.

    Parameters
    ----------
    width : bits of a word.
    depth : words that it holds at least; up to `AHEAD` more wait at the output.
    protected : whether words are mended where a bit of them has flipped, as they leave.

    Members
    -------
    w_data, w_rdy, w_en, r_data, r_rdy, r_en : those of `amaranth.lib.fifo.FIFOInterface`.

    Attributes
    ----------
    upsets : `UPSETS` of a protected one.
    """

    def __init__(self, *, width: int, depth: int, protected: bool = False):
        FIFOInterface.__init__(self, width=width, depth=depth)
        self.code = Secded(width) if protected else None
        self.upsets = Signal(UPSETS)

    def elaborate(self, platform):
        m = Module()
        width = self.code.bits if self.code else self.width
        m.submodules.memory = memory = block_memory(shape=width, depth=self.depth)
        ahead = Ahead(width) if self.code else SyncFIFO(width=width, depth=AHEAD)
        m.submodules.ahead = ahead
        write, read = memory.write_port(), memory.read_port()
        held = Signal(range(self.depth + 1))  # words in the memory
        free = Signal(range(AHEAD + 1), init=AHEAD)  # places at the output
        taken, fetched = Signal(), Signal()
        m.d.comb += [
            self.w_rdy.eq(held != self.depth),
            taken.eq(self.w_en & self.w_rdy),
            fetched.eq((held != 0) & (free != 0)),
            write.data.eq(
                encode(m, self.code, self.w_data, name="entering") if self.code else self.w_data
            ),
            write.en.eq(taken),
            ahead.w_data.eq(delay(m, read.data, latency.MEMORY - 1, name="word")),
            ahead.w_en.eq(delay(m, fetched, latency.MEMORY, name="fetched", keep_reset=True)),
            self.r_data.eq(self._leaving(m, ahead.r_data)),
            self.r_rdy.eq(ahead.r_rdy),
            ahead.r_en.eq(self.r_en),
        ]
        guarded = self.code is not None
        holds, frees = kept(m, held, guarded), kept(m, free, guarded)
        m.d.sync += [
            *become(holds, held + taken - fetched),
            *become(frees, free + (self.r_rdy & self.r_en) - fetched),
        ]
        for name, port, moves in (("write", write, taken), ("read", read, fetched)):
            _walk(m, port, moves, self.depth, f"{name}_place" if guarded else "place", guarded)
        stages = 1 + latency.MEMORY + 1
        assert stages == latency.FIFO
        return m

    def _leaving(self, m: Module, word: Value) -> Value:
        """The word that is offered."""
        if not self.code:
            return word
        mended, wrong = mend(m, self.code, word, name="leaving")
        m.d.comb += self.upsets.eq(seen(m, self.code, wrong, self.r_rdy & self.r_en, name="left"))
        return mended


class Ahead(wiring.Component, FIFOInterface):
    """`AHEAD` words in order, as a `SyncFIFO` of so many has them; its places are kept."""

    def __init__(self, width: int):
        FIFOInterface.__init__(self, width=width, depth=AHEAD)

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = few_words(self.width, AHEAD)
        write, read = words.write_port(), words.read_port(domain="comb")
        level = Signal(range(AHEAD + 1))
        puts, takes = self.w_en & self.w_rdy, self.r_en & self.r_rdy
        m.d.comb += [
            self.w_rdy.eq(level != AHEAD),
            self.r_rdy.eq(level != 0),
            write.data.eq(self.w_data),
            write.en.eq(puts),
            self.r_data.eq(read.data),
        ]
        m.d.sync += become(kept(m, level), level + puts - takes)
        for name, port, moves in (("write", write, puts), ("read", read, takes)):
            _walk(m, port, moves, AHEAD, f"{name}_place", guarded=True)
        return m


def _walk(m: Module, port: Any, moves: Value, depth: int, name: str, guarded: bool) -> None:
    """The place of a memory's port: the next one, and the first again, where it `moves`."""
    last = port.addr == depth - 1
    place = Signal.like(port.addr, name=name)
    m.d.comb += port.addr.eq(place)
    places = kept(m, place, guarded)
    with m.If(moves):
        m.d.sync += become(places, Mux(last, 0, place + 1))

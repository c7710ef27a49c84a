"""A FIFO in a block RAM that has its output register, which a fast clock needs."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.fifo import FIFOInterface, SyncFIFO

from rtl.lib.arithmetic import delay
from rtl.lib.kept import become, kept
from rtl.lib.memory import block_memory
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

    Members
    -------
    w_data, w_rdy, w_en, r_data, r_rdy, r_en : those of `amaranth.lib.fifo.FIFOInterface`.
    """

    def __init__(self, *, width: int, depth: int):
        FIFOInterface.__init__(self, width=width, depth=depth)

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = block_memory(shape=self.width, depth=self.depth)
        m.submodules.ahead = ahead = SyncFIFO(width=self.width, depth=AHEAD)
        write, read = memory.write_port(), memory.read_port()
        held = Signal(range(self.depth + 1))  # words in the memory
        free = Signal(range(AHEAD + 1), init=AHEAD)  # places at the output
        taken, fetched = Signal(), Signal()
        m.d.comb += [
            self.w_rdy.eq(held != self.depth),
            taken.eq(self.w_en & self.w_rdy),
            fetched.eq((held != 0) & (free != 0)),
            write.data.eq(self.w_data),
            write.en.eq(taken),
            ahead.w_data.eq(delay(m, read.data, latency.MEMORY - 1, name="word")),
            ahead.w_en.eq(delay(m, fetched, latency.MEMORY, name="fetched", keep_reset=True)),
            self.r_data.eq(ahead.r_data),
            self.r_rdy.eq(ahead.r_rdy),
            ahead.r_en.eq(self.r_en),
        ]
        m.d.sync += [
            held.eq(held + taken - fetched),
            free.eq(free + (self.r_rdy & self.r_en) - fetched),
        ]
        for port, moves in ((write, taken), (read, fetched)):
            walk(m, port, moves, self.depth)
        stages = 1 + latency.MEMORY + 1
        assert stages == latency.FIFO
        return m


def walk(
    m: Module, port: Any, moves: Value, depth: int, name: str = "place", guarded: bool = False
) -> None:
    """The place of a memory's port: the next one, and the first again, where it `moves`."""
    last = port.addr == depth - 1
    place = Signal.like(port.addr, name=name)
    m.d.comb += port.addr.eq(place)
    places = kept(m, place, guarded)
    with m.If(moves):
        m.d.sync += become(places, Mux(last, 0, place + 1))

"""A FIFO in a block RAM whose words are mended where a bit of them has flipped."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.fifo import FIFOInterface

from rtl.lib.arithmetic import delay
from rtl.lib.fifo import AHEAD, walk
from rtl.lib.kept import become, kept, voted
from rtl.lib.memory import block_memory, few_words
from rtl.lib.secded import UPSETS, encode, mend_late, seen
from rtl.program.secded import Secded
from rtl.schedule import latency


class GuardedFIFO(wiring.Component, FIFOInterface):
    """`rtl.lib.fifo.BlockFIFO` in code words. Those that wait at the output are mended already, and
    are there three times, as all counters are.

    Timing: a word can be read `latency.FIFO` + `latency.CHECKED` = 5 clocks after it was written at
    the earliest.

    Parameters
    ----------
    width, depth : those of the other.

    Members
    -------
    w_data, w_rdy, w_en, r_data, r_rdy, r_en : those of `amaranth.lib.fifo.FIFOInterface`.

    Attributes
    ----------
    upsets : `UPSETS`.
    """

    def __init__(self, *, width: int, depth: int):
        FIFOInterface.__init__(self, width=width, depth=depth)
        self.code = Secded(width)
        self.upsets = Signal(UPSETS)

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = block_memory(shape=self.code.bits, depth=self.depth)
        m.submodules.ahead = ahead = Ahead(width=self.width, depth=AHEAD + latency.CHECKED)
        write, read = memory.write_port(), memory.read_port()
        held = Signal(range(self.depth + 1))  # words in the memory
        free = Signal(range(ahead.depth + 1), init=ahead.depth)  # places at the output
        full = Signal()
        taken, fetched, given = Signal(), Signal(), Signal()
        raw = delay(m, read.data, latency.MEMORY - 1, name="word")
        word, wrong = mend_late(m, self.code, raw, name="read")
        stages = latency.MEMORY + latency.CHECKED
        come = delay(m, fetched, stages, name="fetched", keep_reset=True)
        some, room = _counted(m, held, taken, fetched), _counted(m, free, given, fetched)
        m.d.sync += become(kept(m, full), ~fetched & (full | (taken & (held == self.depth - 1))))
        m.d.comb += [
            self.w_rdy.eq(~full),
            taken.eq(self.w_en & self.w_rdy),
            fetched.eq(some & room),
            write.data.eq(encode(m, self.code, self.w_data, name="entering")),
            write.en.eq(taken),
            ahead.w_data.eq(word),
            ahead.w_en.eq(come),
            self.r_data.eq(ahead.r_data),
            self.r_rdy.eq(ahead.r_rdy),
            ahead.r_en.eq(self.r_en),
            given.eq(self.r_rdy & self.r_en),
            self.upsets.eq(seen(m, wrong, come, name="read")),
        ]
        for name, port, moves in (("write", write, taken), ("read", read, fetched)):
            walk(m, port, moves, self.depth, f"{name}_place", guarded=True)
        assert 1 + stages + 1 == latency.Depths(protected=True).fifo
        return m


class Ahead(wiring.Component, FIFOInterface):
    """A few words in order, each three times. None is put in where there is no place."""

    def __init__(self, *, width: int, depth: int):
        FIFOInterface.__init__(self, width=width, depth=depth)

    def elaborate(self, platform):
        m = Module()
        level = Signal(range(self.depth + 1))
        takes = Signal()
        writes, reads = [], []
        for k in range(3):
            m.submodules[f"words{k}"] = words = few_words(self.width, self.depth)
            writes.append(words.write_port())
            reads.append(words.read_port(domain="comb"))
            m.d.comb += [writes[k].data.eq(self.w_data), writes[k].en.eq(self.w_en)]
        m.d.comb += [
            takes.eq(self.r_en & self.r_rdy),
            self.r_rdy.eq(_counted(m, level, self.w_en, takes)),
            self.r_data.eq(voted(*(port.data for port in reads))),
        ]
        for name, ports, moves in (("write", writes, self.w_en), ("read", reads, takes)):
            m.d.comb += [port.addr.eq(ports[0].addr) for port in ports[1:]]
            walk(m, ports[0], moves, self.depth, f"{name}_place", guarded=True)
        return m


def _counted(m: Module, count: Signal, puts: Value, takes: Value) -> Signal:
    """Counts what is put and taken; whether there is any is known from a register of its own."""
    some = Signal(init=count.init != 0, name=f"{count.name}_some")
    counts, somes = kept(m, count), kept(m, some)
    with m.If(puts ^ takes):
        m.d.sync += become(counts, count + Mux(takes, -1, 1))
        m.d.sync += become(somes, puts | (count != 1))
    return some

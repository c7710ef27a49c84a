"""Code words in gateware (see `rtl.program.secded`), and memories of them that mend themselves."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_, or_, xor
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.lib.arithmetic import delay
from rtl.lib.kept import become, held, kept
from rtl.lib.memory import column_memories
from rtl.program.secded import Secded
from rtl.schedule import latency

TABLE = 4  # inputs of the smallest tables that FPGAs have
UPSETS = data.StructLayout({"corrected": 1, "uncorrectable": 1})
"""What came of a word that was read: a bit had flipped and was mended; more had."""


def encode(m: Module, code: Secded, word: Value, *, name: str) -> Signal:
    """The code word of a word, extended to its width by its sign."""
    shape = Shape(code.width, word.shape().signed)
    wide, coded = Signal(shape, name=f"{name}_wide"), Signal(code.bits, name=f"{name}_coded")
    m.d.comb += [wide.eq(word), coded.eq(Cat(wide, *_sums(m, code, wide, name)))]
    return coded


def _sums(m: Module, code: Secded, bits: Value, name: str) -> list[Value]:
    """For each check bit the sum of the bits of a word that it sees; of a code word with itself."""
    single = code.single[: len(bits)]
    return [
        _sum(m, [bits[k] for k, seen in enumerate(single) if seen >> check & 1], f"{name}_{check}")
        for check in range(code.checks)
    ]


def _sum(m: Module, bits: list[Value], name: str) -> Value:
    """Modulo 2, by as few levels of tables as there can be: a tool left to itself makes more."""
    while len(bits) > TABLE:
        parts = [reduce(xor, bits[k : k + TABLE]) for k in range(0, len(bits), TABLE)]
        bits = [Signal(name=f"{name}_sum", attrs={"keep": 1}) for _ in parts]
        m.d.comb += [table.eq(part) for table, part in zip(bits, parts, strict=True)]
    return reduce(xor, bits, Const(0, 1))


def mend(m: Module, code: Secded, raw: Value, *, name: str) -> Signal:
    """The word of a code word, mended if one bit of it has flipped, any if more have."""
    return _mended(m, code, raw, _wrong(m, code, raw, name=name), name=name)


def mend_late(m: Module, code: Secded, raw: Value, *, name: str) -> tuple[Signal, Value]:
    """The same, `latency.CHECKED` = 1 clock later, and with it its syndrome: the check bits that
    do not fit, which a fast clock takes from a register."""
    wrong = delay(m, _wrong(m, code, raw, name=name), latency.CHECKED, name=f"{name}_syndrome")
    raw = delay(m, raw, latency.CHECKED, name=f"{name}_held")
    return _mended(m, code, raw, wrong, name=name), wrong


def _wrong(m: Module, code: Secded, raw: Value, *, name: str) -> Signal:
    """The check bits of a code word that do not fit."""
    word, wrong = Signal(code.bits, name=f"{name}_raw"), Signal(code.checks, name=f"{name}_wrong")
    m.d.comb += [word.eq(raw), wrong.eq(Cat(*_sums(m, code, word, name)))]
    return wrong


def _mended(m: Module, code: Secded, raw: Value, wrong: Value, *, name: str) -> Signal:
    """The word of a code word with this syndrome."""
    word = Signal(code.width, name=f"{name}_mended")
    flips = [reduce(and_, [wrong[n] for n in seen]) for seen in code.seen_by]
    m.d.comb += word.eq(raw[: code.width] ^ Cat(*flips))
    return word


def joined(found: Iterable[Any]) -> Value:
    """`UPSETS` of several words as one: whether any of them was such a one."""
    return reduce(or_, map(Value.cast, found), Const(0, UPSETS.size))


def seen(m: Module, wrong: Value, used: Value | None = None, *, name: str) -> Signal:
    """The `UPSETS` of a syndrome a clock later: an odd one is of one flip, an even one of two.

    Parameters
    ----------
    used : whether the word counts that it is of; default always.
    """
    found = Signal(UPSETS.size, name=f"{name}_upsets")
    due = Const(1) if used is None else used
    odd = wrong.xor()
    m.d.sync += found.eq(Cat(odd & due, wrong.any() & ~odd & due))
    return found


class GuardedRom(wiring.Component):
    """Words that are only read, in code words; one that is read with a flipped bit is written back.

    What block RAM gives where it is written in the same clock is anything. So a word at an even
    address is written while readers can be at odd ones only, and the other way round: neither a
    comparator nor what chooses an address stands in front of that. A memory of one word is not
    written.

    Timing: `raw{k}` is the code word of `address{k}` a clock before, `word{k}` the mended word of
    the address of `latency.GUARDED` = 4 clocks before: memory, its register, check bits, mending.
    An upset is counted once, in the clock in which the word is written back; one that cannot be
    mended in each clock in which it is read.

    Parameters
    ----------
    width : bits of a word.
    words : raw bits.
    readers : how many.
    sweeps : whether there is `sweep`.

    Members
    -------
    address{k} : In.
    sweep : In(1), all words are read in turn, and so mended, whatever the addresses.
    raw{k}, word{k} : Out.
    upsets : Out(UPSETS).
    """

    address0: Signal
    sweep: Signal
    raw0: Signal
    word0: Signal
    upsets: data.View

    def __init__(self, width: int, words: Sequence[int], readers: int = 1, sweeps: bool = False):
        self.code, self.words, self.readers = Secded(width), words, readers
        self.sweeps = sweeps
        ports = {"upsets": Out(UPSETS), **({"sweep": In(1)} if sweeps else {})}
        for k in range(readers):
            ports[f"address{k}"] = In(range(max(2, len(words))))
            ports[f"raw{k}"], ports[f"word{k}"] = Out(self.code.bits), Out(width)
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        code = self.code
        init = [code.encode(word) for word in self.words]
        memories = column_memories(m, "words", code.bits, init)
        given = [getattr(self, f"address{k}") for k in range(self.readers)]
        addresses, lowest = given, [each[0] for each in given]
        if self.sweeps:
            swept = [Signal.like(each, name=f"swept{k}") for k, each in enumerate(given)]
            m.d.sync += [each.eq(each + 1) for each in swept]
            addresses = [
                Mux(held(m, self.sweep, True, name=f"sweep{k}"), *both)
                for k, both in enumerate(zip(swept, given, strict=True))
            ]
            lowest += [each[0] for each in swept]
        flipped = [self._reader(m, k, each, memories) for k, each in enumerate(addresses)]
        place = Signal.like(addresses[0], name="mended_at", reset_less=True)
        word = Signal(code.width, name="mended", reset_less=True)
        pending, writes = Signal(name="pending"), Signal(name="writes")
        written = Signal(latency.GUARDED)  # of what was read before that
        again = delay(m, encode(m, code, word, name="again"), 1, name="again")
        coded = delay(m, pending, 1, name="coded")
        apart = Cat(place[0] ^ each for each in lowest).all()
        m.d.comb += writes.eq(pending & coded & apart)
        m.d.sync += written.eq(Cat(writes, written))
        for bits, memory in memories:
            port = memory.write_port()
            m.d.comb += [port.addr.eq(place), port.data.eq(again[bits]), port.en.eq(writes)]
        found = Cat(upsets[0] for upsets in flipped).any() & ~written.any()
        m.d.sync += become(kept(m, pending), Mux(pending, ~writes, found))
        behind = [
            delay(m, each, latency.GUARDED, name=f"address{k}") for k, each in enumerate(addresses)
        ]
        with m.If(~pending):  # what is read now, until it waits
            for k, upsets in reversed(list(enumerate(flipped))):
                with m.If(upsets[0] | (k == self.readers - 1)):
                    m.d.sync += [place.eq(behind[k]), word.eq(getattr(self, f"word{k}"))]
        lost = Cat(upsets[1] for upsets in flipped).any()
        m.d.sync += self.upsets.as_value().eq(Cat(writes, lost))
        return m

    def _reader(self, m: Module, k: int, address: Value, memories) -> Value:
        """One reader; returns the `UPSETS` of its word."""
        raw = getattr(self, f"raw{k}")
        for bits, memory in memories:
            port = memory.read_port()
            m.d.comb += [port.addr.eq(address), raw[bits].eq(port.data)]
        raw = delay(m, raw, latency.MEMORY - 1, name=f"raw{k}")
        mended, wrong = mend_late(m, self.code, raw, name=f"read{k}")
        word = delay(m, mended, 1, name=f"read{k}")
        stages = latency.MEMORY + latency.CHECKED + 1
        assert stages == latency.GUARDED
        m.d.comb += getattr(self, f"word{k}").eq(word)
        return seen(m, wrong, name=f"read{k}")

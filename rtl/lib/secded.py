"""Code words in gateware (see `rtl.program.secded`), and memories of them that mend themselves."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_, or_, xor
from typing import Any

from amaranth.hdl import Cat, Const, Module, Shape, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.lib.arithmetic import delay
from rtl.lib.kept import become, kept
from rtl.lib.memory import column_memories
from rtl.program.secded import Secded
from rtl.schedule import latency

UPSETS = data.StructLayout({"corrected": 1, "uncorrectable": 1})
"""What came of a word that was read: a bit had flipped and was mended; more had."""


def encode(m: Module, code: Secded, word: Value, *, name: str) -> Signal:
    """The code word of a word, extended to its width by its sign."""
    shape = Shape(code.width, word.shape().signed)
    wide, coded = Signal(shape, name=f"{name}_wide"), Signal(code.bits, name=f"{name}_coded")
    m.d.comb += [wide.eq(word), coded.eq(Cat(wide, *_checked(code, wide)))]
    return coded


def _checked(code: Secded, word: Value) -> list[Value]:
    """The check bits of a word."""
    return [
        reduce(xor, [word[k] for k, seen in enumerate(code.seen_by) if check in seen], Const(0, 1))
        for check in range(code.checks)
    ]


def mend(m: Module, code: Secded, raw: Value, *, name: str) -> tuple[Signal, Signal]:
    """The word of a code word, mended if one bit of it has flipped, any if more have; and the check
    bits that do not fit, its syndrome."""
    held, word = Signal(code.bits, name=f"{name}_raw"), Signal(code.width, name=f"{name}_mended")
    wrong = Signal(code.checks, name=f"{name}_wrong")
    checks = Cat(*_checked(code, held))
    flips = [reduce(and_, [wrong[n] for n in seen]) for seen in code.seen_by]
    m.d.comb += [
        held.eq(raw),
        wrong.eq(held[code.width :] ^ checks),
        word.eq(held[: code.width] ^ Cat(*flips)),
    ]
    return word, wrong


def joined(found: Iterable[Any]) -> Value:
    """`UPSETS` of several words as one: whether any of them was such a one."""
    return reduce(or_, map(Value.cast, found), Const(0, UPSETS.size))


def seen(m: Module, code: Secded, wrong: Signal, used: Value | None = None, *, name: str) -> Signal:
    """The `UPSETS` of a syndrome a clock later.

    Parameters
    ----------
    used : whether the word counts that it is of; default always.
    """
    found = Signal(UPSETS.size, name=f"{name}_upsets")
    held = delay(m, wrong, 1, name=f"{name}_syndrome")
    due = Const(1) if used is None else delay(m, used, 1, name=f"{name}_used", keep_reset=True)
    known = held.matches(*code.single)
    m.d.comb += found.eq(Cat(known & due, held.any() & ~known & due))
    return found


class GuardedRom(wiring.Component):
    """Words that are only read, in code words; one that is read with a flipped bit is written back.

    It is written in a clock in which no reader is at its address, because what block RAM gives in
    such a one is anything. A memory of one word, at which a reader always is, is not.

    Timing: `raw{k}` is the code word of `address{k}` a clock before, `word{k}` the mended word of
    the address of `latency.GUARDED` = 3 clocks before: memory, its register, mending. An upset is
    counted once, in the clock in which the word is written back; one that cannot be mended in
    each clock in which it is read.

    Parameters
    ----------
    width : bits of a word.
    words : raw bits.
    readers : how many.

    Members
    -------
    address{k} : In.
    raw{k}, word{k} : Out.
    upsets : Out(UPSETS).
    """

    address0: Signal
    raw0: Signal
    word0: Signal
    upsets: data.View

    def __init__(self, width: int, words: Sequence[int], readers: int = 1):
        self.code, self.words, self.readers = Secded(width), words, readers
        ports = {"upsets": Out(UPSETS)}
        for k in range(readers):
            ports[f"address{k}"] = In(range(max(2, len(words))))
            ports[f"raw{k}"], ports[f"word{k}"] = Out(self.code.bits), Out(width)
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        code = self.code
        init = [code.encode(word) for word in self.words]
        memories = column_memories(m, "words", code.bits, init)
        addresses = [getattr(self, f"address{k}") for k in range(self.readers)]
        flipped = [self._reader(m, k, memories) for k in range(self.readers)]
        place = Signal.like(addresses[0], name="mended_at", reset_less=True)
        word = Signal(code.bits, name="mended", reset_less=True)
        pending, writes = Signal(), Signal()
        written = Signal(latency.GUARDED)  # of what was read before that
        m.d.comb += writes.eq(pending & Cat(place != each for each in addresses).all())
        m.d.sync += written.eq(Cat(writes, written))
        for bits, memory in memories:
            port = memory.write_port()
            m.d.comb += [port.addr.eq(place), port.data.eq(word[bits]), port.en.eq(writes)]
        waits = kept(m, pending)
        m.d.sync += become(waits, pending & ~writes)
        for k, found in reversed(list(enumerate(flipped))):
            behind = delay(m, addresses[k], latency.GUARDED, name=f"address{k}")
            with m.If(found[0] & ~pending & ~written.any()):
                m.d.sync += [
                    *become(waits, 1),
                    place.eq(behind),
                    word.eq(encode(m, code, getattr(self, f"word{k}"), name=f"again{k}")),
                ]
        lost = Cat(found[1] for found in flipped).any()
        m.d.comb += self.upsets.eq(Cat(writes, lost))
        return m

    def _reader(self, m: Module, k: int, memories) -> Value:
        """One reader; returns the `UPSETS` of its word."""
        address, raw = getattr(self, f"address{k}"), getattr(self, f"raw{k}")
        for bits, memory in memories:
            port = memory.read_port()
            m.d.comb += [port.addr.eq(address), raw[bits].eq(port.data)]
        held = delay(m, raw, latency.MEMORY - 1, name=f"raw{k}")
        mended, wrong = mend(m, self.code, held, name=f"read{k}")
        word = delay(m, mended, 1, name=f"read{k}")
        stages = latency.MEMORY + 1
        assert stages == latency.GUARDED
        m.d.comb += getattr(self, f"word{k}").eq(word)
        return seen(m, self.code, wrong, name=f"read{k}")

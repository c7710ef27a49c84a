"""Memories that become block RAM."""

from collections.abc import Iterable
from typing import Any

from amaranth.hdl import Module, Value
from amaranth.lib.memory import Memory

SMALL = 16  # words of one cell of distributed memory
BLOCK = 18 << 10  # bits of the smaller block RAMs


def block_memory(*, shape: Any, depth: int, init: Iterable[Any] = ()) -> Memory:
    """A memory of `depth` words, two at least; block RAM unless it is small.

    A tool left to itself builds memories of up to some 64 words from distributed ones, whose
    multiplexers and fan-out take longer than a block RAM with its output register; and it builds
    logic for words that are read in the clock in which they are written, which costs that register.
    So what is read at an address in the clock in which it is written must be of no use to anybody.
    """
    attrs: dict[str, Any] = {"no_rw_check": 1}
    if depth > SMALL:
        attrs["ram_style"] = "block"
    return Memory(shape=shape, depth=max(2, depth), init=init, attrs=attrs)


def columns(bits: int, words: int) -> list[range]:
    """The bits of a word in pieces as wide as one block RAM of so many words is.

    A tool left to itself packs several words of a deep memory into a wider one and chooses between
    them behind it, which costs the output register.
    """
    wide = max(1, next((w for w in (36, 18, 9, 4, 2) if w * words <= BLOCK), 1))
    return [range(low, min(low + wide, bits)) for low in range(0, bits, wide)]


def load(m: Module, memory: Memory, word: Any) -> None:
    """A write port of `memory` for words from a core's load port: {write, place, data}."""
    port = memory.write_port()
    m.d.comb += [
        port.addr.eq(word.place),
        Value.cast(port.data).eq(word.data),
        port.en.eq(word.write),
    ]

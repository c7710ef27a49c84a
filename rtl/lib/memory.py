"""Memories that become block RAM."""

from collections.abc import Iterable, Sequence
from typing import Any

from amaranth.hdl import Module, Value
from amaranth.lib.memory import Memory

from rtl.lib.contents import filled

SMALL = 16  # words of one cell of distributed memory
BLOCK = {36: 512, 18: 1024, 9: 2048, 4: 4096, 2: 8192, 1: 16384}  # words of one, by width


def block_memory(*, shape: Any, depth: int, init: Iterable[Any] = ()) -> Memory:
    """A memory of `depth` words, two at least; block RAM unless it is small.

    A tool left to itself builds memories of up to some 64 words from distributed ones, whose
    multiplexers and fan-out take longer than a block RAM with its output register; and it builds
    logic for words that are read in the clock in which they are written, which costs that register.
    So what is read at an address in the clock in which it is written must not be used.
    """
    attrs: dict[str, Any] = {"no_rw_check": 1}
    if depth > SMALL:
        attrs["ram_style"] = "block"
    if isinstance(shape, int):
        return filled(shape, max(2, depth), list(init), attrs)
    return Memory(shape=shape, depth=max(2, depth), init=init, attrs=attrs)


def few_words(width: int, depth: int) -> Memory:
    """A small memory, which is read at once."""
    return Memory(shape=width, depth=depth, init=())


def column_memories(
    m: Module, name: str, width: int, words: Sequence[int]
) -> list[tuple[slice, Memory]]:
    """Memories `{name}0`, ... of the `columns` of words of `width` raw bits, each with its bits."""
    memories = []
    for k, (bits, init) in enumerate(columns(width, words)):
        memory = block_memory(shape=bits.stop - bits.start, depth=len(words), init=init)
        m.submodules[f"{name}{k}"] = memory
        memories.append((bits, memory))
    return memories


def columns(width: int, words: Sequence[int]) -> list[tuple[slice, list[int]]]:
    """What memories side by side hold of words of `width` raw bits: which bits, and those bits of
    each word.

    Each is as wide as one block RAM of so many words is, unless that takes over half as many again
    as the fewest. A tool left to itself packs several words of a deep memory into a wider one and
    chooses between them behind it, which costs the output register.
    """
    wide = _column_width(width, len(words))
    parts = [slice(low, min(low + wide, width)) for low in range(0, width, wide)]
    return [
        (bits, [word >> bits.start & (1 << bits.stop - bits.start) - 1 for word in words])
        for bits in parts
    ]


def _column_width(width: int, words: int) -> int:
    """Bits of each of the memories that hold words of `width` bits; all of them if one does."""
    blocks = {wide: -(-width // wide) * -(-words // deep) for wide, deep in BLOCK.items()}
    widest = next((wide for wide, deep in BLOCK.items() if words <= deep), None)
    if widest is None or 2 * blocks[widest] > 3 * min(blocks.values()):
        return width
    return widest


def load(m: Module, memory: Memory, word: Any) -> None:
    """A write port of `memory` for words from a core's load port: {write, place, data}."""
    port = memory.write_port()
    m.d.comb += [
        port.addr.eq(word.place),
        Value.cast(port.data).eq(word.data),
        port.en.eq(word.write),
    ]

"""Memories that become block RAM."""

from collections.abc import Iterable
from typing import Any

from amaranth.lib.memory import Memory

SMALL = 16  # words of one cell of distributed memory


def block_memory(*, shape: Any, depth: int, init: Iterable[Any] = ()) -> Memory:
    """A memory of `depth` words, two at least; block RAM unless it is small.

    A tool left to itself builds memories of up to some 64 words from distributed ones, whose
    multiplexers and fan-out take longer than a block RAM with its output register.
    """
    attrs = {"ram_style": "block"} if depth > SMALL else {}
    return Memory(shape=shape, depth=max(2, depth), init=init, attrs=attrs)

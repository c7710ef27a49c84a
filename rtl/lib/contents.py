"""What memories hold, on its way through Amaranth whole memories at a time.

Amaranth looks at every word by itself, and then at every bit; large networks have tens of millions.
This reaches into its inside, as it is in 0.5; the text that comes out is the same.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from amaranth.lib.memory import Memory

rtlil: Any = import_module("amaranth.back.rtlil")  # not among its stubs


def filled(width: int, depth: int, words: Sequence[int], attrs: dict[str, Any]) -> Memory:
    """A memory of unsigned words that holds these first, and then 0.

    Raises
    ------
    ValueError : words that do not fit.
    """
    if words and not 0 <= min(words) <= max(words) < 1 << width:
        raise ValueError(f"words from {min(words)} to {max(words)} in {width} bits")
    memory = Memory(shape=width, depth=depth, init=(), attrs=attrs)
    held: Any = memory.data.init
    held._elems[: len(words)] = words
    return memory


@contextmanager
def by_memory() -> Iterator[None]:
    """Amaranth writes the contents of each memory at once."""
    emitter = rtlil.ModuleEmitter
    own = emitter.emit_memory
    emitter.emit_memory = _emit_memory
    try:
        yield
    finally:
        emitter.emit_memory = own


def _emit_memory(emitter: Any, index: int, cell: Any) -> None:
    """As `ModuleEmitter.emit_memory`."""
    width, mask = cell.width, (1 << cell.width) - 1
    bits = "".join(f"{word & mask:0{width}b}" for word in reversed(cell.init))
    emitter.builder.cell(
        "$meminit_v2",
        ports={"ADDR": emitter.sigspec(), "DATA": f"{len(bits)}'{bits}", "EN": _ones(width)},
        parameters={
            "MEMID": emitter.memories[index].memid,
            "ABITS": 0,
            "WIDTH": width,
            "WORDS": cell.depth,
            "PRIORITY": 0,
        },
        src_loc=cell.src_loc,
    )


def _ones(width: int) -> str:
    return f"{width}'{'1' * width}"

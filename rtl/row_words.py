"""The words of the tail's row memory, as bits."""

from typing import Any

from amaranth.hdl import signed
from amaranth.lib import data

from rtl.program import Program


def row_layout(program: Program) -> data.StructLayout:
    """A row's word: bias with rounding, peephole's weight, modes, kind, whether it leaves the core.

    Wide enough for any network of the formats where words are loaded, and else for this one.
    """
    widest = 1 + max(word.offset.bit_length() for word in program.rows)
    seen = {"peephole": signed(program.paths.peephole)} if program.paths.peephole else {}
    return data.StructLayout(
        {
            "offset": signed(program.net_width if program.loadable else widest),
            **seen,
            "net_mode": range(max(2, len(program.net_modes))),
            "cell_mode": range(max(2, len(program.cell_modes))),
            "kind": range(max(2, len(program.kinds))),
            "output": 1,
        }
    )


def row_words(program: Program, place: int) -> list[Any]:
    """The words of the rows that come to one place of the tail, in order."""
    seen = program.paths.peephole > 0
    return [
        {
            "offset": word.offset,
            **({"peephole": word.peephole} if seen else {}),
            "net_mode": word.net_mode,
            "cell_mode": word.cell_mode,
            "kind": program.kinds.index(word.row.kind),
            "output": word.output,
        }
        for word in program.tail(place)
    ]

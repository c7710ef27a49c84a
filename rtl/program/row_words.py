"""The words of the tail's row memory, as bits."""

from rtl.program.program import Program
from rtl.program.words import Word, bits_for


def row_word(program: Program) -> Word:
    """A row's word: bias with rounding, peephole's weight, the shift of its sum where rows differ
    in it, modes, kind, whether it leaves the core.

    Wide enough for any network of the formats where words are loaded, and else for this one.
    """
    widest = 1 + max(word.offset.bit_length() for word in program.rows)
    seen = {"peephole": program.paths.peephole} if program.paths.peephole else {}
    fields = {
        "offset": program.net_width if program.loadable else widest,
        **seen,
        **({"coarser": program.coarsest.bit_length()} if program.coarsest else {}),
        "net_mode": bits_for(len(program.net_modes)),
        "cell_mode": bits_for(len(program.cell_modes)),
        "kind": bits_for(len(program.kinds)),
        "output": 1,
    }
    return Word(fields, signed=("offset", "peephole"))


def row_words(program: Program, place: int) -> list[dict[str, int]]:
    """The words of the rows that come to one place of the tail, in order."""
    seen = program.paths.peephole > 0
    return [
        {
            "offset": word.offset,
            **({"peephole": word.peephole} if seen else {}),
            **({"coarser": word.coarser} if program.coarsest else {}),
            "net_mode": word.net_mode,
            "cell_mode": word.cell_mode,
            "kind": program.kinds.index(word.row.kind),
            "output": word.output,
        }
        for word in program.tail(place)
    ]

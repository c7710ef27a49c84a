"""What can be loaded into a core that runs: the words of its memories, and where they lie.

A core with a load port is built for all networks of one shape and one set of formats; everything in
which such networks differ lies in memories, and they are written word by word while the core is
idle. A word is what the memory holds, as raw bits.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from rtl.program.program import Program
from rtl.program.row_words import row_word, row_words
from rtl.program.words import Word, knot_word, knot_words
from rtl.schedule.rows import Row
from rtl.schedule.skipping import SkipSchedule


@dataclass(frozen=True)
class Region:
    """One memory, or those of all lanes, in the addresses of the load port.

    Attributes
    ----------
    name : "weights", "rows0", ... (of each place of the tail), "sigma", "initial s", "initial y".
    base : its first address.
    width : bits of a word.
    size : places, of which words take the first and the last.
    read : gives the words.
    """

    name: str
    base: int
    width: int
    size: int
    read: Callable[[], dict[int, int]]

    @cached_property
    def words(self) -> dict[int, int]:
        """What the memory holds, by place.

        Those of the lanes' memories, which lie at distances of a power of two, by place in that.
        """
        return self.read()


def regions(program: Program) -> tuple[Region, ...]:
    """All that can be loaded; every region begins at a multiple of one power of two."""
    memories = list(_memories(program))
    size = 1 << index_width(program)
    return tuple(
        Region(name, k * size, width, places, read)
        for k, (name, width, places, read) in enumerate(memories)
    )


def index_width(program: Program) -> int:
    """Bits of an address inside a region."""
    return max((size - 1).bit_length() for _, _, size, _ in _memories(program))


def image(program: Program) -> list[tuple[int, int]]:
    """Addresses and words that make a core with a load port run this network."""
    return [
        (region.base + place, word)
        for region in regions(program)
        for place, word in region.words.items()
    ]


def to_load(program: Program) -> dict[str, Any]:
    """What makes a core with a load port run this network, ready for JSON.

    `structure_sha256` must be that of the core; `words` are pairs of an address and a word.
    """
    layout = [
        {"name": region.name, "base": region.base, "bits": region.width, "words": len(region.words)}
        for region in regions(program)
    ]
    digest = structure(program)
    return {"structure_sha256": digest, "regions": layout, "words": image(program)}


def structure(program: Program) -> str:
    """SHA-256 of all that networks which share a core with a load port have in common."""
    qnet, schedule = program.qnet, program.schedule
    units = [
        (unit.squash.name, unit.low, unit.high)
        for layer in qnet.layers
        for unit in (layer.gate, layer.g, layer.h)
    ]
    head = ", ".join(repr(stage.squash.squash.name) for stage in qnet.head) or None
    common = f"({qnet.formats.text()}, {program.shapes}, {units}, {head}, {qnet.output!r})"
    common += "decides" * qnet.decides
    if isinstance(schedule, SkipSchedule):
        common += f"{schedule.skip}, {qnet.thresholds}"
    size = (schedule.lanes, schedule.streams, schedule.nonzeros)
    return hashlib.sha256(f"({common}, {size})".encode()).hexdigest()


def port_bits(program: Program) -> tuple[int, int]:
    """Bits of the load port's address and of its word."""
    above = (len(regions(program)) - 1).bit_length()
    return index_width(program) + above, load_word(program).fields["data"]


def load_word(program: Program) -> Word:
    """What comes to a memory: a word of its region, and where it goes."""
    widest = max(region.width for region in regions(program))
    return Word({"write": 1, "place": index_width(program), "data": widest})


_Words = Callable[[], dict[int, int]]


def _memories(program: Program) -> Iterator[tuple[str, int, int, _Words]]:
    """Name, width, size and what reads the raw words of each memory, in address order."""
    schedule, slots = program.schedule, program.weight_address_width
    lanes = (schedule.lanes - 1 << slots) + schedule.weight_words
    yield "weights", program.paths.weight, lanes, partial(_weights, program)
    word = row_word(program)
    for place in range(program.rows_at_once):
        rows = partial(row_words, program, place)
        size = sum(map(len, schedule.tails[place]))
        yield f"rows{place}", word.bits, size, partial(_packed, word, rows)
    word, knots = knot_word(program.qnet.table), knot_words(program.qnet.table)
    yield "sigma", word.bits, len(knots), partial(_packed, word, lambda: knots)
    if program.states:
        starts = {"initial s": (program.states, program.paths.s)}
        if not isinstance(schedule, SkipSchedule):  # in which outputs start from 0
            starts["initial y"] = program.outputs, program.paths.y
        for name, (rows, width) in starts.items():
            yield name, width, len(rows), partial(_initial, program, rows, width)


def _weights(program: Program) -> dict[int, int]:
    return {
        lane << program.weight_address_width | place: _raw(code, program.paths.weight)
        for lane, codes in enumerate(program.weights)
        for place, code in enumerate(codes)
    }


def _packed(word: Word, values: Callable[[], list[dict[str, int]]]) -> dict[int, int]:
    return dict(enumerate(map(word.pack, values())))


def _initial(program: Program, rows: tuple[Row, ...], width: int) -> dict[int, int]:
    return {k: _raw(code, width) for k, code in enumerate(program.initial(rows))}


def _raw(code: int, width: int) -> int:
    """A signed code as bits."""
    return code & ((1 << width) - 1)

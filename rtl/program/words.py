"""Words of memories as fields of bits, and those that hold the sequencer's program and sigma."""

from collections.abc import Mapping
from dataclasses import dataclass

from fixedpoint.squash import SigmaTable
from rtl.schedule.phases import SOURCES
from rtl.schedule.schedule import Schedule

FLAGS = ("issue", "first", "last", "rotate", "release")


def bits_for(count: int) -> int:
    """Bits that tell `count` things apart, one at least."""
    return max(1, (count - 1).bit_length())


@dataclass(frozen=True)
class Word:
    """A memory's word.

    Attributes
    ----------
    fields : bits of each field by name, the lowest bits of the word first.
    signed : the fields that hold two's complement numbers; the others are unsigned.
    """

    fields: Mapping[str, int]
    signed: tuple[str, ...] = ()

    @property
    def bits(self) -> int:
        return sum(self.fields.values())

    def place(self, name: str) -> tuple[int, int]:
        """A field's lowest bit in the word, and how many bits it has."""
        names = list(self.fields)
        low = sum(self.fields[each] for each in names[: names.index(name)])
        return low, self.fields[name]

    def pack(self, values: Mapping[str, int]) -> int:
        """The raw bits of a word; fields that `values` does not name are 0."""
        word = place = 0
        for name, bits in self.fields.items():
            word |= (int(values.get(name, 0)) & (1 << bits) - 1) << place
            place += bits
        return word


def program_word(schedule: Schedule) -> Word:
    """A word of the sequencer's program: what `rtl.schedule.schedule.Slot` says of a clock.

    With sparse input also the `base` of the weights that an element of it may meet.
    """
    columns = (column for phase in schedule.phases for column in phase.columns)
    addresses = 1 + max(column.address for column in columns)
    fields = {"source": bits_for(len(SOURCES)), "address": bits_for(addresses)}
    fields |= {"stream": bits_for(schedule.streams)} if schedule.streams > 1 else {}
    fields |= {"base": bits_for(1 + max(schedule.bases.values()))} if schedule.sparse else {}
    return Word({**fields, **dict.fromkeys(FLAGS, 1)})


def knot_word(table: SigmaTable) -> Word:
    """A word of sigma's memory: a knot, and the rise to the next one."""
    return Word(dict(zip(("knot", "rise"), table.word_widths, strict=True)))


def knot_words(table: SigmaTable) -> list[dict[str, int]]:
    """What sigma's memory holds."""
    return [{"knot": knot, "rise": rise} for knot, rise in table.words]

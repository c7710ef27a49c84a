"""The groups of a step as the scheduler looks at them: who reads what, and when it can be read."""

from collections.abc import Iterator
from typing import NamedTuple

from rtl.schedule.issue import Group, Read
from rtl.schedule.latency import Depths
from rtl.schedule.phases import Phase
from rtl.schedule.rows import Row


class After(NamedTuple):
    """Clocks from a group's last column until its first row's gate, or y, can be read."""

    gate: int
    cell: int

    @classmethod
    def of(cls, depths: Depths) -> "After":
        """In a core of these pipelines."""
        return cls(depths.gate, depths.cell)


def yields(phase: Phase, number: int, after: After) -> Iterator[tuple[Row, int]]:
    """Each row of a group, and the clocks from the group's last column until what it yields can be
    read."""
    for place, row in enumerate(phase.group(number)):
        yield row, place // phase.tail + (after.cell if row.kind == "g" else after.gate)


def at_once(phases: tuple[Phase, ...]) -> tuple[int, ...]:
    """Columns of each phase that are known when the step begins."""
    return tuple(sum(column.row is None for column in phase.columns) for phase in phases)


def groups_of(phases: tuple[Phase, ...], after: After) -> tuple[Group, ...]:
    """All groups of a step, for the scheduler."""
    readers: dict[Row, list[tuple[int, bool]]] = {}
    for k, phase in enumerate(phases):
        for column in phase.columns:
            if column.row:
                readers.setdefault(column.row, []).append((k, column.before))
    found = []
    for k, phase in enumerate(phases):
        for number in range(phase.groups):
            reads: dict[tuple[int, bool], list[int]] = {}
            for row, clocks in yields(phase, number, after):
                for reader in readers.get(row, ()):
                    reads.setdefault(reader, []).append(clocks)
            read = tuple(
                Read(reader, before, tuple(sorted(clocks)))
                for (reader, before), clocks in reads.items()
            )
            busy = phase.tail_clocks(number)
            if number == phase.groups - 1:  # behind the last phase comes the next step's first
                busy += _pause(phase, phases[(k + 1) % len(phases)], after)
            found.append(Group(k, len(phase.columns), busy, read))
    return tuple(found)


def _pause(phase: Phase, following: Phase, after: After) -> int:
    """Clocks that the tail rests between two phases.

    What a projection or a dense stage gives is written sooner than cell outputs and must not
    overtake those of the phase before, which may be another stream's or another step's.
    """
    overtaking = phase.yields == "g" and following.yields in ("y", "stem", "dense")
    return (after.cell - after.gate) * overtaking

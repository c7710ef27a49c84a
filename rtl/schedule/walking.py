"""Steps of a core that skips, one after the other, clock by clock, as its sequencer does them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rtl.schedule import latency
from rtl.schedule.listing import Given, Ints, Segment, Step

EARLY = -(1 << 40)  # a clock before all


class Part(NamedTuple):
    """A phase as it is walked through.

    Attributes
    ----------
    rows : of each group, the clocks from its end until the tail may take another one.
    segments : the lists that it reads.
    yields : what is listed of what it yields: of each value its group, and the clocks from the end
        of that to its place in the list.
    """

    rows: Ints
    segments: tuple[Segment, ...]
    yields: tuple[tuple[Given, Ints, Ints], ...]


class Walk:
    """Steps one after the other.

    Parameters
    ----------
    parts : the phases of a step.
    widths : how many values there are of what is listed.

    Attributes
    ----------
    listed : the clock in which each value can be read from its list.
    free : the first clock in which the tail may take a group.
    """

    def __init__(self, parts: Sequence[Part], widths: Mapping[Given, int]):
        self.parts, self.widths = parts, widths
        self._rest(EARLY)

    def _rest(self, free: int) -> None:
        """Every value has been listed for long."""
        self.listed = {given: np.full(n, EARLY) for given, n in self.widths.items()}
        self.free = free

    def restored(self, begin: int) -> None:
        """A state was written, and the step that lists it ended in the clock before `begin`."""
        self._rest(begin - 1 + int(self.parts[-1].rows[-1]))

    def step(self, begin: int, now: Step, before: Step, tail: bool = True) -> list[int]:
        """The clock in which each group ends; values of this step and of the one before.

        Parameters
        ----------
        tail : whether the tail takes the rows; if not, values of this step are listed already.
        """
        clock, found = begin, list[int]()
        for rows, segments, yields in self.parts:
            lists = []
            for each in segments:
                at, flags = self.listed[each.given], (before if each.before else now)[each.given]
                lists.append(_List(at[flags], int(at[-1])))
            opening = max(_first_end(clock + 1 + latency.LOOKED, lists), self.free)
            active = sum(len(each.at) for each in lists)
            apart = np.maximum(max(active, 1), rows[:-1])
            ends = opening + np.concatenate([[0], np.cumsum(apart)])
            clock = int(ends[-1])
            self.free = clock + int(rows[-1])
            for given, group, behind in yields if tail else ():
                self.listed[given] = ends[group] + behind
            found += ends.tolist()
        return found


class _List(NamedTuple):
    """When each entry of a list can be read, and when the list is known to be whole."""

    at: Ints
    whole: int

    def read(self, start: int) -> int:
        """The clock in which the last entry is read, one a clock, each when it is there."""
        count = len(self.at)
        return max(start + count - 1, int(np.max(self.at + np.arange(count - 1, -1, -1))))


def _first_end(start: int, lists: Sequence[_List]) -> int:
    """The clock in which a phase's first group ends, as far as the tail is free.

    A list's last entry is known as such only when the list is whole, and the next list is read
    from then on. If all is read before that is known, the group ends in a clock without a column.

    Parameters
    ----------
    start : the first clock in which it may read.
    """
    clock, read, known = start, EARLY, max(each.whole for each in lists)
    for each in lists:
        if len(each.at):
            read = each.read(clock)
            clock = read + 1
        clock = max(clock, each.whole)
    return max(start, read + (known > read), known)

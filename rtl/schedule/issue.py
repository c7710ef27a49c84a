"""Which group of rows gets each clock of a step: a list scheduler over the steady state.

The lanes work at groups of rows, one column a clock. A group's last column is its result's first
clock in the tail, which takes one row a clock and the groups in their order. A column that reads
what an earlier group, or the step before, has yet to yield has to wait; meanwhile other groups can
be opened, because a lane has several accumulators. They form a ring, of which one clock can turn on
by one place:

    clock       0 1 2 3 4 5 6 7 8 9
    group       0 0 0 1 1 1 2 0 1 2     ring of three: group 0 waited for its last column, clock 7
    turn              x     x x x x

Nothing here knows what a cell or a layer is.
"""

from bisect import insort
from dataclasses import dataclass
from typing import NamedTuple

ACCUMULATORS = 4  # the most that a lane is given
NEVER = 1 << 60


class Read(NamedTuple):
    """Columns that read what a group yields.

    Attributes
    ----------
    phase : the reader.
    before : it reads them one step later.
    after : ascending; clocks from the group's last column until each value may be read.
    """

    phase: int
    before: bool
    after: tuple[int, ...]


class Group(NamedTuple):
    """Rows that the lanes compute side by side.

    Attributes
    ----------
    phase : groups of one phase have the same columns.
    columns : clocks of work.
    rows : clocks of the tail.
    reads : who reads what it yields.
    """

    phase: int
    columns: int
    rows: int
    reads: tuple[Read, ...]


class Run(NamedTuple):
    """Clocks in a row that go to the same group, or to none (-1).

    `rotate`: in the first of them the ring turns on by one place.
    """

    group: int
    clocks: int
    rotate: bool


@dataclass(frozen=True)
class Order:
    """A step's clocks in the steady state.

    Attributes
    ----------
    runs : from the first column to the end of the step, without a gap.
    accumulators : places of the ring.
    cycles : of a step; the sum of the runs' clocks.
    ends : the clock of each group's last column.
    """

    runs: tuple[Run, ...]
    accumulators: int
    cycles: int
    ends: tuple[int, ...]


def shortest(groups: tuple[Group, ...], at_once: tuple[int, ...], floor: int = 0) -> Order:
    """The order of the fewest cycles a step, and of the fewest accumulators that reach them.

    Parameters
    ----------
    groups : of a step, in the order in which the tail takes them.
    at_once : of each phase, the columns that are known when the step begins.
    floor : cycles that a step takes at least, for a reason that no group's reads tell.
    """
    least = max(floor, least_cycles(groups))
    best = None
    for accumulators in range(1, ACCUMULATORS + 1):
        found = _shortest(groups, at_once, accumulators, least)
        if best is None or found.cycles < best.cycles:
            best = found
        if best.cycles == least:
            break
    assert best is not None
    return best


def least_cycles(groups: tuple[Group, ...]) -> int:
    """Cycles a step that no order can beat.

    Nobody beats the lanes' work. Nor the tail's, from a step's first group to the next one's. Nor a
    loop: what a group yields is read by the next step's groups of a phase, the first one included,
    and that group's end leads to this one's.
    """
    first: dict[int, int] = {}
    for k, group in enumerate(groups):
        first.setdefault(group.phase, k)
    apart = {start: _apart(groups, first, start) for start in first.values()}
    work = sum(group.columns for group in groups)
    least = [work, apart[0][-1] + max(groups[-1].rows, groups[0].columns)]
    for k, group in enumerate(groups):
        for read in group.reads:
            if read.before and apart[first[read.phase]][k] >= 0:
                least.append(apart[first[read.phase]][k] + read.after[-1])
    return max(least)


def _apart(groups: tuple[Group, ...], first: dict[int, int], start: int) -> list[int]:
    """The fewest clocks from the end of group `start` to that of each group; -1 before it."""
    found = [-1] * len(groups)
    found[start] = 0
    for k in range(start, len(groups)):
        following = [(k + 1, groups[k].rows)] if k + 1 < len(groups) else []
        following += [
            (first[read.phase], read.after[-1]) for read in groups[k].reads if not read.before
        ]
        for other, clocks in following:
            found[other] = max(found[other], found[k] + clocks)
    return found


def _shortest(
    groups: tuple[Group, ...], at_once: tuple[int, ...], accumulators: int, least: int
) -> Order:
    """The fewest cycles a step from `least` upwards: in leaps, then by halving the last one."""
    short, cycles, leap = least - 1, least, 1
    found = _steady(groups, at_once, accumulators, cycles)
    while found is None:
        short, cycles, leap = cycles, cycles + leap, 2 * leap
        found = _steady(groups, at_once, accumulators, cycles)
    while found.cycles - short > 1:
        middle = (short + found.cycles) // 2
        trial = _steady(groups, at_once, accumulators, middle)
        if trial is None:
            short = middle
        else:
            found = trial
    return found


def _steady(
    groups: tuple[Group, ...], at_once: tuple[int, ...], accumulators: int, cycles: int
) -> Order | None:
    """An order of so many cycles a step, if the scheduler finds one.

    What the step before leaves late is at first taken to come at once, and then as late as the
    order so found says, until that no longer changes.
    """
    late = {
        (k, read.phase, place): 0
        for k, group in enumerate(groups)
        for read in group.reads
        if read.before
        for place in range(len(read.after))
    }
    free = 0  # the first clock in which the tail may take the first group
    while True:
        known = [[0] * count for count in at_once]
        for (_, phase, _), clock in late.items():
            known[phase].append(clock)
        walk = _Walk(groups, [sorted(clocks) for clocks in known], free, accumulators)
        if not walk.run(cycles):
            return None
        later = {
            (k, read.phase, place): walk.ends[k] + after - cycles
            for k, group in enumerate(groups)
            for read in group.reads
            if read.before
            for place, after in enumerate(read.after)
        }
        needed = {key: max(clock, later[key]) for key, clock in late.items()}
        room = max(free, walk.ends[-1] + groups[-1].rows - cycles)
        if (needed, room) == (late, free):
            return walk.order(cycles)
        late, free = needed, room


class _Walk:
    """A step clock by clock.

    Parameters
    ----------
    groups : of the step.
    known : of each phase, when its columns are known, ascending, without those of this step.
    free : the first clock in which the tail may take a group.
    accumulators : places of the ring.
    """

    def __init__(
        self, groups: tuple[Group, ...], known: list[list[int]], free: int, accumulators: int
    ):
        self.groups, self.known, self.free = groups, known, free
        self.ring: list[int | None] = [None] * accumulators
        self.place = 0  # of the ring: the accumulator in use
        self.issued = [0] * len(groups)
        self.opened = 0  # groups that have been
        self.clock = 0
        self.runs: list[Run] = []
        self.ends: list[int] = []

    def run(self, limit: int) -> bool:
        """All of the step; False if that takes more clocks than `limit`."""
        while len(self.ends) < len(self.groups):
            clock, turns, group = self._next()
            if clock >= limit:
                return False
            self._wait(clock, max(0, turns - 1))
            self._issue(group, turns > 0)
        return self.clock <= limit

    def order(self, cycles: int) -> Order:
        self._wait(cycles, 0)
        return Order(tuple(self.runs), len(self.ring), cycles, tuple(self.ends))

    def _next(self) -> tuple[int, int, int]:
        """Where to go on: the clock, how many places of the ring away, and the group there.

        The soonest clock counts, then the oldest group. But where this place and the next one both
        have work at once, the ring turns on if the oldest group, which lies that way, will have
        work when the ring is there: what others wait for comes before what can be done any time.
        """
        oldest, choices = len(self.ends), []
        fresh = self.opened < len(self.groups)
        for turns in range(len(self.ring)):
            group = self.ring[(self.place + turns) % len(self.ring)]
            if group is None:
                if not fresh:
                    continue
                group, fresh = self.opened, False
            clock = max(self._known(group), self.clock + max(0, turns - 1))
            choices.append((clock, group, turns))
        soon = [choice for choice in choices if choice[0] == self.clock]
        if len(soon) == 2 and soon[0][1] != oldest:
            at = next(choice for choice in choices if choice[1] == oldest)
            if self._known(oldest) <= self.clock + max(0, at[2] - 1):
                soon = soon[1:]
        clock, group, turns = min(soon or choices)
        return clock, turns, group

    def _known(self, group: int) -> int:
        """The first clock in which a group's next column may be issued."""
        known, place = self.known[self.groups[group].phase], self.issued[group]
        clock = known[place] if place < len(known) else NEVER
        if place == self.groups[group].columns - 1:
            clock = max(clock, self.free) if group == len(self.ends) else NEVER
        return max(clock, self.clock)

    def _wait(self, until: int, turns: int) -> None:
        """Idle clocks, in the first of which the ring turns on."""
        for _ in range(turns):
            self.place = (self.place + 1) % len(self.ring)
            self.runs.append(Run(-1, 1, True))
            self.clock += 1
        if until > self.clock:
            self.runs.append(Run(-1, until - self.clock, False))
        self.clock = until

    def _issue(self, group: int, rotate: bool) -> None:
        """The next columns of a group, as many as may follow at once if it is the oldest one."""
        self.place = (self.place + rotate) % len(self.ring)
        self.ring[self.place] = group
        self.opened = max(self.opened, group + 1)
        clocks = self._at_once(group)
        self.issued[group] += clocks
        self.clock += clocks
        self.runs.append(Run(group, clocks, rotate))
        if self.issued[group] == self.groups[group].columns:
            self._end(group)

    def _at_once(self, group: int) -> int:
        if group != len(self.ends):
            return 1
        known, start = self.known[self.groups[group].phase], self.issued[group]
        left = self.groups[group].columns - start
        if len(known) == start + left and known[-1] <= self.clock:
            return left if self.free < self.clock + left else max(1, left - 1)
        clocks = 1
        while clocks < left - 1 and start + clocks < len(known):
            if known[start + clocks] > self.clock + clocks:
                break
            clocks += 1
        return clocks

    def _end(self, group: int) -> None:
        """A group's last column has been issued: what it yields is on its way."""
        end = self.clock - 1
        self.ends.append(end)
        self.ring[self.place] = None
        self.free = end + self.groups[group].rows
        for read in self.groups[group].reads:
            if not read.before:
                for after in read.after:
                    insort(self.known[read.phase], end + after)

"""The clocks of a core that skips columns: which are active is known only while it runs.

Values are listed when they are computed, and groups of rows run over lists. A layer reads the list
of its input and those of its own outputs, with gate recurrence also of its gates, of the step
before, a dense stage that of what it reads; the list that comes last may grow while its first
group reads it, and that group ends only when the list is whole. All others find their lists whole:

    clocks of a group = max(active columns, rows of the group before, 1)

The rows are those that the tail still takes; there are two clocks more for each phase, and what its
first group waits for the end of its lists. `SkipSchedule.spans` gives the clocks of given lists.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby

import numpy as np

from fixedpoint.network import QuantizedNetwork
from golden.wiring import INPUT
from rtl.schedule import latency
from rtl.schedule.groups import After
from rtl.schedule.issue import Order, Run
from rtl.schedule.latency import Depths
from rtl.schedule.listing import Flags, Given, Ints, Listed, Loaded, Segment, Step
from rtl.schedule.phases import Column, Phase, phases_of
from rtl.schedule.schedule import Schedule, Slot, check_lanes, check_shapes, has_peepholes
from rtl.schedule.walking import Part, Walk

KINDS = ("zero", "unchanged")
NOTHING: Loaded = {}
STEADY = 4  # steps of full lists, after which one takes as long as the next
ORDER = ("x", "gates", "y", "below")
"""Sources by when their lists are whole: the last one may still grow when a phase begins."""


@dataclass(frozen=True)
class SkipSchedule(Schedule):
    """A core that skips; what `Schedule` says holds for steps in which every column is active.

    Attributes
    ----------
    skip : which columns take no clock: those of "zero" values, or of "unchanged" ones.
    """

    skip: str = "zero"

    @property
    def changed(self) -> bool:
        """Whether differences are listed and sums are kept."""
        return self.skip == "unchanged"

    @property
    def row(self) -> int:
        return latency.SKIP_ROW

    @property
    def kept(self) -> int:
        """Clocks in which a kept sum is added."""
        return latency.KEPT * self.changed

    @property
    def listing(self) -> int:
        """Clocks from a value to its place in a list, as the sequencer sees it."""
        return latency.LISTED + latency.CHANGED * self.changed

    @property
    def after(self) -> After:
        gate = self.row + self.kept + self.depths.activation + self.listing
        return After(gate, gate + latency.STATE + self.depths.output)

    @property
    def one_sigma(self) -> bool:
        return False

    @property
    def output_ready(self) -> list[int]:
        return [self.ready[row] - self.listing for row in self.rows if self.leaves(row)]

    @property
    def latency(self) -> int:
        return self.listing - latency.LOOKED + self.output_ready[0] + latency.LEAVE

    @property
    def buffered_steps(self) -> int:
        occupied = self.after.cell + max(phase.side for phase in self.phases) + latency.LEAVE
        return 3 + -(-occupied // self.least_cycles)

    def stored(self, slot: Slot) -> bool:
        return super().stored(slot) and not slot.stream  # once for all streams

    @cached_property
    def yields(self) -> dict[Given, tuple[int, tuple[int, ...]]]:
        """Of all that is listed but the input which phase yields it, and its rows there; in order.

        Gates are those of all layers, where any has gate recurrence.
        """
        found = {}
        projected = {phase.layer for phase in self.phases if phase.yields == "y"}
        gated = any(column.source == "gates" for p in self.phases for column in p.columns)
        for p, phase in enumerate(self.phases):
            cells, stream = phase.yields == "g", phase.stream
            kinds = {("m" if cells and phase.layer in projected else "y"): phase.yields != "out"}
            kinds |= {"gates": gated and cells}
            for kind in (kind for kind, listed in kinds.items() if listed):
                own = [(row.kind == phase.yields) == (kind != "gates") for row in phase.rows]
                found[Given(phase.layer, kind, stream)] = p, tuple(np.flatnonzero(own).tolist())
        return found

    @cached_property
    def outputs(self) -> tuple[Given, ...]:
        """What is listed of cells and dense stages, in order."""
        return tuple(given for given in self.yields if given.kind != "gates")

    @cached_property
    def gates(self) -> tuple[Given, ...]:
        """What is listed of gates, in order."""
        return tuple(given for given in self.yields if given.kind == "gates")

    @cached_property
    def input(self) -> tuple[Given, ...]:
        """What is listed of the input: each stream's."""
        return tuple(Given(INPUT, stream=stream) for stream in range(self.streams))

    @cached_property
    def widths(self) -> dict[Given, int]:
        """How many values there are of what is listed."""
        own = {k: len(rows) for k, (_, rows) in self.yields.items()}
        return dict.fromkeys(self.input, self.inputs) | own

    @cached_property
    def releases(self) -> int:
        """The last phase that reads the input."""
        return max(p for p, _ in enumerate(self.phases) if self._reads(p, self.input))

    def _reads(self, p: int, some: Collection[Given]) -> bool:
        """Whether a phase reads the list of one of them."""
        return any(each.given in some for each in self.segments(self.phases[p]))

    def takes(self, p: int) -> list[int]:
        """The clocks from the end of each of a phase's groups until the tail may take another one.

        What a projection or a dense stage gives is listed sooner than cell outputs; where it does
        not wait for those of the phase before, it must not overtake them.
        """
        phase, after = self.phases[p], (p + 1) % len(self.phases)
        found = [phase.tail_clocks(k) for k in range(phase.groups)]
        own = {given for given, (its, _) in self.yields.items() if its == p}
        hurries = self.phases[after].yields in ("y", "stem", "dense")
        if phase.yields == "g" and hurries and not self._reads(after, own):
            found[-1] += self.after.cell - self.after.gate
        return found

    def segments(self, phase: Phase) -> tuple[Segment, ...]:
        """The lists that a phase reads, in order."""
        found, place = [], 0
        for given, some in groupby(phase.columns, partial(self._given, phase.stream)):
            first, *others = some
            found.append(Segment(given, first.before, place))
            place += 1 + len(others)
        return tuple(found)

    def _given(self, stream: int, column: Column) -> Given:
        """What is listed together with a column."""
        row = column.row
        if row is None:
            return Given(INPUT, stream=stream)
        if column.source == "gates":
            return Given(row.layer, "gates", stream)
        before = Given(row.layer, "m", stream)
        cells = row.kind == "g" and before in self.yields
        return before if cells else before._replace(kind="y")

    @cached_property
    def lists(self) -> int:
        """The most that a phase reads."""
        return max(len(self.segments(phase)) for phase in self.phases)

    @cached_property
    def least_cycles(self) -> int:
        """Cycles of a step without any active column, behind others."""
        return self.cycles_at(0)

    def spans(
        self, listed: Listed, first: Flags, loaded: Loaded = NOTHING, begins: Ints | None = None
    ) -> tuple[Ints, Ints]:
        """When steps begin and end: one runs in the clocks behind its begin, up to its end.

        Parameters
        ----------
        listed : which values are.
        first : (T,), of each step whether it begins a sequence, in all streams.
        loaded : which values are of states that are written.
        begins : (T,), if they are known; else each step begins as soon as the one before ends.
        """
        walk, found, end = self.walk(), [], 0
        for t, (now, before) in enumerate(self._steps(listed, first, loaded)):
            begin = end + self._restoring(loaded.get(t)) if begins is None else int(begins[t])
            if t in loaded:
                walk.restored(begin)
            end = walk.step(begin, now, before)[-1]
            found.append((begin, end))
        both = np.array(found, np.int64).reshape(-1, 2)
        return both[:, 0], both[:, 1]

    def begins(self, listed: Listed, first: Flags, loaded: Loaded = NOTHING) -> Ints:
        """When steps begin, from the clock in which the first element is taken on, where the source
        never pauses and all that leaves is taken at once: with the end of the step before, or when
        their input is there; behind a state that is written, when the core has been idle."""
        walk, found = self.walk(), list[int]()
        end, released, taking = 0, [-1, -1], 0
        reading = sum(phase.groups for phase in self.phases[: self.releases + 1])
        for t, (now, before) in enumerate(self._steps(listed, first, loaded)):
            if t in loaded:
                taking, released = end, [end - 1] * 2
            there = taking + self.streams * self.elements - 1 + self.listing - latency.LOOKED
            found.append(max(end, there) + self._restoring(loaded.get(t)))
            if t in loaded:
                walk.restored(found[-1])
            ends = walk.step(found[-1], now, before)
            taking = max(there, released[-1] + 1)  # where the step before has its input
            released.append(ends[reading - 1])
            end = ends[-1]
        return np.array(found, np.int64)

    def walk(self) -> Walk:
        """Steps one after the other."""
        parts = []
        for p, phase in enumerate(self.phases):
            yields = tuple(
                (given, *self._behind(phase, given, np.array(own)))
                for given, (its, own) in self.yields.items()
                if its == p
            )
            parts.append(Part(np.array(self.takes(p)), self.segments(phase), yields))
        return Walk(parts, self.widths)

    def _behind(self, phase: Phase, given: Given, rows: Ints) -> tuple[Ints, Ints]:
        """Of each value that rows of a phase yield its group, and the clocks behind its end."""
        cells = phase.yields == "g" and given.kind != "gates"
        return rows // phase.side, rows % phase.side + (
            self.after.cell if cells else self.after.gate
        )

    @cached_property
    def listing_anew(self) -> int:
        """Clocks in which the values of a state that was written are listed."""
        counts = [sum(self.widths[each] for each in some) for some in (self.outputs, self.gates)]
        return max(counts) + latency.MEMORY + self.listing

    def _restoring(self, state: Step | None) -> int:
        """Clocks from the one in which a step could begin to that in which it does, where a state
        was written before it: its values are listed anew, and a step runs over them alone."""
        if state is None:
            return 0
        return self.listing_anew + self.walk().step(0, state, self._none, tail=False)[-1] + 1

    @cached_property
    def _none(self) -> Step:
        """Nothing is listed."""
        return {k: np.zeros(n, bool) for k, n in self.widths.items()}

    def _steps(self, listed: Listed, first: Flags, loaded: Loaded) -> Iterator[tuple[Step, Step]]:
        """Of each step what is listed by stage, and what was in the step before or in the state
        that is written between them: in a sequence's first one nothing."""
        before = self._none
        for t, opening in enumerate(first.tolist()):
            now = {k: flags[t] for k, flags in listed.items()}
            yield now, self._none if opening else loaded.get(t, before)
            before = now

    def cycles_at(self, share: float) -> int:
        """Cycles of a step, behind others, in which this share of all values is listed, evenly."""
        places = {k: np.arange(n + 1) for k, n in self.widths.items()}
        flags = {k: np.diff(np.floor(share * n)) > 0 for k, n in places.items()}
        listed = {k: np.tile(each, (STEADY, 1)) for k, each in flags.items()}
        begins, ends = self.spans(listed, np.zeros(STEADY, bool))
        return int(ends[-1] - begins[-1])

    def active(self, listed: Listed, first: Flags, loaded: Loaded = NOTHING) -> Ints:
        """(T,), columns of all groups of each step that are active."""
        total = np.zeros(len(first), np.int64)
        for phase in self.phases:
            for segment in self.segments(phase):
                count = listed[segment.given].sum(axis=1)
                if segment.before:
                    count = np.concatenate([[0], count[:-1]])
                    count[list(loaded)] = [state[segment.given].sum() for state in loaded.values()]
                    count = np.where(first, 0, count)
                total += phase.groups * count
        return total


def threshold_of(qnet: QuantizedNetwork, given: Given) -> int:
    """The threshold of what is listed."""
    known = given.kind == "y" and given.stage < len(qnet.layers)
    return qnet.thresholds[given.stage - INPUT] if known else 0


def skip_schedule_of(
    qnet: QuantizedNetwork, lanes: int | None, skip: str, streams: int = 1
) -> SkipSchedule:
    """The schedule of a core that skips, on `lanes` lanes (default: all that it can use), for so
    many streams.

    Raises
    ------
    LaneError : `lanes` is not one of `allowed_lanes`.
    UnsupportedError : see `check_shapes`.
    """
    lanes, peepholes = check_lanes(qnet, lanes), has_peepholes(qnet)
    check_shapes(qnet)
    phases = tuple(map(_as_listed, phases_of(qnet, lanes, streams, peepholes, every=True)))
    depths, order = Depths(peepholes), Order((), 1, 0, ())
    found = SkipSchedule(lanes, streams, phases, order, qnet.inputs, depths, skip=skip)
    return replace(found, order=_full(found))


def _as_listed(phase: Phase) -> Phase:
    """The phase with its columns in the order in which lists have them."""
    columns = sorted(phase.columns, key=lambda each: (ORDER.index(each.source), each.address))
    return replace(phase, columns=tuple(columns))


def _full(schedule: SkipSchedule) -> Order:
    """The order of a step in which every column is active, behind others."""
    walk, begin, ends = schedule.walk(), 0, [0]
    full = {k: np.ones(n, bool) for k, n in schedule.widths.items()}
    for _ in range(STEADY):
        begin, ends = ends[-1], walk.step(ends[-1], full, full)
    runs, clock = list[Run](), begin
    for k, (end, (phase, _)) in enumerate(zip(ends, schedule.groups, strict=True)):
        columns = len(phase.columns)
        runs += [Run(-1, idle, False)] if (idle := end - clock - columns) else []
        runs.append(Run(k, columns, False))
        clock = end
    return Order(tuple(runs), 1, clock - begin, tuple(end - begin for end in ends))

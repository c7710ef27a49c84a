"""Where the rows of a core stand in a clock: every mark and counter of the tail is as scheduled.

The ages of the latest steps (`rtl.proofs.ages`) and the schedule say of every mark and counter what
it must be. All of it is proven with what else is claimed, none is taken for granted; it makes the
induction short.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from rtl.program.program import RowWord
from rtl.proofs.ages import Ages, claim_steps, wrapped
from rtl.proofs.harness import Harness
from rtl.proofs.idle import claim_idle, claim_loaded
from rtl.proofs.pieces import chosen
from rtl.schedule import latency
from rtl.step_plan import StepPlan

__all__ = ["FETCH", "Place", "Rows", "Timed", "claim_rows", "claim_steps"]

FETCH = 2  # clocks from the sequencer's count to the word that stands for it


class Timed(NamedTuple):
    """A row, and the clock of its step in which its sum comes to the tail."""

    clock: int
    word: RowWord


@dataclass(frozen=True)
class Place:
    """One of the rows that the tail takes at once.

    Attributes
    ----------
    path : of its part.
    sizes : rows that come there of each group.
    rows : those of a step, in order.
    """

    path: str
    sizes: tuple[int, ...]
    rows: tuple[Timed, ...]


class Rows:
    """The timetable of a step, in clocks since its first one.

    Parameters
    ----------
    least : an age is counted up to here at least.

    Attributes
    ----------
    core, program, cycles : which core; clocks from step to step.
    to_start : from the sequencer's count for a group's last column to the mark that announces its
        rows, a clock before the first one's sum.
    activation, state, output : from a row's sum to its activation, to its state's writer, and from
        there to y.
    coming : from a row's sum to its state's reader.
    ends, streams : when each group's last column is issued, and whose group it is.
    places : of the tail.
    drained : after so many clocks the core may be idle.
    ages : of the steps under way.
    """

    def __init__(self, core: StepPlan, least: int = 0):
        self._measure(core)
        schedule = core.schedule
        self.cycles = schedule.cycles_per_step
        self.to_start = FETCH - 1 + schedule.row - 1
        self.ends = [clock for clock, slot in enumerate(schedule.slots) if slot.last]
        self.streams = [phase.stream for phase, _ in schedule.groups]
        self.places = [self._place(k) for k in range(schedule.tail)]
        last = max(row.clock for place in self.places for row in place.rows)
        limit = max(self.cycles, least, last + self.state + self.output + latency.LEAVE)
        self.drained = self.cycles + schedule.after.cell + max(p.side for p in schedule.phases) + 2
        self.ages = Ages(self.cycles, max(limit, self.drained) if self.has_ports else limit)

    def _measure(self, core: StepPlan) -> None:
        """The core, and the clocks of its ways."""
        self.core, self.program = core, core.program
        self.activation = core.schedule.depths.activation
        self.coming = self.activation - latency.STATE_READ
        self.state = self.activation + latency.STATE
        self.output = core.schedule.depths.output

    def _place(self, place: int) -> Place:
        groups = [len(rows) for rows in self.core.schedule.tails[place]]
        clocks = [
            end + self.to_start + 1 + row
            for end, size in zip(self.ends, groups, strict=True)
            for row in range(size)
        ]
        rows = map(Timed, clocks, self.program.tail(place))
        return Place(f"activation{place}", tuple(groups), tuple(rows))

    @property
    def has_ports(self) -> bool:
        """Whether something reaches the memories while the core is idle."""
        return self.core.options.state_port or self.program.loadable

    @property
    def limit(self) -> int:
        """After so many clocks nothing of a step is under way."""
        return self.ages.limit

    def rows(self, *kinds: str) -> list[Timed]:
        """The rows of some kinds in their order, wherever in the tail they come."""
        matching = (
            row for place in self.places for row in place.rows if row.word.row.kind in kinds
        )
        return sorted(matching, key=lambda row: row.clock)

    def of(self, *kinds: str) -> list[int]:
        """When the sums of the rows of some kinds come."""
        return [row.clock for row in self.rows(*kinds)]

    def at(self, times: Iterable[int], delay: int = 0) -> str:
        """See `Ages.at`."""
        return self.ages.at(times, delay)

    def stands_at(self, clock: str, delay: int) -> str:
        """Whether this clock is so many after that one, a net, of any step."""
        return f"({' || '.join(f'{age} == {clock} + {delay}' for age in self.ages.names)})"

    def passed(self, times: Sequence[int], delay: int) -> str:
        """See `Ages.passed`."""
        return self.ages.passed(times, delay)


def claim_rows(h: Harness, rows: Rows) -> None:
    """The marks and counters of the tail, from the program's words on, are as scheduled."""
    claim_steps(h, rows.cycles, rows.limit)
    fed = rows.to_start - FETCH - latency.LANE + 1  # stages of the feed
    marks = ["sequencer.word.last", *(f"operands.last_{k}" for k in range(1, fed))]
    marks += ["operands.feed.last", *(f"lanes.start_{k}" for k in range(1, latency.LANE - 1))]
    marks += ["activation0.start", "lanes.opens_1"]
    for k, mark in enumerate(marks):
        h.prove(f"{h.see(mark)} == {rows.at(rows.ends, FETCH + k)}")
    if rows.has_ports:
        claim_idle(h, rows.cycles, rows.drained)
    for number, place in enumerate(rows.places):
        claim_counters(h, rows, place, str(number))
        claim_valid(h, rows, place)
        claim_words(h, rows, place)
        if rows.program.loadable:
            claim_loaded(h, rows.program, place.path, number)


def claim_counters(h: Harness, rows: Rows, place: Place, name: str) -> None:
    """The tail knows which row comes next."""
    count, path = len(place.rows), place.path
    first_rows = list(accumulate(place.sizes[:-1], initial=0))
    at, following = h.see(f"{path}.place"), h.see(f"{path}.following")
    left = h.see(f"{path}.left") if h.has(f"{path}.left") else "0"
    h.line(f"wire [15:0] group{name} = {rows.passed(rows.ends, rows.to_start)};")
    if len(set(place.sizes)) > 1:  # the only register of that part without a name
        h.prove(f"{h.see(f'{path}.$signal')} == group{name}")
    h.line(f"wire [15:0] first_row{name} = {chosen(f'group{name}', first_rows)};")
    h.line(f"wire [15:0] reached{name} = {at} + {left};")
    h.prove(
        f"{left} < {max(2, *place.sizes)} "
        f"&& {wrapped(f'first_row{name}', count)} == {wrapped(f'reached{name}', count)}"
    )
    clocks = [row.clock for row in place.rows]
    h.prove(f"{at} == {rows.passed(clocks, -1)}")
    h.prove(f"{following} == {wrapped(f'{at} + 1', count)}")


def claim_valid(h: Harness, rows: Rows, place: Place) -> None:
    """A row is valid, stage by stage, in its clock and in no other; an output gate that waits for
    its cell's state leaves by another way."""
    peepholes = rows.core.schedule.peepholes
    clocks = [row.clock for row in place.rows]
    shown = [row.clock for row in place.rows if not (peepholes and row.word.row.kind == "o")]
    for k, mark in enumerate(["due", "row_1", "row_2"]):
        h.prove(f"{h.see(f'{place.path}.{mark}')} == {rows.at(clocks, k - 1)}")
    for k in range(1, rows.activation):
        h.prove(f"{h.see(f'{place.path}.valid_{k}')} == {rows.at(shown, k + 1)}")


def claim_words(h: Harness, rows: Rows, place: Place) -> None:
    """Every row of the tail is known there as what it is, stage by stage."""
    for field in ("kind", "cell_mode"):
        times: dict[int, list[int]] = {}
        for clock, word in place.rows:
            code = rows.program.kinds.index(word.row.kind) if field == "kind" else word.cell_mode
            times.setdefault(code, []).append(clock)
        stages = [h.see(f"{place.path}.word_1.{field}")]
        stages += [h.see(f"{place.path}.{field}_{k}") for k in range(1, rows.activation)]
        for code, clocks in times.items():
            for k, found in enumerate(stages):
                h.prove(f"!{rows.at(clocks, 1 + k)} || {found} == {code}")

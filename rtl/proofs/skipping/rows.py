"""The rows of a step of a core that skips, and the stages that they go through."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from rtl.proofs.ages import runs, wrapped
from rtl.proofs.design import escaped
from rtl.proofs.harness import PART
from rtl.proofs.rows import Place, Rows, Timed
from rtl.schedule import latency
from rtl.schedule.skipping import SkipSchedule
from rtl.skipping.lister import value_layout
from rtl.step_plan import StepPlan


class SkipRows(Rows):
    """The rows of a step of a core that skips, in their order.

    A row's clock is its place in this order, and delays are counted from the stage in which its sum
    comes, as those of `Rows` are.

    Attributes
    ----------
    sizes, takes : of each group its rows, and the clocks that the tail takes for them.
    streams : whose group each is.
    firsts, lasts : the first and the last row of each.
    sums : the stage in which a row's sum comes; in stage 0 its group has just ended.
    stages : how many there are.
    rebuilds : whether there are steps that have no input, see `rtl.proofs.skipping.rebuilding`.
    """

    def __init__(self, core: StepPlan):
        self._measure(core)
        schedule = core.schedule
        assert isinstance(schedule, SkipSchedule)
        self.schedule = schedule
        self.sizes = [len(rows) for rows in schedule.tails[0]]
        self.takes = [k for p, _ in enumerate(schedule.phases) for k in schedule.takes(p)]
        self.streams = [phase.stream for phase, _ in schedule.groups]
        self.firsts = list(accumulate(self.sizes[:-1], initial=0))
        self.lasts = [first + size - 1 for first, size in zip(self.firsts, self.sizes, strict=True)]
        rows = tuple(Timed(k, word) for k, word in enumerate(self.program.tail(0)))
        self.places = [Place("activation0", tuple(self.sizes), rows)]
        self.ends = self.firsts
        self.sums = schedule.row + schedule.kept - 1
        self.to_start = -1
        self.stages = self.sums + self.state + self.output + latency.LEAVE
        self.rebuilds = core.has_idle

    @property
    def count(self) -> int:
        """Rows of a step."""
        return sum(self.sizes)

    @property
    def limit(self) -> int:
        """Clocks from power-up in which a step of few columns can be through."""
        looked = len(self.schedule.phases) * (1 + latency.LOOKED)
        return latency.START + looked + sum(self.takes) + self.stages

    @property
    def shortest(self) -> dict[str, int | str]:
        """What a search for a fault may limit itself to: an input is there and lists are whole and
        empty at any time, and nothing is written from outside."""
        schedule = self.schedule
        whole = 1 << max(schedule.widths.values()).bit_length()
        lists = {
            f"front.sequencer.ends{p}_{k}": whole
            for p, _ in enumerate(schedule.phases)
            for k in range(schedule.lists)
        }
        ports = {"state_write": self.core.options.state_port, "load_write": self.program.loadable}
        return {**lists, **self._waiting, **{port: 0 for port, there in ports.items() if there}}

    @property
    def _waiting(self) -> dict[str, int | str]:
        """An input is there, of those nets that `leave_lists` leaves: it says so; or a step's last
        element, if any, comes to its list, which is a register and 0 at power-up."""
        if not self.rebuilds:
            return {"front.input.waiting": 1}
        qnet, streams, net = self.core.qnet, self.schedule.streams, "front.input.lister.o"
        layout = value_layout(
            streams, qnet.inputs, qnet.formats.input.width + self.schedule.changed
        )
        last: Any = layout.const({"valid": 1, "final": 1, "stage": streams - 1})
        return {net: f"({escaped(f'{PART}.{net}')} == 0 ? 0 : {last.as_bits()})"}

    def at(self, times: Iterable[int], delay: int = 0) -> str:
        """Whether one of some rows of the tail stands so many stages behind that of its sum."""
        return self.taken(times, self.sums + delay)

    def stands_at(self, clock: str, delay: int) -> str:
        """Whether that row, a net, stands so many stages behind that of its sum."""
        stage = self.sums + delay
        return f"({self.here(stage)} && {self.next(stage)} == {clock})"

    def here(self, stage: int) -> str:
        """Whether a row stands in a stage that is the tail's."""
        return f"taken_{stage}" if self.rebuilds else f"here_{stage}"

    def next(self, stage: int) -> str:
        """Which of these comes next there."""
        return f"due_{stage}" if self.rebuilds else f"next_{stage}"

    def taken(self, rows: Iterable[int], stage: int) -> str:
        """Whether one of some rows stands in a stage that is the tail's."""
        return f"({self.here(stage)} && {among(self.next(stage), rows)})"

    def stands(self, rows: Iterable[int], stage: int) -> str:
        """Whether one of some rows stands in a stage."""
        return f"(here_{stage} && {among(f'next_{stage}', rows)})"

    def passed(self, times: Sequence[int], delay: int) -> str:
        """How many of some rows are behind that stage; 0 when all of a step are."""
        name = self.next(self.sums + delay)
        terms = [f"({name} > {low})" for low in times]
        return wrapped(" + ".join(terms), len(times)) if terms else "0"


def among(value: str, numbers: Iterable[int]) -> str:
    """Whether a value is one of some numbers."""
    terms = (
        f"{value} == {low}" if low == high else f"({value} >= {low} && {value} <= {high})"
        for low, high in runs(sorted(numbers))
    )
    return f"({' || '.join(terms) or '0'})"

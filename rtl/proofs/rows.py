"""Where the rows of a core stand in a clock: every mark and counter of the tail is as scheduled.

Two registers of the harness count the clocks since the latest step began (`age`), and those of the
step before it (`back`), which may still be under way in the tail. With the schedule they say of
every mark and counter what it must be. All of it is proven with what else is claimed, none is taken
for granted; it makes the induction short.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate

from rtl import latency
from rtl.program import Program
from rtl.proofs.errors import ProofError
from rtl.proofs.harness import Harness

FETCH = 2  # clocks from the sequencer's count to the word that stands for it
LAST_TO_ROW = FETCH + latency.OPERAND - 1 + latency.LANE  # ... of a group's end, to its first row
LAST_TO_START = LAST_TO_ROW - 1  # ... to the mark that announces it
COMING = 1 + latency.ACTIVATION - 1 - latency.STATE_READ  # a row's sum to the state's reader
STATE = latency.ACTIVATION + latency.STATE  # a row's sum to the state's writer


def chosen(index: str, values: Sequence[int]) -> str:
    """The value that belongs to an index, as an expression."""
    text = str(values[-1])
    for k, value in reversed(list(enumerate(values[:-1]))):
        text = f"({index} == {k} ? {value} : {text})"
    return text


def wrapped(value: str, count: int) -> str:
    """A value below twice `count`, modulo `count`."""
    return f"(({value}) >= {count} ? ({value}) - {count} : ({value}))"


def at(times: Iterable[int], delay: int = 0) -> str:
    """Whether this clock is one of some times of a step, or so much later."""
    late = (time + delay for time in times)
    return "(" + " || ".join(f"age == {time} || back == {time}" for time in late) + ")"


def passed(times: Sequence[int], delay: int) -> str:
    """How many of a step's times lie behind, each so much later; 0 when all do."""
    late = [time + delay for time in times]
    counts = [" + ".join(f"({since} > {time})" for time in late) for since in ("age", "back")]
    return wrapped(f"age > {late[0]} ? {counts[0]} : {counts[1]}", len(times))


class Rows:
    """The timetable of a step, in clocks since its first one.

    Attributes
    ----------
    program, cycles : of the core; clocks from step to step.
    ends : when each group's last column is issued.
    sizes : rows of each group.
    arrivals : when each row's sum comes to the tail.
    limit : after so many clocks nothing of a step is under way.

    Raises
    ------
    ProofError : the tail takes several rows at once, or is so long that three steps are in it.
    """

    def __init__(self, program: Program):
        self.program, schedule = program, program.schedule
        self.cycles = schedule.cycles_per_step
        if schedule.tail > 1 or schedule.peepholes or schedule.streams > 1:
            raise ProofError("rows: one row at once, one stream and no peepholes are needed")
        self.ends = [clock for clock, slot in enumerate(schedule.slots) if slot.last]
        self.sizes = [len(rows) for rows in schedule.tails[0]]
        groups = zip(self.ends, self.sizes, strict=True)
        self.arrivals = [end + LAST_TO_ROW + row for end, size in groups for row in range(size)]
        self.limit = max(self.cycles, self.arrivals[-1] + STATE + latency.OUTPUT + latency.LEAVE)
        if self.limit > 2 * self.cycles:
            raise ProofError(f"rows: a step of {self.cycles} clocks is under way for {self.limit}")

    def of(self, *kinds: str) -> list[int]:
        """When the sums of the rows of some kinds come."""
        rows = zip(self.arrivals, self.program.tail(0), strict=True)
        return [clock for clock, word in rows if word.row.kind in kinds]


def claim_steps(h: Harness, cycles: int, limit: int) -> None:
    """The sequencer counts a step's clocks; `age` and `back` stand for them up to a limit."""
    clock, running, starts = (h.see(f"sequencer.{n}") for n in ("clock", "running", "starts"))
    bits, older = limit.bit_length(), f"(age == {limit} ? age : age + 1)"
    h.register("age", bits, f"{starts} ? 0 : {older}", limit)
    h.register("back", bits, f"{starts} ? {older} : back == {limit} ? back : back + 1", limit)
    h.prove(f"age <= {limit} && back <= {limit} && (back == {limit} || back >= age + {cycles})")
    h.prove(f"{running} == (age < {cycles}) && {clock} == ({running} ? age : 0)")


def claim_rows(h: Harness, rows: Rows) -> None:
    """The marks and counters of the tail, from the program's words on, are as scheduled."""
    claim_steps(h, rows.cycles, rows.limit)
    marks = ["sequencer.word.last", "operands.last_1", "operands.last_2", "operands.feed.last"]
    marks += [f"lanes.start_{k}" for k in range(1, latency.LANE - 1)]
    marks += ["activation0.start", "lanes.opens_1"]
    for k, mark in enumerate(marks):
        h.prove(f"{h.see(mark)} == {at(rows.ends, FETCH + k)}")
    count, first_rows = sum(rows.sizes), list(accumulate(rows.sizes[:-1], initial=0))
    place, following = h.see("activation0.place"), h.see("activation0.following")
    left = h.see("activation0.left") if h.has("activation0.left") else "0"
    h.line(f"wire [15:0] group = {passed(rows.ends, LAST_TO_START)};")
    if len(set(rows.sizes)) > 1:  # the only register of that part without a name
        h.prove(f"{h.see('activation0.$signal')} == group")
    h.line(f"wire [15:0] first_row = {chosen('group', first_rows)};")
    h.line(f"wire [15:0] reached = {place} + {left};")
    h.prove(f"{left} < {max(2, *rows.sizes)} && first_row == {wrapped('reached', count)}")
    h.prove(f"{place} == {passed(rows.arrivals, -1)}")
    h.prove(f"{following} == {wrapped(f'{place} + 1', count)}")
    valid = ["due", "row_1", "row_2", *(f"valid_{k}" for k in range(1, latency.ACTIVATION))]
    for k, mark in enumerate(valid):
        h.prove(f"{h.see(f'activation0.{mark}')} == {at(rows.arrivals, k - 1)}")
    claim_kinds(h, rows)


def claim_kinds(h: Harness, rows: Rows) -> None:
    """Every row of the tail is known there as what it is, stage by stage."""
    words = list(zip(rows.arrivals, rows.program.tail(0), strict=True))
    for field in ("kind", "cell_mode"):
        times: dict[int, list[int]] = {}
        for clock, word in words:
            code = rows.program.kinds.index(word.row.kind) if field == "kind" else word.cell_mode
            times.setdefault(code, []).append(clock)
        places = [h.see(f"activation0.port__data.{field}")]
        places += [h.see(f"activation0.{field}_{k}") for k in range(1, latency.ACTIVATION)]
        for code, arrivals in times.items():
            for k, found in enumerate(places):
                late = k + 1 if k else 0  # the memory is read ahead
                h.prove(f"!{at(arrivals, late)} || {found} == {code}")

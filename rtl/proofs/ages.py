"""How long ago the latest steps began: the clock by which all marks and counters are told.

Registers of the harness count the clocks since the latest step began (`age`), since the one before
it (`back`), and so on (`back2`, ...), for as many as can be under way in the core at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rtl.proofs.harness import Harness
from rtl.proofs.pieces import piecewise


def wrapped(value: str, count: int) -> str:
    """A value below twice `count`, modulo `count`."""
    return f"(({value}) >= {count} ? ({value}) - {count} : ({value}))"


def runs(times: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ascending times as runs of consecutive ones: the first and the last one of each."""
    for _, run in groupby(enumerate(times), lambda place: place[1] - place[0]):
        run = [time for _, time in run]
        yield run[0], run[-1]


def strides(times: Iterable[int]) -> Iterator[tuple[int, int, int]]:
    """Ascending times as runs of equal distance, which is a power of two: the first and the last
    one of each, and the distance."""
    left = list(times)
    while left:
        by, count = left[min(1, len(left) - 1)] - left[0] or 1, 1
        while count < len(left) and left[count] == left[0] + by * count:
            count += 1
        if by & (by - 1) or (by > 1 and count < 3):
            by, count = 1, 1
        yield left[0], left[count - 1], by
        left = left[count:]


def meets(since: str, times: Iterable[int]) -> str:
    """Whether an age, a register, is one of some times."""
    terms = []
    for low, high, by in strides(times):
        lowest = f" && {since}[{by.bit_length() - 2}:0] == {low % by}" if by > 1 else ""
        run = f"({since} >= {low} && {since} <= {high}{lowest})"
        terms.append(f"{since} == {low}" if low == high else run)
    return f"({' || '.join(terms)})"


def before(since: str, times: Iterable[int]) -> str:
    """How many of some times lie behind an age; 0 when all do."""
    times = list(times)
    pieces, behind = [(0, "0")], 0
    for low, high in runs(times):
        pieces += [(low + 1, f"{since} - {low - behind}")] if high > low else []
        behind += high + 1 - low
        pieces.append((high + 1, str(behind % len(times))))
    return piecewise(since, pieces)


@dataclass(frozen=True)
class Ages:
    """The ages of the steps that can be under way.

    Attributes
    ----------
    cycles : clocks from step to step, at least.
    limit : an age is counted up to here; then nothing of the step is under way.
    """

    cycles: int
    limit: int

    @property
    def names(self) -> tuple[str, ...]:
        """Of the registers, the latest step first; there are two at least."""
        count = -(-self.limit // self.cycles)
        return ("age", "back", *(f"back{k}" for k in range(2, count)))

    def at(self, times: Iterable[int], delay: int = 0) -> str:
        """Whether this clock is one of some times of a step, or so much later."""
        late = [time + delay for time in times]
        return f"({' || '.join(meets(age, late) for age in self.names)})"

    def passed(self, times: Sequence[int], delay: int) -> str:
        """How many of a step's times lie behind, each so much later; 0 when all do."""
        late = [time + delay for time in times]
        terms = before(self.names[-1], late)
        for age in reversed(self.names[:-1]):
            terms = f"({age} > {late[0]} ? {before(age, late)} : {terms})"
        return terms

    def claim(self, h: Harness) -> None:
        """The sequencer counts a step's clocks; the ages stand for them up to the limit."""
        clock, running, starts = (h.see(f"sequencer.{n}") for n in ("clock", "running", "starts"))
        bits, end, younger = self.limit.bit_length(), self.limit, "0"
        for age in self.names:
            older = f"({age} == {end} ? {age} : {age} + 1)"
            h.register(age, bits, f"{starts} ? {younger} : {older}", end)
            younger = older
        h.prove(" && ".join(f"{age} <= {end}" for age in self.names))
        for age, back in zip(self.names, self.names[1:], strict=False):
            h.prove(f"{back} == {end} || {back} >= {age} + {self.cycles}")
        h.prove(f"{running} == (age < {self.cycles}) && {clock} == ({running} ? age : 0)")


def claim_steps(h: Harness, cycles: int, limit: int) -> None:
    """The ages of the latest steps, see `Ages.claim`."""
    Ages(cycles, limit).claim(h)

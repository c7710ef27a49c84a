"""The search for the formats of least cost that meet a goal, or of least error within some bits.

    1. All uniform widths. The starts are the best of them that meets the goal, and the one two bits
       wider. From each:
    2. Of the candidates with one width a bit narrower or wider, or with the other range of y
       (`Widths.tight`), and that are better: the one that saves most cost for the noise power that
       it adds (where error counts first: the best).
    3. If none is better, the same of those with two widths changed by a bit each; then on with 2.
    4. The better end of the two must meet the goal on data held out as well. If it does not, the
       whole is done again with an error of at most 0.95 of its.

It ends where no change of one width or of two by a bit each is better. "Better" is a total order
and the walk looks at whole sets of evaluations, so that the result does not depend on which is done
first, or where.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field, replace

from fixedpoint.search.evaluation import Evaluation
from fixedpoint.widths import NARROWEST, WIDEST, Widths
from golden.errors import CarouselError

Evaluate = Callable[[Sequence[Widths]], Iterable[Evaluation]]
"""Candidates to their evaluations, in any order."""

WIDER = 2  # bits of the second start above the first
TIGHTER = 0.95  # of the error that did not do on the data held out
LEAST_NOISE = 1e-6  # of the noise power there is: what adds less than this is taken to add as much


class SearchError(CarouselError):
    """A goal that no candidate meets."""


@dataclass(frozen=True)
class Goal:
    """What formats must keep, and what is best among those that do.

    Attributes
    ----------
    bits : the widest width allowed.
    tolerance : the largest RMSE of the output allowed, or None.
    task : whether as many sequences must be answered rightly as in float.

    Raises
    ------
    CarouselError : bits that no width may have; a tolerance that is not above 0.
    """

    bits: int = WIDEST
    tolerance: float | None = None
    task: bool = False

    def __post_init__(self) -> None:
        Widths.uniform(self.bits)
        if self.tolerance is not None and not self.tolerance > 0:
            raise SearchError(f"tolerance {self.tolerance}: must be a number above 0")

    @property
    def cheapest(self) -> bool:
        """Whether cost counts first, because the error has a limit."""
        return self.tolerance is not None or self.task

    def met(self, found: Evaluation) -> bool:
        """Whether all is kept; states must hold, and nothing but a squash may saturate."""
        if found.cost is None or found.holds is False or found.clipped:
            return False
        if self.tolerance is not None and not found.rmse <= self.tolerance:
            return False
        return not self.task or (found.right or 0) >= (found.right_in_float or 0)

    def rank(self, found: Evaluation) -> tuple[float, ...]:
        """Less is better: cost, then error, or the other way round; then the widths themselves."""
        figures = _total(found), found.rmse
        return *(figures if self.cheapest else figures[::-1]), *astuple(found.widths)

    def step(self, here: Evaluation, found: Evaluation) -> tuple[float, ...]:
        """Less is the better step from `here`, of those to a better rank."""
        if not self.cheapest:
            return self.rank(found)
        power = here.rmse**2
        added = max(found.rmse**2 - power, LEAST_NOISE * power)
        saved = _total(here) - _total(found)
        return -saved / added if added else -math.inf, *self.rank(found)


@dataclass
class Search:
    """A search, and what it has found.

    Attributes
    ----------
    goal : what to keep.
    evaluate : candidates to evaluations, in any order.
    kinds : the widths that count, of `Widths`.
    limit : RMSE that must not be passed, below the goal's own where the data held out ask for it.
    known : all evaluations so far.
    """

    goal: Goal
    evaluate: Evaluate
    kinds: Sequence[str]
    limit: float = math.inf
    known: dict[Widths, Evaluation] = field(default_factory=dict)

    def run(self, confirm: Callable[[Evaluation], bool]) -> Evaluation:
        """The best formats that meet the goal, and are confirmed.

        Parameters
        ----------
        confirm : whether formats meet the goal on other data too.

        Raises
        ------
        SearchError : no formats meet the goal, or none that do are confirmed.
        """
        while True:
            found = min(map(self.descend, self.starts()), key=self.goal.rank)
            if confirm(found):
                return found
            self.limit = TIGHTER * found.rmse

    def starts(self) -> list[Evaluation]:
        """Uniform widths to begin with."""
        every = [Widths.uniform(bits) for bits in range(NARROWEST, self.goal.bits + 1)]
        met = {found.widths: found for found in self.meeting(every)}
        if not met:
            raise SearchError(self._why(every))
        first = min(met.values(), key=self.goal.rank)
        second = min(first.widths.input + WIDER, self.goal.bits)
        return [first, met.get(Widths.uniform(second), first)]

    def _why(self, every: Sequence[Widths]) -> str:
        least = min(self.known[each].rmse for each in every)
        where = "" if self.limit == math.inf else " on the data held out as well"
        return (
            f"no formats of up to {self.goal.bits} bits meet the goal{where}: the least RMSE of "
            f"uniform widths is {least:.3g}; allow more error, or more bits"
        )

    def meeting(self, candidates: Iterable[Widths]) -> list[Evaluation]:
        """Those that meet the goal."""
        candidates = list(candidates)
        missing = [widths for widths in candidates if widths not in self.known]
        self.known |= {found.widths: found for found in self.evaluate(missing)}
        found = (self.known[widths] for widths in candidates)
        return [each for each in found if each.rmse <= self.limit and self.goal.met(each)]

    def descend(self, here: Evaluation) -> Evaluation:
        """From `here` on to where no change of one or two widths is better."""
        goal, changes = self.goal, 1
        while changes <= 2:
            around = self.meeting(neighbours(here.widths, self.kinds, goal.bits, changes))
            better = [each for each in around if goal.rank(each) < goal.rank(here)]
            if better:
                here, changes = min(better, key=lambda each: goal.step(here, each)), 1
            else:
                changes += 1
        return here


def neighbours(here: Widths, kinds: Sequence[str], bits: int, changes: int) -> Iterator[Widths]:
    """Widths that differ from `here` by a bit in as many of `kinds`, or in the range of y alone."""
    if changes == 1:
        yield replace(here, tight=not here.tight)
    for chosen in itertools.combinations(kinds, changes):
        for steps in itertools.product((-1, 1), repeat=changes):
            moved = {k: getattr(here, k) + step for k, step in zip(chosen, steps, strict=True)}
            if all(NARROWEST <= width <= bits for width in moved.values()):
                yield replace(here, **moved)


def front(found: Iterable[Evaluation]) -> list[Evaluation]:
    """Those that no other one beats in both cost and error (Pareto), the cheapest first."""
    able = [each for each in found if each.cost is not None and each.holds is not False]
    kept, least = [], math.inf
    for each in sorted(able, key=Goal(task=True).rank):
        if each.rmse < least:
            kept.append(each)
            least = each.rmse
    return kept


def _total(found: Evaluation) -> float:
    assert found.cost is not None, "formats that cannot work have no rank"
    return found.cost.total

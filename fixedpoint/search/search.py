"""The search for the formats of least cost that meet a goal, or of least error within some bits.

    1. The starts are the best that meets the goal of the widths that the rule gives, and the best
       of those that are the same for all kinds. From each:
    2. Of the candidates with one width a bit narrower or wider, or with another range of y
       (`Widths.tight`), and that are better: the one that saves most cost for the
       noise power that it adds (where error counts first: the best).
    3. If none is better, the same of those with two widths changed by a bit each; then on with 2.
    4. The better end of the two must meet the goal on data held out as well. If it does not, the
       whole is done again with an error of at most 0.95 of its.

It ends where no change of one width or of two by a bit each is better. Of candidates that have the
same formats one is tried. "Better" is a total order and the walk looks at whole sets of
evaluations, so that the result does not depend on which is done first, or where.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import astuple, dataclass, field, replace

from fixedpoint.search.evaluation import Evaluation
from fixedpoint.search.space import Space
from fixedpoint.widths import WIDEST, Widths
from golden.errors import CarouselError

Evaluate = Callable[[Sequence[Widths]], Iterable[Evaluation]]
"""Candidates to their evaluations, in any order."""

TIGHTER = 0.95  # of the error that did not do on the data held out
LEAST_NOISE = 1e-6  # of the noise power there is: what adds less than this is taken to add as much


class SearchError(CarouselError):
    """A goal that no candidate meets."""


@dataclass(frozen=True)
class Goal:
    """What formats must keep, and what is best among those that do.

    Attributes
    ----------
    bits : of weights, x and y at most.
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

    def met(self, each: Evaluation) -> bool:
        """Whether all is kept; states must hold, and nothing but a squash may saturate."""
        if each.cost is None or each.holds is False or each.clipped:
            return False
        return self.keeps(each.rmse, each.right, each.right_in_float)

    def keeps(self, rmse: float, right: int | None, right_in_float: int | None) -> bool:
        """Whether the error and the answers are kept."""
        if self.tolerance is not None and not rmse <= self.tolerance:
            return False
        return not self.task or (right or 0) >= (right_in_float or 0)

    def rank(self, each: Evaluation) -> tuple[float, ...]:
        """Less is better: cost, then error, or the other way round; then the widths themselves."""
        figures = _total(each), each.rmse
        return *(figures if self.cheapest else figures[::-1]), *astuple(each.widths)

    def step(self, here: Evaluation, each: Evaluation) -> tuple[float, ...]:
        """Less is the better step from `here`, of those to a better rank."""
        if not self.cheapest:
            return self.rank(each)
        saved = _total(here) - _total(each)
        return -gain(saved, here.rmse, each.rmse), *self.rank(each)


def gain(saved: float, before: float, after: float) -> float:
    """What is saved for the noise power that is added, of outputs with these RMSE."""
    power = before**2
    added = max(after**2 - power, LEAST_NOISE * power)
    return saved / added if added else math.inf


@dataclass
class Search:
    """A search, and what it has found.

    Attributes
    ----------
    goal : what to keep.
    space : where to look.
    evaluate : candidates to evaluations, in any order.
    watch : called after each evaluation, with how many are left to try in this round.
    limit : RMSE that must not be passed, below the goal's own where the data held out ask for it.
    known : all evaluations so far.
    best : the best so far that meets the goal.
    """

    goal: Goal
    space: Space
    evaluate: Evaluate
    watch: Callable[[int], None] = lambda left: None
    limit: float = math.inf
    known: dict[Widths, Evaluation] = field(default_factory=dict)
    best: Evaluation | None = None
    _alike: dict[Hashable, Evaluation] = field(default_factory=dict, init=False)

    @property
    def tried(self) -> int:
        """How many formats were tried."""
        return len(self._alike)

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
            best = min(map(self.descend, self.starts()), key=self.goal.rank)
            if confirm(best):
                return best
            self.limit = TIGHTER * best.rmse
            within = filter(self._meets, self.known.values())
            self.best = min(within, key=self.goal.rank, default=self.best)

    def starts(self) -> list[Evaluation]:
        """The best of each family of widths, the best of all first."""
        families = list(self.space.starts.values())
        every = [widths for family in families for widths in family]
        met = {each.widths: each for each in self.meeting(every)}
        if not met:
            raise SearchError(self._why(every))
        able = [[met[widths] for widths in family if widths in met] for family in families]
        best = [min(family, key=self.goal.rank) for family in able if family]
        return sorted(best, key=self.goal.rank)

    def _why(self, every: Sequence[Widths]) -> str:
        least = min(self.known[each].rmse for each in every)
        where = "" if self.limit == math.inf else " on the data held out as well"
        return (
            f"no formats of up to {self.goal.bits} bits meet the goal{where}: the least RMSE of "
            f"those to start from is {least:.3g}; allow more error, or more bits"
        )

    def meeting(self, candidates: Iterable[Widths]) -> list[Evaluation]:
        """Those that meet the goal."""
        candidates = list(candidates)
        self._try([widths for widths in candidates if widths not in self.known])
        return list(filter(self._meets, map(self.known.__getitem__, candidates)))

    def _try(self, candidates: Sequence[Widths]) -> None:
        """Evaluate candidates; of those with the same formats one."""
        keys = {widths: self.space.key(widths) for widths in candidates}
        first: dict[Hashable, Widths] = {}
        for widths, key in keys.items():
            if key not in self._alike:
                first.setdefault(key, widths)
        left = len(first)
        for each in self.evaluate(list(first.values())):
            self._alike[keys[each.widths]] = self.known[each.widths] = each
            if self._meets(each):
                self.best = min(filter(None, (self.best, each)), key=self.goal.rank)
            left -= 1
            self.watch(left)
        for widths, key in keys.items():
            self.known[widths] = replace(self._alike[key], widths=widths)

    def _meets(self, each: Evaluation) -> bool:
        return each.rmse <= self.limit and self.goal.met(each)

    def descend(self, here: Evaluation) -> Evaluation:
        """From `here` on to where no change of one or two widths is better."""
        goal, changes = self.goal, 1
        while changes <= 2:
            around = self.meeting(self.space.neighbours(here.widths, changes, goal.cheapest))
            better = [each for each in around if goal.rank(each) < goal.rank(here)]
            if better:
                here, changes = min(better, key=lambda each: goal.step(here, each)), 1
            else:
                changes += 1
        return here


def front(every: Iterable[Evaluation]) -> list[Evaluation]:
    """Those that no other one beats in both cost and error (Pareto), the cheapest first."""
    able = [each for each in every if each.cost is not None and each.holds is not False]
    kept, least = [], math.inf
    for each in sorted(able, key=Goal(task=True).rank):
        if each.rmse < least:
            kept.append(each)
            least = each.rmse
    return kept


def _total(each: Evaluation) -> float:
    assert each.cost is not None, "formats that cannot work have no rank"
    return each.cost.total

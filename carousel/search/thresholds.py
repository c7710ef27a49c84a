"""The search for the thresholds of a core that skips what is unchanged.

1. The start is threshold 0 of every source.
2. Of the changes of one threshold to twice of it (of 0 to 1) that meet the goal, the one that
   saves most clocks for the noise power that it adds; over again, until none meets it.
3. The same with half as much more instead of twice, a quarter, and so on down to 1 LSB.
4. From the best of all that was tried, the one of fewest clocks and then of least error: one
   threshold is lowered to 0, by half, by a quarter, and so on, as long as that is better.
5. If 4 is better than what 2 began with, on with 2 from there.
6. It must meet the goal on data held out as well. If it does not, the whole is done again with
   an error of at most 0.95 of its.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np

from carousel.measure import skipped
from fixedpoint.network import QuantizedNetwork
from fixedpoint.search.evaluation import Problem, run
from fixedpoint.search.search import TIGHTER, Goal, SearchError, gain
from fixedpoint.thresholds import with_thresholds
from rtl import CoreOptions, plan

Thresholds = tuple[int, ...]


@dataclass(frozen=True)
class Trial:
    """What thresholds are tried on.

    Attributes
    ----------
    problem : the sequences, what float gives for them, and the lanes.
    qnet : the integer network without thresholds.
    skip : by what the core skips, or None for the dense one.
    """

    problem: Problem
    qnet: QuantizedNetwork
    skip: str | None = "unchanged"


@dataclass(frozen=True)
class Found:
    """What was found of some thresholds.

    Attributes
    ----------
    thresholds : in LSB, of the input and of each layer's y.
    clocks : planned, a step, the mean.
    rmse, max_abs, right, right_in_float : as of an `Evaluation`.
    """

    thresholds: Thresholds
    clocks: float
    rmse: float
    max_abs: float
    right: int | None
    right_in_float: int | None

    @property
    def option(self) -> str:
        """The thresholds as the commands take them."""
        return "--threshold " + ",".join(map(str, self.thresholds))

    @property
    def rank(self) -> tuple[Any, ...]:
        """Less is better: clocks, then error, then the thresholds themselves."""
        return self.clocks, self.rmse, self.thresholds

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Found":
        """What `as_dict` gave; KeyError or TypeError for anything else."""
        return cls(**{**plain, "thresholds": tuple(plain["thresholds"])})


def evaluate(trial: Trial, thresholds: Thresholds) -> Found:
    """Run, compare with float, and plan the clocks of each step where input never pauses."""
    problem, qnet = trial.problem, with_thresholds(trial.qnet, thresholds)
    core, clocks = plan(qnet, CoreOptions(problem.lanes, skip=trial.skip)), []
    for part in problem.parts:
        state = part.state and qnet.encode_state(part.state)
        steps = skipped.look(core, qnet.encode(part.x)[0], None, state)
        clocks.append([core.cycles_per_step] if steps is None else steps.predicted)
    outs = [run(qnet, part).value("out") for part in problem.parts]
    return Found(thresholds, float(np.mean(np.concatenate(clocks))), **problem.compared(outs))


@dataclass
class ThresholdSearch:
    """A search for thresholds, and what it has found.

    Attributes
    ----------
    goal : what to keep.
    highest : the most of each threshold.
    evaluate : candidates to what is found of them, in any order.
    watch : called after each, with how many are left to try in this round.
    limit : RMSE that must not be passed, below the goal's own where the data held out ask for it.
    known : all that was tried.
    """

    goal: Goal
    highest: Thresholds
    evaluate: Callable[[Sequence[Thresholds]], Iterable[Found]]
    watch: Callable[[int], None] = lambda left: None
    limit: float = math.inf
    known: dict[Thresholds, Found] = field(default_factory=dict)

    @property
    def tried(self) -> int:
        """How many thresholds were tried."""
        return len(self.known)

    @property
    def best(self) -> Found | None:
        """The best so far that meets the goal."""
        met = filter(self._meets, self.known.values())
        return min(met, key=lambda each: each.rank, default=None)

    def run(self, confirm: Callable[[Found], bool]) -> Found:
        """The best thresholds that meet the goal, and are confirmed.

        Raises
        ------
        SearchError : not even threshold 0 meets the goal.
        """
        while True:
            best = self._start()
            while (found := self._lowered(self._raised(best))).rank < best.rank:
                best = found
            if confirm(best):
                return best
            self.limit = TIGHTER * best.rmse

    def _start(self) -> Found:
        """Threshold 0."""
        zero = (0,) * len(self.highest)
        if not (met := self._meeting([zero])):
            where = "" if self.limit == math.inf else " on the data held out as well"
            raise SearchError(
                f"threshold 0 does not meet the goal{where}: its RMSE is "
                f"{self.known[zero].rmse:.3g}; allow more error, or take formats of more bits"
            )
        return met[0]

    def _raised(self, here: Found) -> Found:
        """The best so far, once none can be 1 LSB higher on the way from `here`."""
        best, halved = here, 0
        while True:
            if around := self._meeting(self._moved(here.thresholds, halved, 1)):
                here = min(around, key=partial(_step, here))
                best = min(best, *around, key=lambda each: each.rank)
            elif any(number >> halved for number in here.thresholds):
                halved += 1
            else:
                return best

    def _lowered(self, here: Found) -> Found:
        """Without what its thresholds have too much."""
        halved = 0
        while True:
            around = self._meeting(self._moved(here.thresholds, halved, -1))
            best = min([here, *around], key=lambda each: each.rank)
            if best is here and not any(number >> halved for number in here.thresholds):
                return here
            here, halved = best, halved + (best is here)

    def _moved(self, here: Thresholds, halved: int, sign: int) -> Iterator[Thresholds]:
        """One threshold each is moved, by itself halved so many times, by 1 at least."""
        for k, number in enumerate(here):
            other = number + sign * max(1, number >> halved)
            if 0 <= other <= self.highest[k]:
                yield *here[:k], other, *here[k + 1 :]

    def _meeting(self, candidates: Iterable[Thresholds]) -> list[Found]:
        """Those that meet the goal."""
        candidates = list(candidates)
        left = [each for each in candidates if each not in self.known]
        for count, found in enumerate(self.evaluate(left), 1):
            self.known[found.thresholds] = found
            self.watch(len(left) - count)
        return list(filter(self._meets, map(self.known.__getitem__, candidates)))

    def _meets(self, each: Found) -> bool:
        kept = self.goal.keeps(each.rmse, each.right, each.right_in_float)
        return kept and each.rmse <= self.limit


def _step(here: Found, each: Found) -> tuple[Any, ...]:
    """Less is the better step from `here`."""
    return -gain(here.clocks - each.clocks, here.rmse, each.rmse), *each.rank

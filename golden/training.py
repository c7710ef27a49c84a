"""How the shipped models are made: one recipe a model, deterministic for a seed.

    net = train("temporal-order", seed=1)

Every recipe presents one random sequence after another and changes the weights after each
(on-line) at a constant rate, without momentum or clipping, as the 1997 paper does. Two machines
whose exp() differs in the last bit can end with different weights for the same seed; on one machine
a run repeats exactly.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from golden import fast_learning
from golden.cell import Layer
from golden.errors import CarouselError
from golden.learning import Parameters
from golden.network import Network, Readout
from golden.rnn import RecurrentNetwork, RecurrentParameters
from golden.squash import Array
from golden.tasks import TEMPORAL_ORDER, Task, adding

Progress = Callable[[int, int | None, str], None]

WINDOW = 2000  # the stopping rules of the paper look at the last 2000 training sequences
REPORT_EVERY = 200
ORDER_RATE, ADDING_RATE = 0.5, 0.5
LONG_LENGTHS, LONG_SEQUENCES = (100, 1250), 20_000
RNN_UNITS, RNN_SEQUENCES = 8, 30_000


class TrainingError(CarouselError):
    """A training run that did not get where it should."""


@dataclass
class Run:
    """One training run: counts sequences, watches the last 2000, reports, notices divergence.

    Attributes
    ----------
    task, rng, seed : what is learnt, from which random numbers.
    step : (x, target, rate) -> out, one on-line change of the weights.
    progress : told (sequences done, total or None, text) every 200 sequences.
    """

    task: Task
    rng: np.random.Generator
    seed: int
    step: Callable[[Array, Array, float], Array]
    progress: Progress
    done: int = 0

    def learn(
        self,
        limit: int,
        rate: float,
        lengths: tuple[int, int] | None = None,
        until: Callable[[float, int], bool] | None = None,
    ) -> None:
        """Present up to `limit` sequences, or stop when `until`(mean abs error, wrong) of the last
        2000 holds.

        Raises
        ------
        TrainingError : the outputs are no longer finite, or `until` did not come true within
            `limit`.
        """
        total = None if until else self.done + limit
        errors, wrongs = deque[float](maxlen=WINDOW), deque[bool](maxlen=WINDOW)
        error, wrong = 0.0, 0
        for _ in range(limit):
            x, target = self.task.sequence(self.rng, lengths)
            out = self.step(x, target, rate)
            if not np.all(np.isfinite(out)):
                raise TrainingError(
                    f"{self.task.name}: seed {self.seed} diverged after {self.done} sequences"
                )
            if len(errors) == WINDOW:
                error, wrong = error - errors[0], wrong - wrongs[0]
            errors.append(float(np.mean(np.abs(out - target))))
            wrongs.append(not self.task.correct(out, target))
            error, wrong = error + errors[-1], wrong + wrongs[-1]
            self.done += 1
            if self.done % REPORT_EVERY == 0:
                self.progress(self.done, total, f"{wrong} of the last {len(wrongs)} wrong")
            if until and len(errors) == WINDOW and until(error / WINDOW, wrong):
                return
        if until:
            raise TrainingError(
                f"{self.task.name}: seed {self.seed} did not reach its criterion in {limit} sequences"
            )

"""Two tasks of the 1997 paper as seeded generators: temporal order (6a) and adding (exp. 4).

Where the paper leaves a choice open, the one taken here is said in the docstring of the task.
Source: Hochreiter & Schmidhuber (1997), sections 5.4 and 5.6, Tables 7 and 9.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.squash import Array

Generator = np.random.Generator

SYMBOLS = "EBabcdXY"  # the order of the eight one-hot inputs of temporal order
CLASSES = ("XX", "XY", "YX", "YY")  # Q, R, S, U: the order of its four outputs


@dataclass(frozen=True)
class Task:
    """A supervised task whose target belongs to the last step.

    Attributes
    ----------
    name : for messages.
    inputs, outputs : D and K, widths of an input vector and of the target.
    lengths : shortest and longest training sequence, in steps, both included.
    shortest : the fewest steps that hold all the task's events.
    tolerance : an output is right when |out - target| is below this.
    draw : (rng, N, T) -> x (N, T, D), targets (N, K).
    """

    name: str
    inputs: int
    outputs: int
    lengths: tuple[int, int]
    shortest: int
    tolerance: float
    draw: Callable[[Generator, int, int], tuple[Array, Array]]

    def batch(self, rng: Generator, count: int, length: int) -> tuple[Array, Array]:
        """`count` sequences of `length` steps: x (N, T, D), targets (N, K).

        Raises
        ------
        InputError : count below 1, or a length too short for the task.
        """
        if count < 1:
            raise InputError(f"{self.name}: {count} sequences, must be at least 1")
        if length < self.shortest:
            raise InputError(
                f"{self.name}: length {length}, must be at least {self.shortest} steps"
            )
        return self.draw(rng, count, length)

    def sequence(
        self, rng: Generator, lengths: tuple[int, int] | None = None
    ) -> tuple[Array, Array]:
        """One sequence x (T, D) and its target (K,); T uniform in `lengths`, default the task's."""
        low, high = lengths or self.lengths
        if high < low:
            raise InputError(
                f"{self.name}: lengths from {low} to {high}, the second must not be the smaller"
            )
        x, target = self.batch(rng, 1, int(rng.integers(low, high + 1)))
        return x[0], target[0]

    def correct(self, out: Array, target: Array) -> npt.NDArray[np.bool_]:
        """Whether every output is within the tolerance: out, target (..., K) -> (...)."""
        return correct(out, target, self.tolerance)


def correct(out: Array, target: Array, tolerance: float) -> npt.NDArray[np.bool_]:
    """Whether every output is within the tolerance: out, target (..., K) -> (...)."""
    return np.all(np.abs(out - target) < tolerance, axis=-1)


def _temporal_order(rng: Generator, count: int, length: int) -> tuple[Array, Array]:
    symbols = rng.integers(2, 6, (count, length))  # a, b, c, d
    symbols[:, 0], symbols[:, -1] = 0, 1  # E, B
    rows = np.arange(count)
    first, second = rng.integers(0, 2, (2, count))
    symbols[rows, rng.integers(10, 21, count)] = 6 + first
    symbols[rows, rng.integers(50, 61, count)] = 6 + second
    return np.eye(8)[symbols], np.eye(4)[2 * first + second]


TEMPORAL_ORDER = Task("temporal order", 8, 4, (100, 110), 62, 0.3, _temporal_order)
"""Experiment 6a: which of X, Y came first and which second?

E, then random a, b, c, d with X or Y at t1 and t2, then the trigger B; target one of four classes.
Choices: positions count from 0 (the E), t1 is uniform in 10..20 and t2 in 50..60 at *any* length,
so that at length T the last relevant symbol lies T-1-60 to T-1-50 steps before the trigger; X and Y
are equally likely and independent; all four kinds of distractor are equally likely.
"""


def adding(steps: int = 100) -> Task:
    """Experiment 4: remember two marked real numbers and give 0.5 + (X1 + X2) / 4 at the end.

    Pairs (value, marker): value uniform in [-1, 1); marker 1 at the two marked pairs, -1 at the
    first and the last pair, else 0. One of the first 10 pairs is marked, then one of the first
    steps/2 - 1 that is not marked yet.

    Choices: if either draw hits the very first pair, its marker is 1 (not -1) and its value is 0,
    for the network to see as for the target, so that the sum is always that of the values marked 1;
    the second mark's range follows from `steps` whatever the length of a sequence.

    Parameters
    ----------
    steps : the paper's T, the shortest training sequence; the longest is T + T/10. At least 24.
    """
    if steps < 24:
        raise InputError(f"adding: {steps} steps, must be at least 24")

    def draw(rng: Generator, count: int, length: int) -> tuple[Array, Array]:
        rows = np.arange(count)
        one = rng.integers(0, 10, count)
        two = rng.integers(0, steps // 2 - 2, count)
        two += two >= one  # uniform over the pairs that are not marked yet
        x = np.zeros((count, length, 2))
        x[:, :, 0] = rng.uniform(-1.0, 1.0, (count, length))
        x[:, 0, 1] = x[:, -1, 1] = -1.0
        x[rows, one, 1] = x[rows, two, 1] = 1.0
        x[(one == 0) | (two == 0), 0, 0] = 0.0
        return x, 0.5 + (x[rows, one, 0] + x[rows, two, 0])[:, None] / 4.0

    return Task("adding", 2, 1, (steps, steps + steps // 10), steps // 2 + 1, 0.04, draw)

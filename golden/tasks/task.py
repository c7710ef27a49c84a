"""What every task is: a seeded source of sequences, and a judge of the answers."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.batch import Batch, Whole
from golden.errors import InputError
from golden.squash import Array

Generator = np.random.Generator
Judged = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Boxes:
    """What an input can be, as M boxes of lowest and highest values, (M, D) each.

    A symbol is a box of one point.
    """

    low: Array
    high: Array

    @classmethod
    def symbols(cls, first: int, last: int, inputs: int) -> "Boxes":
        """One-hot inputs, the symbols from `first` to before `last`."""
        points = np.eye(inputs)[first:last]
        return cls(points, points)


@dataclass(frozen=True)
class Task(ABC):
    """A supervised task whose target belongs to the last step, or to every step.

    Attributes
    ----------
    name : for messages.
    inputs, outputs : D and K, widths of an input vector and of the target.
    lengths : shortest and longest training sequence, in steps, both included; None: no longest.
    shortest : the fewest steps that hold all the task's events.
    tolerance : an output is right when |out - target| is below this.
    """

    name: str
    inputs: int
    outputs: int
    lengths: tuple[int, int | None]
    shortest: int
    tolerance: float

    @abstractmethod
    def draw(self, rng: Generator, lengths: Whole) -> Batch:
        """A sequence of each of the `lengths` (N,), none of them shorter than `shortest`."""

    def draw_lengths(self, rng: Generator, count: int) -> Whole:
        """Lengths of `count` training sequences: uniform from the shortest to the longest."""
        low, high = self.lengths
        return rng.integers(low, (low if high is None else high) + 1, count)

    def sequences(self, rng: Generator, count: int) -> Batch:
        """`count` training sequences."""
        return self.draw(rng, self.draw_lengths(rng, count))

    @property
    def told(self) -> int:
        """The step after which nothing comes that is to be kept, but the trigger at the end."""
        return self.shortest - 2

    @property
    def between(self) -> Boxes | None:
        """The distractors: what may come between what matters; None where all may matter."""
        return None

    @property
    def mark(self) -> int | None:
        """The input that is 1 where there is something to learn and 0 between; None: none is."""
        return None

    def split(self, rng: Generator) -> tuple["Task", "Task"]:
        """What to train on and what to test on: sequences of both are drawn afresh each time."""
        return self, self

    def batch(self, rng: Generator, count: int, length: int) -> tuple[Array, Array]:
        """`count` sequences of `length` steps: x (N, T, D), targets (N, K) or (N, T, K).

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
        drawn = self.draw(rng, np.full(count, length))
        return drawn.dense(self.inputs), drawn.target

    def sequence(
        self, rng: Generator, lengths: tuple[int, int] | None = None
    ) -> tuple[Array, Array]:
        """One sequence x (T, D) and its target; T uniform in `lengths`, default the task's own."""
        if lengths is None:
            length = int(self.draw_lengths(rng, 1)[0])
        else:
            low, high = lengths
            if high < low:
                raise InputError(
                    f"{self.name}: lengths from {low} to {high}, the second must not be the smaller"
                )
            length = int(rng.integers(low, high + 1))
        x, target = self.batch(rng, 1, length)
        return x[0], target[0]

    def correct(self, out: Array, target: Array) -> Judged:
        """Whether every output is within the tolerance: out, target (..., K) -> (...)."""
        return np.all(np.abs(out - target) < self.tolerance, axis=-1)

    def right(self, batch: Batch, out: Array) -> Judged:
        """Which sequences (N,) are answered rightly by outputs in the form of the target."""
        return self.correct(out, batch.target)

    def error(self, batch: Batch, out: Array) -> Array:
        """The mean |out - target| of each sequence (N,), where the answer is judged."""
        return np.abs(out - batch.target).mean(axis=-1)


def one_hot(symbols: Whole, lengths: Whole, target: Array) -> Batch:
    """A batch whose step t has input `symbols[n, t]` at 1 and all others at 0."""
    index = symbols[..., None]
    return Batch(lengths, index, np.ones(index.shape), target)

"""Experiments 2a, 2b, 2c: say at the end which of two symbols came at the beginning."""

from dataclasses import dataclass

import numpy as np

from golden.batch import Batch, Whole
from golden.errors import InputError
from golden.squash import Array
from golden.tasks.task import Boxes, Generator, Judged, Task, one_hot


@dataclass(frozen=True)
class Recall(Task):
    """Experiments 2a and 2b: (x, a.., x) or (y, a.., y); at every step the next symbol is asked.

    Inputs and outputs are a_1 to a_{p-1}, x, y. The p-1 symbols between the two relevant ones are
    a_1 to a_{p-1} in this order (2a, and an answer counts when the outputs of all steps are right)
    or each any of them (2b, and the outputs of the last step count). The last symbol is never an
    input, so a sequence has p steps, the lag.

    Attributes
    ----------
    random : whether it is 2b.
    at_end : whether the last symbol alone is asked.
    """

    random: bool
    at_end: bool = False

    def draw(self, rng: Generator, lengths: Whole) -> Batch:
        lag = self.shortest
        if np.any(lengths != lag):
            raise InputError(f"{self.name}: length {lengths.max()}, must be {lag} steps")
        count, kinds = len(lengths), lag - 1
        symbols = np.empty((count, lag + 1), np.int64)
        symbols[:, 0] = symbols[:, -1] = kinds + rng.integers(0, 2, count)
        size = (count, kinds)
        symbols[:, 1:-1] = rng.integers(0, kinds, size) if self.random else np.arange(kinds)
        asked = symbols[:, -1] if self.at_end else symbols[:, 1:]
        return one_hot(symbols[:, :-1], lengths, np.eye(self.outputs)[asked])

    def right(self, batch: Batch, out: Array) -> Judged:
        return np.all(self.correct(self._judged(out), self._judged(batch.target)), axis=1)

    def error(self, batch: Batch, out: Array) -> Array:
        return np.abs(self._judged(out) - self._judged(batch.target)).mean(axis=(1, 2))

    def _judged(self, values: Array) -> Array:
        """Those steps of outputs or targets that count, (N, T, K)."""
        if self.at_end:
            return values[:, None]
        return values[:, -1:] if self.random else values

    @classmethod
    def of(cls, variant: str, lag: int) -> "Recall":
        """Experiment 2a or 2b with the paper's p = `lag`, at least 2; else `InputError`."""
        if variant not in ("2a", "2b"):
            raise InputError(f"recall: variant {variant!r}: allowed are 2a, 2b")
        if lag < 2:
            raise InputError(f"recall {variant}: lag {lag}, must be at least 2")
        size = lag + 1
        return cls(f"recall {variant}", size, size, (lag, lag), lag, 0.25, variant == "2b")


@dataclass(frozen=True)
class Trigger(Task):
    """Experiment 2c: b, x or y, at least q of p distractors, the trigger e: was it x or y?

    Inputs are a_1 to a_p, e, b, x, y; outputs are x, y. After q distractors there follows another
    one with probability 9/10, or the trigger. The answer, the paper's last symbol, is a target and
    no input, so that a sequence has q + k + 3 steps with k from a geometric distribution of mean 9;
    the lag is q + 1 at least.

    Attributes
    ----------
    distractors : p.
    lag : q.
    """

    distractors: int
    lag: int

    def draw_lengths(self, rng: Generator, count: int) -> Whole:
        return self.shortest + rng.geometric(0.1, count) - 1

    def draw(self, rng: Generator, lengths: Whole) -> Batch:
        count, kinds = len(lengths), self.distractors
        trigger, begin, x = kinds, kinds + 1, kinds + 2
        symbols = rng.integers(0, kinds, (count, lengths.max()))
        told = rng.integers(0, 2, count)
        symbols[:, 0], symbols[:, 1] = begin, x + told
        symbols[np.arange(count), lengths - 1] = trigger
        return one_hot(symbols, lengths, np.eye(2)[told])

    @property
    def told(self) -> int:
        """That of x or y."""
        return 1

    @property
    def between(self) -> Boxes:
        """a_1 to a_p."""
        return Boxes.symbols(0, self.distractors, self.inputs)

    @classmethod
    def of(cls, lag: int, distractors: int) -> "Trigger":
        """Experiment 2c with the paper's q = `lag` and p = `distractors`, at least 1 each."""
        for what, value in (("lag", lag), ("distractors", distractors)):
            if value < 1:
                raise InputError(f"trigger 2c: {what} {value}, must be at least 1")
        shortest = lag + 3
        return cls(
            "trigger 2c", distractors + 4, 2, (shortest, None), shortest, 0.2, distractors, lag
        )

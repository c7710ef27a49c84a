"""Experiments 4 and 5: remember two marked numbers and give their sum or their product."""

from dataclasses import dataclass

import numpy as np

from golden.batch import Batch, Whole
from golden.errors import InputError
from golden.tasks.task import Boxes, Generator, Task

FIRST_PAIR = {
    "shown": "a draw that hits the very first pair sets its marker to 1 and its value to the "
    "neutral one, for the network to see as for the target",
    "hidden": "a draw that hits the very first pair leaves its marker at -1 and its value as it "
    "is, and only the target takes the neutral value",
}


@dataclass(frozen=True)
class Marked(Task):
    """Pairs (value, marker): marker 1 at two pairs, -1 at the first and the last pair, else 0.

    One of the first 10 pairs is marked, then one of the first `steps`/2 - 1 that is not marked yet.

    Choices: the second mark's range follows from `steps` whatever the length of a sequence; what
    the paper says of the first pair when it gets marked, "X1 is set to zero" (in 5: to 1.0), holds
    for either of the two draws; how the network sees it is `first_pair`.

    Attributes
    ----------
    steps : the paper's T, the shortest training sequence; the longest is T + T/10.
    product : values in [0, 1) and target X1 * X2, else in [-1, 1) and 0.5 + (X1 + X2) / 4.
    first_pair : a key of `FIRST_PAIR`.
    """

    steps: int
    product: bool
    first_pair: str

    def draw(self, rng: Generator, lengths: Whole) -> Batch:
        count, longest = len(lengths), int(lengths.max())
        rows = np.arange(count)
        one = rng.integers(0, 10, count)
        two = rng.integers(0, self.steps // 2 - 2, count)
        two += two >= one  # uniform over the pairs that are not marked yet
        x = np.zeros((count, longest, 2))
        x[:, :, 0] = rng.uniform(0.0 if self.product else -1.0, 1.0, (count, longest))
        x[:, 0, 1] = x[rows, lengths - 1, 1] = -1.0
        neutral = 1.0 if self.product else 0.0
        values = [np.where(at == 0, neutral, x[rows, at, 0]) for at in (one, two)]
        for at in (one, two):
            shown = (at > 0) | (self.first_pair == "shown")
            x[rows[shown], at[shown], 1] = 1.0
        if self.first_pair == "shown":
            x[(one == 0) | (two == 0), 0, 0] = neutral
        target = values[0] * values[1] if self.product else 0.5 + (values[0] + values[1]) / 4.0
        index = np.empty(x.shape, np.int64)
        index[:] = (0, 1)
        return Batch(lengths, index, x, target[:, None])

    @property
    def between(self) -> Boxes:
        """Pairs without a mark, whatever their value."""
        return Boxes(np.array([[0.0 if self.product else -1.0, 0.0]]), np.array([[1.0, 0.0]]))

    @property
    def mark(self) -> int:
        return 1


def adding(steps: int = 100, first_pair: str = "shown") -> Marked:
    """Experiment 4 with the paper's T = `steps`, at least 24; `InputError` for fewer."""
    return _marked("adding", steps, False, first_pair)


def multiplication(steps: int = 100, first_pair: str = "shown") -> Marked:
    """Experiment 5 with the paper's T = `steps`, at least 24; `InputError` for fewer."""
    return _marked("multiplication", steps, True, first_pair)


def _marked(name: str, steps: int, product: bool, first_pair: str) -> Marked:
    if steps < 24:
        raise InputError(f"{name}: {steps} steps, must be at least 24")
    if first_pair not in FIRST_PAIR:
        raise InputError(f"{name}: first pair {first_pair!r}: allowed are {', '.join(FIRST_PAIR)}")
    lengths = steps, steps + steps // 10
    return Marked(name, 2, 1, lengths, steps // 2 + 1, 0.04, steps, product, first_pair)

"""Experiments 6a and 6b: which of X and Y came first, which second, which third?"""

from dataclasses import dataclass

import numpy as np

from golden.batch import Batch, Whole
from golden.tasks.task import Boxes, Generator, Task, one_hot

SYMBOLS = "EBabcdXY"  # the order of the eight one-hot inputs
CLASSES = ("XX", "XY", "YX", "YY")  # Q, R, S, U: the order of the four outputs of 6a


@dataclass(frozen=True)
class TemporalOrder(Task):
    """E, then random a, b, c, d with X or Y at some steps, then the trigger B; a class is asked.

    Choices: positions count from 0 (the E), and each is uniform in its window at *any* length, so
    that at length T the last relevant symbol of 6a lies T-1-60 to T-1-50 steps before the trigger;
    X and Y are equally likely and independent; all four kinds of distractor are equally likely.
    Output k is that of the class whose symbols, X read as 0 and Y as 1, are the number k.

    Attributes
    ----------
    windows : first and last step of each relevant symbol, both included.
    """

    windows: tuple[tuple[int, int], ...]

    def draw(self, rng: Generator, lengths: Whole) -> Batch:
        count = len(lengths)
        rows = np.arange(count)
        symbols = rng.integers(2, 6, (count, lengths.max()))  # a, b, c, d
        symbols[:, 0], symbols[rows, lengths - 1] = 0, 1  # E, B
        relevant = rng.integers(0, 2, (len(self.windows), count))
        kind = np.zeros(count, np.int64)
        for (first, last), symbol in zip(self.windows, relevant, strict=True):
            symbols[rows, rng.integers(first, last + 1, count)] = 6 + symbol
            kind = 2 * kind + symbol
        return one_hot(symbols, lengths, np.eye(self.outputs)[kind])

    @property
    def between(self) -> Boxes:
        """a, b, c, d."""
        return Boxes.symbols(2, 6, self.inputs)


def _temporal_order(name: str, *windows: tuple[int, int]) -> TemporalOrder:
    return TemporalOrder(
        name, len(SYMBOLS), 2 ** len(windows), (100, 110), windows[-1][1] + 2, 0.3, windows
    )


TEMPORAL_ORDER = _temporal_order("temporal order", (10, 20), (50, 60))
"""Experiment 6a."""

TEMPORAL_ORDER_3 = _temporal_order("temporal order of three", (10, 20), (33, 43), (66, 76))
"""Experiment 6b."""

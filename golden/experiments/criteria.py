"""When training stops: the paper's criteria, each a question to what was seen last.

A criterion is met after a number of sequences, or not yet. What it counts, the number that the
paper's tables report, is that number, but for a run of right answers where it began.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from golden.squash import Array
from golden.tasks.task import Judged

WINDOW = 2000  # training sequences that the criteria on training look back at


@dataclass
class History:
    """What training has shown lately.

    Attributes
    ----------
    presented : training sequences so far.
    new : how many of them were not there when the criteria were asked last.
    errors, right : mean |error| and whether all was right, of the new ones and up to `WINDOW`
        before them.
    run : how many right ones in a row came just before the new ones.
    """

    presented: int = 0
    new: int = 0
    errors: Array = field(default_factory=lambda: np.zeros(0))
    right: Judged = field(default_factory=lambda: np.zeros(0, np.bool_))
    run: int = 0

    def add(self, errors: Array, right: Judged) -> None:
        """The new ones are these, and no longer those before them."""
        newest = self.right[len(self.right) - self.new :]
        wrong = np.flatnonzero(~newest)
        self.run = len(newest) - 1 - int(wrong[-1]) if len(wrong) else self.run + len(newest)
        self.errors = np.concatenate((self.errors[-WINDOW:], errors))
        self.right = np.concatenate((self.right[-WINDOW:], right))
        self.new = len(errors)
        self.presented += self.new

    def first(self, met: Judged) -> int | None:
        """After how many sequences `met` is true of the new ones (new,) for the first time."""
        places = np.flatnonzero(met)
        return self.presented - self.new + int(places[0]) + 1 if len(places) else None

    @property
    def stalled(self) -> bool:
        """Whether the mean |error| of 500 is more than 0.9 of that of the 500 before."""
        before, after = self.errors[-1000:-500], self.errors[-500:]
        return len(self.errors) >= 1000 and bool(after.mean() > 0.9 * before.mean())

    @property
    def wrong_lately(self) -> int:
        return int(np.count_nonzero(~self.right[-WINDOW:]))

    @property
    def error_lately(self) -> float:
        return float(self.errors[-WINDOW:].mean()) if len(self.errors) else float("nan")


class Exam(Protocol):
    """Answers of the network as it is now."""

    def fresh(self, count: int, wrong_below: int) -> tuple[int, float]:
        """How many of `count` new sequences are wrong, and the mean |error|.

        May look at no more of them when `wrong_below` is reached.
        """
        ...

    def strings(self) -> bool:
        """Whether every string of the training set and of the test set is right."""
        ...


@dataclass(frozen=True)
class Lately:
    """Of the last 2000 training sequences fewer than `wrong_below` are wrong, and the mean of their
    |error| is below `error_below`.

    Choice: the average training error is the mean of |target - out| over these 2000 and all
    outputs, each from before the sequence changed the weights.
    """

    name: str
    wrong_below: int = 1
    error_below: float = np.inf

    def met(self, history: History, exam: Exam) -> int | None:
        wrong, error = _sums(~history.right), _sums(history.errors)
        ends = np.arange(len(wrong) - history.new, len(wrong))
        starts = np.maximum(ends - WINDOW, 0)
        few = wrong[ends] - wrong[starts] < self.wrong_below
        small = error[ends] - error[starts] < self.error_below * WINDOW
        return history.first(few & small & (ends >= WINDOW))

    def count(self, met: int) -> int:
        return met


@dataclass(frozen=True)
class RightInARow:
    """`length` training sequences in a row are right; what counts is how many came before them."""

    name: str
    length: int = 10_000

    def met(self, history: History, exam: Exam) -> int | None:
        newest = history.right[len(history.right) - history.new :]
        places = np.arange(1, history.new + 1)
        last_wrong = np.maximum.accumulate(np.where(newest, -history.run, places))
        return history.first(places - last_wrong >= self.length)

    def count(self, met: int) -> int:
        return met - self.length


@dataclass(frozen=True)
class Examined:
    """Of `sequences` new ones fewer than `wrong_below` are wrong, and their mean |error| is below
    `error_below`.

    Choice: tested after every 100 training sequences, each time on others. The paper does not say
    when; its means over ten trials are multiples of 10, as if so.
    """

    name: str
    wrong_below: int
    error_below: float = np.inf
    sequences: int = 256

    def met(self, history: History, exam: Exam) -> int | None:
        wrong, error = exam.fresh(self.sequences, self.wrong_below)
        passed = wrong < self.wrong_below and error < self.error_below
        return history.presented if passed else None

    def count(self, met: int) -> int:
        return met


@dataclass(frozen=True)
class Strings:
    """Every string of the training set and of the test set is right; tested as in `Examined`."""

    name: str

    def met(self, history: History, exam: Exam) -> int | None:
        return history.presented if exam.strings() else None

    def count(self, met: int) -> int:
        return met


Criterion = Lately | RightInARow | Examined | Strings


def _sums(values) -> Array:
    """The sum of the first k values, for k from 0 on."""
    return np.concatenate(([0.0], np.cumsum(values)))

"""Experiment 1: the embedded Reber grammar, where the second symbol decides the last but one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from golden.batch import Batch, Whole
from golden.squash import Array
from golden.tasks.task import Generator, Judged, Task, one_hot

LETTERS = "BTPSXVE"  # the order of the seven one-hot inputs and outputs
EDGES: tuple[dict[str, int | None], ...] = (
    {"B": 1},
    {"T": 2, "P": 3},
    {"S": 2, "X": 4},
    {"T": 3, "V": 5},
    {"X": 3, "S": 6},
    {"P": 4, "V": 6},
    {"E": None},
)
"""State -> symbol -> next state of the Reber grammar; both ways out of a state are as likely."""

STRINGS = 256  # in the training set, and in the test set


@dataclass(frozen=True)
class Reber(Task):
    """B, T or P, a string of the Reber grammar, the same T or P, E: what may come next?

    An answer is right when at every step each symbol that may come next is more active than each
    that may not. The last symbol, E, is never an input: a string of n symbols, at least 9, is a
    sequence of n - 1 steps.

    Choice: the target is the one symbol that does come next; the paper does not say whether it is
    that or the set of those that may.

    Attributes
    ----------
    strings : from which sequences are picked, each as likely; none: from all of the grammar.
    held_out : strings to test on, none of them among those.
    """

    strings: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()

    def draw_lengths(self, rng: Generator, count: int) -> Whole:
        return self.sequences(rng, count).lengths

    def sequences(self, rng: Generator, count: int) -> Batch:
        if self.strings:
            return self.both_sets[rng.integers(0, len(self.strings), count)]
        return encode(self._pick(rng, count))

    def draw(self, rng: Generator, lengths: Whole) -> Batch:
        symbols = []
        for length in lengths:
            string = ""
            while len(string) != length + 1:
                (string,) = self._pick(rng, 1)
            symbols.append(string)
        return encode(symbols)

    def split(self, rng: Generator) -> tuple["Reber", "Reber"]:
        """With 256 random strings to train on and 256 others held out, and with the whole grammar.

        Choice: both sets are drawn as the grammar has it, so that short strings are there several
        times; no string is in both.
        """
        train = tuple(embedded(rng) for _ in range(STRINGS))
        held_out: list[str] = []
        while len(held_out) < STRINGS:
            string = embedded(rng)
            if string not in train:
                held_out.append(string)
        return replace(self, strings=train, held_out=tuple(held_out)), self

    @cached_property
    def both_sets(self) -> Batch:
        """Every one of `strings`, then every one held out."""
        return encode(self.strings + self.held_out)

    def right(self, batch: Batch, out: Array) -> Judged:
        legal = may_follow(batch)
        least = np.where(legal, out, np.inf).min(axis=2)
        most = np.where(legal, -np.inf, out).max(axis=2)
        return ((least > most) | ~inside(batch)).all(axis=1)

    def error(self, batch: Batch, out: Array) -> Array:
        """Over all steps."""
        each = np.abs(out - batch.target).mean(axis=2)
        return np.where(inside(batch), each, 0.0).sum(axis=1) / batch.lengths

    def _pick(self, rng: Generator, count: int) -> list[str]:
        if self.strings:
            return [self.strings[k] for k in rng.integers(0, len(self.strings), count)]
        return [embedded(rng) for _ in range(count)]


EMBEDDED_REBER = Reber("embedded Reber grammar", 7, 7, (8, None), 8, 0.5)


def embedded(rng: Generator) -> str:
    """One string of the embedded grammar."""
    branch, inner = "TP"[rng.integers(2)], ""
    state: int | None = 0
    while state is not None:
        ways = list(EDGES[state].items())
        symbol, state = ways[rng.integers(len(ways))]
        inner += symbol
    return f"B{branch}{inner}{branch}E"


def _automaton() -> Whole:
    """Where a symbol leads from a state of the embedded grammar (S, 7), -1 where it may not come.

    State 0 begins; 1 chooses T or P; then, for each of the two, those of the Reber grammar, the
    same symbol again, and E.
    """
    inner = len(EDGES)
    to = np.full((2 + 2 * (inner + 2), len(LETTERS)), -1)
    to[0, LETTERS.index("B")] = 1
    for branch, first in (("T", 2), ("P", 2 + inner + 2)):
        again = first + inner
        to[1, LETTERS.index(branch)] = first
        for state, ways in enumerate(EDGES):
            for symbol, after in ways.items():
                to[first + state, LETTERS.index(symbol)] = again if after is None else first + after
        to[again, LETTERS.index(branch)] = to[again + 1, LETTERS.index("E")] = again + 1
    return to


LEADS_TO = _automaton()
LEGAL = LEADS_TO >= 0


def may_follow(batch: Batch) -> Judged:
    """Which symbols may come after each step of the sequences, (N, T, 7)."""
    which = batch.value.argmax(axis=2)[..., None]
    symbols = np.take_along_axis(batch.index, which, axis=2)[..., 0]
    states = np.zeros((len(batch), symbols.shape[1] + 1), np.int64)
    for t in range(symbols.shape[1]):
        states[:, t + 1] = LEADS_TO[states[:, t], symbols[:, t]]
    return LEGAL[states[:, 1:]]


def encode(strings: Sequence[str]) -> Batch:
    """Strings as sequences; a string of n symbols has n - 1 steps."""
    lengths = np.array([len(string) - 1 for string in strings])
    symbols = np.zeros((len(strings), lengths.max() + 1), np.int64)
    for row, string in zip(symbols, strings, strict=True):
        row[: len(string)] = [LETTERS.index(symbol) for symbol in string]
    batch = one_hot(symbols[:, :-1], lengths, np.eye(len(LETTERS))[symbols[:, 1:]])
    batch.target[~inside(batch)] = 0.0
    return batch


def inside(batch: Batch) -> Judged:
    """Which steps belong to their sequence, (N, T)."""
    return np.arange(batch.index.shape[1]) < batch.lengths[:, None]

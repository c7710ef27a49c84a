"""The stopping criteria against a plain recount, fed in pieces of any size."""

import numpy as np
import pytest

from golden.experiments.criteria import WINDOW, Examined, History, Lately, RightInARow, Strings


class Exam:
    """An exam with a given outcome."""

    def __init__(self, wrong=0, error=0.0, strings=True):
        self.outcome, self.every = (wrong, error), strings
        self.asked = []

    def fresh(self, count, wrong_below):
        self.asked.append((count, wrong_below))
        return self.outcome

    def strings(self):
        return self.every


def fed(criterion, errors, right, sizes, exam=None):
    """After how many sequences the criterion is first met, when they come in pieces."""
    history, start = History(), 0
    for size in sizes:
        history.add(errors[start : start + size], right[start : start + size])
        met = criterion.met(history, exam or Exam())
        if met is not None:
            return met
        start += size
    return None


def pieces(rng, total):
    while total > 0:
        yield min(total, int(rng.integers(1, 400)))
        total -= 400


@pytest.mark.parametrize("seed", range(8))
def test_lately(seed):
    """The first place after which the last 2000 have few wrong ones and a small mean error."""
    rng = np.random.default_rng(seed)
    total = 9000
    chance = np.linspace(0.02, 0.0, total)
    right = rng.random(total) >= chance
    errors = rng.random(total) * np.linspace(0.4, 0.1, total)
    criterion = Lately("stop", wrong_below=8, error_below=0.09)
    want = next(
        end
        for end in range(WINDOW, total + 1)
        if (~right[end - WINDOW : end]).sum() < 8 and errors[end - WINDOW : end].mean() < 0.09
    )
    assert fed(criterion, errors, right, [100] * 90) == want
    assert fed(criterion, errors, right, list(rng.integers(1, 400, 60))) == want
    assert fed(Lately("stop", 8, 0.0), errors, right, [100] * 90) is None


def test_lately_needs_the_whole_window():
    right, errors = np.ones(2100, bool), np.zeros(2100)
    assert fed(Lately("stop", 1, 0.1), errors, right, [100] * 21) == WINDOW
    right[0] = False
    assert fed(Lately("stop", 1, 0.1), errors, right, [100] * 21) == WINDOW + 1
    assert fed(Lately("stop", 1, 0.1), errors[:1999], right[:1999], [1999]) is None


@pytest.mark.parametrize("sizes", [[100] * 30, [7] * 500, [3000]])
def test_a_run(sizes):
    right = np.ones(3000, bool)
    right[[0, 40, 777]] = False
    criterion = RightInARow("stop", 1000)
    met = fed(criterion, np.zeros(3000), right, sizes)
    assert met == 1778
    assert criterion.count(met) == 778
    assert fed(RightInARow("stop", 2300), np.zeros(3000), right, sizes) is None


def test_a_test():
    history = History()
    history.add(np.zeros(100), np.ones(100, bool))
    exam = Exam(5, 0.03)
    assert Examined("ST1", 6).met(history, exam) == 100
    assert Examined("ST2", 6, 0.04).met(history, exam) == 100
    assert Examined("ST2", 6, 0.03).met(history, exam) is None
    assert Examined("ST1", 5).met(history, exam) is None
    assert exam.asked == [(256, 6)] * 3 + [(256, 5)]


def test_strings():
    history = History()
    history.add(np.zeros(100), np.zeros(100, bool))
    assert Strings("stop").met(history, Exam(strings=True)) == 100
    assert Strings("stop").met(history, Exam(strings=False)) is None


def test_history():
    history = History()
    for _ in range(30):
        history.add(np.full(100, 0.5), np.arange(100) % 2 == 0)
    assert history.presented == 3000
    assert len(history.right) == WINDOW + 100
    assert history.wrong_lately == 1000
    assert history.error_lately == 0.5

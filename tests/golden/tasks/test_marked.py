"""Multiplication, and what happens to the very first pair: against the paper's statement."""

import pickle

import numpy as np
import pytest

from golden import InputError
from golden.tasks import adding, multiplication


def marks(x):
    """Where the two marked pairs are, of sequences whose first pair is not marked: (N, 2)."""
    return np.array([np.flatnonzero(row == 1) for row in x[:, :, 1]])


def test_multiplication_follows_the_paper():
    x, target = multiplication(100).batch(np.random.default_rng(1), 3000, 105)
    values, markers = x[:, :, 0], x[:, :, 1]
    assert values.min() >= 0
    assert values.max() <= 1
    assert abs(values[:, 1:].mean() - 0.5) < 0.005
    assert np.all((markers == 1).sum(axis=1) == 2)
    want = np.where(markers == 1, values, 1.0).prod(axis=1)
    assert np.array_equal(target[:, 0], want)
    first = markers[:, 0] == 1
    assert 0.1 < first.mean() < 0.14  # 1/10 and, of the rest, 1/48
    assert np.all(values[first, 0] == 1.0)
    assert np.all(markers[~first, 0] == -1)


@pytest.mark.parametrize(("task", "neutral"), [(adding, 0.0), (multiplication, 1.0)])
def test_a_hidden_first_pair(task, neutral):
    """The network sees -1 and any value there, and one pair marked; the target has it neutral."""
    x, target = task(100, "hidden").batch(np.random.default_rng(2), 2000, 100)
    values, markers = x[:, :, 0], x[:, :, 1]
    assert np.all(markers[:, 0] == -1)
    one = (markers == 1).sum(axis=1) == 1
    assert 0.1 < one.mean() < 0.14
    assert np.ptp(values[one, 0]) > 0.9
    other = values[one][markers[one] == 1]
    want = other if neutral else 0.5 + other / 4
    assert np.abs(target[one, 0] - want).max() < 1e-15


@pytest.mark.parametrize("task", [adding, multiplication])
@pytest.mark.parametrize("steps", [100, 1000])
def test_lengths_and_lags(task, steps):
    """T to T + T/10, and the second mark in the first half: the lag is T/2 at least."""
    drawn = task(steps).sequences(np.random.default_rng(3), 2000)
    assert drawn.lengths.min() == steps
    assert drawn.lengths.max() == steps + steps // 10
    x = drawn.dense(2)
    at = marks(x)
    assert at.max() == steps // 2 - 2
    assert np.all(at.min(axis=1) < 10)
    last = x[np.arange(2000), drawn.lengths - 1, 1]
    assert np.all(last == -1)


def test_a_task_can_be_sent_elsewhere():
    for task in (adding(100), multiplication(500, "hidden")):
        other = pickle.loads(pickle.dumps(task))
        assert other == task
        one, two = (each.batch(np.random.default_rng(4), 2, 510) for each in (task, other))
        assert np.array_equal(one[0], two[0])


def test_bad_requests():
    with pytest.raises(InputError, match="multiplication: 23 steps, must be at least 24"):
        multiplication(23)
    with pytest.raises(InputError, match="first pair 'lost': allowed are shown, hidden"):
        adding(100, "lost")

"""Experiments 2a, 2b, 2c against the paper's statement: order, lags, alphabets, targets."""

from dataclasses import replace

import numpy as np
import pytest

from golden import InputError
from golden.tasks import Recall, Trigger


@pytest.mark.parametrize("lag", [4, 100])
def test_2a_has_two_sequences(lag):
    """(y, a_1 .. a_{p-1}, y) and (x, a_1 .. a_{p-1}, x), as likely, the next symbol as target."""
    task = Recall.of("2a", lag)
    assert (task.inputs, task.outputs) == (lag + 1, lag + 1)
    x, target = task.batch(np.random.default_rng(1), 400, lag)
    symbols, wanted = x.argmax(axis=2), target.argmax(axis=2)
    assert np.all(x.sum(axis=2) == 1)
    assert np.all(target.sum(axis=2) == 1)
    assert set(symbols[:, 0]) == {lag - 1, lag}
    assert abs((symbols[:, 0] == lag).mean() - 0.5) < 0.1
    assert np.all(symbols[:, 1:] == np.arange(lag - 1))
    assert np.array_equal(wanted[:, :-1], symbols[:, 1:])
    assert np.array_equal(wanted[:, -1], symbols[:, 0])


def test_2b_has_random_symbols_between():
    task = Recall.of("2b", 50)
    x, target = task.batch(np.random.default_rng(2), 500, 50)
    symbols, wanted = x.argmax(axis=2), target.argmax(axis=2)
    assert set(symbols[:, 0]) == {49, 50}
    assert set(symbols[:, 1:].ravel()) == set(range(49))
    shares = np.bincount(symbols[:, 1:].ravel()) / symbols[:, 1:].size
    assert np.abs(shares - 1 / 49).max() < 0.005
    assert np.array_equal(wanted[:, :-1], symbols[:, 1:])
    assert np.array_equal(wanted[:, -1], symbols[:, 0])


def test_what_is_right():
    """In 2a the outputs of all steps count, in 2b those of the last."""
    for variant, early in (("2a", False), ("2b", True)):
        task = Recall.of(variant, 10)
        batch = task.sequences(np.random.default_rng(3), 3)
        out = batch.target + 0.2
        out[1, 4, 2] += 0.1
        out[2, -1, 2] += 0.1
        assert task.right(batch, out).tolist() == [True, early, False]
        assert abs(task.error(batch, out)[0] - 0.2) < 1e-12


@pytest.mark.parametrize(("lag", "distractors"), [(50, 50), (1000, 50)])
def test_2c(lag, distractors):
    """b, x or y, q + k of p distractors, e; P(k) = 0.1 * 0.9^k."""
    task = Trigger.of(lag, distractors)
    assert (task.inputs, task.outputs) == (distractors + 4, 2)
    batch = task.sequences(np.random.default_rng(4), 3000)
    more = batch.lengths - lag - 3
    assert more.min() == 0
    assert abs(more.mean() - 9) < 0.7  # the standard deviation of the mean is 0.17
    assert abs((more == 0).mean() - 0.1) < 0.025
    trigger, begin, x, y = range(distractors, distractors + 4)
    symbols = batch.index[:, :, 0]
    assert np.all(batch.value == 1)
    assert np.all(symbols[:, 0] == begin)
    assert set(symbols[:, task.told]) == {x, y}
    assert np.array_equal(batch.target, np.eye(2)[symbols[:, 1] - x])
    assert abs(batch.target.mean(axis=0)[0] - 0.5) < 0.05
    for row, length in zip(symbols[:200], batch.lengths, strict=False):
        assert row[length - 1] == trigger
        assert row[task.told + 1 : length - 1].max() < distractors
    assert set(symbols[:, 2 : lag + 2].ravel()) == set(range(distractors))


def test_bad_requests():
    with pytest.raises(InputError, match="variant '2c': allowed are 2a, 2b"):
        Recall.of("2c", 100)
    with pytest.raises(InputError, match="recall 2a: lag 1, must be at least 2"):
        Recall.of("2a", 1)
    with pytest.raises(InputError, match="recall 2a: length 101, must be 100 steps"):
        Recall.of("2a", 100).batch(np.random.default_rng(5), 1, 101)
    with pytest.raises(InputError, match="trigger 2c: distractors 0, must be at least 1"):
        Trigger.of(50, 0)


@pytest.mark.parametrize("variant", ["2a", "2b"])
def test_the_last_symbol_alone(variant):
    """The same sequences, and of the targets and answers those of the last step."""
    task = Recall.of(variant, 10)
    last = replace(task, at_end=True)
    every, batch = (each.sequences(np.random.default_rng(6), 20) for each in (task, last))
    np.testing.assert_array_equal(batch.index, every.index)
    np.testing.assert_array_equal(batch.target, every.target[:, -1])
    out = batch.target.copy()
    assert last.right(batch, out).all() and not last.error(batch, out).any()
    out[3, 0] += 0.25
    assert np.flatnonzero(~last.right(batch, out)).tolist() == [3]
    np.testing.assert_allclose(last.error(batch, out)[3], 0.25 / 11)

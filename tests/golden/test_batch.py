"""Sequences of which the inputs that are not zero are kept, and the same with all inputs."""

import numpy as np

from golden.batch import Batch


def test_dense_and_back():
    rng = np.random.default_rng(1)
    x, target = rng.normal(size=(4, 6, 3)), rng.uniform(size=(4, 2))
    batch = Batch.of(x, target)
    assert len(batch) == 4
    assert not batch.every
    assert np.array_equal(batch.dense(3), x)
    assert np.array_equal(batch[1:3].dense(3), x[1:3])
    assert Batch.of(x, np.zeros((4, 6, 2))).every


def test_nothing_is_behind_the_end():
    index = np.array([[[2], [0], [1]], [[1], [1], [1]]])
    batch = Batch(np.array([2, 3]), index, np.full(index.shape, 7.0), np.zeros((2, 1)))
    x = batch.dense(3)
    assert x[0].tolist() == [[0, 0, 7], [7, 0, 0], [0, 0, 0]]
    assert x[1].tolist() == [[0, 7, 0]] * 3

"""Experiments 3a, 3b, 3c against the paper's statement: lengths, variances, targets."""

import numpy as np
import pytest

from golden import InputError
from golden.tasks import two_sequence

COUNT = 4000


@pytest.mark.parametrize("informative", [1, 3])
@pytest.mark.parametrize("variant", ["3a", "3b", "3c"])
def test_the_signal(variant, informative):
    task = two_sequence(variant, 100, informative)
    x, target = task.batch(np.random.default_rng(1), COUNT, 100)
    assert x.shape == (COUNT, 100, 1)
    told, rest = x[:, :informative, 0], x[:, informative:, 0]
    assert abs(rest.mean()) < 0.005
    assert abs(rest.var() - 0.2) < 0.005
    class_1 = target[:, 0] > 0.5 if variant != "3c" else told[:, 0] > 0
    assert abs(class_1.mean() - 0.5) < 0.04
    around = told - np.where(class_1, 1.0, -1.0)[:, None]
    if variant == "3b":
        assert abs(around.var() - 0.2) < 0.015
    else:
        assert np.all(around == 0)


def test_targets():
    """1.0 and 0.0; in 3c 0.2 for class 1, 0.8 for class 2, with noise of variance 0.1."""
    x, target = two_sequence("3a", 100, 1).batch(np.random.default_rng(2), COUNT, 100)
    assert np.array_equal(target[:, 0], np.where(x[:, 0, 0] > 0, 1.0, 0.0))
    noisy = two_sequence("3c", 100, 1)
    x, target = noisy.batch(np.random.default_rng(2), COUNT, 100)
    without = np.where(x[:, 0, 0] > 0, 0.2, 0.8)
    assert abs((target[:, 0] - without).var() - 0.1) < 0.01
    assert abs((target[:, 0] - without).mean()) < 0.02
    trained, tested = noisy.split(np.random.default_rng(0))
    assert trained == noisy
    x, target = tested.batch(np.random.default_rng(2), COUNT, 100)
    assert np.array_equal(target[:, 0], np.where(x[:, 0, 0] > 0, 0.2, 0.8))


def test_lengths_and_what_is_right():
    task = two_sequence("3a", 1000, 3)
    lengths = task.draw_lengths(np.random.default_rng(3), 3000)
    assert (lengths.min(), lengths.max()) == (1000, 1100)
    out, target = np.array([[0.81], [0.79]]), np.array([[1.0], [1.0]])
    assert task.correct(out, target).tolist() == [True, False]
    assert two_sequence("3c", 100, 1).tolerance == 0.1


def test_bad_requests():
    with pytest.raises(InputError, match="variant '3d': allowed are 3a, 3b, 3c"):
        two_sequence("3d", 100, 1)
    with pytest.raises(InputError, match="100 of 100 elements are informative, must be 1 to 99"):
        two_sequence("3a", 100, 100)

"""The compiled learning equals the readable one, and says what to install where it cannot run."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from golden import InputError, fast_learning, learning
from golden.learning import Parameters
from tests.golden import nets

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("every", [False, True], ids=["target at the end", "target every step"])
@pytest.mark.parametrize("kind", nets.KINDS)
def test_equal_over_a_training_run(kind, every):
    rng = np.random.default_rng(51)
    net = nets.KINDS[kind](rng)
    slow, fast = Parameters.of(net), Parameters.of(net)
    start, rate = slow.hidden.copy(), 0.01 if every else 0.3
    for _ in range(8):
        steps = int(rng.integers(20, 40))
        x = rng.normal(size=(steps, 3)) * (rng.random((steps, 3)) < 0.7)  # zeros are skipped
        target = rng.uniform(size=(steps, 2) if every else 2)
        want = learning.train_sequence(slow, x, target, rate)
        have = fast_learning.train_sequence(fast, x, target, rate)
        assert have.shape == want.shape
        assert np.abs(have - want).max() < 1e-12
    assert np.abs(slow.hidden - fast.hidden).max() < 1e-12
    assert np.abs(slow.readout - fast.readout).max() < 1e-12
    assert np.abs(slow.hidden - start).max() > 1e-4  # the run changed something


def test_identity_readout():
    rng = np.random.default_rng(52)
    p = Parameters.of(nets.forget(rng, squash="identity"))
    x, target = rng.normal(size=(15, 3)), rng.normal(size=2)
    want, have = learning.gradient(p, x, target), fast_learning.gradient(p, x, target)
    assert np.abs(have.hidden - want.hidden).max() < 1e-13
    assert np.abs(have.readout - want.readout).max() < 1e-13


def test_any_array_layout():
    rng = np.random.default_rng(53)
    p = Parameters.of(nets.forget(rng))
    x, target = np.asfortranarray(rng.integers(0, 2, (15, 3))), np.array([1, 0])
    want = learning.gradient(p, x.astype(float), target.astype(float))
    assert np.abs(fast_learning.gradient(p, x, target).hidden - want.hidden).max() < 1e-13


def test_refusals_are_the_same():
    p = Parameters.of(nets.forget(np.random.default_rng(54)))
    with pytest.raises(InputError, match="input: shape"):
        fast_learning.gradient(p, np.zeros((4, 2)), np.zeros(2))


def test_without_numba():
    """`import golden` works, training says in one line what to install."""
    code = """
import sys
sys.modules["numba"] = None
import golden, golden.training
try:
    golden.training.train("adding", 1)
except golden.CarouselError as error:
    print(error)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert run.stdout.count("\n") == 1
    assert "numba is needed to train, install it by: pip install numba" in run.stdout
    assert not run.stderr

"""The compiled learning equals the readable one, and says what to install where it cannot run."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from golden import InputError, Network, fast_learning, learning
from golden.batch import Batch
from golden.experiments.wiring import Wiring
from golden.learning import Parameters
from golden.squash import SQUASHES
from golden.tasks import Trigger
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


@pytest.mark.parametrize("name", SQUASHES | nets.ONE_ENDED)
def test_every_function_as_the_reference(name, monkeypatch):
    """As g, h and readout at once, with values at and beyond the ends of clipped ones."""
    monkeypatch.setitem(SQUASHES, name, (SQUASHES | nets.ONE_ENDED)[name])
    rng = np.random.default_rng(61)
    hidden = nets.layer(rng, 3, 2, 2, recurrent=True, g=name, h=name)
    p = Parameters.of(Network((hidden,), nets.readout(rng, 4, 2, name)))
    x, target = 2 * rng.normal(size=(12, 3)), rng.uniform(size=(12, 2))
    want, have = learning.gradient(p, x, target), fast_learning.gradient(p, x, target)
    for part in ("hidden", "readout", "out"):
        assert np.abs(getattr(have, part) - getattr(want, part)).max() < 1e-12
    assert np.abs(have.hidden).max() > 1e-3


def test_shortcuts_fixed_weights_and_cross_entropy():
    """The paper's other wiring, each with a change a step and one a sequence."""
    for each_step, entropy in ((False, False), (True, False), (True, True)):
        rng = np.random.default_rng(55)
        wiring = Wiring(5, 4, 2, 1, 0.3, connectivity="B", g="sigma", h="identity")
        slow = wiring.draw(rng, entropy)
        fast = replace(slow, hidden=slow.hidden.copy(), readout=slow.readout.copy())
        for _ in range(20):
            x = np.eye(5)[rng.integers(0, 5, 12)]
            target = rng.uniform(size=(12, 4))
            want = learning.train_sequence(slow, x, target, 0.2, each_step)
            have = fast_learning.train_sequence(fast, x, target, 0.2, each_step)
            assert np.abs(have - want).max() < 1e-12
        assert np.abs(slow.hidden - fast.hidden).max() < 1e-12
        assert np.abs(slow.readout - fast.readout).max() < 1e-12


def test_a_thousand_inputs_of_which_one_is_on():
    """As the reference; weights from inputs that were never on do not change at all."""
    rng = np.random.default_rng(56)
    slow = Wiring(1004, 2, 2, 1, 0.2, ()).draw(rng)
    start = slow.hidden.copy()
    fast = replace(slow, hidden=slow.hidden.copy(), readout=slow.readout.copy())
    batch = Trigger.of(10, 1000).sequences(rng, 5)
    for n, length in enumerate(batch.lengths):
        x = batch[n : n + 1].dense(1004)[0, :length]
        learning.train_sequence(slow, x, batch.target[n], 5.0)
    _, done = fast_learning.train(fast, batch, 5.0)
    assert done == 5
    assert np.abs(slow.hidden - fast.hidden).max() < 1e-12
    assert np.abs(fast.hidden - start).max() > 1e-3
    never = np.setdiff1d(np.arange(1004), batch.index)
    assert len(never) > 800
    assert np.array_equal(fast.hidden[:, never], start[:, never])


@pytest.mark.parametrize("kind", nets.KINDS)
def test_a_batch_is_its_sequences_one_after_the_other(kind):
    """To the last bit, whatever lies behind the end of a sequence."""
    rng = np.random.default_rng(57)
    p = Parameters.of(nets.KINDS[kind](rng))
    other = replace(p, hidden=p.hidden.copy(), readout=p.readout.copy())
    lengths = np.array([9, 4, 12])
    x = rng.normal(size=(3, 12, 3))
    batch = replace(Batch.of(x, rng.uniform(size=(3, 2))), lengths=lengths)
    out, done = fast_learning.train(p, batch, 0.2)
    assert done == 3
    for n, length in enumerate(lengths):
        want = fast_learning.train_sequence(other, x[n, :length], batch.target[n], 0.2)
        assert np.array_equal(out[n], want)
    assert np.array_equal(p.hidden, other.hidden)
    run = fast_learning.run(p, batch)
    net = p.network("trained")
    for n, length in enumerate(lengths):
        assert np.abs(run[n] - net.run(x[n, :length]).out[-1]).max() < 1e-12


def test_outputs_of_every_step():
    rng = np.random.default_rng(58)
    p = Parameters.of(nets.paper_1997(rng))
    x = rng.normal(size=(2, 7, 3))
    out = fast_learning.run(p, Batch.of(x, np.zeros((2, 7, 2))))
    assert np.abs(out - p.network("same").run(x).out).max() < 1e-12


def test_training_stops_where_outputs_are_no_longer_finite():
    rng = np.random.default_rng(59)
    p = Parameters.of(nets.paper_1997(rng))
    x = rng.normal(size=(5, 7, 3))
    x[2, 3, 0] = np.nan
    _, done = fast_learning.train(p, Batch.of(x, np.zeros((5, 2))), 0.1)
    assert done == 2
    assert np.isfinite(p.hidden).all()


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


def test_the_exponential_of_the_kernels():
    """Within a unit in the last place over the whole range; sigma has its limits, a NaN stays."""
    numba, kernels = pytest.importorskip("numba"), fast_learning.kernels()
    part_exp, part_sigma = kernels._exp, kernels._sigma
    exp = numba.njit(lambda x: np.array([part_exp(a) for a in x]))
    sigma = numba.njit(lambda x: np.array([part_sigma(a) for a in x]))
    rng = np.random.default_rng(60)
    for low, high in ((-708, 709), (-708, -707), (708, 709), (-40, 40), (-1, 1), (-1e-9, 1e-9)):
        x = np.append(rng.uniform(low, high, 100_000), [low, high])
        want = np.exp(x.astype(np.longdouble))
        assert (np.abs(exp(x) - want) <= np.spacing(want.astype(float))).all()
    assert exp(np.array([0.0, -0.0])).tolist() == [1.0, 1.0]
    ends = np.array([-np.inf, -1e9, -710.0, -709.0, 708.0, 709.0, 710.0, 1e9, np.inf])
    assert (sigma(ends[:4]) < 1e-307).all()
    assert (sigma(ends[:4]) > 0.0).all()
    assert (sigma(ends[4:]) == 1.0).all()
    assert np.isnan(sigma(np.array([np.nan]))).all()


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
    assert "'carousel-lstm[train]'" in run.stdout
    assert not run.stderr

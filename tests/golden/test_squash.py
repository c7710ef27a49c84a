"""Squashing functions against the paper's formulas, derivatives against finite differences."""

import math

import numpy as np
import pytest

from golden.errors import ModelError
from golden.squash import SQUASHES, Squash, squash
from tests.golden.nets import ONE_ENDED

FORMULAS = {
    "sigma": lambda a: 1 / (1 + math.exp(-a)),
    "tanh": math.tanh,
    "g1997": lambda a: 4 / (1 + math.exp(-a)) - 2,  # (5)
    "h1997": lambda a: 2 / (1 + math.exp(-a)) - 1,  # (4)
    "identity": lambda a: a,
    "hard": lambda a: min(max(a, 0.0), 1.0),
    "hardtanh": lambda a: min(max(a, -1.0), 1.0),
    "relu": lambda a: max(a, 0.0),
    "relu6": lambda a: min(max(a, 0.0), 6.0),
    "floored": lambda a: max(a, 0.0),
    "capped": lambda a: min(a, 0.75),
}
EVERY = SQUASHES | ONE_ENDED
POINTS = np.linspace(-30, 30, 601)


def test_every_function_has_a_formula_here():
    assert set(FORMULAS) == set(EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_value(name):
    want = np.array([FORMULAS[name](a) for a in POINTS])
    assert np.abs(EVERY[name](POINTS) - want).max() < 2e-15
    in_single = EVERY[name](POINTS.astype(np.float32))
    assert in_single.dtype == np.float32
    assert (np.abs(in_single - want) <= 4e-7 * np.maximum(1, np.abs(want))).all()


@pytest.mark.parametrize("name", EVERY)
def test_derivative(name):
    """At points none of which is an end of a clipped identity, where it has no derivative."""
    f, a, step = EVERY[name], np.linspace(-8.03, 8.07, 162), 1e-5
    slope = (f(a + step) - f(a - step)) / (2 * step)
    assert np.abs(f.derivative(f(a)) - slope).max() < 1e-9


@pytest.mark.parametrize("name", EVERY)
def test_affine_image_of_sigma(name):
    """The constants that the integer model builds on say the same as the float function."""
    f = EVERY[name]
    assert f.bounded == all(map(math.isfinite, f.ends))
    if f.linear:
        assert np.array_equal(f(POINTS), np.clip(POINTS, f.low, f.high))
        assert f.ends == (f.low, f.high)
        return
    image = f.scale * squash("sigma")(f.slope * POINTS) + f.offset
    assert np.abs(f(POINTS) - image).max() < 2e-15
    assert np.abs(np.array(f.ends) - f(np.array([-1e3, 1e3]))).max() < 1e-300


@pytest.mark.parametrize("name", EVERY)
def test_extreme_arguments_stay_finite(name):
    extremes = np.array([-1e308, -1e4, 0.0, 1e4, 1e308])
    assert np.all(np.isfinite(EVERY[name](extremes)))


@pytest.mark.parametrize("name", ["tanh", "g1997", "h1997"])
def test_odd_functions_are_exactly_odd(name):
    """Near zero too: 2 sigma - 1 would lose its digits there."""
    f, a = squash(name), np.array([1e-12, 1e-6, 0.1, 3.0])
    assert np.array_equal(f(-a), -f(a))
    assert abs(f(a)[0] / (f.scale * f.slope / 4 * 1e-12) - 1) < 1e-12


@pytest.mark.parametrize(("scale", "slope", "offset"), [(2, 2, 0), (4, 1, -1), (1, 2, 0)])
def test_any_image_of_sigma(scale, slope, offset):
    """Those that are not odd too: the equation's, in float64 and in float32."""
    f = Squash("image", scale=scale, slope=slope, offset=offset)
    want = np.array([scale * FORMULAS["sigma"](slope * a) + offset for a in POINTS])
    assert np.abs(f(POINTS) - want).max() < 2e-15
    assert np.abs(f(POINTS.astype(np.float32)) - want).max() < 1e-6
    assert np.abs(f(np.array([-1e308, 1e308])) - f.ends).max() < 1e-300


def test_the_hard_sigmoid_is_exact_at_and_beyond_its_ends():
    a = np.array([-np.inf, -1e9, -1e-300, -0.0, 0.0, 0.25, 1.0, 1.0 + 1e-15, np.inf])
    want = [0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 1.0, 1.0, 1.0]
    assert squash("hard")(a).tolist() == want


def test_properties():
    """What gates may have and what they are learnt with, for every function there is."""
    assert {name for name, f in EVERY.items() if f.gate} == {"sigma", "hard"}
    assert {name for name, f in EVERY.items() if f.logistic} == {"sigma"}
    assert {name for name, f in EVERY.items() if not f.bounded} == {"identity", "relu", *ONE_ENDED}
    assert EVERY["floored"].ends == (0.0, math.inf)
    assert EVERY["capped"].ends == (-math.inf, 0.75)


def test_unknown_name():
    with pytest.raises(
        ModelError, match=r"'elu': allowed are sigma, tanh, g1997, h1997, identity, hard"
    ):
        squash("elu")

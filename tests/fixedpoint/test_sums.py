"""Exact sums: biases rounded to their scale, and an accumulator for the worst that formats hold."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixedpoint import Format, FormatError, choose_formats
from fixedpoint.sums import encode_biases, plan_sums, row_sources
from golden import Network
from tests.fixedpoint.nets import layer


@given(st.lists(st.floats(-100.0, 100.0), min_size=1, max_size=5), st.integers(-5, 40))
def test_biases_are_rounded_to_nearest_with_ties_up(values, frac):
    want = [math.floor(Fraction(value) * Fraction(2) ** frac + Fraction(1, 2)) for value in values]
    assert encode_biases("layer 0 i", np.array(values), frac).tolist() == want


def test_ties_and_codes_next_to_them():
    """-2.5 becomes -2, 2.5 becomes 3; and what is a hair less than a tie is not rounded up."""
    ties = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
    values = np.concatenate([ties, np.nextafter(ties, -9), np.nextafter(ties, 9)]) / 16
    want = [-2, -1, 0, 1, 2, 3, -3, -2, -1, 0, 1, 2, -2, -1, 0, 1, 2, 3]
    found = encode_biases("layer 0 i", values, 4)
    assert found.tolist() == want and found.dtype == np.int64


@pytest.mark.parametrize("sign", [1, -1])
def test_the_widest_bias_has_53_bits_and_a_sign(sign):
    assert encode_biases("b", np.array([sign * (2.0**53 - 1)]), 0) == [sign * (2**53 - 1)]
    with pytest.raises(FormatError) as error:
        encode_biases("layer 0 i", np.array([0.0, sign * 2.0**50]), 3)
    assert str(error.value) == (
        "layer 0 i bias 1.1259e+15: with the 3 fraction bits of its sum it needs 55 bits, at most "
        "54 are allowed"
    )


def test_a_sum_holds_the_worst_of_every_source():
    """Weights and sources at their lowest codes, of unsigned sources the highest; the bias."""
    x, gate = Format(4, 1), Format(5, 4, signed=False)
    weights = {"x": Format(6, 5), "gates": Format(7, 2)}
    biases = np.array([-70, 3])
    sums = plan_sums("layer 0", weights, {"x": (x, 3), "gates": (gate, 2)}, biases)
    assert sums.frac == 6
    assert sums.bound == 70 + 3 * 32 * 8 + 2 * 64 * 31
    assert sums.net_width == 14 and -sums.bound >= -(2**13) and sums.bound < 2**13
    assert sums.products == 3 * 32 * 8 + 2 * 64 * 31 and sums.width == 14


@pytest.mark.parametrize(("bound", "width"), [(0, 1), (1, 2), (127, 8), (128, 9)])
def test_width_is_that_of_a_signed_number(bound, width):
    form = Format(2, 0)
    assert plan_sums("readout", {"x": form}, {"x": (form, 0)}, np.array([bound])).net_width == width


@pytest.mark.parametrize("over", [0, 1])
def test_the_widest_sum_is_63_bits(over):
    form, biases = Format(2, 0), np.array([2**62 - 1 - 4 + over])
    if not over:
        assert plan_sums("layer 0", {"x": form}, {"x": (form, 1)}, biases).net_width == 63
        return
    with pytest.raises(FormatError, match="^layer 0: a sum needs 64 bits, at most 63 are allowed"):
        plan_sums("layer 0", {"x": form}, {"x": (form, 1)}, biases)


@pytest.mark.parametrize(
    ("options", "more"),
    [({"size": 3, "recurrent": True}, {"gates": 6}), ({"peepholes": True}, {"s": 1})],
    ids=["gate recurrence", "peepholes"],
)
def test_sources_of_a_row_and_their_columns(options, more):
    """x, y and the 3 gates of 2 blocks; a peephole is one column of the state."""
    rng, x = np.random.default_rng(1), Format(7, 3)
    real = layer(rng, 5, 2, **options)
    form = choose_formats(Network((real,)), 9, rng.normal(0, 1, (2, 20, 5))).layers[0]
    own = {"x": x, "y": form.y, "gates": form.gate, "s": form.s}
    want = {"x": 5, "y": real.shape.cells, **more}
    found = row_sources(real.shape, form, x)
    assert found == {name: (own[name], count) for name, count in want.items()}

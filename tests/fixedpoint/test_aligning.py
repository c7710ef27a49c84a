"""Scales of rows and of elements of x: what they save, and what they never do."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import quantize
from fixedpoint.calibration import Seen
from fixedpoint.fitting import formats_of
from fixedpoint.widths import Widths
from golden import Network
from tests.fixedpoint.nets import layer, random_network

WIDTHS = replace(Widths.uniform(12), tight=True)


def built(net, x, scaled, widths=WIDTHS):
    """The integer network, with or without scales of rows and elements."""
    formats = formats_of(net, replace(widths, scaled=scaled), Seen.measure(net, x))
    return quantize(net, formats)


def error(net, qnet, x):
    return float(np.sqrt(np.mean((qnet.run(qnet.encode(x)[0]).value("out") - net.run(x).out) ** 2)))


def wide_input():
    """A feature near 50,000 with small weights, beside one within 1."""
    rng = np.random.default_rng(11)
    steps = np.arange(200)
    x = np.stack([50_000 + 9_000 * np.sin(steps / 25), np.sin(steps / 7)], axis=1)[None]
    real = layer(rng, 2, 8, scale=0.3)
    for kind, rows in real.weights.items():
        rows[:, 0] *= 1e-4
        real.biases[kind][:] -= 50_000 * rows[:, 0]
    return Network((real,)), x


def test_a_wide_feature_does_not_take_the_bits_of_the_others():
    net, x = wide_input()
    own, shared = (built(net, x, scaled) for scaled in (True, False))
    recurrent = slice(2, None)
    assert not any(rows[:, recurrent].any() for rows in shared.layers[0].weights.values())
    assert all(rows[:, recurrent].all() for rows in own.layers[0].weights.values())
    assert error(net, own, x) < error(net, shared, x) / 50
    first, second = own.formats.elements
    assert first.holds(2 * 59_000) and second.frac > first.frac + 10


def test_one_large_weight_takes_the_bits_of_its_row_alone():
    rng = np.random.default_rng(3)
    net, x = Network((layer(rng, 3, 6),)), rng.normal(0, 1, (2, 50, 3))
    net.layers[0].weights["f"][2, 1] = 4000.0
    own, shared = (built(net, x, scaled) for scaled in (True, False))
    others = [rows for kind, rows in own.layers[0].weights.items() if kind != "f"]
    assert all(np.count_nonzero(rows) == rows.size for rows in others)
    assert error(net, own, x) < error(net, shared, x) / 20
    assert own.layers[0].rows("f").coarser[2] > max(own.layers[0].rows("i").coarser)


@pytest.mark.parametrize("seed", range(20))
def test_no_weight_saturates_and_rows_fill_their_bits(seed):
    """A row that is not as fine as the finest could not be finer by a bit."""
    rng = np.random.default_rng(seed)
    net, inputs = random_network(rng)
    x = rng.normal(0, 1, (2, 20, inputs)) * 10.0 ** rng.integers(-2, 3, inputs)
    bits = int(rng.integers(4, 17))
    qnet = built(net, x, True, replace(Widths.uniform(bits), tight=True))
    assert qnet.saturated_weights == 0
    assert qnet.encode(x)[1] == 0
    for rows in qnet.rows.values():
        for codes, by in zip(rows.codes, rows.coarser, strict=bool(rows.coarser)):
            largest = int(np.abs(codes).max())
            assert largest < 1 << bits - 1
            assert by in (0, 15) or largest >= (1 << bits - 2) - 1


def test_lanes_are_as_wide_with_scales_as_without():
    """Weights and values have the same bits, and so have the sums of products."""
    net, x = wide_input()
    own, shared = (built(net, x, scaled) for scaled in (True, False))
    assert own.layers[0].sums.width == shared.layers[0].sums.width
    for mine, other in zip(own.rows.values(), shared.rows.values(), strict=True):
        for source, pair in mine.formats.items():
            assert [f.width for f in pair] == [f.width for f in other.formats[source]]

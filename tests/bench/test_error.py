"""The accuracy that formats found by a search have on a known LSTM, at 100 and at 1000 steps."""

from dataclasses import replace

import pytest

from bench.bench_error import error, over_time, searched
from fixedpoint import quantize
from tests.data.torch_lstm import load
from tests.fixedpoint.nets import uniform


@pytest.mark.parametrize(("bits", "rmse", "most"), [(16, 8e-5, 2.5e-4), (8, 1.2e-2, 5e-2)])
def test_formats_found_on_another_input_keep_the_error(bits, rmse, most):
    """In RMSE they are as good, to a tenth, as uniform widths of as many bits with the ranges of
    the very input; their largest error is at most half as much again."""
    net, data = load()
    found = error(searched(bits))
    alike = error(quantize(net, uniform(net, bits, data["input"])))
    assert found["rmse"] <= rmse and found["max"] <= most
    assert found["rmse"] < 1.1 * alike["rmse"] and found["max"] < 1.5 * alike["max"]


@pytest.mark.parametrize("bits", [16, 8])
def test_the_error_does_not_grow_over_a_thousand_steps(bits):
    """Ten blocks of a hundred steps, none with more than a tenth above the first one's RMSE."""
    first, *rest = over_time(load()[0], searched(bits))
    assert len(rest) == 9
    assert max(block["rmse"] for block in rest) <= 1.1 * first["rmse"]


def test_an_error_that_grows_would_be_seen():
    """Of gates that stay open, so that every rounding of a state is kept."""
    net, data = load()
    (layer,) = net.layers
    biases = {**layer.biases, "f": layer.biases["f"] + 9.0}
    net = replace(net, layers=(replace(layer, biases=biases),))
    first, *rest = over_time(net, quantize(net, bits=8, calibrate=10 * data["input"]))
    assert max(block["rmse"] for block in rest) > 1.1 * first["rmse"]

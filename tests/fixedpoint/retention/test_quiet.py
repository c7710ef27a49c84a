"""Outputs on constant input: at rest where float is, and said where rounding keeps them going."""

import numpy as np
import pytest

from fixedpoint import choose_formats, quantize
from fixedpoint.retention.quiet import FEW, quiet
from golden import Layer, Network
from tests.fixedpoint.nets import forget_network, uniform
from tests.fixedpoint.nets import layer as make_layer


def ringing(gain):
    """A cell whose output is `gain` times the last one, less x: it rings, and in float dies out."""
    weights = {kind: np.zeros((1, 2)) for kind in "ifog"}
    weights["g"] = np.array([[1.0, -gain]])
    biases = {
        kind: np.array([float(value)]) for kind, value in zip("ifog", (40, -40, 40, 0), strict=True)
    }
    return Network((Layer(weights, biases, g="identity", h="identity"),))


def test_a_limit_cycle_is_seen_and_where_it_is():
    """y = round(-0.95 y + x) goes to and fro by some LSB for ever; float is at rest."""
    net, x = ringing(0.95), np.full((1, 50, 1), 0.4)
    zero, mean = quiet(net, quantize(net, uniform(net, 8, x)), x)
    assert zero.rests and zero.swing == 0.0 and zero.off == 0.0
    assert not mean.rests and mean.swing > FEW * mean.lsb
    assert mean.real_swing < 1e-6 and mean.off >= mean.swing / 3
    assert (mean.input, mean.layer, mean.cell) == ("the mean", 0, 0)
    assert mean.state_swing > 0
    assert mean.as_dict()["rests"] is False


def test_what_dies_out_at_once_is_at_rest():
    net, x = ringing(0.3), np.full((1, 50, 1), 0.4)
    assert all(each.rests for each in quiet(net, quantize(net, uniform(net, 8, x)), x))


@pytest.mark.parametrize("bits", [8, 16])
def test_a_network_in_formats_of_the_rule_is_at_rest(bits):
    net, x = forget_network()
    found = quiet(net, quantize(net, choose_formats(net, bits, x)), x)
    assert [each.input for each in found] == ["zero", "the mean"]
    assert all(each.rests for each in found)


def test_a_network_that_starts_every_sequence_anew_is_left_out():
    net = Network((make_layer(np.random.default_rng(0), 2, 3, reverse=True),))
    x = np.random.default_rng(1).normal(0, 1, (1, 20, 2))
    assert quiet(net, quantize(net, choose_formats(net, 8, x)), x) == ()

"""Widths of each kind: what each of them decides."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import FormatError, quantize
from fixedpoint.calibration import HEADROOM, Seen
from fixedpoint.fitting import formats_of
from fixedpoint.widths import KINDS, Widths
from golden import Dense, Network
from tests.fixedpoint.nets import forget_network, layer, random_network

MIXED = Widths(9, 10, 11, 12, 13, 14, 15, 16)


def network():
    """A layer, a projected one, a linear readout."""
    rng = np.random.default_rng(2)
    layers = layer(rng, 3, 4), layer(rng, 4, 5, projection=2)
    head = (Dense(rng.normal(0, 1, (2, 2)), rng.normal(0, 1, 2)),)
    return Network(layers, head), rng.normal(0, 1, (2, 30, 3))


def test_each_width_is_that_of_its_codes():
    net, x = network()
    forms = formats_of(net, MIXED, Seen.measure(net, x))
    assert forms.input.width == MIXED.input
    assert forms.readout.weights.width == MIXED.weights and forms.readout.out.width == MIXED.out
    for form in forms.layers:
        assert {each.width for each in form.weights.values()} == {MIXED.weights}
        assert form.gate.width == MIXED.gate - 1 and not form.gate.signed
        assert (form.g.width, form.h.width, form.s.width) == (MIXED.g, MIXED.h, MIXED.s)
        assert form.y.width == form.cell_output.width == MIXED.y
    assert quantize(net, forms).saturated_weights == 0


@pytest.mark.parametrize("squash", ["identity", "sigma"])
def test_the_sigma_table_is_as_fine_as_the_finest_that_reads_it(squash):
    """Of gates, g, h and a sigma readout the finest; tanh takes a bit more than it has."""
    net, x = network()
    net = replace(net, head=(replace(net.readout, squash=squash),))
    seen, coarse = Seen.measure(net, x), Widths(*[6] * 8)
    base = formats_of(net, coarse, seen).sigma.frac
    for kind, more in (("gate", 0), ("g", 1), ("h", 1), ("out", 0)):
        sigma = formats_of(net, replace(coarse, **{kind: 14}), seen).sigma
        reads = kind != "out" or squash == "sigma"
        assert sigma.frac == (14 - 2 + more if reads else base)


@pytest.mark.parametrize("seed", range(10))
def test_any_widths_make_a_network_that_builds(seed):
    """Formats of random widths are ones that the integer model can honour, whatever the cells."""
    rng = np.random.default_rng(seed)
    net, inputs = random_network(rng)
    x = rng.normal(0, 1, (2, 12, inputs))
    widths = Widths(*map(int, rng.integers(4, 17, len(KINDS))), tight=bool(rng.integers(2)))
    qnet = quantize(net, formats_of(net, widths, Seen.measure(net, x)))
    assert qnet.run(qnet.encode(x)[0]).out.shape == net.run(x).out.shape


def test_tight_outputs_hold_twice_what_was_seen_in_the_same_bits():
    net, x = forget_network()
    net = replace(net, layers=(layer(np.random.default_rng(0), 4, 6, scale=0.1),))
    seen = Seen.measure(net, x)
    plain, tight = (
        formats_of(net, replace(Widths.uniform(10), tight=tight), seen).layers[0].y
        for tight in (False, True)
    )
    largest = seen.layers[0]["y"]
    assert plain.holds(1.0) and not tight.holds(1.0) and tight.width == plain.width
    assert tight.holds(HEADROOM * largest) and not replace(tight, frac=tight.frac + 1).holds(
        HEADROOM * largest
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [3, 33])
def test_a_width_out_of_range_is_named(kind, bits):
    widest = 32 if kind == "s" else 20
    with pytest.raises(FormatError, match=f"bits of {kind} {bits}: must be from 4 to {widest}"):
        replace(Widths.uniform(8), **{kind: bits})

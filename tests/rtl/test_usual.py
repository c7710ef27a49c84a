"""The lanes that a core has unasked."""

import numpy as np
import pytest

import golden
from fixedpoint import quantize
from rtl import CoreOptions, allowed_lanes, plan
from rtl.usual import MOST, usual_lanes
from tests.rtl.support import quantized, stack


@pytest.mark.parametrize(
    ("model", "lanes"), [("temporal_order", 8), ("temporal_order_held", 8), ("adding", 20)]
)
def test_lanes_of_the_shipped_models(model, lanes):
    net = golden.load(f"models/{model}.npz")
    qnet = quantize(net, bits=16, calibrate=np.zeros((1, 2, net.inputs)))
    assert usual_lanes(qnet) == lanes


@pytest.mark.parametrize("cells", [1, 5, 20, 128])
def test_they_are_the_fewest_with_which_a_step_is_hardly_longer(cells):
    rng = np.random.default_rng(cells)
    qnet = quantized(stack(rng, 16, cells, outputs=2), rng, 16)
    found = usual_lanes(qnet)
    clocks = {n: plan(qnet, CoreOptions(n)).cycles_per_step for n in allowed_lanes(qnet)[:MOST]}
    short = [n for n, count in clocks.items() if count <= 1.1 * min(clocks.values())]
    assert found == min(short) <= MOST


def test_what_does_not_fit_is_not_taken():
    rng = np.random.default_rng(3)
    qnet = quantized(stack(rng, 4, 20, outputs=1), rng, 16)
    assert usual_lanes(qnet, fits=lambda core: core.lanes <= 5) == 5
    assert usual_lanes(qnet, fits=lambda core: False) == 1


def test_options_count():
    """Two streams keep more lanes busy than one does."""
    rng = np.random.default_rng(3)
    qnet = quantized(stack(rng, 2, 4, outputs=1), rng, 16)
    assert usual_lanes(qnet, CoreOptions(streams=4)) > usual_lanes(qnet)

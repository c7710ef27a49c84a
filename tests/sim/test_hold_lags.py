"""What simulated gateware keeps after a lag is what the integer model keeps, code for code."""

import numpy as np
import pytest

from carousel.measure.retention.gateware import play
from fixedpoint import quantize
from fixedpoint.retention.hold import just_shut, random_state
from fixedpoint.retention.lags import RunGroup, in_fixed_point
from golden import Layer, Network

LAGS = (10, 100, 10**9)


def network(kinds: str) -> Network:
    """Three cells under two inputs."""
    rng = np.random.default_rng(4)
    weights = {kind: rng.uniform(-1, 1, (3, 5)) for kind in kinds}
    return Network((Layer(weights, {kind: rng.uniform(-1, 1, 3) for kind in kinds}),))


@pytest.mark.parametrize("trained", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_gateware_keeps_what_fixed_point_keeps(trained):
    """Four runs side by side from extreme and random states, in two groups; the last lag is beyond
    what is simulated. With the gates just shut nothing moves."""
    rng, net = np.random.default_rng(5), network("ifog")
    qnet = quantize(net, bits=12, calibrate=rng.uniform(-1, 1, (4, 50, 2)))
    qnet = qnet if trained else just_shut(qnet)
    form = qnet.formats.input
    groups = [
        RunGroup(
            tuple(random_state(layer, 4, rng) for layer in qnet.layers),
            rng.integers(form.low, form.high, (7, 2), endpoint=True),
        )
        for _ in range(2)
    ]
    played = play(qnet, groups, LAGS)
    assert played is not None and played.ok and played.longest == 100
    assert played.compared > 0 and played.wrong == 0
    for hardware, model in zip(played.kept, in_fixed_point(qnet, groups, LAGS[:2]), strict=True):
        assert np.array_equal(hardware.states[0], model.states[0])
        assert np.array_equal(hardware.left, model.left)
        assert hardware.change.any() == trained

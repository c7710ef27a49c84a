"""A state that was written and then shut in holds thousands of steps of gateware, to the bit."""

import numpy as np
import pytest

from fixedpoint import quantize
from fixedpoint.retention.hold import closing, keeping
from golden import Layer, Network
from sim import check, simulate

WRITTEN = 5
INPUTS, CELLS = 3, 4


def _network(kinds: str) -> Network:
    """Cells that write while the first input is 1 and are far shut while it is not above 0.

    All other weights, recurrences among them, are random and alive; the output gate is free.
    """
    rng, recurrence = np.random.default_rng(7), "f" not in kinds
    sources = INPUTS + CELLS + (2 * CELLS if recurrence else 0)
    weights = {kind: rng.uniform(-1, 1, (CELLS, sources)) for kind in kinds}
    biases = {kind: rng.uniform(-1, 1, CELLS) for kind in kinds}
    weights["i"][:, 0], biases["i"][:] = 60.0, -45.0
    if "f" in kinds:
        biases["f"][:] = 40.0
    squash = {"g": "g1997", "h": "h1997"} if recurrence else {}
    return Network((Layer(weights, biases, gate_recurrence=recurrence, **squash),))


KINDS = (
    pytest.param("iog", id="1997", marks=pytest.mark.soak),
    pytest.param("ifog", id="forget gate"),
)


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("steps", [2_000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_what_is_written_stays(steps, kinds):
    """Five steps write; then no state code moves, under full-range input, and i is exactly 0."""
    net, rng = _network(kinds), np.random.default_rng(8)
    x = rng.uniform(-1, 1, (steps, INPUTS))
    x[:, 0] = -np.abs(x[:, 0])
    x[:WRITTEN, 0] = 1.0
    qnet = quantize(net, bits=16, calibrate=x)
    assert closing(qnet.layers[0]) * qnet.layers[0].gate.net.lsb > -40
    assert keeping(qnet.layers[0]) * qnet.layers[0].gate.net.lsb < 30
    codes, lost = qnet.encode(x)
    hardware = simulate(qnet, codes)
    assert lost == 0 and check(qnet, codes, hardware).ok
    i, s = hardware.get("i"), hardware.get("s")
    assert i[:WRITTEN].min() > 0 and not i[WRITTEN:].any()
    assert (np.abs(s[WRITTEN]) > 100).all()  # something was stored
    assert (s[WRITTEN:] == s[WRITTEN]).all()
    assert (np.ptp(hardware.get("y")[WRITTEN:], axis=0) > 1000).all()  # while the rest goes on

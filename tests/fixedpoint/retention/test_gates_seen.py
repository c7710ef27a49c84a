"""What gates came to in a run, against single steps of cells whose gates have just those codes."""

import numpy as np
import pytest

from fixedpoint import quantize
from fixedpoint.arithmetic import Codes
from fixedpoint.retention.gates_seen import best, met, moves
from fixedpoint.retention.hold import just_shut
from golden import LayerState, Network
from tests.fixedpoint.nets import forget_network, paper_network, random_codes
from tests.fixedpoint.nets import layer as make_layer


def coupled():
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (3, 40, 3))
    return Network((make_layer(rng, 3, 4, kinds="io", coupled=True),)), x


MAKERS = [forget_network, paper_network, coupled]


@pytest.mark.parametrize("make", MAKERS)
def test_least_greatest_and_share_are_those_of_the_trace(make):
    net, x = make()
    qnet = quantize(net, bits=12, calibrate=x)
    trace = qnet.run(random_codes(np.random.default_rng(2), qnet, 60)[None])
    found = {each.gate: each for each in met(qnet.layers, trace)}
    assert set(found) == {"i", "f"} & {*net.layers[0].shape.gates}
    for gate, each in found.items():
        codes = trace.get(gate).ravel().tolist()
        assert (each.low, each.high) == (min(codes), max(codes))
        end = 0 if gate == "i" else qnet.layers[0].formats.gate.one
        assert each.shut == codes.count(end) / len(codes)
        assert each.best == (each.low if gate == "i" else each.high)
        assert each.moves == moves(qnet.layers[0], gate, each.best)


@pytest.mark.parametrize("make", MAKERS)
def test_gates_that_are_just_shut_are_all_shut_and_move_nothing(make):
    net, x = make()
    qnet = just_shut(quantize(net, bits=12, calibrate=x))
    trace = qnet.run(random_codes(np.random.default_rng(3), qnet, 60)[None])
    for each in met(qnet.layers, trace):
        assert each.low == each.high == best(qnet.layers[0], each.gate)
        assert each.shut == 1 and each.moves == 0


@pytest.mark.parametrize("make", MAKERS)
def test_a_run_never_moves_a_state_further_in_a_step_than_its_gates_allow(make):
    """From extreme states: what i lets in at its greatest and f takes at its least, if not all."""
    net, x = make()
    qnet = quantize(net, bits=12, calibrate=x)
    (layer,) = qnet.layers
    form, rng = layer.formats.s, np.random.default_rng(4)
    codes: Codes = random_codes(rng, qnet, 40)[:, None]
    zero = layer.initial_state(len(codes))
    s = rng.choice([form.low, form.high], zero.s.shape)
    trace = qnet.run(codes, (LayerState(s, zero.y, zero.gates),))
    most = moves(layer, "i", int(trace.get("i").max()))
    if "f" in layer.shape.gates:
        most += moves(layer, "f", int(trace.get("f").min()))
    step = int(np.abs(trace.get("s")[:, 0] - s).max())
    assert 0.3 * most < step <= most

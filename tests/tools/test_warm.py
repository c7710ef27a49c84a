"""What is compiled while setting up is what a run of a model then needs."""

import numpy as np
import pytest

import golden
from fixedpoint import quantize
from fixedpoint.compiled import making, run
from tools import warm


@pytest.fixture
def made(monkeypatch):
    """What would have been compiled, by kind; it does nothing."""
    found = set()

    def once(function, arrays, given):
        found.add((function.__name__, *(each.dtype.name for each in arrays)))
        return lambda *args: None

    monkeypatch.setattr(making, "_once", once)
    return found


def test_layers_and_stages_of_many_widths_find_their_steps(monkeypatch, made, tmp_path):
    built = []
    monkeypatch.setattr(warm, "build", lambda *args: built.append(args))
    warm.main(tmp_path)
    ahead, net = set(made), golden.load(warm.MODEL)
    made.clear()
    x = np.random.default_rng(0).normal(size=(40, 7, net.inputs))
    for bits in (8, 12, 16, 17):  # more need int64, which is seldom
        qnet = quantize(net, bits=bits, calibrate=x)
        (layer,), (stage,) = qnet.layers, qnet.dense
        codes = qnet.encode(x)[0].transpose(1, 0, 2)
        found, _ = run.run_layer(layer, codes, layer.initial_state(len(x)), {})
        run.run_dense(stage, found["y"])
    assert made == ahead and len(made) == 4
    assert {cache for *_, cache in built} == {tmp_path}
    assert len({text for text, *_ in built}) == 2  # the library, then headers

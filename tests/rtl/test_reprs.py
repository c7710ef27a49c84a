"""What an interpreter or a notebook shows of networks, formats, traces and plans is short."""

from pathlib import Path

import numpy as np
import pytest

import golden
from fixedpoint import quantize
from rtl import plan

MODELS = sorted(path.stem for path in Path("models").glob("*.npz") if "rnn" not in path.stem)


@pytest.mark.parametrize("name", MODELS)
def test_of_every_shipped_model_each_object_says_itself_in_a_few_lines(name):
    net = golden.load(f"models/{name}.npz")
    x = np.zeros((2, 30, net.inputs))
    qnet = quantize(net, bits=16, calibrate=x)
    core, trace = plan(qnet), net.run(x)
    parts = core.parts[0]
    shown = [net, net.layers, net.head, trace, trace.state, qnet, qnet.layers, qnet.head]
    shown += [qnet.formats, qnet.run(qnet.encode(x)[0]), core, parts, parts.schedule, parts.program]
    for each in shown:
        text = repr(each)
        assert len(text.splitlines()) <= 10 and len(text) <= 800, text
    assert net.name in repr(net) and net.name in repr(qnet) and net.name in repr(core)
    assert f"{net.layers[0].shape.cells} cells" in repr(net)


def test_a_trace_tells_its_signals_and_their_shapes():
    net = golden.load("models/adding.npz")
    trace = net.run(np.zeros((2, 30, 2)))
    assert "0.s (2, 30, 8)" in repr(trace) and "out (2, 30, 1)" in repr(trace)
    assert repr(trace).startswith("Trace(")

"""What ONNX files make of all steps of a sequence: what onnxruntime gives, and that in integers."""

import numpy as np
import pytest

import golden
from fixedpoint import quantize
from golden import Network
from golden.importers.over_time import alone, largest, summed
from tests.golden.importers import onnx_models
from tests.golden.importers.onnx_models import CELLS, behind, node, plain
from tests.golden.importers.support import refused

RNG = np.random.default_rng(4)
WHOLE = {"k": np.array([1]), "step": np.array([0]), "end": np.array(-1)}
SQUEEZE = node("Squeeze", "y", "k", to="s", name="s")
BELOW = np.full(CELLS, -3.0)


def pooled(op, at="s", to="out", **attributes):
    return node(op, at, to=to, name=to, **{"axes": [0], "keepdims": 0, **attributes})


def model(*nodes, steps="t", **arrays):
    parts = {"whole": WHOLE, "shape": [steps, 1, 2], "arrays": arrays, "alone": True}
    return plain(**behind(SQUEEZE, *nodes, **parts))


TURN = node("Transpose", "s", perm=[1, 2, 0], to="c", name="c")
MODELS = {
    "largest": model(pooled("ReduceMax")),
    "least": model(pooled("ReduceMin")),
    "sum": model(node("ReduceSum", "s", "step", keepdims=0)),
    "largest, far below 0": model(
        node("MatMul", "s", "D3", to="a", name="a"),
        node("Add", "a", "below", to="b", name="b"),
        pooled("ReduceMax", "b"),
        D3=RNG.standard_normal((CELLS, CELLS)),
        below=BELOW,
    ),
    "largest of a pool": model(
        TURN,
        node("GlobalMaxPool", "c", to="p", name="p"),
        node("Flatten", "p"),
    ),
    "mean of a pool": model(
        TURN, node("GlobalAveragePool", "c", to="p", name="p"), node("Flatten", "p"), steps=9
    ),
    "all joined": model(
        pooled("ReduceMax", to="a"),
        pooled("ReduceMean", to="b"),
        node("Gather", "s", "end", axis=0, to="c", name="c"),
        node("Concat", "a", "b", "c", axis=1),
        steps=9,
    ),
}


@pytest.mark.parametrize("graph", MODELS.values(), ids=MODELS)
def test_what_is_made_of_all_steps(graph, tmp_path):
    net = golden.load(onnx_models.save(graph, tmp_path / "net.onnx"))
    assert net.output == "last"
    x = np.random.default_rng(7).standard_normal((9, 1, 2)).astype(np.float32)
    want = np.asarray(onnx_models.run(graph, x))[0]
    assert np.abs(net.run(x[:, 0]).out[0] - want).max() < 1e-6


@pytest.mark.parametrize("steps", ["t", 9])
def test_the_last_steps_are_those_of_the_outputs_of_every_step(steps, tmp_path):
    whole = {"from": np.array([-4]), "to": np.array([1 << 62]), "at": np.array([0])}
    after = [node("Slice", "s", "from", "to", "at", to="l", name="l"), node("MatMul", "l", "D")]
    parts = {"whole": WHOLE | whole, "shape": [steps, 1, 2], "alone": True}
    graph = plain(**behind(SQUEEZE, *after, **parts))
    net = golden.load(onnx_models.save(graph, tmp_path / "net.onnx"))
    assert (net.output, net.reading.kept) == ("every", 4)
    x = np.random.default_rng(7).standard_normal((9, 1, 2)).astype(np.float32)
    want = np.asarray(onnx_models.run(graph, x))[:, 0]
    assert want.shape == (4, 2)
    assert np.abs(net.run(x[:, 0]).out[-4:] - want).max() < 1e-6


@pytest.mark.parametrize("bits", [8, 16])
def test_in_codes_the_largest_is_that_of_what_comes_in(bits, tmp_path):
    """To half an LSB of what it is given as, however long the sequence is."""
    net = golden.load(onnx_models.save(MODELS["largest"], tmp_path / "net.onnx"))
    x = np.random.default_rng(7).standard_normal((3, 400, 2))
    qnet = quantize(net, bits=bits, calibrate=x)
    trace = qnet.run(qnet.encode(x)[0])
    given, kept = (
        form.y.decode(layer["y"])
        for form, layer in zip(qnet.formats.layers, trace.layers, strict=True)
    )
    off = kept - np.maximum.accumulate(given, axis=1)
    assert np.abs(off).max() <= qnet.formats.layers[1].y.lsb / 2
    assert (np.diff(kept, axis=1) >= 0).all()


@pytest.mark.parametrize("layer", [summed(3), largest(np.array([-1.5, 0.0, -2.0]))])
def test_cells_in_blocks_of_their_own_give_the_same(layer):
    net, same = Network((layer,)), Network((alone(layer),))
    x = np.random.default_rng(8).standard_normal((2, 9, 3))
    assert same.layers[0].shape.blocks == 3 and net.layers[0].shape.blocks == 1
    assert np.array_equal(same.run(x).out, net.run(x).out)


def test_what_has_no_bound_has_no_largest(tmp_path):
    """Nothing is below the value that the cells start from."""
    graph = model(
        node("MatMul", "x", "E", to="e", name="e"),
        node("Add", "s", "e", to="a", name="a"),
        pooled("ReduceMax", "a"),
        E=RNG.standard_normal((2, CELLS)),
    )
    said = refused(onnx_models.save(graph, tmp_path / "net.onnx"))
    assert "ReduceMax node 'out': of values that have no bound, not supported; cut the" in said


def test_more_linear_stages_than_the_lstm_has_may_be_joined_to_it(tmp_path):
    names = ["f0", "f1", "f2", "f3"]
    pairs = zip(["x", *names[:-1]], names, strict=True)
    many = [node("Neg", one, to=to, name=to) for one, to in pairs]
    parts = {"whole": WHOLE, "arrays": {"J": RNG.standard_normal((CELLS + 2, 2))}, "alone": True}
    joined = [
        node("Concat", "f3", "s", axis=2, to="j", name="j"),
        node("MatMul", "j", "J"),
    ]
    graph = plain(**behind(SQUEEZE, *many, *joined, **parts))
    net = golden.load(onnx_models.save(graph, tmp_path / "net.onnx"))
    x = np.random.default_rng(7).standard_normal((5, 1, 2)).astype(np.float32)
    want = np.asarray(onnx_models.run(graph, x))[:, 0]
    assert np.abs(net.run(x[:, 0]).out - want).max() < 1e-6

"""Stages that read what others give: the equations by hand, files, and what is refused."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

import golden
from golden import Dense, ModelError, Network
from golden.exporters.onnx import save_onnx
from golden.wiring import in_a_row, running
from tests.fixedpoint.nets import layer

READS = ((2,), (-1, 3), (-1,), (0,), (-1, 0, 1), (-1, 4))


def dense(rng, units, inputs, squash="identity"):
    return Dense(rng.normal(0, 0.6, (units, inputs)), rng.normal(0, 0.3, units), squash)


def wired(rng, output="every"):
    """x (3) to ReLU (5) to layer 0 (4) to sigma (6); layer 1 (3) reads x and sigma; a head reads x
    and both layers, another x and the head."""
    layers = layer(rng, 5, 4), layer(rng, 9, 3)
    stem = dense(rng, 5, 3, "relu"), dense(rng, 6, 4, "sigma")
    head = dense(rng, 4, 10, "relu"), dense(rng, 2, 7)
    return Network(layers, head, "wired", output=output, stem=stem, reads=READS)


@pytest.mark.parametrize("output", ["every", "last"])
def test_a_stage_reads_what_it_says(output):
    """Each stage by its own run, on what the stages that it reads gave, joined by hand."""
    rng = np.random.default_rng(1)
    net, x = wired(rng, output), rng.normal(size=(2, 9, 3))
    trace = net.run(x)

    def alone(k, u):
        return Network((net.layers[k],)).run(u).out

    first = net.stem[0].run(x)
    y0 = alone(0, first)
    second = net.stem[1].run(y0)
    y1 = alone(1, np.concatenate([x, second], axis=-1))
    cut = slice(None) if output == "every" else slice(-1, None)
    third = net.head[0].run(np.concatenate([x, y0, y1], axis=-1)[:, cut])
    out = net.head[1].run(np.concatenate([x[:, cut], third], axis=-1))
    for name, want in {"2.stem": first, "3.stem": second, "4.dense": third, "out": out}.items():
        assert np.abs(dict(trace.signals())[name] - want).max() < 1e-14, name
    assert net.order == ((2,), (0,), (3,), (1,), (4,), (5,))
    assert (net.inputs, net.outputs) == (3, 2)
    assert np.array_equal(trace.get("stem", 3), trace.stem[1])


def test_in_a_row_is_what_nothing_says():
    """Reads that are those of a row give the same network as none."""
    rng = np.random.default_rng(2)
    layers = layer(rng, 3, 4), layer(rng, 3, 2, reverse=True, beside=True), layer(rng, 6, 2)
    head = dense(rng, 4, 2, "tanh"), dense(rng, 2, 4)
    net, x = Network(layers, head), rng.normal(size=(7, 3))
    reads = in_a_row(net.stages, 2)
    assert reads == ((-1,), (-1,), (0, 1), (2,), (3,)) == net.sources
    assert running(net.stages, 0, reads) == ((0, 1), (2,), (3,), (4,)) == net.order
    assert np.array_equal(replace(net, reads=reads).run(x).out, net.run(x).out)


def test_it_is_in_its_file(tmp_path):
    net = wired(np.random.default_rng(3))
    golden.save(net, tmp_path / "net.npz")
    same, x = golden.load(tmp_path / "net.npz"), np.random.default_rng(4).normal(size=(5, 3))
    assert same.reads == READS and [stage.squash for stage in same.stem] == ["relu", "sigma"]
    assert np.array_equal(same.run(x).out, net.run(x).out)


@pytest.mark.parametrize("output", ["every", "last"])
def test_onnx_says_it(output, tmp_path):
    """Written, run by onnxruntime, and read again as the same stages."""
    rng = np.random.default_rng(5)
    net, x = wired(rng, output), rng.normal(size=(2, 9, 3)).astype(np.float32)
    save_onnx(net, tmp_path / "net.onnx")
    want = net.run(x).out
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    assert np.abs(session.run(None, {"x": x})[0].reshape(want.shape) - want).max() < 1e-5
    same = golden.load(tmp_path / "net.onnx")
    assert (same.reads, same.output) == (READS, output)
    assert np.abs(same.run(x).out - want).max() < 1e-5


BAD = {
    "too few": (READS[:-1], "reads: 5 entries, there are 6 stages"),
    "nothing": ((*READS[:-1], ()), r"readout reads \(\): must be numbers of stages that rise"),
    "twice": ((*READS[:-1], (4, 4)), r"readout reads \(4, 4\): must be numbers of stages that"),
    "falling": ((*READS[:-1], (4, -1)), r"readout reads \(4, -1\): must be numbers of stages"),
    "itself": ((*READS[:-1], (-1, 5)), "readout reads stage 5, which is not before it"),
    "later": (((3,), *READS[1:]), "stem 1 reads stage 0, which is not before it"),
    "unread": ((*READS[:-1], (-1,)), "dense 0: nothing reads it"),
    "width": ((*READS[:-1], (4,)), "readout weights: 7 columns, dense 0 has 4 outputs"),
}


@pytest.mark.parametrize(("reads", "message"), BAD.values(), ids=BAD)
def test_reads_that_cannot_be_are_refused(reads, message):
    with pytest.raises(ModelError, match=message):
        replace(wired(np.random.default_rng(6)), reads=reads)


def test_directions_read_the_same():
    """And what each direction ends with has no step in common with another stage's."""
    rng = np.random.default_rng(7)
    both = layer(rng, 3, 2), layer(rng, 3, 2, reverse=True, beside=True)
    with pytest.raises(ModelError, match=r"layer 1 reads \(2,\), the layer beside it \(-1,\)"):
        Network(both, (), stem=(dense(rng, 3, 3),), reads=((-1,), (2,), (-1,)))
    with pytest.raises(ModelError, match="output 'final': the head reads other stages than"):
        Network(both, (dense(rng, 1, 7),), output="final", reads=((-1,), (-1,), (-1, 0, 1)))

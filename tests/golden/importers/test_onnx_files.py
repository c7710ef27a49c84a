"""ONNX files as they come: weights beside them, the package's own tests, sizes that were traced."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.backend.test.case.node import lstm

from golden import ModelError
from golden.importers.onnx import load_onnx
from tests.golden.importers import onnx_models
from tests.golden.importers.onnx_models import node, plain


def external(folder, **said):
    """`plain` with W in a file next to it; `said` are entries of its external_data."""
    model = plain()
    tensor = next(one for one in model.graph.initializer if one.name == "W")
    (folder / "w.data").write_bytes(b"before" + tensor.raw_data)
    entries = {"location": "w.data", "offset": 6, "length": len(tensor.raw_data), **said}
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))
    return onnx_models.save(model, folder / "net.onnx")


def test_weights_may_lie_in_a_file_of_their_own(tmp_path):
    net = load_onnx(external(tmp_path))
    same = load_onnx(onnx_models.save(plain(), tmp_path / "one.onnx"))
    for kind, weights in same.layers[0].weights.items():
        assert (net.layers[0].weights[kind] == weights).all()


OUTSIDE = "must be a file in the model's folder"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"location": "../w.data"}, OUTSIDE),
        ({"location": "a/../../w.data"}, OUTSIDE),
        ({"location": "/etc/passwd"}, OUTSIDE),
        ({"location": "C:w.data"}, OUTSIDE),
        ({"location": ""}, OUTSIDE),
        ({"location": "away"}, OUTSIDE),
        ({"location": "none.data"}, "lies in 'none.data', which is not next to the model file"),
        ({"location": "."}, "which is not next to the model file"),
        ({"offset": 7}, "offset 7, length 96 of 'w.data', which has 102 bytes; its shape needs 96"),
        ({"offset": -1}, "offset -1"),
        ({"length": 95}, "length 95"),
        ({"length": "many"}, "offset and length must be whole numbers"),
    ],
)
def test_no_path_leaves_the_folder_and_no_bytes_are_missing(said, message, tmp_path):
    (tmp_path / "w.data").write_bytes(bytes(200))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "away").symlink_to(tmp_path / "w.data")
    with pytest.raises(ModelError) as caught:
        load_onnx(external(folder, **said))
    assert str(caught.value).startswith("initializer 'W'")
    assert message in str(caught.value)


def package_cases():
    """The onnx package's own tests of LSTM by name: node, inputs, outputs."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            lstm, "expect", lambda node, **case: found.update({case["name"]: (node, case)})
        )
        for export in [name for name in dir(lstm.LSTM) if name.startswith("export")]:
            getattr(lstm.LSTM, export)()
    return found


CASES = package_cases()


def test_the_package_has_tests_of_lstm():
    assert len(CASES) >= 4


@pytest.mark.parametrize("name", CASES)
def test_the_packages_own_tests_of_lstm(name, tmp_path):
    """Its inputs but X become stored ones."""
    entry, case = CASES[name]
    x, *arrays = case["inputs"]
    names = [name for name in entry.input if name][1:]
    stored = [numpy_helper.from_array(a, n) for n, a in zip(names, arrays, strict=True)]
    outputs = [one for one in entry.output if one]
    infos = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in outputs]
    given = helper.make_tensor_value_info("X", onnx.TensorProto.FLOAT, x.shape)
    graph = helper.make_graph([entry], "g", [given], infos, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])
    net = load_onnx(onnx_models.save(model, tmp_path / "net.onnx"))
    layout = [one.i for one in entry.attribute if one.name == "layout"] == [1]
    out, wanted = net.run(x if layout else x.swapaxes(0, 1)).out, case["outputs"][0]
    if wanted.ndim == 4:  # every step: (N, T, 1, C) or (T, 1, N, C)
        wanted = wanted[:, :, 0] if layout else wanted[:, 0].swapaxes(0, 1)
    assert out.size == wanted.size
    assert np.abs(out - wanted.reshape(out.shape)).max() < 1e-6


def traced(*shape):
    """Parts of a model of open T whose steps a Reshape to `shape` fixes."""
    after = [
        node("Transpose", "y", perm=[0, 2, 1, 3], to="a", name="m"),
        node("Reshape", "a", "shape"),
    ]
    return {"after": after, "whole": {"shape": np.array(shape)}, "outputs": ["out"]}


def test_a_size_that_was_traced_and_written_into_a_reshape_is_no_limit(tmp_path):
    """PyTorch declares T open and writes the steps of its example, 20, into the new shape."""
    net = load_onnx(onnx_models.save(plain(**traced(20, 1, 3)), tmp_path / "net.onnx"))
    x = np.random.default_rng(1).standard_normal((20, 1, 2)).astype(np.float32)
    want = onnx_models.run(plain(**traced(20, 1, 3), alone=True), x)
    assert np.abs(net.run(x[:, 0]).out - want[:, 0]).max() < 1e-6
    assert net.run(x[:7, 0]).out.shape == (7, 3)


@pytest.mark.parametrize("shape", [(7, -1), (20, 4), (3, 20), (60, 1, 1)])
def test_a_new_shape_that_mixes_the_steps_with_others_is_refused(shape, tmp_path):
    with pytest.raises(ModelError, match=r"Reshape node 'n': the new shape|output 'out'"):
        load_onnx(onnx_models.save(plain(**traced(*shape)), tmp_path / "net.onnx"))


def test_sequence_lens_of_the_full_length_change_nothing(tmp_path):
    parts = {"inputs": ["x", "W", "R", "B", "n"], "shape": [4, 1, 2]}
    model = plain(**parts, whole={"n": np.array([4], np.int32)})
    assert len(load_onnx(onnx_models.save(model, tmp_path / "net.onnx")).layers) == 1

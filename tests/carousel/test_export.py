"""`carousel export`: the file it writes, what it says of it, and what it refuses in one line."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import golden
from golden import Dense
from golden.version import install
from tests.carousel import nets

ADDING, ORDER = Path("models/adding.npz"), Path("models/temporal_order.npz")


def outputs(path, x):
    """What onnxruntime computes."""
    run = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return run.run(["y"], {"x": x.astype(np.float32)})[0]


def test_what_is_written_computes_the_same(cli, tmp_path):
    path = tmp_path / "adding.onnx"
    assert cli("export", ADDING, "-o", path).exit_code == 0
    onnx.checker.check_model(onnx.load(path), full_check=True)
    x = np.random.default_rng(2).uniform(-1, 1, (2, 30, 2)).astype(np.float32)
    expected = golden.load(ADDING).run(x).out
    assert np.abs(outputs(path, x) - expected).max() < 1e-5


def test_other_commands_take_the_file(cli, tmp_path):
    """`compare --expect` finds the outputs of the model that it was made of."""
    path, x, y = (tmp_path / name for name in ("adding.onnx", "x.npy", "y.npy"))
    values = np.random.default_rng(2).uniform(-1, 1, (2, 30, 2))
    np.save(x, values)
    np.save(y, golden.load(ADDING).run(values).out)
    assert cli("export", ADDING, "-o", path).exit_code == 0
    found = cli("compare", path, "--input", x, "--expect", y, "--tolerance", 1e-5)
    assert found.exit_code == 0, found.output


def test_the_file_goes_where_the_models_name_says(cli, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = cli("export", model)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "ONNX  out/temporal-order.onnx"
    assert [path.name for path in Path("out").iterdir()] == ["temporal-order.onnx"]


def test_rounding_and_notes_are_told_to_people_and_to_programs(cli, tmp_path):
    """The one weight that float32 cannot hold, and the forget gate that is not there."""
    net = nets.network("open", nets.layer(np.random.default_rng(0), 3, gates="io"))
    layer = net.layers[0]
    weights = {kind: np.ones_like(values) for kind, values in layer.weights.items()}
    biases = {kind: np.ones_like(values) for kind, values in layer.biases.items()}
    weights["g"][0, 0] = 1 + 2**-26
    readout = Dense(np.ones((2, 4)), np.ones(2))
    net = replace(net, layers=(replace(layer, weights=weights, biases=biases),), head=(readout,))
    model, path, file = (tmp_path / name for name in ("open.npz", "open.onnx", "e.json"))
    golden.save(net, model)
    result = cli("export", model, "-o", path, "--json", file)
    assert result.exit_code == 0, result.output
    data = json.loads(file.read_text())
    note = "layer 0: the absent forget gate is written as one of bias 100, at which it is exactly 1"
    assert data == {
        "onnx": str(path),
        "opset": 14,
        "dtype": "float32",
        "absolute": 2**-26,
        "relative": 2**-26 / (1 + 2**-26),
        "notes": [note],
        "ok": True,
    }
    said = " ".join(result.stdout.split())
    for words in ("opset 14", "float32", "1.49e-08", "absent forget gate"):
        assert words in said


@pytest.mark.parametrize("name", ["net.npz", "folder.onnx", "no/net.onnx"])
def test_a_place_that_cannot_be_written_is_refused(refused, tmp_path, name):
    (tmp_path / "folder.onnx").mkdir()
    assert str(tmp_path / name) in refused("export", ADDING, "-o", tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.onnx"]


def test_what_onnx_cannot_say_is_refused_and_nothing_is_written(refused, tmp_path):
    line = refused("export", ORDER, "-o", tmp_path / "o.onnx", "--json", tmp_path / "o.json")
    assert line == (
        "carousel: layer 0: recurrent connections from gates cannot be said by the ONNX operator "
        "LSTM"
    )
    assert list(tmp_path.iterdir()) == []


def test_without_onnx_the_line_says_how_to_install_it(refused, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    line = refused("export", ADDING, "-o", tmp_path / "a.onnx")
    assert line.endswith(f"writing .onnx needs onnx: {install('import')}")

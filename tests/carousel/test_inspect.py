"""`carousel inspect`: what a model is and what it needs, from shapes and weights alone."""

import json
from pathlib import Path

import numpy as np
import pytest

import golden
from carousel import inspection
from fixedpoint import quantize
from golden import Layer, Network
from rtl.program import Program
from rtl.schedule import plan

DATA = Path(__file__).parents[1] / "data"
DEEP = DATA / "pytorch_deep.safetensors"
MODELS = (DEEP, DATA / "keras_deep.keras", Path("models/adding.npz"))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_what_is_predicted_is_what_the_core_has(path):
    """Cycles and memory without formats are those of the network once it is quantised."""
    net = golden.load(path)
    found = inspection.look(net, path, 16, None)
    x = np.random.default_rng(0).uniform(-1, 1, (20, net.inputs))
    qnet = quantize(net, bits=16, calibrate=x)
    for schedule in found.schedules:
        same = plan(qnet, schedule.lanes)
        assert (schedule.phases, schedule.cycles_per_step) == (same.phases, same.cycles_per_step)
        program = Program(qnet, same)
        bits = sum(len(weights) for weights in program.weights) * program.weight_width
        assert found.memory(schedule) == bits


def test_it_is_said(cli, tmp_path):
    file = tmp_path / "i.json"
    result = cli("inspect", DEEP, "--json", file)
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    for words in ("nn.LSTM 'lstm', then nn.Linear 'fc' without a sigmoid", "gates i f o, g tanh"):
        assert words in text
    data = json.loads(file.read_text())
    assert data["ok"] is True
    assert data["model"]["cells"] == [8, 8, 8]
    assert data["model"]["parameters"] == sum(part["parameters"] for part in data["layers"])
    assert [part["name"] for part in data["layers"]] == ["layer 0", "layer 1", "layer 2", "readout"]
    net = golden.load(DEEP)
    low = min(float(part.min()) for part in net.layers[1].weights.values())
    assert data["layers"][1]["weights"][0] == low
    assert [entry["lanes"] for entry in data["lanes"]] == [4, 8, 12, 16, 24, 32]


def test_one_number_of_lanes_and_other_bits(cli, refused, tmp_path):
    file = tmp_path / "i.json"
    assert cli("inspect", DEEP, "--lanes", 8, "--bits", 8, "--json", file).exit_code == 0
    (entry,) = json.loads(file.read_text())["lanes"]
    assert entry["weight_memory_bits"] == 8 * entry["ideal"] * 8
    assert "lanes 7: a block cannot be split" in refused("inspect", DEEP, "--lanes", 7)


def test_a_large_model_is_no_work(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "large.npz"
    weights = {kind: rng.uniform(-1, 1, (256, 320)) for kind in "ifog"}
    golden.save(Network((Layer(weights, {kind: np.zeros(256) for kind in "ifog"}),)), path)
    found = inspection.look(golden.load(path), path, 16, None)
    assert found.parameters == 4 * 256 * 321
    assert len(found.schedules) == inspection.SHOWN


def test_a_model_that_is_refused_is_one_line(refused):
    assert "GRU" in refused("inspect", DATA / "keras_gru.keras")
    known = ".npz, .onnx, .safetensors, .pt, .pth, .keras"
    assert known in refused("inspect", "model.h5")

"""`carousel inspect`: what a model is and what it needs, from shapes and weights alone."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import golden
from carousel.inspect import about
from carousel.measure import needs
from fixedpoint import quantize
from golden import Layer, Network
from golden.modelfile import SUFFIXES
from rtl.schedule.schedule import schedule_of
from rtl.verilog import Top, convert
from tests.carousel import nets
from tests.rtl.offline.wired import branches
from tests.rtl.support import planned
from tests.soak import few

DATA = Path(__file__).parents[1] / "data"
DEEP = DATA / "pytorch_deep.safetensors"
MODELS = (DEEP, DATA / "keras_deep.keras", Path("models/adding.npz"))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_what_is_predicted_is_what_the_core_has(path):
    """Cycles and memory without formats are those of the network once it is quantised."""
    net = golden.load(path)
    found = about.look(net, path, 16, None)
    x = np.random.default_rng(0).uniform(-1, 1, (20, net.inputs))
    qnet = quantize(net, bits=16, calibrate=x)
    for need in found.needs:
        schedule, same = need.plan.parts[0].schedule, schedule_of(qnet, need.lanes)
        assert (schedule.phases, schedule.cycles_per_step) == (same.phases, same.cycles_per_step)
        assert need.plan.memories == planned(qnet, need.lanes).memories


def verilog(net: Network, lanes: int) -> str:
    """Of the quantised network at 12 bits, as it is written for an FPGA."""
    x = np.random.default_rng(1).uniform(-1, 1, (20, net.inputs))
    return convert(Top(planned(quantize(net, bits=12, calibrate=x), lanes)), "top")


DIFFERENT = ("paper", "peepholes", "coupled", "reverse")


@pytest.mark.parametrize("name", few(DIFFERENT, (*nets.FORWARD, "reverse", "ends")))
def test_the_multipliers_are_those_of_the_verilog(name):
    """Products of two signals, counted in the text."""
    net, lanes = nets.every()[name], 6 if name == "coupled" else 8
    (need,) = needs.of(net, 12, lanes)
    products = re.findall(r"^ +assign .* = .* \* .*;$", verilog(net, lanes), flags=re.MULTILINE)
    assert sum(need.multipliers) == len(products)


PLACES = {
    r"lanes\.lane\d+ weights\d": "weights",
    r"input banks": "input",
    r"sigma knots": "sigma",
    r"cell\.states memory": "states",
    r"operands\.y memory": "outputs",
    r"operands\.gates memory": "gates",
    r"(cell\.states|operands\.y) initial": "initial state",
    r"sequencer program\d": "program",
    r"activation\d rows|fifo(\.ahead)? \w+": "not counted",
}


def declared(text: str) -> dict[str, int]:
    """Bits of the memories that Verilog declares, by what they hold."""
    found = dict.fromkeys(PLACES.values(), 0)
    module = ""
    for line in text.splitlines():
        if start := re.match(r"module \\?(\S+)", line):
            module = start[1].removeprefix("top.core.")
        if memory := re.search(r"reg \[(\d+):0\] \\?(\S+)\s+\[(\d+):0\]", line):
            place = f"{module} {memory[2]}"
            (kind,) = (kind for pattern, kind in PLACES.items() if re.fullmatch(pattern, place))
            found[kind] += (int(memory[1]) + 1) * (int(memory[3]) + 1)
    return found


def squares(seed: int = 4) -> dict[str, Network]:
    """Networks whose every memory has a power of two of words, so that none is rounded up."""
    rng = np.random.default_rng(seed)
    ones = {"s": np.full(4, 0.5), "y": np.full(4, -0.25)}
    return {
        net.name: net
        for net in (
            nets.network("recurrent", nets.layer(rng, 4, 4, "io", 2, gate_recurrence=True)),
            nets.network("initial", nets.layer(rng, 4, gates="io", coupled=True, initial=ones)),
            nets.network("projected", nets.layer(rng, 4, peepholes=True, projection=4)),
        )
    }


@pytest.mark.parametrize("name", ["recurrent", "initial", "projected"])
def test_the_memory_is_that_of_the_verilog(name):
    net = squares()[name]
    (need,) = needs.of(net, 12, {"recurrent": 8, "initial": 6, "projected": 8}[name])
    wanted = declared(verilog(net, need.lanes))
    assert wanted.pop("not counted") > 0
    assert need.plan.memories == {kind: bits for kind, bits in wanted.items() if bits}
    assert {"recurrent": "gates", "initial": "initial state"}.get(
        name, "states"
    ) in need.plan.memories


def test_sequences_take_memory_for_each_step():
    """What a core with room for many steps holds, from its quantised network; and what waits for
    other parts besides."""
    for net, rest in ((nets.every()["both"], False), (branches().network(), True)):
        (need,) = needs.of(net, 12, 8)
        x = np.random.default_rng(0).uniform(-1, 1, (20, net.inputs))
        each, besides = need.held or (0, 0)
        assert each and bool(besides) == rest
        core = planned(quantize(net, bits=12, calibrate=x), 8, max_length=50)
        assert core.buffer_bits == 50 * each + besides


def test_it_is_said(cli, tmp_path):
    file = tmp_path / "i.json"
    result = cli("inspect", DEEP, "--json", file)
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    for words in (
        "nn.LSTM 'lstm', then nn.Linear 'fc' without a sigmoid",
        "layer 2 gates i f o, g tanh, h tanh",
        "outputs 2, of every step",
        "(multipliers: lanes + tail; memory: bits, 16 a value)",
    ):
        assert words in text
    data = json.loads(file.read_text())
    assert data["ok"] is True and data["no_core"] is None
    assert data["model"]["cells"] == [8, 8, 8]
    assert data["model"]["parameters"] == sum(part["parameters"] for part in data["layers"])
    assert [part["name"] for part in data["layers"]] == ["layer 0", "layer 1", "layer 2", "readout"]
    net = golden.load(DEEP)
    low = min(float(part.min()) for part in net.layers[1].weights.values())
    assert data["layers"][1]["ranges"]["weights"][0] == low
    assert [entry["lanes"] for entry in data["lanes"]] == [1, 3, 10, 32]
    for entry in data["lanes"]:
        # one sigma unit fewer where rows and states take turns, three more where rows outnumber
        # columns
        behind = {1: 4, 3: 5, 10: 5, 32: 8}[entry["lanes"]]
        assert entry["multipliers"] == entry["lanes"] + behind
        assert f"{entry['lanes']} + {behind}" in text
        assert entry["memory_bits_in_all"] == sum(entry["memory_bits"].values())
        assert f"{entry['memory_bits_in_all']:,}" in text


SAID = {
    "paper": ["gates i o, g g1997, h h1997, blocks of 2, gate recurrence"],
    "peepholes": ["peepholes, projected to 2", "layer 0 3 4 2 forward"],
    "coupled": ["gates i o, g tanh, h tanh, f = 1 - i, initial s and y"],
    "hard": ["hard sigmoid gates, net inputs of g clipped to -1..1"],
    "clipped": ["net inputs of gates clipped to -1..1"],
    "last": ["outputs 2, of a sequence's last step"],
    "reverse": ["layer 0 3 4 4 reverse", "0 reverse layer 0, readout"],
    "ends": [
        "what each direction gave in its own last step",
        "layer 0 3 4 4 bidirectional, forward",
        "layer 1 3 4 4 bidirectional, reverse",
        "part does lanes 1 lanes 3 lanes 6 lanes 16",
        "0 forward layer 0",
        "1 reverse layer 1",
        "2 readout 16 8 8 8",
        "for each step of --max-length 150",
    ],
}


@pytest.mark.parametrize("name", SAID)
def test_the_kind_of_cell_is_said(cli, tmp_path, name):
    golden.save(nets.every()[name], tmp_path / "m.npz")
    result = cli("inspect", tmp_path / "m.npz")
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    for words in SAID[name]:
        assert words in text, words


def test_every_number_of_a_layer_is_counted_and_ranged(cli, tmp_path):
    """Peepholes, projection and initial states too, each from its lowest to its highest."""
    rng = np.random.default_rng(6)
    initial = {"s": rng.uniform(-1, 1, 4), "y": rng.uniform(-1, 1, 2)}
    layer = nets.layer(rng, 3, peepholes=True, projection=2, initial=initial)
    golden.save(nets.network("all", layer), tmp_path / "m.npz")
    assert cli("inspect", tmp_path / "m.npz", "--json", tmp_path / "i.json").exit_code == 0
    found = json.loads((tmp_path / "i.json").read_text())["layers"][0]
    assert found["parameters"] == 4 * 4 * (3 + 2) + 4 * 4 + 3 * 4 + 2 * 4 + 4 + 2
    assert layer.projection is not None
    wanted = {
        "weights": np.concatenate(list(layer.weights.values())),
        "biases": np.concatenate(list(layer.biases.values())),
        "peepholes": np.concatenate(list(layer.peepholes.values())),
        "projection": layer.projection,
        "initial s": initial["s"],
        "initial y": initial["y"],
    }
    assert found["ranges"] == {name: [v.min(), v.max()] for name, v in wanted.items()}


def test_what_programs_are_told_of_a_pair(cli, tmp_path):
    """The parts of a core, and the pace of the slowest."""
    golden.save(nets.every()["ends"], tmp_path / "m.npz")
    file = tmp_path / "i.json"
    assert cli("inspect", tmp_path / "m.npz", "--lanes", 9, "--json", file).exit_code == 0
    data = json.loads(file.read_text())
    assert [part.get("bidirectional") for part in data["layers"]] == [True, True, None]
    assert data["model"]["output"] == "final"
    (entry,) = data["lanes"]
    assert [part["lanes"] for part in entry["parts"]] == [9, 9, 2]
    assert [part["direction"] for part in entry["parts"]] == ["forward", "reverse", "forward"]
    assert [part["layers"] for part in entry["parts"]] == [[0], [1], []]
    assert [part["once_a_sequence"] for part in entry["parts"]] == [False, False, True]
    paces = [part["cycles_per_step"] for part in entry["parts"]]
    assert entry["cycles_per_step"] == max(paces) > min(paces)
    assert entry["multipliers"] == 9 + 9 + 2 + 8 + 8 + 1


def test_what_is_told_of_stages_around_layers_in_reverse(cli, tmp_path):
    """Which part does which of them, and what holds values until others are there."""
    golden.save(branches().network(), tmp_path / "m.npz")
    file = tmp_path / "i.json"
    result = cli("inspect", tmp_path / "m.npz", "--lanes", 9, "--json", file)
    assert result.exit_code == 0, result.output
    (entry,) = json.loads(file.read_text())["lanes"]
    does = [(part["layers"], part["stem"], part["readout"]) for part in entry["parts"]]
    assert does == [
        ([], 1, False),
        ([0], 0, False),
        ([1], 0, False),
        ([2], 0, False),
        ([], 0, True),
    ]
    assert entry["sequence_memory_bits_besides"] > 0
    said = " ".join(result.stdout.split())
    assert all(each in said for each in ("stem 0", "reverse layer 2", "readout", "besides"))


def test_a_network_that_no_core_can_run_is_described_all_the_same(cli, tmp_path):
    golden.save(nets.mixed(), tmp_path / "m.npz")
    result = cli("inspect", tmp_path / "m.npz", "--json", tmp_path / "i.json")
    assert result.exit_code == 0, result.output
    data = json.loads((tmp_path / "i.json").read_text())
    assert data["lanes"] == [] and len(data["layers"]) == 3
    assert "cannot share a core with the peepholes of layer 0" in data["no_core"]
    assert data["no_core"] in " ".join(result.stdout.split())


def test_one_number_of_lanes_and_other_bits(cli, refused, tmp_path):
    file = tmp_path / "i.json"
    assert cli("inspect", DEEP, "--lanes", 8, "--bits", 8, "--json", file).exit_code == 0
    (entry,) = json.loads(file.read_text())["lanes"]
    assert entry["memory_bits"]["weights"] == 8 * entry["ideal"] * 8
    assert "lanes 999: more than there are rows" in refused("inspect", DEEP, "--lanes", 999)
    assert "bits 3: must be from 4 to 20" in refused("inspect", DEEP, "--bits", 3)


def test_a_large_model_is_no_work(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "large.npz"
    weights = {kind: rng.uniform(-1, 1, (256, 320)) for kind in "ifog"}
    golden.save(Network((Layer(weights, {kind: np.zeros(256) for kind in "ifog"}),)), path)
    found = about.look(golden.load(path), path, 16, None)
    assert found.parameters == 4 * 256 * 321
    assert len(found.needs) == needs.SHOWN


def test_weights_that_no_format_holds_are_described(tmp_path):
    """What is needed follows from shapes, whatever the numbers."""
    net = nets.every()["deep"]
    layer = net.layers[0]
    huge = replace(layer, weights={kind: v * 1e200 for kind, v in layer.weights.items()})
    found = about.look(replace(net, layers=(huge, net.layers[1])), tmp_path, 16, 16)
    (need,), (usual,) = found.needs, needs.of(net, 16, 16)
    assert need.plain() == usual.plain()


def test_a_model_that_is_refused_is_one_line(refused):
    assert "GRU" in refused("inspect", DATA / "keras_gru.keras")
    known = ", ".join(SUFFIXES)
    assert known in refused("inspect", "model.tflite")


def test_a_shipped_model_is_named_alone_from_any_folder(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    named = cli("inspect", "adding")
    assert named.exit_code == 0 and named.stdout.startswith("adding\n")
    Path("adding").write_text("another file of this name is meant first")
    assert cli("inspect", "adding").exit_code == 2

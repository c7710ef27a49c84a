"""What is written computes the same in onnxruntime, and after reading it again."""

import dataclasses
import errno
import struct
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import golden
from golden import Layer, ModelError, Network
from golden.exporters.onnx import save_onnx
from golden.exporters.onnx_graph import ACTIVATIONS
from golden.version import install
from tests.golden import nets

SEEDS = range(80)
SQUASHES = tuple(ACTIVATIONS)
DENSE = ("identity", "sigma", "tanh", "relu", "relu6", "hard", "hardtanh")
MODELS = Path(__file__).parents[3] / "models"


def random_layer(rng, inputs, **direction):
    """A layer that ONNX can say, of any kind."""
    size = int(rng.choice([1, 1, 2, 3]))
    kind = str(rng.choice(["forget", "open", "coupled"]))
    g, h = (str(name) for name in rng.choice(SQUASHES, 2))
    layer = nets.layer(rng, inputs, int(rng.integers(1, 4)), size, kind == "forget", False, g, h)
    options = {"coupled": kind == "coupled", "gate": str(rng.choice(["sigma", "hard"]))}
    cells = layer.shape.cells
    if size == 1 and rng.integers(2):
        options["peepholes"] = {gate: rng.uniform(-1, 1, cells) for gate in layer.shape.gates}
    if kind != "open" and rng.integers(2):
        limit = float(rng.uniform(0.2, 0.9))
        options["clip"] = {"gate": (-limit, limit), "g": (-limit, limit)}
    if rng.integers(2):
        given = rng.choice(["s", "y", "sy"])
        options["initial"] = {part: rng.uniform(-1, 1, cells) for part in str(given)}
    return replace(layer, **options, **direction)


def random_network(seed):
    """One to three stages, each forward, reverse or both side by side."""
    rng = np.random.default_rng([909, seed])
    layers, width = [], int(rng.integers(1, 4))
    for _ in range(int(rng.integers(1, 4))):
        way = str(rng.choice(["forward", "reverse", "both"]))
        stage = [random_layer(rng, width, reverse=way == "reverse")]
        if way == "both":
            stage.append(random_layer(rng, width, reverse=True, beside=True))
        layers += stage
        width = sum(layer.shape.cells for layer in stage)
    squash = str(rng.choice(["none", *DENSE]))
    head = () if squash == "none" else nets.readout(rng, width, 2, squash)
    output = str(rng.choice(["every", "last", "final"]))
    return Network(tuple(layers), head, output=output), rng


def single(net):
    """The network with every number rounded to float32."""

    def rounded(value):
        if isinstance(value, np.ndarray):
            return value.astype(np.float32).astype(np.float64)
        if isinstance(value, float):
            return float(np.float32(value))
        if isinstance(value, tuple) and value:
            return tuple(map(rounded, value))
        if isinstance(value, dict):
            return {key: rounded(item) for key, item in value.items()}
        if isinstance(value, Layer | golden.Dense):
            fields = [field.name for field in dataclasses.fields(value) if field.init]
            return replace(value, **{name: rounded(getattr(value, name)) for name in fields})
        return value

    return replace(net, layers=rounded(net.layers), head=rounded(net.head))


def written(net, folder):
    """The file, which the checker of ONNX accepts, and what is said of it."""
    path = folder / "net.onnx"
    found = save_onnx(net, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    assert [entry.name for entry in folder.iterdir()] == ["net.onnx"]
    return path, found


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def sequences(rng, net, batch, steps):
    """x (N, T, D) of float32 numbers."""
    return rng.uniform(-1, 1, (batch, steps, net.inputs)).astype(np.float32)


def expected(net, x):
    """What `golden` gives, (N, T, K), or (N, K) of one step."""
    out = net.run(x.astype(np.float64)).out
    return out if net.output == "every" else out[:, 0]


def largest(one, other):
    assert one.shape == other.shape
    return np.abs(one - other).max()


@pytest.mark.parametrize("seed", SEEDS)
def test_onnxruntime_computes_the_same(seed, tmp_path):
    """In one session with sequences of several numbers and lengths: both sizes are open."""
    net, rng = random_network(seed)
    run = session(written(net, tmp_path)[0])
    for batch, steps in ((3, 9), (1, 1), (2, 14)):
        x = sequences(rng, net, batch, steps)
        assert largest(run.run(["y"], {"x": x})[0], expected(net, x)) < 1e-5


@pytest.mark.parametrize("seed", SEEDS)
def test_reading_it_again_gives_the_same(seed, tmp_path):
    """To the rounding of float64, as the numbers of these networks are those of float32."""
    net, rng = random_network(seed)
    net = single(net)
    path, found = written(net, tmp_path)
    assert found.absolute == found.relative == 0
    again = golden.load(path)
    assert again.output == net.output
    x = sequences(rng, net, 2, 9)
    assert largest(expected(again, x), expected(net, x)) < 1e-12


def test_the_random_networks_have_everything_that_can_be_said():
    """Each option, and each where it is easily said wrong, is among them more than once."""
    seen = {}
    for seed in SEEDS:
        net, _ = random_network(seed)
        words = {f"output {net.output}", f"readout {net.readout and net.readout.squash}"}
        for layer in net.layers:
            kind = "coupled" if layer.coupled else "forget" if "f" in layer.weights else "open"
            words |= {f"{kind} {layer.gate}", f"g {layer.g}", f"h {layer.h}"}
            words |= {f"{kind} blocks"} if layer.block_size > 1 else set()
            words |= {f"{kind} {name}" for name in ("peepholes", "clip") if getattr(layer, name)}
            words |= {f"initial {part}" for part in layer.initial}
            words |= (
                {f"{'beside' if layer.beside else 'reverse'} {net.output}"}
                if layer.reverse
                else set()
            )
        for word in words:
            seen[word] = seen.get(word, 0) + 1
    wanted = {f"output {name}" for name in ("every", "last", "final")}
    wanted |= {f"readout {name}" for name in (None, *DENSE)}
    wanted |= {f"{what} {name}" for what in "gh" for name in SQUASHES}
    for kind in ("open", "coupled", "forget"):
        wanted |= {f"{kind} {word}" for word in ("sigma", "hard", "blocks", "peepholes", "clip")}
    wanted -= {"open clip"}
    wanted |= {"initial s", "initial y"}
    wanted |= {
        f"{way} {out}" for way in ("reverse", "beside") for out in ("every", "last", "final")
    }
    assert set(seen) == wanted
    assert min(seen.values()) > 1


def one(**options):
    """A network of one layer of two cells, with a forget gate unless `forget` is False."""
    kind = {name: options.pop(name) for name in ("forget", "recurrent") if name in options}
    layer = nets.layer(np.random.default_rng(3), 2, 2, **kind)
    return Network((replace(layer, **options),))


@pytest.mark.parametrize("gate", ["sigma", "hard"])
def test_a_state_without_forget_gate_holds_to_the_last_bit(gate, tmp_path):
    """With its input gate shut, in onnxruntime, for 5000 steps: what is written as 1 is 1."""
    net = one(forget=False, gate=gate, h="identity", initial={"s": np.array([0.7, -1 / 3])})
    layer = net.layers[0]
    shut = {kind: np.zeros_like(weights) for kind, weights in layer.weights.items()}
    biases = {"i": np.full(2, -200.0), "o": np.full(2, 200.0), "g": np.ones(2)}
    net = replace(net, layers=(replace(layer, weights=shut, biases=biases),))
    path, found = written(net, tmp_path)
    y = session(path).run(["y"], {"x": np.zeros((1, 5000, 2), np.float32)})[0]
    assert np.array_equal(y[0], np.tile(np.array([0.7, -1 / 3], np.float32), (5000, 1)))
    bias = {"sigma": 100, "hard": 1}[gate]
    assert found.notes == (
        f"layer 0: the absent forget gate is written as one of bias {bias}, at which it is "
        "exactly 1",
    )


def test_notes_name_what_is_said_in_other_terms(tmp_path):
    rng = np.random.default_rng(4)
    first = nets.layer(rng, 2, 2, size=3)
    both = replace(nets.layer(rng, 2, 1), reverse=True, beside=True)
    _, found = written(Network((first, both)), tmp_path)
    assert found.notes == (
        "layer 0: the gates of a block are written for each of its 3 cells",
        "layers 0 and 1: written as two operators whose outputs are joined",
    )
    assert written(one(), tmp_path)[1].notes == ()


def test_the_largest_rounding_is_told(tmp_path):
    """Both kinds, each of one number, by the bytes of a float32."""
    net = one()
    net.layers[0].weights["g"][:], net.layers[0].biases["o"][:] = 0.5, 0.25
    for kind in ("i", "f", "o"):
        net.layers[0].weights[kind][:] = 1.0
    for kind in ("i", "f", "g"):
        net.layers[0].biases[kind][:] = 0.0
    large, small = 1e4 + 1 / 3, 2**-20 * (1 + 0.9 * 2**-24)
    net.layers[0].weights["g"][1, 2], net.layers[0].biases["o"][0] = large, small
    gaps = {w: abs(struct.unpack("<f", struct.pack("<f", w))[0] - w) for w in (large, small)}
    assert gaps[large] / large < gaps[small] / small
    _, found = written(net, tmp_path)
    assert (found.absolute, found.relative) == (gaps[large], gaps[small] / small)
    assert (found.opset, found.dtype) == (14, "float32")


def test_a_number_that_becomes_0_is_rounded_by_all_of_it(tmp_path):
    net = one(peepholes={gate: np.array([0.5, 1e-60]) for gate in "ifo"})
    assert written(net, tmp_path)[1].relative == 1


SAME = {"gate": (-2.0, 2.0), "g": (-2.0, 2.0)}
REFUSED = {
    "gates": (
        one(recurrent=True),
        "layer 0: recurrent connections from gates cannot be said by the ONNX operator LSTM",
    ),
    "projection": (
        Network((replace(nets.layer(np.random.default_rng(0), 1, 2), projection=np.ones((2, 2))),)),
        "layer 0: a projection of the cell outputs cannot be said by the ONNX operator LSTM",
    ),
    "clip without forget gate": (
        one(forget=False, clip=SAME),
        "layer 0: clipping without a forget gate cannot be said by the ONNX operator LSTM",
    ),
    "clip of g alone": (
        one(clip={"g": (-2.0, 2.0)}),
        "layer 0: clipping of g to -2, 2 cannot be said by the ONNX operator LSTM: must be the "
        "same of gate and g, and symmetric",
    ),
    "clip of gates alone": (one(clip={"gate": (-2.0, 2.0)}), "layer 0: clipping of gate to -2, 2 "),
    "unlike clips": (
        one(clip=SAME | {"g": (-3.0, 3.0)}),
        "layer 0: clipping of gate to -2, 2 and of g to -3, 3 ",
    ),
    "asymmetric clip": (
        one(clip={"gate": (-1.0, 2.0), "g": (-1.0, 2.0)}),
        "layer 0: clipping of gate to -1, 2 and of g to -1, 2 ",
    ),
    "clip of nothing": (
        one(clip={"gate": (-1e-60, 1e-60), "g": (-1e-60, 1e-60)}),
        "layer 0 clip: 1e-60 is 0 in float32",
    ),
    "clip too large": (
        one(clip={"gate": (-1e39, 1e39), "g": (-1e39, 1e39)}),
        "layer 0 clip: 1e+39 is too large for float32",
    ),
    "weight too large": (
        one(peepholes={gate: np.array([1.0, -4e38]) for gate in "ifo"}),
        "layer 0 peepholes i: -4e+38 is too large for float32",
    ),
    "second layer": (
        Network((*one().layers, *one(recurrent=True).layers)),
        "layer 1: recurrent connections from gates ",
    ),
    "readout of the squash of 1997": (
        Network(one().layers, nets.readout(np.random.default_rng(5), 2, 1, "g1997")),
        "readout 'g1997': ONNX files may have sigma, tanh, relu, identity, hard",
    ),
    "cell of a clipped identity": (
        Network((replace(one().layers[0], g="relu6"),)),
        "layer 0 'relu6': ONNX files may have sigma, tanh, g1997, h1997, identity, hard, relu",
    ),
}


def refused(net, path):
    """The error's message, one line."""
    with pytest.raises(ModelError) as caught:
        save_onnx(net, path)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("case", REFUSED)
def test_what_onnx_cannot_say_is_refused_and_nothing_is_written(case, tmp_path):
    net, words = REFUSED[case]
    assert refused(net, tmp_path / "net.onnx").startswith(words)
    assert list(tmp_path.iterdir()) == []


def test_shipped_models(tmp_path):
    """The forget-gate network is written; the one of 1997 has connections from gates."""
    adding = golden.load(MODELS / "adding.npz")
    path, found = written(adding, tmp_path)
    x = sequences(np.random.default_rng(1), adding, 3, 100)
    assert largest(session(path).run(["y"], {"x": x})[0], expected(adding, x)) < 1e-5
    assert 0 < found.relative <= 2**-24
    words = refused(golden.load(MODELS / "temporal_order.npz"), tmp_path / "other.onnx")
    assert words.startswith("layer 0: recurrent connections from gates cannot be said")


@pytest.mark.parametrize("name", ["net.npz", "net", "net.ONNX"])
def test_another_suffix_is_refused(name, tmp_path):
    path = tmp_path / name
    assert refused(one(), path) == f"{path}: suffix {path.suffix!r}, must be '.onnx'"
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "file").write_text("")
    for path in (
        tmp_path / "folder.onnx",
        tmp_path / "file" / "net.onnx",
        tmp_path / "no" / "n.onnx",
    ):
        assert refused(one(), path).startswith(f"{path}: cannot be written (")
    assert {entry.name for entry in tmp_path.iterdir()} == {"folder.onnx", "file"}


def test_a_disk_that_is_full_leaves_the_old_file(tmp_path, monkeypatch):
    path, _ = written(one(), tmp_path)
    before = path.read_bytes()

    def half(self, data):
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    words = refused(one(forget=False), path)
    assert words == f"{path}: cannot be written (No space left on device)"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_without_the_onnx_package_the_message_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    path = tmp_path / "net.onnx"
    words = refused(one(), path)
    assert words == f"{path}: writing .onnx needs onnx: {install('import')}"

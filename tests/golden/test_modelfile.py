"""Model files: what is written comes back, and every broken file is one readable `ModelError`."""

import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

import golden
from golden import ModelError, modelfile
from tests.golden import nets

LSTMS = {
    "1997": nets.paper_1997,
    "forget": nets.forget,
    "mixed": nets.mixed,
    "deep, no readout": nets.deep,
    "three dense stages": nets.headed,
    "every option": nets.every_option,
    "bidirectional": lambda rng: nets.bidirectional(rng, output="final", projection=2),
    "both ways": nets.both_ways,
}


def write(path, net=None):
    golden.save(net or nets.paper_1997(np.random.default_rng(71)), path)
    return path


def members(path):
    """A file's header and arrays, to be broken."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return json.loads(str(arrays.pop("header"))), arrays


def rewrite(path, header, arrays):
    text = header if isinstance(header, str) else json.dumps(header)
    np.savez_compressed(path, header=np.array(text), **arrays)


def refused(path, load=golden.load):
    """The message of the `ModelError`; it is one line that begins with the file's name."""
    with pytest.raises(ModelError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize("make", LSTMS.values(), ids=LSTMS)
def test_what_is_saved_comes_back(make, tmp_path):
    net = make(np.random.default_rng(72))
    assert nets.same(golden.load(write(tmp_path / "a.npz", net)), net)


def test_plain_rnn_comes_back(tmp_path):
    net = nets.plain_rnn(np.random.default_rng(73), squash="tanh")
    back = golden.load_rnn(write(tmp_path / "a.npz", net))
    assert np.array_equal(back.weights, net.weights)
    assert np.array_equal(back.biases, net.biases)
    assert nets.same_dense(back.readout, net.readout)
    assert (back.squash, back.name, back.made_by) == (net.squash, net.name, net.made_by)


def test_the_same_network_gives_the_same_bytes_and_leaves_no_other_file(tmp_path):
    one, two = write(tmp_path / "a.npz"), write(tmp_path / "b.npz")
    write(one)  # over an older file
    assert one.read_bytes() == two.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_each_loader_refuses_the_other_kind(tmp_path):
    lstm = write(tmp_path / "lstm.npz")
    rnn = write(tmp_path / "rnn.npz", nets.plain_rnn(np.random.default_rng(74)))
    assert "a plain recurrent network (kind 'rnn'), must be an LSTM" in refused(rnn)
    assert "an LSTM (kind 'lstm'), must be a plain recurrent network" in refused(
        lstm, golden.load_rnn
    )


def test_places_that_cannot_be_used(tmp_path):
    net = nets.forget(np.random.default_rng(75))
    with pytest.raises(
        ModelError, match=r"suffix '.h5' is not a known model format; known is .npz"
    ):
        golden.save(net, tmp_path / "a.h5")
    with pytest.raises(ModelError, match="cannot be written"):
        golden.save(net, tmp_path / "nowhere" / "a.npz")
    assert refused(tmp_path / "none.npz") == "no such file"
    assert "'.txt' is not a known model format" in refused(tmp_path / "a.txt")
    (tmp_path / "folder.npz").mkdir()
    assert "is a folder, must be a file" in refused(tmp_path / "folder.npz")


@pytest.mark.parametrize("data", [b"", b"PK", b"weights", b"\x93NUMPY\x01\x00", bytes(1000)])
def test_not_a_zip(data, tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(data)
    assert "not a readable model file" in refused(path)


def test_cut_short_anywhere(tmp_path):
    data, path = write(tmp_path / "a.npz").read_bytes(), tmp_path / "cut.npz"
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        assert refused(path)


def test_bits_flipped_anywhere(tmp_path):
    """A flipped bit is refused, or lies where it changes nothing (a date, say)."""
    whole = write(tmp_path / "a.npz")
    data, net, path = whole.read_bytes(), golden.load(whole), tmp_path / "flipped.npz"
    rng, found = np.random.default_rng(76), 0
    places = range(0, len(data), 2)
    for place in places:
        broken = bytearray(data)
        broken[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        try:
            assert nets.same(golden.load(path), net)
        except ModelError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
            found += 1
    assert found > len(places) / 2


HEADERS = {
    "schema": ({"schema": 3}, "schema version 3: this program reads versions 1 and 2"),
    "schema text": ({"schema": "1"}, "schema version '1'"),
    "schema true": ({"schema": True}, "schema version True"),
    "kind": ({"kind": "gru"}, "kind 'gru': allowed are 'lstm', 'rnn'"),
    "kind list": ({"kind": ["lstm"]}, "kind ['lstm']"),
    "name": ({"name": 3}, "'name' is 3, must be of type str"),
    "name a path": ({"name": "../../a"}, "name '../../a': must be up to 100 letters"),
    "made by two lines": ({"made_by": "a\nb"}, "must be one printable line"),
    "layers": ({"layers": {}}, "'layers' is {}, must be of type list"),
    "no layers": ({"layers": []}, "array 'layer0"),
    "layer": ({"layers": [7]}, "layer 0: header entry 7"),
    "too many layers": ({"layers": "twice"}, "layer 1: array 'layer1.weights.i' is missing"),
    "readout": ({"readout": "elu"}, "squashing function 'elu': allowed are sigma"),
    "field": ({"outputs": "last"}, "'outputs' is not part of a version 2 model"),
    "field of another kind": ({"squash": "tanh"}, "'squash' is not part of a version 2 model"),
    "field of a later version": (
        {"schema": 1, "output": "last"},
        "'output' is not part of a version 1 model",
    ),
    "readout null": ({"readout": None}, "'readout' is None, must be of type str"),
}
LAYERS = {
    "block size 0": ({"block_size": 0}, "block size 0"),
    "block size text": ({"block_size": "2"}, "'block_size' is '2', must be of type int"),
    "block size true": ({"block_size": True}, "'block_size' is True"),
    "block size absurd": ({"block_size": 10**30}, "leaves -"),
    "block size float": ({"block_size": 2.0}, "'block_size' is 2.0"),
    "recurrence": ({"gate_recurrence": "no"}, "'gate_recurrence' is 'no', must be of type bool"),
    "other recurrence": ({"gate_recurrence": False}, None),
    "g": ({"g": "elu"}, "squashing function 'elu'"),
    "g list": ({"g": []}, "'g' is [], must be of type str"),
    "field": ({"peepholes": True}, "layer 0: header: 'peepholes' is not part of a version 2"),
    "kinds text": ({"kinds": "iog"}, "'kinds' is 'iog', must be of type list"),
    "kinds": ({"kinds": ["i", "o"]}, "kinds ['i', 'o']: allowed are"),
    "kinds more": ({"kinds": ["i", "f", "o", "g"]}, "array 'layer0.weights.f' is missing"),
}


@pytest.mark.parametrize(("change", "message"), HEADERS.values(), ids=HEADERS)
def test_headers(change, message, tmp_path):
    path = write(tmp_path / "a.npz")
    header, arrays = members(path)
    if change.get("layers") == "twice":
        change = {"layers": header["layers"] * 2}
    rewrite(path, {**header, **change}, arrays)
    assert message in refused(path)


@pytest.mark.parametrize(("change", "message"), LAYERS.values(), ids=LAYERS)
def test_layer_headers(change, message, tmp_path):
    path = write(tmp_path / "a.npz")
    header, arrays = members(path)
    rewrite(path, {**header, "layers": [{**header["layers"][0], **change}]}, arrays)
    if message is None:  # the columns then mean something else, but they fit: 3 + 4 inputs
        assert golden.load(path).inputs == 7
    else:
        assert message in refused(path)


@pytest.mark.parametrize("name", ["schema", "kind", "name", "made_by", "layers", "readout"])
def test_missing_header_fields(name, tmp_path):
    path = write(tmp_path / "a.npz")
    header, arrays = members(path)
    del header[name]
    rewrite(path, header, arrays)
    assert name in refused(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", '{"schema": NaN}', "[" * 100_000])
def test_headers_that_are_no_header(text, tmp_path):
    path = write(tmp_path / "a.npz")
    rewrite(path, text, members(path)[1])
    assert refused(path)


def test_headers_of_another_type(tmp_path):
    path = write(tmp_path / "a.npz")
    _, arrays = members(path)
    np.savez(path, header=np.arange(3), **arrays)
    assert "header: type int64 of shape (3,), must be one string" in refused(path)
    np.savez(path, **arrays)
    assert refused(path) == "header is missing; not a model file of this project"


W, R = "layer0.weights.i", "readout.weights"
ARRAYS = {
    "missing": (lambda a: a.pop(W), f"array {W!r} is missing"),
    "missing readout": (lambda a: a.pop(R), f"array {R!r} is missing"),
    "extra": (lambda a: a.update(extra=np.zeros(1)), "array 'extra' is not part of"),
    "extra layer": (lambda a: a.update({"layer1.biases.i": np.zeros(2)}), "'layer1.biases.i'"),
    "transposed": (lambda a: a.update({W: a[W].T}), "layer 0: weights i: shape (11, 2)"),
    "flat": (lambda a: a.update({W: a[W].ravel()}), "two dimensions"),
    "scalar": (lambda a: a.update({W: np.array(1.0)}), "two dimensions"),
    "empty": (lambda a: a.update({W: np.zeros((0, 11))}), "weights i: shape (0, 11)"),
    "single": (lambda a: a.update({W: a[W].astype("f4")}), "type float32, must be float64"),
    "whole": (lambda a: a.update({W: np.zeros((2, 11), int)}), "type int64, must be float64"),
    "text": (lambda a: a.update({W: np.full((2, 11), "a")}), "must be float64"),
    "nan": (lambda a: a[W].__setitem__((1, 3), np.nan), "layer 0: weights i[1, 3]: nan is not"),
    "infinite": (
        lambda a: a[R].__setitem__((0, 0), np.inf),
        "readout: dense weights[0, 0]: inf",
    ),
    "readout width": (lambda a: a.update({R: np.zeros((2, 5))}), "readout weights: 5 columns"),
}


@pytest.mark.parametrize(("change", "message"), ARRAYS.values(), ids=ARRAYS)
def test_arrays(change, message, tmp_path):
    path = write(tmp_path / "a.npz")
    header, arrays = members(path)
    change(arrays)
    rewrite(path, header, arrays)
    assert message in refused(path)


class Bomb:
    """Unpickling this would leave a mark."""

    def __reduce__(self):
        return (open, ("unpickled", "w"))


def test_nothing_is_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "a.npz")
    header, arrays = members(path)
    rewrite(path, header, {**arrays, W: np.array([Bomb()], dtype=object)})
    assert f"array {W!r}: holds Python objects" in refused(path)
    path.write_bytes(pickle.dumps(Bomb()))
    refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{W}.npy", pickle.dumps(Bomb()))
    refused(path)
    assert not (tmp_path / "unpickled").exists()


def npy(shape, data=b"", dtype="<f8"):
    """A `.npy` whose header claims `shape` and `dtype`, whatever `data` there is."""
    file = io.BytesIO()
    claim = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, claim)
    return file.getvalue() + data


CLAIMS = {
    "terabytes": npy((10**12,)),
    "more than 64 bits": npy((10**30, 10**30)),
    "negative": npy((-1, 4)),
    "negative twice": npy((-1, -1), bytes(8)),
    "one too many": npy((2, 11), bytes(8 * 22 + 1)),
    "one too few": npy((2, 11), bytes(8 * 22 - 1)),
    "huge items": npy((1,), bytes(8), "<U1000000000"),
    "no array": b"not an array",
    "version 9": b"\x93NUMPY\x09\x00" + bytes(200),
    "header not a dictionary": b"\x93NUMPY\x01\x00\x10\x00" + b"__import__('os')",
    "header cut": npy((2, 11))[:40],
}


@pytest.mark.parametrize("data", CLAIMS.values(), ids=CLAIMS)
def test_absurd_claims_are_refused_before_memory_is_asked_for(data, tmp_path):
    path = write(tmp_path / "a.npz")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more.npy", data)
    assert "more" in refused(path) or "not a readable model file" in refused(path)


def test_more_bytes_than_a_model_has(tmp_path, monkeypatch):
    """What a small file would unpack to is known, and refused, before it is unpacked."""
    path = write(tmp_path / "a.npz")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("more.npy", npy((125_000,), bytes(1_000_000)))
    monkeypatch.setattr(modelfile, "LARGEST", 1_000_000)
    assert path.stat().st_size < 10_000
    assert "bytes in all, allowed are 1000000" in refused(path)


def test_members_that_are_no_arrays_or_are_there_twice(tmp_path):
    path = write(tmp_path / "a.npz")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("readme.txt", "hello")
    assert refused(path) == "'readme.txt' is not an array of a model file"
    path = write(tmp_path / "b.npz")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(f"{W}.npy", npy((1,), bytes(8)))
    assert refused(path) == f"array {W!r} is there twice"


def test_plain_rnn_files(tmp_path):
    path = write(tmp_path / "a.npz", nets.plain_rnn(np.random.default_rng(77)))
    header, arrays = members(path)
    rewrite(path, {**header, "squash": "elu"}, arrays)
    assert "squashing function 'elu'" in refused(path, golden.load_rnn)
    rewrite(path, header, {**arrays, "hidden.biases": np.zeros(3)})
    assert "hidden biases: shape (3,)" in refused(path, golden.load_rnn)
    header.pop("readout")
    rewrite(path, header, {k: v for k, v in arrays.items() if k.startswith("hidden")})
    assert "0 dense stages; a plain recurrent network needs one" in refused(path, golden.load_rnn)


def test_a_damaged_file_that_is_read_computes_what_the_sound_one_does(tmp_path):
    """A bit that flips anywhere in the file is refused, or lies where nothing is read."""
    sound, path = Path("models/temporal_order.npz").read_bytes(), tmp_path / "damaged.npz"
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (2, 20, 8))
    expected, read = golden.load("models/temporal_order.npz").run(x).out, 0
    for at in (int(place) for place in rng.integers(0, 8 * len(sound), 400)):
        path.write_bytes(
            sound[: at // 8] + bytes([sound[at // 8] ^ 1 << at % 8]) + sound[at // 8 + 1 :]
        )
        try:
            net = golden.load(path)
        except ModelError:
            continue
        np.testing.assert_array_equal(net.run(x).out, expected)
        read += 1
    assert 0 < read < 200

"""Several files, sequences of unlike length, and what each command makes of them."""

import json

import numpy as np
import pytest

import golden
from fixedpoint import Formats
from golden import Network
from tests.carousel.nets import every, layer, sequences


@pytest.fixture
def net(tmp_path):
    golden.save(Network((layer(np.random.default_rng(3), 3),), name="m"), tmp_path / "m.npz")
    return golden.load(tmp_path / "m.npz")


def uneven(tmp_path, *shapes):
    """A file for each shape, the last one an .npz of all; the values of the later ones larger."""
    rng, found = np.random.default_rng(4), {}
    for k, shape in enumerate(shapes):
        found[f"{k}"] = rng.uniform(-1, 1, shape) * (k + 1)
        np.save(tmp_path / f"x{k}.npy", found[f"{k}"])
    np.savez(tmp_path / "all.npz", **found)
    files = [tmp_path / f"x{k}.npy" for k in range(len(shapes))]
    return list(found.values()), [word for file in files for word in ("--input", file)]


def test_formats_and_errors_are_those_of_every_file_to_its_own_end(cli, net, tmp_path):
    arrays, words = uneven(tmp_path, (30, 3), (2, 12, 3))
    files = {"f": words, "g": ("--input", tmp_path / "all.npz")}
    for name, given in files.items():
        done = cli("quantize", tmp_path / "m.npz", *given, "-o", tmp_path / f"{name}.json")
        assert done.exit_code == 0, done.output
    formats = Formats.parse(tmp_path / "f.json")
    assert formats == Formats.parse(tmp_path / "g.json")
    assert all(form.holds(2 * np.abs(arrays[1]).max() * 0.9) for form in formats.elements)
    words = (*words, "--formats", tmp_path / "f.json", "--json", tmp_path / "j.json")
    done = cli("compare", tmp_path / "m.npz", *words)
    assert done.exit_code == 0, done.output
    plain = json.loads((tmp_path / "j.json").read_text())
    qnet, errors = golden_and_fixed(net, formats, arrays)
    assert plain["errors"]["out"]["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-12)
    assert plain["errors"]["out"]["count"] == errors.size == (30 + 24) * qnet.outputs
    assert plain["verdict"]["rmse"] == pytest.approx(plain["errors"]["out"]["rmse"])


def golden_and_fixed(net, formats, arrays):
    """The integer network, and every error of the output, file by file."""
    from fixedpoint import quantize

    qnet = quantize(net, formats)
    outs = [(qnet.run(qnet.encode(x)[0]).value("out"), net.run(x).out) for x in arrays]
    return qnet, np.concatenate([(fixed - real).ravel() for fixed, real in outs])


@pytest.mark.parametrize("name", ["both", "last"])
def test_where_the_end_matters_sequences_are_run_to_theirs(cli, refused, tmp_path, name):
    """Layers in reverse, and outputs of the last step alone."""
    known = every()
    net = known["both"] if name == "both" else golden_last(known["deep"])
    golden.save(net, tmp_path / "m.npz")
    long, short = sequences(2, 25), sequences(3, 9)
    np.savez(tmp_path / "x.npz", a=long, b=short)
    words = ("compare", tmp_path / "m.npz", "--input", tmp_path / "x.npz")
    done = cli(*words, "--json", tmp_path / "j.json")
    assert done.exit_code == 0, done.output
    plain = json.loads((tmp_path / "j.json").read_text())["errors"]["out"]
    assert cli("quantize", *words[1:], "-o", tmp_path / "f.json").exit_code == 0
    _, errors = golden_and_fixed(net, Formats.parse(tmp_path / "f.json"), [long, short])
    assert plain["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-12)
    assert "sequences of 9 to 25 steps" in refused("run", *words[1:], "-o", tmp_path / "out")


def golden_last(net):
    from dataclasses import replace

    return replace(net, output="last")


def test_what_takes_one_length_only_says_so(refused, net, tmp_path):
    _, words = uneven(tmp_path, (30, 3), (2, 12, 3))
    for command in ("simulate", "hold"):
        line = refused(command, tmp_path / "m.npz", *words)
        assert "sequences of 12 to 30 steps, must all have the same here" in line
    assert "has no arrays" in empty(refused, tmp_path)
    (tmp_path / "bad.npz").write_bytes(b"PK")
    line = refused("quantize", tmp_path / "m.npz", "--input", tmp_path / "bad.npz")
    assert "not a readable .npz file" in line
    np.savez(tmp_path / "two.npz", a=np.zeros((5, 3)), b=np.zeros((5, 4)))
    line = refused("quantize", tmp_path / "m.npz", "--input", tmp_path / "two.npz")
    assert "4" in line and "3" in line


def empty(refused, tmp_path):
    np.savez(tmp_path / "none.npz")
    return refused("quantize", tmp_path / "m.npz", "--input", tmp_path / "none.npz")


def test_files_of_one_length_are_sequences_side_by_side(cli, net, tmp_path):
    _, words = uneven(tmp_path, (2, 12, 3), (12, 3))
    done = cli("compare", tmp_path / "m.npz", *words, "--json", tmp_path / "j.json")
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "j.json").read_text())["input"]
    assert found["sequences"] == 3 and found["length"] == 12

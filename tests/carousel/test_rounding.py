"""`--round data`: a model file beside the formats, whose weights are the codes."""

import json
from pathlib import Path

import numpy as np
import pytest

import golden
from fixedpoint import Formats, quantize
from golden.tasks import TEMPORAL_ORDER
from tests.carousel import nets

DATA = Path(__file__).parents[1] / "data"
SIZE = ("--sequences", "4", "--length", "70")


@pytest.fixture
def given(tmp_path):
    """A network and sequences: model file, input file."""
    golden.save(nets.every()["both"], tmp_path / "net.npz")
    np.save(tmp_path / "x.npy", nets.sequences(3, 40))
    return tmp_path / "net.npz", tmp_path / "x.npy"


def test_quantize_writes_a_model_that_these_formats_hold(cli, given, tmp_path):
    model, x = given
    place, plain = tmp_path / "f.json", tmp_path / "r.json"
    words = ("--input", x, "--bits", 6)
    done = cli("quantize", model, *words, "--round", "data", "-o", place, "--json", plain)
    assert done.exit_code == 0, done.output
    assert f"Model    {tmp_path / 'f.npz'}" in done.stdout
    said = json.loads(plain.read_text())
    assert said["model"] == str(tmp_path / "f.npz")
    found, net = golden.load(tmp_path / "f.npz"), golden.load(model)
    assert found.made_by.startswith("carousel quantize") and "--round data" in found.made_by
    other = cli("quantize", model, *words, "-o", tmp_path / "near.json")
    assert other.exit_code == 0 and not (tmp_path / "near.npz").exists()
    formats = Formats.parse(place)
    assert formats == Formats.parse(tmp_path / "near.json")
    qnet, near = quantize(found, formats), quantize(net, formats)
    assert qnet.digest() != near.digest() and qnet.saturated_weights == 0
    off = qnet.run(qnet.encode(np.load(x))[0]).value("out") - net.run(np.load(x)).out
    assert said["errors"]["out"]["rmse"] == pytest.approx(float(np.sqrt(np.mean(off**2))))
    again = cli("quantize", tmp_path / "f.npz", *words[:2], "--formats", place, "--round", "data")
    assert again.exit_code == 0, again.output


def test_formats_of_a_file_are_kept(cli, given, tmp_path):
    model, x = given
    assert (
        cli("quantize", model, "--input", x, "--bits", 7, "-o", tmp_path / "a.json").exit_code == 0
    )
    words = ("--input", x, "--formats", tmp_path / "a.json", "--round", "data")
    done = cli("quantize", model, *words, "-o", tmp_path / "b.json")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "b.npz").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--report", "r.html", "-o", "f.json"), "--report r.html: of weights that are rounded"),
        (("-o", "f.npz"), "f.npz: the formats cannot have this ending, it is the model's"),
    ],
)
def test_what_does_not_go_together_is_refused(cli, given, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    done = cli("quantize", given[0], "--input", given[1], "--round", "data", *words)
    assert done.exit_code == 2 and said in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"net.npz", "x.npy"}


@pytest.mark.parametrize("name", ["keras_convolved", "keras_embedded"])
def test_a_model_whose_input_no_model_file_can_say_is_refused(cli, tmp_path, name):
    x = np.load(DATA / f"{name}.npz")["input"]
    np.save(tmp_path / "x.npy", x)
    words = ("--input", tmp_path / "x.npy", "--round", "data", "-o", tmp_path / "f.json")
    done = cli("quantize", DATA / f"{name}.keras", *words)
    assert done.exit_code == 2 and "none can say what" in done.stderr, done.output
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_a_search_leaves_the_model_beside_its_formats(cli, tmp_path, model, monkeypatch):
    from carousel.search import command as searching

    monkeypatch.setattr(searching, "KINDS", ("weights", "y"))
    place, plain = tmp_path / "f.json", tmp_path / "r.json"
    done = cli(
        *("search", model, *SIZE, "--tolerance", "2e-2", "--bits", 10, "--lanes", 2, "--quick"),
        *("--jobs", 1, "--round", "data", "-o", place, "--json", plain),
    )
    assert done.exit_code == 0, done.output
    assert f"Model    {tmp_path / 'f.npz'}" in done.stdout
    said = json.loads(plain.read_text())
    found = quantize(golden.load(tmp_path / "f.npz"), Formats.parse(place))
    net = golden.load(model)
    inputs, _ = TEMPORAL_ORDER.batch(np.random.default_rng(0), 4, 70)
    off = found.run(found.encode(inputs)[0]).value("out") - net.run(inputs).out
    assert said["found"]["rmse"] == pytest.approx(float(np.sqrt(np.mean(off**2))))

"""`carousel compare --expect`, and the other commands on models of other frameworks."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.golden.importers import onnx_models

DATA = Path(__file__).parents[1] / "data"
DEEP = DATA / "pytorch_deep.safetensors"


@pytest.fixture
def x(tmp_path: Path) -> Path:
    """The input of the sample, as a file."""
    path = tmp_path / "x.npy"
    with np.load(DEEP.with_suffix(".npz")) as archive:
        np.save(path, archive["input"])
    return path


def output() -> np.ndarray:
    with np.load(DEEP.with_suffix(".npz")) as archive:
        return archive["output"]


def saved(path: Path, values: np.ndarray) -> Path:
    np.save(path, values)
    return path


@pytest.mark.parametrize("last", [False, True])
def test_what_pytorch_gave_is_what_is_found(cli, x, tmp_path, last):
    y, file = saved(tmp_path / "y.npy", output()[:, -1] if last else output()), tmp_path / "c.json"
    result = cli("compare", DEEP, "--input", x, "--expect", y, "--json", file)
    assert result.exit_code == 0, result.output
    data = json.loads(file.read_text())["expectation"]
    assert data["within"] and not data["sigma_within"]
    assert data["float"]["max_abs"] < 1e-6 < data["fixed_point"]["max_abs"] < 3e-4
    assert data["fixed_point"]["rmse"] < data["fixed_point"]["max_abs"]
    if last:
        assert data["float"]["worst"][1] == 11


@pytest.mark.parametrize("last", [False, True])
def test_one_sequence_needs_no_batch(cli, tmp_path, last):
    with np.load(DEEP.with_suffix(".npz")) as archive:
        x = saved(tmp_path / "x.npy", archive["input"][0])
    y = saved(tmp_path / "y.npy", output()[0, -1] if last else output()[0])
    assert cli("compare", DEEP, "--input", x, "--expect", y).exit_code == 0


def test_the_worst_place_is_named_and_ends_with_1(cli, x, tmp_path):
    wrong = output()
    wrong[1, 7, 0] += 0.25
    y, file = saved(tmp_path / "y.npy", wrong), tmp_path / "c.json"
    result = cli("compare", DEEP, "--input", x, "--expect", y, "--json", file)
    assert result.exit_code == 1
    assert "1, 7, 0" in result.stdout
    data = json.loads(file.read_text())
    assert not data["ok"]
    assert data["expectation"]["float"]["worst"] == [1, 7, 0]
    assert data["expectation"]["float"]["max_abs"] == pytest.approx(0.25, abs=1e-6)
    loose = cli("compare", DEEP, "--input", x, "--expect", y, "--tolerance", 0.3)
    assert loose.exit_code == 0


def test_a_sigmoid_that_the_file_does_not_know_of_is_noticed(cli, x, tmp_path):
    y = saved(tmp_path / "y.npy", 1 / (1 + np.exp(-output())))
    result = cli("compare", DEEP, "--input", x, "--expect", y)
    assert result.exit_code == 1
    assert "sigma of float within 0.0001" in " ".join(result.stdout.split())


def test_decisions_are_compared_where_the_file_has_classes(cli, tmp_path):
    """A softmax behind: both views as probabilities, and how many decisions agree."""
    model = onnx_models.plain(
        **onnx_models.behind(
            onnx_models.node("Squeeze", "y", "k", to="s", name="s"),
            onnx_models.node("Softmax", "s", axis=-1),
            whole={"k": np.array([1])},
            alone=True,
        )
    )
    x = np.random.default_rng(3).standard_normal((9, 1, 2)).astype(np.float32)
    y = onnx_models.run(model, x)
    file = onnx_models.save(model, tmp_path / "net.onnx")
    files = saved(tmp_path / "x.npy", x), saved(tmp_path / "y.npy", y)
    told = tmp_path / "c.json"
    words = ("compare", file, "--input", files[0], "--expect", files[1], "--json", told)
    result = cli(*words)
    assert result.exit_code == 0, result.output
    data = json.loads(told.read_text())["expectation"]
    assert data["behind"] == "softmax" and data["float"]["max_abs"] < 1e-6
    assert data["agree"] == {"float": 9, "fixed_point": 9} and data["decisions"] == 9
    assert "decisions that agree 9 of 9 9 of 9" in " ".join(result.stdout.split())


def test_the_last_steps_that_a_file_gives_are_compared_where_they_are(cli, refused, tmp_path):
    """A file that gives its last 4 of 9 steps: all four, or the last one; and no other number."""
    model = onnx_models.plain(
        **onnx_models.behind(
            onnx_models.node("Squeeze", "y", "k", to="s", name="s"),
            onnx_models.node("Slice", "s", "from", "to", "at", to="l", name="l"),
            onnx_models.node("MatMul", "l", "D"),
            whole={
                "k": np.array([1]),
                "from": np.array([-4]),
                "to": np.array([1 << 62]),
                "at": np.array([0]),
            },
            shape=["t", 1, 2],
            alone=True,
        )
    )
    x = np.random.default_rng(3).standard_normal((9, 1, 2)).astype(np.float32)
    y = np.asarray(onnx_models.run(model, x))[:, 0]
    assert y.shape == (4, 2)
    given = saved(tmp_path / "x.npy", x)
    words = (
        "compare",
        onnx_models.save(model, tmp_path / "net.onnx"),
        "--input",
        given,
        "--expect",
    )
    told = tmp_path / "c.json"
    wrong = y.copy()
    wrong[1, 1] += 0.5
    for values, status, worst in ((y, 0, None), (y[-1], 0, 8), (wrong, 1, 6)):
        result = cli(*words, saved(tmp_path / "y.npy", values), "--json", told)
        assert result.exit_code == status, result.output
        data = json.loads(told.read_text())["expectation"]
        assert data["within"] == (not status)
        assert worst is None or data["float"]["worst"][1] == worst
    message = "must be (1, 4, 2) or (4, 2) for the last 4 steps, (1, 2) or (2,) for the last"
    assert message in refused(*words, saved(tmp_path / "y.npy", y[:3]))


BAD = {
    "shape": (np.zeros((2, 12, 3)), "shape (2, 12, 3), must be (2, 12, 2) for every step, (2, 2)"),
    "steps": (np.zeros((2, 11, 2)), "shape (2, 11, 2), must be"),
    "NaN": (np.full((2, 2), np.nan), "[0, 0] is nan, must be a finite number"),
    "complex": (np.zeros((2, 2), complex), "type complex128, must be real numbers"),
    "words": (np.full((2, 2), "a"), "type <U1, must be real numbers"),
}


@pytest.mark.parametrize(("values", "message"), BAD.values(), ids=BAD)
def test_an_expectation_that_does_not_fit_ends_with_2(refused, x, tmp_path, values, message):
    y = saved(tmp_path / "y.npy", values)
    assert message in refused("compare", DEEP, "--input", x, "--expect", y)


def test_an_expectation_is_of_the_whole_input(refused, x, tmp_path):
    y = saved(tmp_path / "y.npy", output())
    for words in ((), ("--input", x, "--length", 5), ("--input", x, "--sequences", 1)):
        assert "--expect needs --input" in refused("compare", DEEP, "--expect", y, *words)
    assert "gone.npy: no such file" in refused(
        "compare", DEEP, "--input", x, "--expect", tmp_path / "gone.npy"
    )


def test_from_safetensors_to_verilog(cli, x, place):
    """The main job, with the real simulator."""
    result = cli("run", DEEP, "--input", x, "--lanes", 8, "--quick", "-o", place)
    assert result.exit_code == 0, result.output
    data = json.loads((place / "results.json").read_text())
    assert data["gateware"]["mismatches"] == 0
    assert data["gateware"]["compared"] == 2 * 12 * (3 * 6 * 8 + 2)
    assert (place / "carousel_pytorch_deep.v").is_file()


@pytest.mark.parametrize("name", ["pytorch_deep.safetensors", "keras_deep.keras"])
@pytest.mark.parametrize("command", ["quantize", "verilog"])
def test_other_commands_take_it(cli, tmp_path, command, name):
    with np.load((DATA / name).with_suffix(".npz")) as archive:
        x = saved(tmp_path / "x.npy", archive["input"])
    place = tmp_path / "out" if command == "verilog" else tmp_path / "f.json"
    result = cli(command, DATA / name, "--input", x, "-o", place)
    assert result.exit_code == 0, result.output
    assert place.exists()

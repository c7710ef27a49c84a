"""--skip and --threshold: what commands say of them, and what they refuse."""

import json
from pathlib import Path

import numpy as np
import pytest

import golden
from carousel.measure.skipped import look
from fixedpoint import quantize
from rtl import CoreOptions, plan
from tests.carousel.conftest import network
from tests.carousel.nets import layer
from tests.carousel.nets import network as wide

MODEL = Path(__file__).parents[2] / "models/temporal_order.npz"
SHORT = ("--sequences", 2, "--length", 70)


@pytest.fixture
def started(tmp_path):
    """A model that no core that skips can run."""
    path = tmp_path / "started.npz"
    rng = np.random.default_rng(0)
    initial = {"s": np.zeros(4), "y": np.full(4, 0.5)}
    golden.save(wide("started", layer(rng, 3, 4, initial=initial)), path)
    return path


def test_a_simulation_says_what_was_skipped(cli, model):
    """Shares and clocks, mean, 99th percentile and most, as they were predicted."""
    place = model.parent / "found.json"
    words = ("--skip", "unchanged", "--bits", 8, "--lanes", 2, "--json", place)
    result = cli("simulate", model, *SHORT, *words)
    assert result.exit_code == 0, result.output
    found = json.loads(place.read_text())["skipped"]
    assert found["cycles"] == found["predicted_cycles"]
    assert set(found["cycles"]) == {"mean", "percentile_99", "most"}
    assert 0 < found["active_share"]["mean"] <= found["active_share"]["most"] <= 1
    assert "active columns: mean, 99th percentile, most" in result.stdout


def test_a_simulation_goes_on_from_a_state(cli, model):
    """Two streams side by side: in the clocks that were predicted, and without a wrong code."""
    place, state = model.parent / "found.json", model.parent / "state.npz"
    formats = model.parent / "formats.json"
    assert cli("quantize", model, *SHORT, "--bits", 8, "-o", formats).exit_code == 0
    words = (*SHORT, "--formats", formats)
    assert cli("compare", model, *words, "--save-state", state).exit_code == 0
    skip = ("--skip", "unchanged", "--lanes", 2, "--streams", 2, "--state", state, "--json", place)
    result = cli("simulate", model, *words, *skip)
    assert result.exit_code == 0, result.output
    found = json.loads(place.read_text())
    assert found["mismatches"] == 0
    assert found["skipped"]["cycles"] == found["skipped"]["predicted_cycles"]


def test_inspect_says_cycles_by_share(cli, model):
    place = model.parent / "found.json"
    result = cli("inspect", model, "--skip", "zero", "--lanes", 1, "--json", place)
    assert result.exit_code == 0, result.output
    assert "Cycles a step, by the share of active columns" in result.stdout
    (need,) = json.loads(place.read_text())["lanes"]
    assert need["cycles_by_active_share"]["1.0"] == need["cycles_per_step"]


def test_a_threshold_counts_as_an_error_of_fixed_point(cli, model):
    """`compare` compares the network with its threshold; the larger it is, the larger the error."""
    errors = []
    for threshold in (0, 20):
        place = model.parent / f"{threshold}.json"
        words = ("--skip", "unchanged", "--threshold", threshold, "--bits", 8, "--json", place)
        assert cli("compare", model, *SHORT, *words).exit_code == 0
        errors.append(json.loads(place.read_text())["errors"]["out"]["rmse"])
    assert errors[0] < errors[1]


def test_what_is_active_in_both_directions():
    """Each part sees its own time: outputs of the step before, and of the one behind."""
    rng, both = np.random.default_rng(2), {"reverse": True, "beside": True}
    net = golden.Network((layer(rng, 3, 4), layer(rng, 3, 4, **both)))
    qnet = quantize(net, bits=8, calibrate=rng.normal(size=(1, 9, 3)))
    codes = np.where(rng.random((2, 6, 3)) < 0.5, 0, rng.integers(-128, 128, (2, 6, 3)))
    found = look(plan(qnet, CoreOptions(skip="zero")), codes, None)
    ahead, back = (each["y"] != 0 for each in qnet.run(codes).layers)
    columns = 2 * (codes != 0).sum(axis=2)
    columns[:, 1:] += ahead.sum(axis=2)[:, :-1]
    columns[:, :-1] += back.sum(axis=2)[:, 1:]
    assert np.allclose(found.shares, columns.reshape(-1) / (2 * (3 + 4)))


@pytest.mark.parametrize("command", ("simulate", "verilog", "run", "compare", "prove"))
def test_what_is_refused(refused, model, started, command):
    """A line names the option and what is allowed."""
    assert "allowed are zero and unchanged" in refused(command, model, "--skip", "none")
    line = refused(command, model, "--threshold", 3)
    assert "--threshold 3: needs --skip unchanged" in line
    skip = ("--skip", "unchanged", "--bits", 8)
    assert "'a': must be whole numbers" in refused(command, model, *skip, "--threshold", "a")
    assert "must be from 0 to 127" in refused(command, model, *skip, "--threshold", 128)
    assert "must be from 0 to 127" in refused(command, model, *skip, "--threshold", "0,-1")
    assert "must be one, or 2: of input, y of layer 0" in refused(
        command, model, *skip, "--threshold", "1,2,3"
    )
    line = refused(command, started, "--input", _input(started), *skip)
    assert "layer 0 starts from outputs other than 0" in line


def _input(model):
    path = model.parent / "x.npy"
    np.save(path, np.zeros((1, 4, 3)))
    return path


def test_the_report_says_what_thresholds_change(cli, quick_sim, tmp_path):
    path = tmp_path / "model.npz"
    golden.save(network(), path)
    words = ("--skip", "unchanged", "--threshold", "2,9", "--bits", 8, "--quick")
    result = cli("run", path, *SHORT, *words, "-o", tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Thresholds alone change it by" in page, result.output
    assert "thresholds</td>" in page  # a group of the error budget
    assert page.count("--skip unchanged --threshold 2,9") == 2  # to repeat it, and to prove it


def test_the_sequencer_of_a_shipped_model_is_proven(cli, tmp_path):
    """Of the text that `carousel verilog` writes with the same options."""
    words = (MODEL, "--skip", "unchanged", "--lanes", 8)
    result = cli("prove", *words, "--only", "step", "-o", tmp_path / "proofs")
    assert result.exit_code == 0, result.output
    assert cli("verilog", *words, "-o", tmp_path).exit_code == 0
    name = "carousel_temporal_order.v"
    assert (tmp_path / name).read_text() == (tmp_path / "proofs" / name).read_text()

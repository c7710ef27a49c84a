"""Odd names, odd places, odd sizes: said rightly, and nothing lost in silence."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import golden
from carousel.measure import accuracy
from tests.carousel.conftest import network

SHORT = ("--sequences", 2, "--length", 70)


def saved(path: Path, x: np.ndarray) -> Path:
    np.save(path, x)
    return path


@pytest.mark.parametrize(
    "name",
    ["q[/b]", *(pytest.param(each, marks=pytest.mark.soak) for each in ("z[bold]z", "[red]"))],
)
def test_names_that_look_like_markup_are_printed_as_they_are(cli, quick_sim, model, tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    file = saved(tmp_path / f"{name}.npy", np.random.default_rng(0).uniform(-1, 1, (9, 8)))
    result = cli("run", model, "--input", file, "--quick", "-o", tmp_path / name)
    assert result.exit_code == 0, result.output
    assert f"Report   {tmp_path / name / 'report.html'}" in result.stdout
    assert file.name in "".join(result.stdout.split())
    result = cli("quantize", model, "--input", file, "-o", tmp_path / f"{name}.json")
    assert result.exit_code == 0 and str(tmp_path / f"{name}.json") in result.stdout


@pytest.mark.parametrize("command", [("quantize", "model.npz"), ("train", "temporal-order")])
def test_an_out_that_is_a_file_is_said(refused, model, monkeypatch, command):
    monkeypatch.chdir(model.parent)
    (model.parent / "out").write_text("a file")
    assert "out" in refused(*command)


def test_states_that_are_clipped_are_shown(cli, quick_sim, model, place):
    """Formats whose state is too narrow: the summary counts what was clipped, in both views."""
    formats = place.parent / "formats.json"
    cli("quantize", model, *SHORT, "-o", formats)
    data = json.loads(formats.read_text())
    data["layers"][0]["s"] = "s16.17"
    formats.write_text(json.dumps(data))
    result = cli("run", model, *SHORT, "--quick", "--formats", formats, "-o", place)
    count = json.loads((place / "results.json").read_text())["saturations"]["0.s"]
    row = next(line for line in result.stdout.splitlines() if "states clipped" in line)
    assert count > 0 and row.split()[-2:] == [f"{count:,}"] * 2


@pytest.mark.soak
def test_a_task_answered_with_the_last_output_only(cli, quick_sim, place):
    """States over the lag, and the answers, are those of the network that gives every output."""
    found = []
    for output in ("every", "last"):
        path = place.parent / f"{output}.npz"
        golden.save(replace(network(), output=output), path)
        result = cli("run", path, *SHORT, "--quick", "-o", place)
        assert "largest change of a state over a lag" in " ".join(result.stdout.split())
        data = json.loads((place / "results.json").read_text())
        found.append([data["change_over_lag"], data["right"], data["gateware"]["mismatches"]])
    assert found[0] == found[1]
    assert all(change > 0 for change in found[1][0].values())


def test_one_step_says_nothing_of_cycles(cli, quick_sim, model, tmp_path, place, drawn):
    """What was not measured is not among the checks."""
    one = saved(tmp_path / "one.npy", np.zeros((1, 8)))
    result = cli("run", model, "--input", one, "--quick", "-o", place)
    assert result.exit_code == 0, result.output
    checks = json.loads((place / "results.json").read_text())["checks"]
    assert checks and not any("cycles" in check for check in checks)


@pytest.mark.parametrize("option", ["--sequences", "--length"])
def test_more_than_a_file_holds_is_refused(refused, model, tmp_path, option):
    file = saved(tmp_path / "x.npy", np.zeros((3, 5, 8)))
    assert f"{option[2:]} 6: " in refused("compare", model, "--input", file, option, 6)


def test_a_name_like_a_task_is_not_its_task(refused, tmp_path):
    """Neither a longer name nor a network of other sizes is judged on a shipped model's task."""
    for name in ("adding-mine", "adding"):
        path = tmp_path / f"{name}.npz"
        golden.save(replace(network(), name=name), path)
        assert "its task is not known" in refused("compare", path)


def test_too_little_memory_is_one_line(refused, model, monkeypatch):
    def full(*_, **__):
        raise MemoryError("Unable to allocate 146. TiB")

    monkeypatch.setattr(accuracy, "measure", full)
    assert "146. TiB" in refused("compare", model, *SHORT)


def test_sparse_input_is_taken_and_refused(cli, refused, model, tmp_path):
    """One-hot input of one element a vector; more elements than there are inputs, or fewer than a
    vector has, in one line."""
    words = refused("simulate", model, *SHORT, "--nonzeros", 9)
    assert words == "carousel: nonzeros 9: must be from 1 to the 8 inputs"
    file = saved(tmp_path / "x.npy", np.random.default_rng(0).uniform(0.5, 1, (9, 8)))
    words = refused("simulate", model, "--input", file, "--nonzeros", 3)
    assert words == (
        "carousel: input: sequence 0, step 0 has 8 elements other than 0, the core takes 3 "
        "(nonzeros)"
    )
    assert "AXI" in refused("verilog", model, *SHORT, "--nonzeros", 1, "--axi", "-o", tmp_path)
    result = cli("verilog", model, *SHORT, "--nonzeros", 1, "-o", tmp_path / "v")
    assert result.exit_code == 0, result.output
    assert "i_index" in next((tmp_path / "v").glob("*.core.json")).read_text()

"""Every command: what it writes, what it says, and its exit status when something does not hold."""

import hashlib
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

import golden
from carousel.main import app
from carousel.measure.retention import hold_check
from fixedpoint import Formats
from fixedpoint.retention.hold import HoldResult

FILES = {"formats": "formats", "Verilog": "verilog"}
SHORT = ("--sequences", 2, "--length", 70)
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_states_every_default(cli, command):
    """One [default: ...] for every option but --help, and for arguments that may be left out."""
    text = " ".join(cli(command, "--help").stdout.split())
    known = [p for p in COMMANDS[command].params if p.name != "help"]
    free = [p for p in known if p.param_type_name == "option" or not p.required]
    assert text.count("[default: ") == len(free), text


def test_run_writes_everything_and_says_what_it_found(cli, quick_sim, model, place, drawn):
    result = cli("run", model, *SHORT, "--quick", "-o", place, "--json", place.parent / "r.json")
    assert result.exit_code in (0, 1), result.output
    assert {path.name for path in place.iterdir()} == {
        "formats.json",
        "report.html",
        "results.json",
        "carousel_temporal_order.core.json",
        "carousel_temporal_order.v",
    }
    data = json.loads((place.parent / "r.json").read_text())
    assert data["gateware"]["mismatches"] == 0
    assert (
        data["gateware"]["cycles_per_step"]["measured"]
        == (data["gateware"]["cycles_per_step"]["predicted"])
    )
    assert data["hold"][0]["largest_change_lsb"] == [0]
    assert data["right"]["of"] == 2
    assert data["ok"] == all(data["checks"].values())
    assert result.exit_code == (0 if data["ok"] else 1)
    for path in data["files"].values():
        assert Path(path).is_file()
    for words in ("sequences right", "codes that differ", "cycles a step", "Verilog", "Report"):
        assert words in result.stdout


def test_the_command_in_the_results_gives_the_same_results(cli, quick_sim, model, place):
    """All choices are written out in it, and the report shows it."""
    made = cli("run", model, *SHORT, "--seed", "3", "--lanes", "3", "--quick", "-o", place)
    assert made.exit_code in (0, 1), made.output
    first = json.loads((place / "results.json").read_text())
    command = first["repeat"]["command"]
    assert command in (place / "report.html").read_text()
    files = {"model": model, **{name: first["files"][kind] for name, kind in FILES.items()}}
    for name, file in files.items():
        assert (
            first["repeat"]["sha256"][name] == hashlib.sha256(Path(file).read_bytes()).hexdigest()
        )
    again = place.parent / "again"
    cli(*shlex.split(command)[1:], "--quick", "-o", again)
    second = json.loads((again / "results.json").read_text())
    for name in ("right", "change_over_lag", "errors", "saturations", "hold", "repeat"):
        assert first.get(name) == second.get(name), name
    assert first["gateware"]["lanes"] == second["gateware"]["lanes"] == 3


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"code": True}, "every code of the gateware equals fixed point"),
        ({"fault": True}, "every code of the gateware equals fixed point"),
        ({"cycles": 1}, "the gateware takes the predicted cycles"),
    ],
)
def test_run_ends_with_1_and_names_what_does_not_hold(cli, quick_sim, model, place, fault, words):
    quick_sim |= fault
    result = cli("run", model, *SHORT, "--quick", "-o", place)
    assert result.exit_code == 1
    data = json.loads((place / "results.json").read_text())
    assert not data["checks"][words]
    assert words in (place / "report.html").read_text()


@pytest.mark.parametrize("fault", [{"code": True}, {"fault": True}, {"cycles": 1}])
@pytest.mark.parametrize("command", [("simulate",), ("compare", "--gateware")])
def test_a_wrong_gateware_ends_with_1(cli, quick_sim, model, command, fault):
    assert cli(*command, model, *SHORT).exit_code == 0
    quick_sim |= fault
    assert cli(*command, model, *SHORT).exit_code == 1


def test_simulate_names_the_first_difference(cli, quick_sim, model):
    quick_sim["code"] = True
    result = cli("simulate", model, *SHORT)
    assert "first difference" in result.stdout
    assert "out[3] of sequence 1, step 69" in " ".join(result.stdout.split())


def test_pauses_excuse_the_cycles_but_not_the_codes(cli, quick_sim, model):
    quick_sim["cycles"] = 5
    assert cli("simulate", model, *SHORT, "--idle", 0.5).exit_code == 0
    quick_sim["code"] = True
    assert cli("simulate", model, *SHORT, "--idle", 0.5).exit_code == 1


def test_hold_ends_with_1_when_a_state_drifts(cli, model, monkeypatch):
    assert cli("hold", model, *SHORT, "--quick").exit_code == 0
    sound = hold_check.check_hold

    def drifting(*args: Any, **kwargs: Any) -> HoldResult:
        return replace(sound(*args, **kwargs), largest_change_lsb=(1,))

    monkeypatch.setattr(hold_check, "check_hold", drifting)
    result = cli("hold", model, *SHORT, "--quick")
    assert result.exit_code == 1
    assert "1 LSB" in result.stdout


def test_quantize_writes_formats_that_run_takes(cli, model, tmp_path):
    formats = tmp_path / "formats.json"
    assert cli("quantize", model, *SHORT, "--bits", 12, "-o", formats).exit_code == 0
    chosen = Formats.parse(formats)
    assert chosen.input.width == 12
    result = cli("compare", model, *SHORT, "--formats", formats, "--json", tmp_path / "c.json")
    assert result.exit_code == 0
    data = json.loads((tmp_path / "c.json").read_text())
    assert data["formats"]["input"] == str(chosen.input)
    assert set(data["errors"]) == {"0.i", "0.o", "0.g", "0.s", "0.y", "out"}


def test_verilog_writes_the_core_and_what_it_is(cli, model, place):
    assert cli("verilog", model, *SHORT, "-o", place).exit_code == 0
    assert "module carousel_temporal_order" in (place / "carousel_temporal_order.v").read_text()
    assert (
        json.loads((place / "carousel_temporal_order.core.json").read_text())["module"]
        == "carousel_temporal_order"
    )


def test_other_files_of_the_output_folder_stay(cli, model, place):
    place.mkdir()
    (place / "notes.txt").write_text("mine")
    assert cli("verilog", model, *SHORT, "-o", place).exit_code == 0
    assert (place / "notes.txt").read_text() == "mine"


def test_input_from_a_file_needs_no_task(cli, quick_sim, tmp_path):
    path, x = tmp_path / "any.npz", tmp_path / "x.npy"
    net = golden.load(Path("models/adding.npz"))
    golden.save(replace(net, name="anything"), path)
    np.save(x, np.random.default_rng(0).uniform(-1, 1, (20, 2)))
    result = cli("run", path, "--input", x, "--quick", "-o", tmp_path / "o")
    assert result.exit_code == 0, result.output
    data = json.loads((tmp_path / "o" / "results.json").read_text())
    assert data["right"] == {"float": None, "fixed point": None, "gateware": None, "of": 1}
    assert data["input"]["length"] == 20


def test_the_real_simulator_agrees_with_the_shipped_model(cli, tmp_path):
    file = tmp_path / "s.json"
    result = cli("simulate", "models/temporal_order.npz", *SHORT, "--json", file)
    assert result.exit_code == 0, result.output
    data = json.loads(file.read_text())
    assert (data["mismatches"], data["faults"]) == (0, [])
    assert data["compared"] == 2 * 70 * (2 + 2 + 4 + 4 + 4 + 4)
    assert data["cycles_per_step"]["measured"] == data["cycles_per_step"]["predicted"]


def test_train_writes_a_model(cli, tmp_path, monkeypatch):
    net = golden.load(Path("models/adding.npz"))
    asked = []

    def train(name: str, seed: int, progress: Any) -> golden.Network:
        asked.append((name, seed))
        progress(200, None, "3 of the last 200 wrong")
        return net

    monkeypatch.setattr("golden.training.train", train)
    path = tmp_path / "net.npz"
    assert cli("train", "adding", "--seed", 4, "-o", path).exit_code == 0
    assert asked == [("adding", 4)]
    assert golden.load(path).name == net.name


def test_figure_draws_what_is_left(cli, quick_sim, tmp_path, drawn):
    picture, file = tmp_path / "story.svg", tmp_path / "s.json"
    result = cli("figure", "-o", picture, "--json", file)
    assert result.exit_code == 0, result.output
    assert picture.read_text().startswith("<svg")
    left = json.loads(file.read_text())["left"]
    assert left["plain recurrent network"] < 1e-9
    assert left["memory cells, float"] == pytest.approx(left["memory cells, gateware"], rel=0.01)
    assert left["memory cells, gateware"] > 0.5

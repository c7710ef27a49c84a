"""`carousel hold`: what it measures, what it bounds, what it draws, and when it ends with 1."""

import json
import os
import shlex
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import golden
from carousel.cli.choice import Choice
from carousel.cli.subject import Given, prepare
from carousel.measure.retention import bound as hold_bound
from carousel.measure.retention import hold_check, lags, maps, own
from carousel.work import processes
from carousel.work.processes import ProcessError
from fixedpoint.retention import gates_seen
from fixedpoint.retention.hold import closing
from fixedpoint.retention.orbit import StateMap
from fixedpoint.retention.ranges import Range
from tests.carousel import nets

SHORT = ("--sequences", 2, "--length", 70)
SETTINGS = {
    "Gates just shut, full-range input",
    "Gates as trained, full-range input",
    "Gates as trained, its own input",
}


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Two widths, and a short check of the shut gates."""
    monkeypatch.setattr(maps, "WIDTHS", (4, 12))
    monkeypatch.setattr(hold_check, "SHORT", (100, 2))
    monkeypatch.setattr(hold_check, "LONG", (300, 1))


def loaded(path: Path):
    return json.loads(path.read_text())


def files(tmp_path: Path, name: str, count: int = 2) -> list[object]:
    """A model of a kind and its input, as words of a command."""
    model, x = tmp_path / f"{name}.npz", tmp_path / "x.npy"
    golden.save(nets.every()[name], model)
    np.save(x, nets.sequences(count))
    return [model, "--input", x]


def test_all_of_it_is_measured_bounded_and_drawn(cli, model, place, tmp_path, drawn):
    """Three settings in three views; the bound is below none of what was measured."""
    file = tmp_path / "h.json"
    result = cli("hold", model, *SHORT, "--quick", "-o", place, "--json", file)
    assert result.exit_code == 0, result.output
    data = loaded(file)
    assert data["ok"] and {setting["setting"] for setting in data["lags"]} == SETTINGS
    for setting in data["lags"]:
        assert setting["lags"] == [10, 100] and setting["outside_bound"] == 0
        for view in ("float64", "float32", "fixed point"):
            assert np.shape(setting[view]["left"]) == (1, 2)
        fixed, bound = setting["fixed point"]["change"][0], setting["bound"][0]
        assert all(have <= most for have, most in zip(fixed, bound, strict=True))
        if "shut" in setting["setting"]:
            assert fixed == bound == [0, 0] and setting["fixed point"]["left"] == [[1, 1]]
            assert min(setting["float64"]["change"][0]) > 0
        else:
            assert max(fixed) > 0
    assert [Path(path).name for path in data["figures"]] == ["hold-lags.svg", "hold-map-0.svg"]
    for path in data["figures"]:
        assert ElementTree.fromstring(Path(path).read_text()).tag.endswith("svg")
    page = Path(data["report"]).read_text()
    for view in ("float", "fixed point"):
        assert [layer["lags"] for layer in data["written"][view]] == [[1, 10]]
        assert all(0 < share <= 1 for share in data["written"][view][0]["left"])
    shown = ("left of what was stored", own.TITLE, "Net inputs that hold a state", "Bound: how far")
    for words in shown:
        assert words in result.stdout and words in page
    assert page.count("<svg ") == 2 and data["repeat"]["command"] in page
    assert "src=" not in page and "<script" not in page  # nothing that a network would bring


def test_the_command_in_the_page_gives_the_same_numbers(cli, model, place, tmp_path):
    words = ("hold", model, *SHORT, "--seed", 3, "--quick", "--input-range", -0.5, 0.25)
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    assert cli(*words, "-o", place, "--json", first).exit_code == 0
    command = shlex.split(loaded(first)["repeat"]["command"])[1:]
    assert cli(*command, "--json", second).exit_code == 0
    assert loaded(first) == loaded(second)


def test_nothing_is_drawn_unless_asked(cli, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    assert cli("hold", model, *SHORT, "--quick").exit_code == 0
    assert set(tmp_path.iterdir()) == before


def test_a_bound_that_is_too_small_ends_with_1(cli, model, tmp_path, monkeypatch):
    """Maps that say no state ever moves."""
    monkeypatch.setattr(StateMap, "lowest", lambda self, s: s)
    monkeypatch.setattr(StateMap, "highest", lambda self, s: s)
    file = tmp_path / "h.json"
    assert cli("hold", model, *SHORT, "--quick", "--json", file).exit_code == 1
    outside = {part["setting"]: part["outside_bound"] for part in loaded(file)["lags"]}
    assert outside.pop("Gates just shut, full-range input") == 0
    assert all(outside.values())


def test_a_bound_that_is_too_small_fails_the_main_job(
    cli, quick_sim, model, tmp_path, place, monkeypatch
):
    monkeypatch.setattr(StateMap, "lowest", lambda self, s: s)
    monkeypatch.setattr(StateMap, "highest", lambda self, s: s)
    assert cli("run", model, *SHORT, "--quick", "-o", place).exit_code == 1
    failed = "Does not hold: no state is further than its bound."
    assert failed in (place / "report.html").read_text()


def test_the_gateware_is_followed_too_and_a_wrong_code_ends_with_1(
    cli, quick_sim, model, tmp_path, monkeypatch
):
    """With the processes of a whole run, then without."""
    file = tmp_path / "h.json"
    assert cli("hold", model, *SHORT, "--json", file).exit_code == 0
    for setting in loaded(file)["lags"]:
        assert setting["gateware"] == setting["fixed point"]
        assert setting["gateware_codes"] > 0 and setting["gateware_mismatches"] == 0

    @contextmanager
    def here(jobs):
        futures = {name: Future() for name in jobs}
        for name, job in jobs.items():
            futures[name].set_result(job())
        yield futures

    monkeypatch.setattr(processes, "running", here)
    quick_sim["code"] = True
    assert cli("hold", model, *SHORT, "--json", file).exit_code == 1
    assert [setting["gateware_mismatches"] for setting in loaded(file)["lags"]] == [1, 1, 1]


def test_a_process_that_dies_is_one_line():
    with (
        pytest.raises(ProcessError, match="has ended before its work was done"),
        processes.running({"gone": partial(os._exit, 3)}) as futures,
    ):
        futures["gone"].result()


def test_a_range_of_the_input_gives_bounds_of_its_own(cli, refused, model, tmp_path):
    file = tmp_path / "h.json"
    words = ("hold", model, *SHORT, "--quick", "--json", file, "--input-range")
    assert cli(*words, -0.25, 0.25).exit_code == 0
    limits = {limit["inputs"]: limit for limit in loaded(file)["bound"]["limits"]}
    assert list(limits) == ["the whole format", "its own", "its own distractors", "-0.25 to 0.25"]
    whole, some = (limits[name]["drift_lsb"] for name in ("the whole format", "-0.25 to 0.25"))
    assert all(one <= most for one, most in zip(some, whole, strict=True)) and some[0] < whole[0]
    assert "input range 0.5 to -0.5: must lie within" in refused(*words, 0.5, -0.5)
    assert "of format" in refused(*words, -100, 100)


@pytest.mark.parametrize("count", [1, 5])
def test_a_file_is_followed_from_the_ends_of_its_sequences(cli, tmp_path, count):
    """One sequence is told from nothing stored; every step of the file is a distractor."""
    words, file = files(tmp_path, "deep", count), tmp_path / "h.json"
    assert cli("hold", *words, "--quick", "--json", file).exit_code == 0
    data = loaded(file)
    assert {setting["setting"] for setting in data["lags"]} == SETTINGS
    assert all(np.shape(setting["bound"]) == (2, 2) for setting in data["lags"])
    assert {limit["inputs"] for limit in data["bound"]["limits"]} == {"the whole format", "its own"}


@pytest.mark.parametrize("name", ["peepholes", "coupled", "hard", "both"])
def test_every_kind_of_network_is_bounded(cli, tmp_path, name):
    """Layers in reverse start every sequence anew: only shut gates are followed there."""
    words, file = files(tmp_path, name), tmp_path / "h.json"
    result = cli("hold", *words, "--quick", "--json", file)
    assert result.exit_code == 0, result.output
    settings, reverse = loaded(file)["lags"], name in nets.REVERSE
    assert len(settings) == (1 if reverse else 3)
    assert (lags.REVERSE in result.stdout) == reverse
    assert all(setting["outside_bound"] == 0 for setting in settings)


def test_distractors_are_what_lies_between_the_last_event_and_the_trigger(model):
    subject = prepare(model, Choice(12), Given(sequences=3, length=100))
    assert subject.inputs.lag is not None
    first, last = subject.inputs.lag
    found = lags.distractors(subject)
    assert np.array_equal(found, subject.codes[:, first + 1 : last + 1].reshape(-1, 8))
    symbols = found.reshape(3, -1, 8).argmax(axis=2)
    assert set(symbols.ravel().tolist()) <= {2, 3, 4, 5}  # a, b, c, d


def test_states_outside_a_span_are_counted():
    span = Range(np.array([[0, 0]]), np.array([[5, 5]]))
    states = np.array([[[0.0, 5.0]], [[-1.0, 6.0]]])
    assert lags.outside(states, [span, span]) == 2


def test_the_map_names_the_thresholds_and_shows_both_sides_of_them(model):
    subject = prepare(model, Choice(12), Given(sequences=2, length=70))
    found = maps.find(subject, gates_seen.met(subject.qnet.layers, subject.qnet.run(subject.codes)))
    (layer,) = subject.qnet.layers
    limits, met, creep, widths = maps.tables(found)  # no forget gate: no leak
    assert [row[:2] for row in met.rows] == [("0", "i")]
    edge = closing(layer) * layer.gate.net.lsb
    assert limits.rows[0][2] == f"{edge:.3f}"
    assert [row[0] for row in widths.rows] == ["4", "12"]
    nets, lsb = [float(row[0]) for row in creep.rows], layer.gate.net.lsb
    assert nets[:2] == pytest.approx([edge, edge + lsb], abs=lsb / 2) and nets[0] < nets[1]
    assert creep.rows[0][2:] == ("0", "0") and nets[-1] == 0


def test_the_range_that_keeps_gates_shut_is_said():
    for shut, said in ((1.5, "from -1.5 to 1.5"), (None, "none: no gate is ever exactly shut")):
        assert hold_bound.tables(hold_bound.Bounds((), shut))[-1].rows == ((said,),)


def test_what_is_kept_whole_is_said_without_a_number(cli):
    """Of a network whose gates are shut by its own weights."""
    result = cli("hold", "temporal_order_held", *SHORT, "--quick")
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    assert "what tells stored values apart is as large as at first after 100 steps" in words

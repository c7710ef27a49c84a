"""`carousel search --skip unchanged`: it finds the most within the goal, and an interruption costs
nothing."""

import json
from dataclasses import replace

import numpy as np
import pytest

import golden
from carousel.search import skipping, watch
from carousel.search.thresholds import Found, ThresholdSearch, Trial, evaluate
from carousel.work.journal import Journal
from fixedpoint import quantize
from fixedpoint.calibration import Part, Seen
from fixedpoint.search.evaluation import Problem
from fixedpoint.search.search import Goal, SearchError
from tests.carousel.nets import every, layer, network

SIZE = ("--sequences", 2, "--length", 70)
GOAL = ("--skip", "unchanged", "--tolerance", "5e-2", "--bits", 8, "--lanes", 2, "--jobs", 1)


def made_up(thresholds):
    """The error is small up to thresholds 5 and 0, and each LSB saves a clock."""
    rmse = 0.01 if thresholds[0] <= 5 and not thresholds[1] else 1.0
    return Found(thresholds, 100.0 - sum(thresholds), rmse, rmse, None, None)


def searched(goal, confirm=lambda found: True, evaluate=made_up):
    state = ThresholdSearch(goal, (127, 127), lambda some: map(evaluate, some))
    return state.run(confirm), state


def test_the_highest_within_the_goal_are_found():
    """To the LSB, and not by trying each one."""
    found, state = searched(Goal(tolerance=0.5))
    assert found.thresholds == (5, 0) and found.clocks == 95
    assert state.tried < 20
    assert searched(Goal(tolerance=2.0))[0].thresholds == (127, 127)


def test_answers_count_where_the_task_is_the_goal():
    def answered(thresholds):
        return replace(made_up(thresholds), right=10 - (thresholds[0] > 3), right_in_float=10)

    assert searched(Goal(task=True), evaluate=answered)[0].thresholds == (3, 127)


def test_a_threshold_that_saves_nothing_is_none():
    """Of those that take as many clocks the one of least error."""

    def idle(thresholds):
        clocks = 100.0 - 10 * (thresholds[0] >= 4)
        return Found(thresholds, clocks, 0.01 + 1e-4 * sum(thresholds), 1, None, None)

    assert searched(Goal(tolerance=0.02), evaluate=idle)[0].thresholds == (4, 0)


def test_what_does_not_do_on_data_held_out_is_searched_with_less_error():
    def linear(thresholds):
        return replace(made_up(thresholds), rmse=0.1 * (1 + sum(thresholds)))

    found, state = searched(Goal(tolerance=1.0), lambda each: each.rmse < 0.65, linear)
    assert sum(found.thresholds) == 5 and state.limit < 0.7
    with pytest.raises(SearchError, match="threshold 0 does not meet the goal on the data held"):
        searched(Goal(tolerance=1.0), lambda each: False, linear)


def test_a_threshold_that_costs_nothing_is_found_in_a_network():
    """An element that no row weighs wavers by up to 3 LSB, and the others leap: 3 saves its clocks
    for nothing, and more saves no more."""
    rng = np.random.default_rng(0)
    net = network("one", layer(rng, 3))
    for weights in net.layers[0].weights.values():
        weights[:, 1] = 0
    leaps = rng.choice([-1.0, 1.0], (2, 40, 3))
    formats = quantize(net, bits=8, calibrate=leaps).formats
    leaps[..., 1] = rng.integers(-3, 4, (2, 40)) * formats.input.lsb
    leaps[:, ::2, 1] = 3 * formats.input.lsb
    formats = replace(formats, inputs=())  # all elements have one scale
    problem = Problem.of(net, Seen.measure(net, leaps), 2, [Part(leaps)])
    trial = Trial(problem, quantize(net, formats))
    error = evaluate(trial, (0, 0)).rmse
    state = ThresholdSearch(
        Goal(tolerance=1.001 * error), (100, 0), lambda some: (evaluate(trial, t) for t in some)
    )
    found = state.run(lambda found: True)
    assert found.thresholds == (3, 0) and found.rmse == error
    assert found.clocks < evaluate(trial, (2, 0)).clocks < evaluate(trial, (0, 0)).clocks


@pytest.fixture
def found(cli, model, tmp_path):
    """Search the random network: what was shown, the JSON, and how many were tried anew."""

    def call(*words, name="found"):
        place, plain = tmp_path / f"{name}.json", tmp_path / f"{name}.results.json"
        done = cli("search", model, *SIZE, *GOAL, *words, "-o", place, "--json", plain)
        assert done.exit_code == 0, done.output
        lines = place.with_suffix(".jsonl").read_text().splitlines()
        return done.stdout, json.loads(plain.read_text()), len(lines)

    return call


def test_the_line_that_is_shown_keeps_the_tolerance(cli, found, model, tmp_path):
    """As `compare` finds it, and no formats are written."""
    shown, plain, _ = found()
    have = plain["found"]
    assert plain["options"] in shown and max(have["thresholds"]) > 0
    assert (
        have["clocks"] < plain["zero"]["clocks"] and plain["dense"]["rmse"] <= have["rmse"] < 5e-2
    )
    words = (*SIZE, *plain["options"].split(), "--json", tmp_path / "c.json")
    assert cli("compare", model, *words).exit_code == 0
    error = json.loads((tmp_path / "c.json").read_text())["errors"]["out"]
    assert error["rmse"] == pytest.approx(have["rmse"], rel=1e-12)
    assert not (tmp_path / "found.json").exists()


def test_an_interrupted_search_goes_on_where_it_was(cli, found, model, tmp_path, monkeypatch):
    """The best so far is said; what is in the journal is not evaluated again."""
    _, plain, lines = found(name="whole")
    add, done = Journal.add, []

    def stop(journal, each):
        if len(done) == 4:
            raise KeyboardInterrupt
        done.append(each)
        add(journal, each)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", stop)
        cut = cli("search", model, *SIZE, *GOAL, "-o", tmp_path / "cut.json")
    best = min(done, key=lambda each: each.rank)
    assert cut.exit_code == 130
    assert f"interrupted after 4 tried, best: {best.clocks:,.0f} clocks" in cut.stderr
    assert best.option in cut.stderr and "not tried on data held out" in cut.stderr
    assert found(name="cut")[1:] == (plain, lines)


def test_a_search_ends_in_the_time_it_is_given(found, refused, model, tmp_path, monkeypatch):
    now = iter(range(10_000))
    monkeypatch.setattr(watch.time, "monotonic", lambda: float(next(now)))
    shown, early, _ = found("--time", "0.05")
    assert early["stopped_after_minutes"] == 0.05 and early["tried"] < 6
    assert "ended after 0.05 min with the best so far" in shown
    words = ("search", model, *SIZE, *GOAL, "--tolerance", "1e-9", "--time", "1e-9")
    line = refused(*words, "-o", tmp_path / "none.json")
    assert "nothing of 1 tried met the goal in time" in line


def test_what_cannot_be_is_refused_by_name(refused, model, tmp_path):
    golden.save(every()["reverse"], tmp_path / "reverse.npz")
    golden.save(every()["coupled"], tmp_path / "coupled.npz")
    np.save(tmp_path / "x.npy", np.random.default_rng(0).uniform(-1, 1, (2, 9, 3)))
    np.save(tmp_path / "two.npy", np.zeros((2, 8)))

    def call(*words, of=model):
        return refused("search", of, "--jobs", 1, *words, "-o", tmp_path / "f.json")

    size = (*SIZE, "--tolerance", 1)
    assert "--skip zero: must be unchanged here" in call(*size, "--skip", "zero")
    skip = ("--skip", "unchanged")
    assert "needs --tolerance or --task" in call(*SIZE, *skip)
    assert "--round data: of a search for formats" in call(*size, *skip, "--round", "data")
    assert "f.json: needs --skip unchanged" in call(*size, "--formats", "f.json")
    assert "bits 3: must be from 4 to 20" in call(*size, *skip, "--bits", 3)
    assert "threshold 0 does not meet the goal: its RMSE is" in call(
        *SIZE, *skip, "--tolerance", "1e-9"
    )
    file = ("--input", tmp_path / "x.npy", *skip, "--tolerance", 1)
    assert "layer 0 runs in reverse" in call(*file, of=tmp_path / "reverse.npz")
    assert "starts from outputs other than 0" in call(*file, of=tmp_path / "coupled.npz")
    line = call("--input", tmp_path / "two.npy", *skip, "--tolerance", 1)
    assert "two.npy: too few steps" in line


def test_the_sentence_says_what_was_missed():
    """Of a search that time ended, whose best does not do on data held out."""
    one = made_up((0, 0))
    state = ThresholdSearch(Goal(tolerance=0.5), (1, 1), lambda some: map(made_up, some))
    ended = skipping.Result(one, one, one, replace(one, rmse=0.6), 2.0)
    assert "misses the goal on data held out" in skipping.sentence(ended, state)
    kept = replace(ended, held_out=one)
    assert "misses" not in skipping.sentence(kept, state)

"""Trials: a seed gives the same, in one go or in several; what is reported; what goes wrong."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest

from golden import InputError
from golden.closing import Closing
from golden.experiments import EXPERIMENTS, Training, experiment, run_trial
from golden.experiments.criteria import Examined, Lately, RightInARow, Strings
from golden.learning import Parameters
from golden.tasks import TEMPORAL_ORDER, Recall
from golden.training import TrainingError

NEVER = (RightInARow("never", 10_000),)
QUICK = replace(TEMPORAL_ORDER, lengths=(62, 70))


def quick(stops):
    """6a on shorter sequences, to another criterion."""
    return replace(EXPERIMENTS["6a"], task=QUICK, stops=stops, longest=4000)


def same(one, two):
    kept = [{k: v for k, v in trial.as_dict().items() if k != "seconds"} for trial in (one, two)]
    weights = [trial.network.layers[0].weights for trial in (one, two)]
    return kept[0] == kept[1] and all(
        np.array_equal(weights[0][kind], weights[1][kind]) for kind in weights[0]
    )


STOPS = {
    "lately": (Lately("stop", 2001, 0.3726),),
    "run": (RightInARow("stop", 250),),
    "tested": (Examined("ST1", 257, 0.4), Examined("ST2", 257, 0.376)),
}


@pytest.mark.parametrize(
    "stops",
    [
        pytest.param(stops, id=name, marks=[pytest.mark.soak] if name == "lately" else [])
        for name, stops in STOPS.items()
    ],
)
def test_interrupted_or_not(stops):
    """From every state that a trial was in, written to a file and read back, it ends the same."""
    tolerant = replace(QUICK, tolerance=0.9 if stops[0].name == "stop" else 0.3)
    one = replace(quick(stops), task=tolerant)
    files, counts = [], []

    def keep(training):
        counts.append(training.history.presented)
        file = io.BytesIO()
        np.savez(file, **training.state())
        files.append(file)

    whole = run_trial(one, 3, keep)
    assert whole.solved
    assert counts[:2] == [100, 200]
    assert counts[-1] == whole.presented
    for file in (files[0], files[len(files) // 2], files[-1]):
        file.seek(0)
        with np.load(file) as state:
            assert same(run_trial(one, 3, state=state), whole)
    assert not same(run_trial(one, 4), whole)


def test_the_weights_are_those_after_the_last_sequence_that_counts():
    """Training on to the criterion's count by hand gives the trial's weights."""
    trial = run_trial(quick(STOPS["lately"]), 3)
    (count,) = trial.sequences.values()
    assert trial.presented == count
    assert count % 100
    by_hand = Training(quick(NEVER), 3)
    for _ in range(count // 100):
        by_hand.advance()
    batch = by_hand._task.sequences(by_hand._drawing, 100)[: count % 100]
    by_hand._learn(batch)
    assert np.array_equal(
        by_hand.p.network("x").layers[0].weights["g"], trial.network.layers[0].weights["g"]
    )


@pytest.mark.parametrize("name", ["6a-held", "4-100-held", "2c-50-50-held"])
def test_a_closing_pressure(name):
    """A trial goes on until all gates are shut, and under the pressure it can be interrupted."""
    task = QUICK if name == "6a-held" else EXPERIMENTS[name].task
    stops = (Lately("stop", 2001, 0.38),)
    one = replace(EXPERIMENTS[name], task=task, stops=stops, longest=60_000)
    states = {}

    def keep(training):
        pressed = training.closing is not None
        states[pressed] = training.history.presented, training.state()

    whole = run_trial(one, 3, keep)
    boxes = task.between
    assert whole.solved
    assert Closing(Parameters.of(whole.network), boxes, 1.0).gap <= 0.0
    assert (False in states) == (name != "4-100-held")  # a mark presses from the beginning
    for _, state in states.values():
        assert same(run_trial(one, 3, state=state), whole)
    other = run_trial(replace(one, closing=0.0), 3)
    assert Closing(Parameters.of(other.network), boxes, 1.0).gap > 0.0


def test_a_trial_that_fails():
    trial = run_trial(replace(quick((Lately("stop", 1, 1e-9),)), longest=300), 1)
    assert (trial.solved, trial.presented, trial.sequences) == (False, 300, {})
    assert trial.tested == 2560
    assert trial.wrong == 2560
    assert 0.3 < trial.mean_abs <= trial.rmse < 0.6
    assert json.loads(json.dumps(trial.as_dict()))["seed"] == 1
    assert trial.network.name == "6a"
    assert "seed 1" in trial.network.made_by


def test_both_criteria_count():
    trial = run_trial(replace(quick(STOPS["tested"]), longest=100_000), 3)
    assert list(trial.sequences) == ["ST1", "ST2"]
    assert trial.sequences["ST1"] <= trial.sequences["ST2"] == trial.presented


def growing():
    """2a at a lag of 4, cross-entropy; the cell comes late."""
    one = EXPERIMENTS["2a"]
    wiring = replace(one.wiring, inputs=5, outputs=5)
    task = Recall.of("2a", 4)
    stops = (RightInARow("stop", 300),)
    return replace(one, task=task, wiring=wiring, stops=stops, longest=8000, entropy=True)


def test_cells_that_come_late():
    """Until the error has stopped decreasing nothing of theirs changes, then all of it does."""
    training = Training(growing(), 1)
    start = training.p.hidden.copy()
    while not training.grown:
        assert np.array_equal(training.p.hidden, start)
        assert not training.p.readout[:, 0].any()
        training.advance()
    assert training.history.presented >= 1000
    training.advance()
    assert np.abs(training.p.hidden - start).max() > 1e-4
    assert training.p.readout[:, 0].all()


def test_interrupted_before_and_after_cells_come():
    one, states = growing(), []
    whole = run_trial(one, 1, lambda training: states.append((training.grown, training.state())))
    assert whole.solved
    for grown in (False, True):
        state = next(state for was, state in states if was == grown)
        assert same(run_trial(one, 1, state=state), whole)


def test_reber_strings():
    """The strings that decide are those of the sets; a network that has learnt nothing fails."""
    training = Training(EXPERIMENTS["1-4x1-0.5"], 1)
    training.advance()
    assert training.reached == {}
    assert len(training._task.both_sets) == 512
    assert training.experiment.stops == (Strings("stop"),)


@pytest.mark.parametrize("which", ["hidden", "readout"])
def test_divergence_names_the_experiment_and_the_seed(which):
    training = Training(quick(NEVER), 7)
    training.advance()
    getattr(training.p, which)[0, 0] = np.nan if which == "readout" else np.inf
    with pytest.raises(TrainingError, match=r"^6a: seed 7 diverged after \d+ sequences$"):
        training.advance()


def test_a_wide_input_is_trained_too():
    training = Training(EXPERIMENTS["2c-1000-1000"], 1)
    training.advance()
    assert training.history.presented == 100
    assert np.isfinite(training.p.hidden).all()


def test_bad_requests():
    with pytest.raises(InputError, match="experiment '7': allowed are 1-4x1-0.1, .*6b"):
        experiment("7")
    for seed in (-1, 1.0, "1", True):
        with pytest.raises(TrainingError, match=f"seed {seed!r}: must be a whole number"):
            run_trial(quick(NEVER), seed)
    state = Training(quick(NEVER), 1).state()
    with pytest.raises(TrainingError, match="state: of 6a, seed 1, must be of 6a, seed 2"):
        Training(quick(NEVER), 2, state)

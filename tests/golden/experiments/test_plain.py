"""A plain recurrent network learns what is near and not what is far."""

from dataclasses import replace

import numpy as np
import pytest

from golden.experiments import experiment
from golden.experiments.plain import last_alone, run_plain
from golden.tasks import Recall
from golden.training import TrainingError


def recall(lag):
    """Experiment 2a with another lag."""
    given, task = experiment("2a"), Recall.of("2a", lag)
    wiring = replace(given.wiring, inputs=task.inputs, outputs=task.outputs)
    return replace(given, task=task, wiring=wiring)


def test_a_lag_of_two_is_learnt_and_one_of_a_hundred_is_not():
    """So what fails is memory, not the training."""
    near, far = (run_plain(recall(lag), 1, 2000, 200) for lag in (2, 100))
    assert (near.wrong, near.units, near.presented, near.tested) == (0, 3, 2000, 200)
    assert far.wrong >= 80  # one of two, as by chance, or all


def test_the_same_seed_gives_the_same():
    one, two, other = (run_plain(experiment("6a"), seed, 100, 50) for seed in (1, 1, 2))
    assert one == two
    assert one.mean_abs != other.mean_abs


def test_targets_of_the_last_steps_alone():
    task = Recall.of("2a", 5)
    batch = task.sequences(np.random.default_rng(0), 3)
    alone = last_alone(batch)
    assert np.array_equal(alone.target, batch.target[:, -1])
    assert last_alone(alone) is alone


def test_divergence_names_the_experiment_and_the_seed():
    with pytest.raises(TrainingError, match="6a: plain network, seed 4 diverged within 50"):
        run_plain(replace(experiment("6a"), rate=float("inf")), 4, 100, 50)

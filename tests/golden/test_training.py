"""Recipes: deterministic, talkative, interruptible, and plain about a run that goes wrong."""

from pathlib import Path

import numpy as np
import pytest

import golden
from golden import training
from golden.learning import Parameters
from golden.tasks import TEMPORAL_ORDER, adding
from golden.training import RECIPES, TrainingError, TrainingRun, Window, random_network, train

MODELS = Path(__file__).parents[2] / "models"


def test_a_recipe_makes_the_shipped_file(tmp_path):
    """The fast recipe in full.

    The file was made with an exp() that differs in last bits; after 30,000 sequences of a network
    that learns nothing but the mean that is still nothing.
    """
    calls = []
    net = train("temporal-order-rnn", 1, lambda *call: calls.append(call))
    shipped = golden.load_rnn(MODELS / "temporal_order_rnn.npz")
    assert np.abs(net.weights - shipped.weights).max() < 1e-9
    assert np.abs(net.readout.biases - shipped.readout.biases).max() < 1e-9
    assert net.made_by == shipped.made_by == "carousel train temporal-order-rnn --seed 1"
    assert [done for done, _, _ in calls] == list(range(200, 30_001, 200))
    assert {total for _, total, _ in calls} == {30_000}
    assert calls[-1][2] == "2000 of the last 2000 wrong"


def run(seed, scale=0.1, rate=0.5, count=300):
    rng = np.random.default_rng(seed)
    biases = {"i": [-2.0, -4.0]}
    p = Parameters.of(random_network(rng, TEMPORAL_ORDER, ("i", "o"), 2, 2, scale, biases))
    one = TrainingRun(TEMPORAL_ORDER, rng, seed, training._lstm_step(p), lambda *call: None)
    return one.learn(count, rate, (62, 70)), p


def test_a_seed_gives_the_same_weights():
    (_, one), (_, two), (_, other) = run(3), run(3), run(4)
    assert np.array_equal(one.hidden, two.hidden)
    assert np.array_equal(one.readout, two.readout)
    assert not np.array_equal(one.hidden, other.hidden)


def test_the_networks_are_those_of_the_paper():
    """W = 156 weights for 6a (paper, section 5.6), biases of the input gates as given."""
    biases = {"i": [-2.0, -4.0]}
    net = random_network(np.random.default_rng(1), TEMPORAL_ORDER, ("i", "o"), 2, 2, 0.1, biases)
    p = Parameters.of(net)
    assert p.hidden.size + p.readout.size == 156
    assert net.layers[0].biases["i"].tolist() == [-2.0, -4.0]
    others = np.delete(p.hidden, np.s_[p.rows("i")], axis=0)
    assert 0.09 < np.abs(others).max() <= 0.1
    assert (net.layers[0].g, net.layers[0].h, net.layers[0].gate_recurrence) == (
        "g1997",
        "h1997",
        True,
    )
    modern = random_network(np.random.default_rng(1), adding(100), ("i", "f", "o"), 8, 1, 1.0, {})
    assert (modern.layers[0].g, modern.layers[0].h, modern.layers[0].gate_recurrence) == (
        "tanh",
        "tanh",
        False,
    )


def test_divergence_names_the_seed():
    rng = np.random.default_rng(5)
    one = TrainingRun(
        TEMPORAL_ORDER, rng, 5, lambda x, target, rate: np.full(4, np.nan), lambda *call: None
    )
    with pytest.raises(
        TrainingError, match="temporal order: seed 5 diverged after 0 sequences"
    ) as caught:
        one.learn(10, 0.5)
    assert "\n" not in str(caught.value)


def test_a_missed_criterion_names_the_seed_and_what_was_wrong():
    rng = np.random.default_rng(6)
    wrong = TrainingRun(
        TEMPORAL_ORDER, rng, 6, lambda x, target, rate: 1 - target, lambda *call: None
    )
    with pytest.raises(
        TrainingError, match="seed 6 missed its criterion in 2100 sequences"
    ) as caught:
        wrong.learn_until(0.1, 2100, 0.5)
    assert "(2000 of the last 2000 wrong); try another seed" in str(caught.value)


def test_the_criterion_needs_2000_sequences_and_a_small_error():
    rng = np.random.default_rng(7)
    right = TrainingRun(TEMPORAL_ORDER, rng, 7, lambda x, target, rate: target, lambda *call: None)
    assert right.learn_until(0.1, 5000, 0.5).wrong == 0
    assert right.done == 2000
    loose = TrainingRun(
        TEMPORAL_ORDER, rng, 7, lambda x, target, rate: target + 0.2, lambda *call: None
    )
    with pytest.raises(TrainingError, match="0 of the last 2000 wrong"):
        loose.learn_until(0.1, 2200, 0.5)  # all within 0.3, but the mean error is 0.2


def test_window():
    window = Window()
    for k in range(2500):
        window.add(0.5 if k < 1000 else 0.1, k < 1000)
    assert window.full
    assert window.wrong == 500
    assert abs(window.error - (500 * 0.5 + 1500 * 0.1) / 2000) < 1e-12
    assert str(window) == "500 of the last 2000 wrong"


def test_interruptible():
    """KeyboardInterrupt from the callback ends the run at once."""
    calls = []

    def stop(done, total, text):
        calls.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("adding", 1, stop)
    assert calls == [200]


def test_bad_requests():
    with pytest.raises(TrainingError, match="recipe 'x': allowed are " + ", ".join(RECIPES)):
        train("x", 1)
    for seed in (-1, 1.0, "1", True, None):
        with pytest.raises(TrainingError, match=f"seed {seed!r}: must be a whole number"):
            train("adding", seed)

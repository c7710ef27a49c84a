"""What the measurement of formats keeps, and what it says of decibels."""

import numpy as np
import pytest

from bench import cached, formats_tables, trained
from golden import Network
from tests.fixedpoint.nets import layer


def test_a_network_is_made_once_and_again_of_anything_else(tmp_path, monkeypatch):
    monkeypatch.setattr(cached, "FOLDER", tmp_path)
    made, x = [], np.arange(6.0)

    def make():
        made.append(Network((layer(np.random.default_rng(len(made)), 2, 3),)))
        return made[-1]

    first = cached.network("a b", make, x, "4 cells")
    assert cached.network("a b", make, x.copy(), "4 cells").layers[0].weights.keys()
    assert len(made) == 1
    assert np.array_equal(first.layers[0].weights["i"], made[0].layers[0].weights["i"])
    for other in ((x, "5 cells"), (x + 1e-12, "4 cells"), (x.reshape(2, 3), "4 cells")):
        cached.network("a b", make, *other)
    assert len(made) == 4 and len(list(tmp_path.iterdir())) == 4


def test_f1_of_a_detector():
    labels = np.array([[0, 1, 1, 0, 1]])
    data = trained.Detected(np.zeros((1, 5, 1)), np.array([4]), labels)
    found = data.judged(np.array([[1, 1, 1, 0, 0]]))  # two right, one too many, one missed
    assert found["f1"] == pytest.approx(2 / 3) and found["accuracy"] == pytest.approx(3 / 5)


def test_the_most_that_changes_is_said_by_decibels():
    rows = [(61.0, 0, 0.5), (44.0, 1, 0.49), (41.0, 2, 0.5), (12.0, 50, 0.1)]
    ways = {
        str(k): {"decibels": decibels, "changed": changed, "accuracy": right}
        for k, (decibels, changed, right) in enumerate(rows)
    }
    results = {
        "one": {"accuracy": 0.5, "decisions": 100, "bits": {"8": ways}},
        "a signal": {"bits": {"8": {"rule": {"decibels": 5.0}}}},
    }
    text = formats_tables.bands(results).markdown()
    assert "| 60 or more | 1 | 0.00 % | 0.00 points |" in text
    assert "| 40 to 50 | 2 | 2.00 % | 1.00 points |" in text
    assert "| below 20 | 1 | 50.00 % | 40.00 points |" in text

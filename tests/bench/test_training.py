"""`bench.bench_training`: the page says what was measured, and float cells are the same network."""

import json

import numpy as np
import pytest

from bench import bench_training, pages


def test_the_page_says_what_was_measured():
    found = json.loads(bench_training.FILE.read_text())
    assert pages.written(pages.DOCS / "formats.md", "training") == bench_training.text(found)
    assert [each["shape"] for each in found["results"]] == list(bench_training.SHAPES)


def test_training_takes_at_most_three_times_as_long_as_float_cells():
    for each in json.loads(bench_training.FILE.read_text())["results"]:
        us = each["us"]
        assert all(us["integer"] <= 3 * us[kind] for kind in bench_training.FLOATS)


@pytest.mark.soak
def test_float_cells_are_those_of_the_network():
    torch = pytest.importorskip("torch")
    net = bench_training.network(3, 5)
    x = np.random.default_rng(0).standard_normal((4, 6, 3))
    _, run = bench_training.by_hand(net, "float64")
    assert np.allclose(run(torch.tensor(x)).detach(), net.run(x).out[:, -1], rtol=0, atol=1e-12)

"""`bench.bench_model`: its table is that of the page, and every peer runs the same network."""

import json

import numpy as np
import pytest

from bench import bench_model, model_peers, pages


def test_the_page_says_what_was_measured():
    found = json.loads(bench_model.FILE.read_text())
    assert pages.written(pages.DOCS / "measured.md", "models") == bench_model.text(found)
    rows = [(each["kind"], each["size"]) for each in found["results"]]
    assert rows == [(kind, size) for kind in model_peers.KINDS for size in bench_model.SIZES]


@pytest.mark.parametrize("kind", model_peers.KINDS)
def test_both_loops_give_the_same_codes(kind):
    x = np.random.default_rng(0).standard_normal((17, 5, model_peers.INPUTS))
    calls = bench_model.ours(model_peers.network(kind), x)
    traces = [dict(calls[name]().signals()) for name in ("integer, all signals", "integer, loop")]
    assert traces[0].keys() == traces[1].keys()
    assert all(np.array_equal(values, traces[1][name]) for name, values in traces[0].items())
    brief = dict(calls["integer"]().signals())
    assert brief and all(np.array_equal(values, traces[1][name]) for name, values in brief.items())


def test_another_network_is_refused(monkeypatch):
    net, other = (model_peers.network("plain", seed) for seed in (0, 1))
    x = np.random.default_rng(0).standard_normal((2, 5, model_peers.INPUTS))
    theirs = {"_torch": {}, "_hls4ml": {}, "_onnxruntime": {"other": lambda: other.run(x).out}}
    for name, calls in theirs.items():
        monkeypatch.setattr(model_peers, name, lambda *args, calls=calls: calls)
    with (
        pytest.raises(ValueError, match="other, plain: not the outputs of this network"),
        model_peers.peers("plain", net, x),
    ):
        pass


def test_what_is_missing_is_said(monkeypatch):
    def missing(*args):
        raise ImportError("No module named 'torch'")

    net, x = model_peers.network("plain"), np.zeros((2, 5, model_peers.INPUTS))
    for name in ("_torch", "_hls4ml", "_onnxruntime"):
        monkeypatch.setattr(model_peers, name, missing)
    with model_peers.peers("plain", net, x) as (calls, why):
        assert calls == {} and why["torch"] == "No module named 'torch'"

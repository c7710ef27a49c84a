"""Pieces of a run, one after the other, are the run."""

import numpy as np
import pytest

from golden import pieces
from tests.golden import nets


@pytest.mark.parametrize("sequences", [None, 3])
@pytest.mark.parametrize("held", [1, 40, 149, 150])
def test_together_they_are_the_whole(monkeypatch, sequences, held):
    net, count = nets.paper_1997(np.random.default_rng(0)), sequences or 1
    monkeypatch.setattr(pieces, "HELD", held * pieces.width(net))
    x = np.random.default_rng(1).standard_normal((count, 50, net.inputs))
    x = x if sequences else x[0]
    want, found = net.run(x), list(pieces.run(net, x))
    assert len(found) == min(50, -(-50 * count // held))
    for name, values in want.signals():
        parts = [dict(each.signals())[name] for each in found]
        np.testing.assert_allclose(np.concatenate(parts, axis=-2), values, rtol=0, atol=1e-12)
    for end, last in zip(want.state, found[-1].state, strict=True):
        np.testing.assert_allclose(end.s, last.s, rtol=0, atol=1e-12)


@pytest.mark.parametrize("side", [1, 2, 5])
def test_many_sequences_run_group_by_group(monkeypatch, side):
    """Those of few steps as a whole, from their own part of a state."""
    net = nets.paper_1997(np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((5, 20, net.inputs))
    start = net.run(x).state
    monkeypatch.setattr(pieces, "SIDE", side)
    for steps in (20, 7):
        monkeypatch.setattr(pieces, "HELD", steps * side * pieces.width(net))
        groups, cut = pieces.cuts(net, 5, 20)
        assert len(groups) == 1 + -(-5 // side) and len(cut) == 1 + -(-20 // steps)
        want, found = net.run(x, start), list(pieces.run(net, x, start))
        rows = [found[k : k + len(cut) - 1] for k in range(0, len(found), len(cut) - 1)]
        out = np.concatenate([np.concatenate([e.out for e in row], axis=1) for row in rows])
        np.testing.assert_allclose(out, want.out, rtol=0, atol=1e-12)
        (end,), (last,) = want.state, pieces.together([row[-1].state for row in rows])
        np.testing.assert_allclose(last.s, end.s, rtol=0, atol=1e-12)


def test_a_state_and_options_are_passed_on(monkeypatch):
    """A state from before, and options, go to the network itself."""
    net = nets.paper_1997(np.random.default_rng(0))
    monkeypatch.setattr(pieces, "HELD", 7 * pieces.width(net))
    x = np.random.default_rng(1).standard_normal((20, net.inputs))
    start = net.run(x).state
    want, found = net.run(x, start, single=True), list(pieces.run(net, x, start, single=True))
    assert found[0].out.dtype == np.float32 and len(found) == 3
    np.testing.assert_allclose(np.concatenate([each.out for each in found]), want.out, atol=1e-6)

"""Self-attention: by its equations, causal, exact in its recall; what it keeps and multiplies."""

import math
from dataclasses import replace

import numpy as np
import pytest

from golden import InputError, ModelError
from golden.attention import AttentionNetwork, symbol_at, temporal_order
from golden.dense import Dense
from golden.tasks import SYMBOLS, TEMPORAL_ORDER
from tests.golden.counted import counted, products


def some(rng: np.random.Generator) -> AttentionNetwork:
    """Two heads of three-element keys and two-element values on three inputs."""
    scale = np.array([0.3] * 4 + [0.03, 0.003])  # so that t and t t do not decide alone
    query, key, value = (scale * rng.normal(size=(2, width, 6)) for width in (3, 3, 2))
    return AttentionNetwork(query, key, value, Dense(rng.normal(size=(2, 4)), rng.normal(size=2)))


def test_run_equals_scalar_python():
    rng = np.random.default_rng(0)
    net, x = some(rng), rng.normal(size=(1, 7, 3))
    out = net.run(x)
    u = [[*step, 1.0, float(t), float(t * t)] for t, step in enumerate(x[0].tolist())]

    def rows(weights: np.ndarray, at: int) -> list[float]:
        return [sum(w * v for w, v in zip(row, u[at], strict=True)) for row in weights.tolist()]

    for t in range(7):
        given = []
        for query, key, value in zip(net.query, net.key, net.value, strict=True):
            q, keys = rows(query, t), [rows(key, j) for j in range(t + 1)]
            scores = [math.exp(sum(a * b for a, b in zip(q, k, strict=True))) for k in keys]
            parts = [rows(value, j) for j in range(t + 1)]
            given += [
                sum(p * part[d] for p, part in zip(scores, parts, strict=True)) / sum(scores)
                for d in range(2)
            ]
        assert np.abs(net.readout.run(np.array(given)) - out[0, t]).max() < 1e-12


def test_nothing_that_comes_later_changes_an_output():
    """And what comes earlier does, at every step."""
    rng = np.random.default_rng(1)
    net, x = some(rng), rng.normal(size=(2, 9, 3))
    before = net.run(x)
    for t in range(9):
        other = x.copy()
        other[:, t] += 1.0
        changed = (net.run(other) != before).any(axis=(0, 2))
        assert changed.tolist() == [step >= t for step in range(9)]


def test_what_is_heard_in_pieces_is_heard_as_a_whole():
    rng = np.random.default_rng(2)
    net, x = some(rng), rng.normal(size=(2, 9, 3))
    whole, pieces = net.hear(x), net.hear(x[:, 4:], net.hear(x[:, :4]))
    assert np.array_equal(whole.keys, pieces.keys) and np.array_equal(whole.values, pieces.values)
    assert np.array_equal(net.answer(x[:, -1], pieces), net.run(x)[:, -1])


@pytest.mark.parametrize("lag", (1, 10, 1_000, 20_000))
def test_the_order_of_two_symbols_is_recalled_over_every_lag(lag):
    length = TEMPORAL_ORDER.shortest - 1 + lag
    x, target = TEMPORAL_ORDER.batch(np.random.default_rng(lag), 20, length)
    net = temporal_order(length)
    out = net.answer(x[:, -1], net.hear(x))
    assert np.abs(out - target).max() < 1e-4
    blind = replace(net, query=0 * net.query)  # every step is looked at alike
    assert not TEMPORAL_ORDER.correct(blind.answer(x[:, -1], blind.hear(x)), target).any()


def test_any_symbol_is_recalled():
    rng, kinds = np.random.default_rng(3), len(SYMBOLS)
    symbols = rng.integers(0, kinds, 2_000)
    x = np.concatenate((np.eye(kinds)[symbols], np.zeros((2_000, 1))), axis=1)[None]
    net = symbol_at(kinds)
    memory = net.hear(x)
    for n in (0, 1, 998, 1_998, 1_999):
        asked = x[:, -1].copy()
        asked[0, kinds] = n
        assert np.abs(net.answer(asked, memory)[0] - np.eye(kinds)[symbols[n]]).max() < 1e-7


def test_what_is_counted_is_kept_and_done():
    rng = np.random.default_rng(4)
    net, x = some(rng), rng.normal(size=(1, 5, 3)).astype(object)
    parts = {name: counted(getattr(net, name)) for name in ("query", "key", "value")}
    net = replace(net, **parts)
    for steps in (1, 2, 5):
        memory = net.hear(x[:, :steps])
        assert memory.size == memory.keys.size + memory.values.size == steps * 2 * (3 + 2)
        before = products(lambda steps=steps: net.hear(x[:, : steps - 1])) if steps > 1 else 0
        heard = products(lambda steps=steps: net.hear(x[:, :steps])) - before
        asked = products(lambda steps=steps, memory=memory: net.answer(x[:, steps - 1], memory))
        assert heard + asked == net.products(steps)


def test_refusals():
    rng = np.random.default_rng(5)
    net = some(rng)
    with pytest.raises(InputError, match=r"shape \(4, 3\), must be \(N, T, 3\)"):
        net.hear(np.zeros((4, 3)))
    with pytest.raises(InputError, match=r"shape \(1, 4, 2\), must be"):
        net.hear(np.zeros((1, 4, 2)))
    with pytest.raises(ModelError, match=r"shapes .* do not agree"):
        replace(net, key=net.key[:, :, :-1])
    with pytest.raises(ModelError, match="readout weights: 3 columns, the heads give 4"):
        replace(net, readout=Dense(np.zeros((1, 3)), np.zeros(1)))

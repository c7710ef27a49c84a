"""Weights rounded by data: what formats hold exactly, with less error in what they make."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint.budget.error import against
from fixedpoint.budget.quantisers import quantisers
from fixedpoint.calibration import Part, Seen
from fixedpoint.network import build
from fixedpoint.rounding import DAMPING, Moments, observe, rounded
from fixedpoint.rule import Rule
from golden import Dense, Network
from golden.cell import LayerState
from golden.wiring import labels
from tests.fixedpoint.nets import layer, random_network

BITS = 5


def correlated(rng, *shape):
    """Inputs that go with one another, about a mean of their own."""
    return np.cumsum(rng.normal(0, 1, shape), axis=-1) / np.sqrt(shape[-1]) + 0.3


def chosen(net, x, bits=BITS):
    """The network rounded by x, and the formats."""
    formats = Rule(bits).formats(net, Seen.measure(net, x))
    return rounded(net, formats, observe(net, [Part(x)])), formats


def matrices(net):
    """Every matrix of weights, by the names of their quantisers."""
    found = {}
    for k, each in enumerate(net.layers):
        for kind, rows in each.weights.items():
            cuts = each.shape.columns.items()
            found |= {f"{k}.weights {source} {kind}": rows[:, cut] for source, cut in cuts}
        if each.projection is not None:
            found[f"{k}.projection"] = each.projection
    names = labels(len(net.head), len(net.stem))
    return found | {f"{n} weights": d.weights for n, d in zip(names, net.dense, strict=True)}


@pytest.mark.parametrize("seed", range(30))
def test_formats_hold_the_weights_exactly_and_once_more_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    net, inputs = random_network(rng)
    x = correlated(rng, 3, 30, inputs)
    found, formats = chosen(net, x)
    qnet, given = build(found, formats), matrices(net)
    assert qnet.saturated_weights == 0
    exact, again = quantisers(found, qnet), rounded(found, formats, observe(net, [Part(x)]))
    for name, weights in matrices(found).items():
        assert np.array_equal(exact[name](weights), weights), name
        assert np.array_equal(matrices(again)[name], weights), name
        assert weights.shape == given[name].shape and not np.array_equal(weights, given[name])


def dense(rng, columns, rows=3):
    """A network whose readout alone has weights that codes do not hold, and its formats."""
    cells = layer(rng, 1, columns, scale=0.0)
    net = Network((cells,), (Dense(rng.normal(0, 1, (rows, columns)), rng.normal(0, 1, rows)),))
    return net, Rule(BITS).formats(net, Seen.measure(net, np.ones((1, 2, 1))))


def statistics(net, mean, covariance):
    """Of the readout; of the layer, all of whose weights are 0, none."""
    sources = net.layers[0].shape.sources
    nothing = Moments(np.zeros(sources), np.zeros((sources, sources)))
    return {(0, "u"): nothing, (1, "u"): Moments(mean, covariance)}


def test_each_weight_takes_back_what_those_before_it_did_to_the_sum():
    """Against the definition: with some weights fixed, the others are the best there are."""
    rng = np.random.default_rng(1)
    columns = 6
    net, formats = dense(rng, columns)
    own = rng.normal(0, 1, (40, columns)) @ rng.normal(0, 1, (columns, columns))
    covariance, mean = np.cov(own.T), own.mean(axis=0)
    found = rounded(net, formats, statistics(net, mean, covariance)).head[0]
    form = formats.head[0]
    lsb = np.ldexp(form.weights.lsb, np.array(form.coarser or [0] * 3))
    damped = covariance + DAMPING * covariance.diagonal().mean() * np.eye(columns)
    order = np.argsort(-covariance.diagonal())
    for row, weights, step in zip(found.weights, net.head[0].weights, lsb, strict=True):
        fixed = np.zeros(columns)
        for k, column in enumerate(order):
            done, rest = order[:k], order[k:]
            back = damped[np.ix_(rest, done)] @ (weights - fixed)[done]
            best = weights[rest] + np.linalg.solve(damped[np.ix_(rest, rest)], back)
            fixed[column] = np.floor(best[0] / step + 0.5) * step
        ends = form.weights.low * step, form.weights.high * step
        assert np.array_equal(row, np.clip(fixed, *ends))
    assert found.biases == pytest.approx(
        net.head[0].biases + (net.head[0].weights - found.weights) @ mean
    )


def test_where_nothing_goes_with_another_each_goes_to_the_nearest():
    rng = np.random.default_rng(2)
    net, formats = dense(rng, 5)
    found = rounded(net, formats, statistics(net, np.zeros(5), np.diag(rng.uniform(0, 2, 5))))
    near = build(net, formats).head[0]
    assert np.array_equal(build(found, formats).head[0].weights, near.weights)
    assert np.array_equal(found.head[0].biases, net.head[0].biases)


def test_weights_of_zero_stay_zero():
    rng = np.random.default_rng(3)
    cells = layer(rng, 4, 6)
    for rows in cells.weights.values():
        rows[rng.random(rows.shape) < 0.5] = 0.0
    net = Network((cells,))
    found, _ = chosen(net, correlated(rng, 2, 40, 4))
    for kind, rows in cells.weights.items():
        assert not found.layers[0].weights[kind][rows == 0].any()


@pytest.mark.parametrize("bits", [8, 6])
def test_the_output_is_nearer_to_float_on_other_input(bits):
    gained = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        cells = layer(rng, 8, 24, scale=0.3)
        net = Network((cells,), (Dense(rng.normal(0, 0.3, (2, 24)), np.zeros(2)),))
        x, other = correlated(rng, 8, 60, 8), correlated(rng, 4, 60, 8)
        found, formats = chosen(net, x, bits)
        real = net.run(other).out
        runs = [build(each, formats) for each in (net, found)]
        near, by_data = (
            against(real, qnet.run(qnet.encode(other)[0]).value("out"))[2] for qnet in runs
        )
        gained.append(by_data - near)
    assert min(gained) > -0.5 and np.mean(gained) > 1.0, gained


def moments(rows):
    rows = rows.reshape(-1, rows.shape[-1])
    return rows.mean(axis=0), np.cov(rows.T, bias=True)


@pytest.mark.parametrize("case", ["plain", "gates", "projection", "reverse", "last"])
def test_what_rows_multiply_is_what_the_float_network_computes(case):
    rng = np.random.default_rng(4)
    options = {"projection": {"projection": 3}, "gates": {"recurrent": True}}.get(case, {})
    cells = layer(rng, 2, 4, **options)
    if case == "reverse":
        cells = replace(cells, reverse=True)
    head = (Dense(rng.normal(0, 1, (2, cells.shape.outputs)), np.zeros(2)),)
    net = Network((cells,), head, output="last" if case == "last" else "every")
    x, widths = 50000 + rng.normal(0, 1, (3, 20, 2)), cells.shape.state
    state = LayerState(*(rng.uniform(0, 0.5, (3, widths[part])) for part in ("s", "y", "gates")))
    trace = net.run(x, (state,))
    turn = slice(None, None, -1 if case == "reverse" else 1)
    y = trace.layers[0]["y"][:, turn]
    before = [np.concatenate([state.y[:, None], y[:, :-1]], axis=1)]
    if case == "gates":
        gates = np.concatenate([trace.layers[0][kind] for kind in "ifo"], axis=2)
        before.append(np.concatenate([state.gates[:, None], gates[:, :-1]], axis=1))
    wanted = {(0, "u"): np.concatenate([x[:, turn], *before], axis=2)}
    wanted[1, "u"] = y[:, -1:] if case == "last" else y
    if case == "projection":
        wanted[0, "m"] = trace.layers[0]["m"]
    cuts = slice(1), slice(1, 3)
    found = observe(net, [Part(x[cut], _some(state, cut)) for cut in cuts])
    assert found.keys() == wanted.keys()
    for place, rows in wanted.items():
        mean, covariance = moments(rows)
        assert np.allclose(found[place].mean, mean, rtol=1e-12)
        assert np.allclose(found[place].covariance, covariance, rtol=1e-6, atol=1e-9)


def _some(state, cut):
    return (LayerState(state.s[cut], state.y[cut], state.gates[cut]),)

"""Modules of a state_dict beside one nn.LSTM and one nn.Linear, against the formulas by hand."""

import numpy as np
import pytest

from golden.importers import pytorch
from golden.reading import vectors
from tests.golden.importers.state_dicts import tensors


def by_hand(found, x, first=lambda x: x):
    """What tensors of `tensors` give for one sequence, after `first` of the input."""
    i, f, g, o = (slice(4 * k, 4 * k + 4) for k in range(4))
    h, c = found.get("h0", np.zeros(4)).reshape(4), found.get("c0", np.zeros(4)).reshape(4)
    out = []
    for values in first(x):
        net = found["lstm.weight_ih_l0"] @ values + found["lstm.weight_hh_l0"] @ h
        net = net + found["lstm.bias_ih_l0"] + found["lstm.bias_hh_l0"]
        gate = 1 / (1 + np.exp(-net))
        c = gate[f] * c + gate[i] * np.tanh(net[g])
        h = gate[o] * np.tanh(c)
        out.append(found["fc.weight"] @ h + found["fc.bias"])
    return np.array(out)


def test_names_of_a_cell_and_of_a_wrapper_are_those_of_an_lstm():
    found, x = tensors(), np.random.default_rng(1).standard_normal((6, 3))
    cell = {name.removesuffix("_l0"): value for name, value in found.items()}
    for other in (cell, {f"module.{name}": value for name, value in found.items()}):
        assert (
            np.abs(pytorch.from_tensors(other, "net").run(x).out - by_hand(found, x)).max() < 1e-12
        )


@pytest.mark.parametrize(
    "names", [("h0", "c0"), ("_initial_hidden", "_initial_cell"), ("h_0", "c_0")]
)
def test_learnt_initial_states_are_the_networks_own(names):
    rng, found = np.random.default_rng(2), tensors()
    states = {"h0": rng.standard_normal((1, 1, 4)), "c0": rng.standard_normal((1, 1, 4))}
    said = dict(zip(names, states.values(), strict=True))
    net = pytorch.from_tensors({**found, **said}, "net")
    x = rng.standard_normal((6, 3))
    assert np.abs(net.run(x).out - by_hand({**found, **states}, x)).max() < 1e-12
    assert (
        f"{names[0]!r} and {names[1]!r} are the states that nn.LSTM 'lstm'" in net.reading.assumed
    )


def test_modules_in_front_are_folded_when_the_order_is_told():
    """A dense layer, a convolution of width 1 and a normalisation, all without a function."""
    rng, found = np.random.default_rng(3), tensors()
    front = {
        "norm.running_mean": rng.standard_normal(5),
        "norm.running_var": rng.uniform(0.5, 2, 5),
        "norm.weight": rng.standard_normal(5),
        "norm.bias": rng.standard_normal(5),
        "conv.weight": rng.standard_normal((2, 5, 1)),
        "pre.weight": rng.standard_normal((3, 2)),
        "pre.bias": rng.standard_normal(3),
    }
    order = ("norm", "conv", "pre", "lstm", "fc")
    net = pytorch.from_tensors({**found, **front}, "net", order)

    def first(x):
        x = (x - front["norm.running_mean"]) / np.sqrt(front["norm.running_var"] + 1e-5)
        x = (x * front["norm.weight"] + front["norm.bias"]) @ front["conv.weight"][:, :, 0].T
        return x @ front["pre.weight"].T + front["pre.bias"]

    x = rng.standard_normal((6, 5))
    assert np.abs(net.run(x).out - by_hand(found, x, first)).max() < 1e-12
    assert net.reading.assumed == "eps of nn.BatchNorm1d is 1e-05"
    assert net.reading.stages[0] == ("nn.BatchNorm1d 'norm'", "folded into nn.LSTM 'lstm'")


def test_an_embedding_is_a_table_that_the_input_picks_from():
    rng, found = np.random.default_rng(4), tensors()
    table = rng.standard_normal((9, 3))
    order = ("embed", "lstm", "fc")
    net = pytorch.from_tensors({**found, "embed.weight": table}, "net", order)
    picks = rng.integers(0, 9, 7)
    assert net.reading.indices
    out = net.run(vectors(picks, net.inputs)).out
    assert np.abs(out - by_hand(found, table[picks])).max() < 1e-12


def test_what_was_assumed_is_said():
    net = pytorch.from_tensors(tensors(), "net")
    assert net.reading.assumed == (
        "nn.Linear 'fc' takes every step of nn.LSTM 'lstm', and no function follows"
    )
    assert pytorch.from_tensors(tensors(), "net", ("lstm", "fc")).reading.assumed == ""

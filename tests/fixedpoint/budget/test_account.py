"""The error budget of networks whose errors can be derived on paper, and what it must add up to.

The cell of these: its gates are open for ever (a hard sigmoid of 1), g and h are the identity and
nothing is forgotten, so that out(t) = W sum_u w x(u), and the errors can be written down.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fixedpoint import DenseFormats, Format, Formats, LayerFormats, quantize
from fixedpoint.budget.account import SEQUENCES, account, affordable
from fixedpoint.budget.quantisers import GROUPS, quantisers
from golden import Dense, Layer, Network
from tests.data.torch_lstm import load
from tests.fixedpoint.nets import paper_network, random_network, uniform

STEPS = 30
FINE = Format(26, 20)
GATE = Format(16, 15, signed=False)


def adder(weight=1.0, bias=0.0):
    """One cell that adds up what it sees, with a linear readout."""
    row, shut = np.array([[weight, 0.0]]), np.zeros((1, 2))
    weights, opened = {"i": shut, "o": shut, "g": row}, np.array([1.0])
    biases = {"i": opened, "o": opened, "g": np.zeros(1)}
    layer = Layer(weights, biases, g="identity", h="identity", gate="hard")
    return Network((layer,), (Dense(np.ones((1, 1)), np.array([bias])),))


def formats(s=FINE, out=FINE):
    """Those of the adder: 8 fraction bits for input and weight, `s` of its state, the rest fine."""
    x, scale = Format(12, 8), {"x": Format(12, 8), "y": Format(12, -4)}
    layer = LayerFormats(scale, GATE, FINE, FINE, s, FINE)
    readout = DenseFormats(Format(10, 8), out)
    return Formats(x, Format(16, 11), Format(12, 11, signed=False), (layer,), (readout,))


def by_name(budget):
    return {part.name: part for part in budget.parts}


def rms(errors):
    return pytest.approx(float(np.sqrt(np.mean(np.square(errors)))), rel=1e-9)


def test_an_input_that_is_rounded_is_the_whole_error():
    """x = 0.25 LSB more than a code: the sum is short of 0.25 LSB a step, whatever else is on."""
    net, forms = adder(), formats()
    lsb = forms.input.lsb
    x = np.full((2, STEPS, 1), (3 + 0.25) * lsb)
    budget = account(net, quantize(net, forms), x)
    error = -0.25 * lsb * np.arange(1, STEPS + 1)
    parts = by_name(budget)
    assert parts["input"].whole.rmse == rms(error) and budget.whole.rmse == rms(error)
    assert parts["input"].whole.max_abs == pytest.approx(STEPS * 0.25 * lsb)
    assert parts["input"].without.rmse == parts["input"].without.max_abs == 0.0
    for name, part in parts.items():
        if name != "input":
            assert part.whole.max_abs == 0.0 and part.without.rmse == rms(error), name
        assert part.limits is None
    assert budget.shares["input"] == budget.group_shares["input"] == 1.0
    assert budget.explained == pytest.approx(1.0) and budget.unequal == 0
    assert (budget.sequences, budget.steps) == (2, STEPS)
    assert [(block.step, block.steps) for block in budget.together] == [(t, 1) for t in range(30)]
    for t, block in enumerate(parts["input"].alone):
        assert block.rmse == pytest.approx(abs(error[t]))


def test_two_quantisers_share_by_the_power_that_each_has_alone():
    """The weight is off by 0.4 LSB, the input by 0.25: both errors and their shares from paper."""
    forms = formats()
    w_lsb, x_lsb = forms.layers[0].weights["x"].lsb, forms.input.lsb
    net = adder(weight=(6 + 0.4) * w_lsb)
    x = np.full((1, STEPS, 1), (5 + 0.25) * x_lsb)
    budget = account(net, quantize(net, forms), x)
    steps = np.arange(1, STEPS + 1)
    by_input = steps * 6.4 * w_lsb * 0.25 * x_lsb
    by_weight = steps * 0.4 * w_lsb * 5.25 * x_lsb
    together = steps * (6.4 * 5.25 - 6 * 5) * w_lsb * x_lsb
    parts = by_name(budget)
    assert parts["input"].whole.rmse == rms(by_input)
    assert parts["0.weights x g"].whole.rmse == rms(by_weight)
    assert budget.whole.rmse == rms(together)
    power = {"input": np.sum(by_input**2), "weights": np.sum(by_weight**2)}
    for group, share in power.items():
        wanted = share / sum(power.values())
        assert budget.group_shares[group] == pytest.approx(
            wanted, rel=1e-3
        )  # g rounds a little, too
    alone = sum(power.values()) / np.sum(together**2)
    assert budget.explained == pytest.approx(alone, rel=1e-3) and alone < 0.6


def test_a_state_that_saturates_says_so_apart_from_rounding():
    """The state's format ends at 2 - LSB; from then on the sum is short of all that is to come."""
    narrow = Format(12, 10)
    net, forms = adder(), formats(s=narrow)
    x = np.full((1, STEPS, 1), 0.25)
    budget = account(net, quantize(net, forms), x)
    wanted = 0.25 * np.arange(1, STEPS + 1)
    error = np.minimum(wanted, narrow.high * narrow.lsb) - wanted
    state = by_name(budget)["0.s"]
    assert state.limits is not None and state.limits.rmse == rms(error)
    assert state.whole.rmse == budget.whole.rmse == rms(error) and state.without.rmse == 0.0
    use = budget.uses["0.s"]
    assert use.saturations == np.count_nonzero(error) and use.highest == use.high == narrow.high
    assert budget.group_shares["state"] == 1.0
    late, early = budget.shares_over_time[-1], budget.shares_over_time[0]
    assert late[1]["state"] == 1.0 and early == (0, dict.fromkeys(late[1], 0.0))


def test_a_bias_that_is_rounded_shifts_every_output():
    """It is held in the scale of the sums, 28 fraction bits here, and so are the outputs."""
    lsb = 2.0**-28
    net, forms = adder(bias=(7 + 0.3) * lsb), formats(out=Format(30, 28))
    budget = account(net, quantize(net, forms), np.full((1, 3, 1), 0.25))
    assert by_name(budget)["readout biases"].whole.rmse == pytest.approx(0.3 * lsb)
    assert budget.group_shares["biases"] + budget.group_shares["output"] == pytest.approx(1.0)
    assert by_name(budget)["readout biases"].without.rmse == pytest.approx(0.3 * lsb)
    both = 2 * (0.3 * lsb) ** 2  # the output would round what the bias has not
    assert budget.explained == pytest.approx(both / (0.3 * lsb) ** 2)


def test_groups_alone_are_the_same_without_single_quantisers(paper):
    net, qnet, x, budget = paper
    short = account(net, qnet, x, groups_only=True)
    assert short.groups == budget.groups and short.parts == () and short.uses == budget.uses
    assert affordable(net, qnet, np.zeros((1, 9999, 3)), True).shape[1] > 2000
    alone = {part.name: part for part in budget.parts}
    for group in budget.groups:
        members = [part for part in alone.values() if part.group == group.name]
        if len(members) == 1:
            assert group.whole == members[0].whole and group.without == members[0].without


def test_an_exact_network_has_nothing_to_account_for():
    net = adder()
    x = np.full((1, 5, 1), 0.5)
    budget = account(net, quantize(net, formats()), x)
    assert budget.explained is None and not any(budget.shares.values())
    assert budget.whole.max_abs == 0.0
    np.testing.assert_array_equal(net.run(x).out, budget.fixed)


@pytest.fixture(scope="module")
def paper():
    net, x = paper_network()
    qnet = quantize(net, uniform(net, 9, x))
    return net, qnet, x, account(net, qnet, x)


def test_shares_add_up(paper):
    net, qnet, x, budget = paper
    assert list(budget.shares) == list(quantisers(net, qnet)) == [p.name for p in budget.parts]
    for shares in (budget.shares, budget.group_shares, *(s for _, s in budget.shares_over_time)):
        assert sum(shares.values()) == pytest.approx(1.0) and min(shares.values()) >= 0.0
    assert list(budget.group_shares) == [group for group in GROUPS if group != "thresholds"]
    blocks = sum(block.steps for block in budget.together)
    assert blocks == budget.steps == x.shape[1]


def test_all_on_is_what_the_integer_model_gives(paper):
    net, qnet, x, budget = paper
    fixed = qnet.run(qnet.encode(x)[0]).real()
    np.testing.assert_array_equal(budget.fixed, fixed.out)
    assert budget.unequal == 0
    assert budget.whole.rmse == pytest.approx(np.sqrt(np.mean((fixed.out - net.run(x).out) ** 2)))


def test_a_fault_in_the_integer_network_is_counted(paper):
    """A weight's code that is one off: the budget does not describe that network, and says so."""
    net, qnet, x, _ = paper
    codes = {kind: values.copy() for kind, values in qnet.layers[0].weights.items()}
    codes["g"][0, 0] += 1
    wrong = replace(qnet, layers=(replace(qnet.layers[0], weights=codes),))
    assert account(net, wrong, x[:1, :12]).unequal > 0


def test_the_budget_is_json_and_tells_progress(paper):
    net, qnet, x, budget = paper
    plain = json.loads(json.dumps(budget.as_dict(), allow_nan=False))
    assert set(plain["quantisers"]) == set(budget.shares) and plain["codes"]["0.s"]["bits"] == 9
    assert plain["quantisers"]["0.s"]["all_but"]["rmse"] == by_name(budget)["0.s"].without.rmse
    told = []
    account(net, qnet, x[:1, :2], False, lambda done, total: told.append((done, total)))
    count = len(quantisers(net, qnet)) + len(budget.groups)
    assert told == [(k + 1, count) for k in range(count)]


def test_every_kind_of_network_has_a_budget():
    """Outputs of the last step only have one block, that of the last step."""
    outputs = set()
    for seed in range(12):
        rng = np.random.default_rng(seed)
        net, inputs = random_network(rng)
        x = rng.normal(0, 1, (2, 9, inputs))
        budget = account(net, quantize(net, bits=8, calibrate=x), x)
        assert budget.unequal == 0
        assert (budget.explained is None) == (budget.whole.max_abs == 0.0)
        steps = [block.step for block in budget.together]
        assert steps == (list(range(9)) if net.output == "every" else [8])
        outputs.add(net.output)
    assert len(outputs) > 1


def test_what_is_affordable_grows_smaller_with_the_network():
    net, _ = paper_network()
    wide = np.zeros((9, 5000, 3))
    qnet = quantize(net, bits=8, calibrate=np.ones((5, 3)))
    some = affordable(net, qnet, wide)
    assert some.shape[0] == SEQUENCES and 500 < some.shape[1] < 5000
    assert affordable(net, qnet, wide[:2, :7]).shape == (2, 7, 3)
    deep = replace(net, layers=(net.layers[0], replace_inputs(net.layers[0], 4)))
    both = quantize(deep, bits=8, calibrate=np.ones((5, 3)))
    assert affordable(deep, both, wide).shape[1] < some.shape[1] / 2


def replace_inputs(layer, inputs):
    """The layer with weights of 0 for as many inputs."""
    first = layer.shape.inputs
    weights = {
        kind: np.hstack([np.zeros((len(w), inputs)), w[:, first:]])
        for kind, w in layer.weights.items()
    }
    return replace(layer, weights=weights)


def test_the_manual_has_these_figures():
    """The table of `docs/error.md`, digit for digit."""
    net, data = load()
    x = data["input"][None]
    budget = account(net, quantize(net, bits=16, calibrate=x), x, groups_only=True)
    text = (Path(__file__).parents[3] / "docs" / "error.md").read_text()
    for part in budget.groups:
        figures = f"{part.whole.rmse:.2e} | {part.without.rmse:.2e} |"
        assert f"| {part.name} | {100 * budget.group_shares[part.name]:.1f} % | {figures}" in text
    assert f"an RMSE of {budget.whole.rmse:.2e}" in text
    assert budget.explained and f"add up to {budget.explained:.2f} times" in text

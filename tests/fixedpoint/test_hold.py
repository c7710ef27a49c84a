"""With the gates shut the state stays, to the bit; and the check sees it when it does not."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import Format, FormatError, check_hold, drift, loop, quantize, shut_gates
from fixedpoint.hold import closing, keeping, watch
from golden import InputError
from tests.fixedpoint.nets import (
    forget_network,
    formats,
    paper_network,
    random_codes,
    random_quantized,
    wide_quantized,
)

MILLION = 1_000_000


@pytest.mark.parametrize("network", [forget_network, paper_network])
def test_a_million_steps_change_nothing(network):
    """Two states carried through 1,000,000 consecutive steps of random full-range input: 0 LSB."""
    net, x = network()
    seen = []
    result = check_hold(quantize(net, bits=16, calibrate=x), MILLION, 2, progress=seen.append)
    assert result.holds and result.largest_change_lsb == (0,)
    assert (result.steps, result.sequences, seen[-1]) == (MILLION, 2, MILLION)
    assert result.saturations["0.s"] == 0


@pytest.mark.parametrize("bits", range(6, 21))
def test_every_network_holds(bits):
    for seed in range(4):
        rng = np.random.default_rng([bits, seed])
        qnet = random_quantized(rng, bits)
        result = check_hold(qnet, 1000, 3, seed)
        assert result.holds and len(result.largest_change_lsb) == len(qnet.layers)
        assert not any(n for name, n in result.saturations.items() if name.endswith(".s"))


@pytest.mark.parametrize("gates", ["ifo", "io"])
def test_the_int64_loop_holds(gates):
    qnet = wide_quantized(np.random.default_rng(0), gates)
    assert qnet.layers[0].dtype is np.int64
    assert check_hold(qnet, 1000).holds


def test_shut_gates_are_exactly_0_and_1_whatever_the_input():
    """And everything else is alive: the output gates, g and y move."""
    for network in (forget_network, paper_network):
        net, x = network()
        qnet = shut_gates(quantize(net, bits=12, calibrate=x))
        trace = qnet.run(random_codes(np.random.default_rng(1), qnet, 50, 40), None)
        assert not trace.get("i").any()
        if "f" in trace.layers[0]:
            assert (trace.get("f") == qnet.formats.layers[0].gate.one).all()
        assert all(np.ptp(trace.get(name)) > 0 for name in ("o", "g"))


def test_the_worst_input_does_not_open_the_gates():
    """Every source at the end that pushes the gate open most still leaves it shut."""
    net, x = forget_network()
    (layer,) = shut_gates(quantize(net, bits=12, calibrate=x)).layers
    forms = layer.source_formats
    for kind, toward in (("i", 1), ("f", -1)):
        for row, bias in zip(layer.weights[kind], layer.biases[kind], strict=True):
            total = int(bias)
            for source, cut in layer.shape.columns.items():
                form = forms[source]
                ends = [(w * form.low, w * form.high) for w in row[cut].tolist()]
                total += sum(max(pair) if toward > 0 else min(pair) for pair in ends)
            code = np.floor(total / 2.0 ** layer.net_shift(kind) + 0.5)
            assert code <= closing(layer) if kind == "i" else code >= keeping(layer)


def one_code_from_shut(qnet, kind, step):
    """Gates shut, but `kind`'s net input `step` codes further, and nothing else on it."""
    shut = shut_gates(qnet)
    (layer,) = shut.layers
    code = (closing(layer) if kind == "i" else keeping(layer)) + step
    blocks = layer.shape.blocks
    biases = {**layer.biases, kind: np.full(blocks, code << layer.net_shift(kind))}
    weights = {**layer.weights, kind: np.zeros_like(layer.weights[kind])}
    return replace(shut, layers=(replace(layer, biases=biases, weights=weights),))


@pytest.mark.parametrize(("kind", "step"), [("f", -1), ("i", 1)])
def test_a_gate_one_code_from_shut_is_seen_to_leak(kind, step):
    """f one code below 1.0, or i one code above 0: the state moves, and the check says so.

    The state is finer than the gates, or one LSB of i times g would round to nothing.
    """
    net, x = forget_network()
    forms = formats(net, x, 12)
    fine = replace(forms.layers[0], s=Format(16, 12))
    qnet = quantize(net, replace(forms, layers=(fine,)))
    assert watch(one_code_from_shut(qnet, kind, 0)).holds
    leaky = one_code_from_shut(qnet, kind, step)
    trace = leaky.run(random_codes(np.random.default_rng(0), qnet, 3))
    one = qnet.formats.layers[0].gate.one
    assert (trace.get(kind) == (one - 1 if kind == "f" else 1)).all()
    result = watch(leaky)
    assert not result.holds and result.largest_change_lsb[0] > 0


def test_a_planted_fault_in_the_table_is_caught(monkeypatch):
    """sigma whose highest code is one short of 1.0, the classic table that ends at 0.999."""
    net, x = forget_network()
    qnet = quantize(net, bits=12, calibrate=x)
    sound = loop._table

    def short(unit, dtype, scale):
        return np.minimum(sound(unit, dtype, scale), qnet.formats.layers[0].gate.one - 1)

    monkeypatch.setattr(loop, "_table", short)
    assert not check_hold(qnet, 200).holds


def test_a_planted_fault_in_the_last_step_is_caught(monkeypatch):
    """One cell of one sequence moves by 1 LSB in the very last of many steps."""
    net, x = forget_network()
    qnet = quantize(net, bits=12, calibrate=x)
    sound, calls = loop._Loop.record, []

    def fault(self, trace, steps):
        calls.append(steps)
        if sum(calls) == 5000:
            self.s[steps, 3, 0, 1] += 1
        sound(self, trace, steps)

    monkeypatch.setattr(loop._Loop, "record", fault)
    assert check_hold(qnet, 4999, 2).holds
    calls.clear()
    assert check_hold(qnet, 5000, 2).largest_change_lsb == (1,)


def test_the_two_thresholds():
    net, x = forget_network()
    qnet = quantize(net, bits=12, calibrate=x)
    (layer,) = qnet.layers
    result = check_hold(qnet, 10)
    values, one = layer.gate.lookup(), layer.formats.gate.one
    assert values[closing(layer) - layer.gate.net.low] == 0
    assert values[closing(layer) - layer.gate.net.low + 1] == 1
    assert values[keeping(layer) - layer.gate.net.low] == one
    assert values[keeping(layer) - layer.gate.net.low - 1] == one - 1
    assert result.shut_input_gate == (closing(layer) * layer.gate.net.lsb,)
    assert result.shut_forget_gate == (keeping(layer) * layer.gate.net.lsb,)
    paper, x = paper_network()
    assert check_hold(quantize(paper, bits=12, calibrate=x), 10).shut_forget_gate == (None,)


def test_gates_that_no_bias_can_shut_are_refused():
    """Sums so wide that the bias would not fit: refused, not weakened."""
    net, x = forget_network()
    forms = formats(net, x, 12)
    (form,) = forms.layers
    wide = replace(form, weights={"x": Format(32, 24), "y": Format(32, 24)}, y=Format(28, 20))
    qnet = quantize(net, replace(forms, input=Format(28, 20), layers=(wide,)))
    (layer,) = qnet.layers
    assert check_hold(qnet, 10).holds
    layer.weights["i"][:] = layer.formats.weights["x"].low
    with pytest.raises(FormatError) as error:
        check_hold(qnet, 10)
    want = "layer 0 with its gates shut: a sum needs 64 bits, at most 63 are allowed; "
    assert str(error.value) == want + "use narrower formats"


def test_results_are_json_and_repeat():
    net, x = paper_network()
    qnet = quantize(net, bits=9, calibrate=x)
    one, two = check_hold(qnet, 50, 2, 7), check_hold(qnet, 50, 2, 7)
    assert one == two
    assert one.as_dict()["holds"] is True and one.as_dict()["steps"] == 50
    for steps, sequences in ((0, 1), (1, 0)):
        with pytest.raises(InputError, match="at least 1 is needed"):
            check_hold(qnet, steps, sequences)


def test_drift_over_a_lag():
    """The largest change since step `first`, float and fixed, in real numbers."""
    net, x = forget_network()
    trace = net.run(x)
    s = trace.get("s")
    want = np.abs(s[:, 6:21] - s[:, 5:6]).max()
    assert drift(trace, 5, 20) == (want,)
    one = net.run(x[0])
    assert drift(one, 0, 1) == (np.abs(one.get("s")[1] - one.get("s")[0]).max(),)
    shut = shut_gates(quantize(net, bits=12, calibrate=x))
    codes = shut.encode(x)[0]
    assert drift(shut.run(codes), 0, 39) == (0.0,)
    qnet = quantize(net, bits=16, calibrate=x)
    fixed = qnet.run(qnet.encode(x)[0])
    s = fixed.get("s")[:, 5:21] * qnet.formats.layers[0].s.lsb
    assert drift(fixed, 5, 20) == (np.abs(s - s[:, :1]).max(),)
    for first, last in ((-1, 3), (3, 3), (5, 40)):
        with pytest.raises(InputError, match="the trace has steps 0 to 39"):
            drift(trace, first, last)

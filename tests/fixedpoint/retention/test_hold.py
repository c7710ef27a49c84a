"""With the gates shut the state stays, to the bit; and the check sees it when it does not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fixedpoint import (
    Format,
    FormatError,
    NeverShutError,
    check_hold,
    drift,
    loop,
    quantize,
    shut_gates,
    stepping,
)
from fixedpoint.cell import QuantizedLayer
from fixedpoint.retention.hold import closing, keeping, watch
from golden import InputError, LayerState, Network
from tests.fixedpoint.nets import (
    forget_network,
    formats,
    paper_network,
    random_codes,
    random_quantized,
    wide_quantized,
)
from tests.fixedpoint.nets import layer as make_layer

MILLION = 1_000_000


@pytest.fixture
def reference(monkeypatch):
    """All steps run in the NumPy loop, into which a fault can be planted."""
    monkeypatch.setattr(stepping, "LOADING", 10**9)


@pytest.mark.parametrize("network", [forget_network, paper_network])
@pytest.mark.parametrize("steps", [50_000, pytest.param(MILLION, marks=pytest.mark.soak)])
def test_many_steps_change_nothing(network, steps):
    """Two states carried through consecutive steps of random full-range input: 0 LSB."""
    net, x = network()
    seen = []
    result = check_hold(quantize(net, bits=16, calibrate=x), steps, 2, progress=seen.append)
    assert result.holds and result.largest_change_lsb == (0,)
    assert (result.steps, result.sequences, seen[-1]) == (steps, 2, steps)
    assert result.saturations["0.s"] == 0


def can_hold(qnet):
    """Whether every layer's gates reach exactly 0, and where f has weights of its own also 1."""
    for layer in qnet.layers:
        ends = layer.gate(np.array([layer.gate.low, layer.gate.high])).tolist()
        if ends[0] != 0 or ("f" in layer.shape.gates and ends[1] != layer.formats.gate.one):
            return False
    return True


@pytest.mark.parametrize("bits", range(6, 21))
def test_every_network_holds(bits):
    """Any options; those that are clipped to where no gate is shut are refused, and only those."""
    held = 0
    for seed in range(6):
        rng = np.random.default_rng([bits, seed])
        _, qnet = random_quantized(rng, bits)
        if not can_hold(qnet):
            with pytest.raises(NeverShutError):
                check_hold(qnet, 10)
            continue
        result = check_hold(qnet, 1000, 3, seed)
        assert result.holds and len(result.largest_change_lsb) == len(qnet.layers)
        assert not any(n for name, n in result.saturations.items() if name.endswith(".s"))
        held += 1
    assert held >= 3


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.integers(4, 20))
def test_shut_gates_keep_every_state_of_every_network(seed, bits):
    """From any state and under any input, in any of the kinds of cell: not one LSB."""
    rng = np.random.default_rng(seed)
    _, qnet = random_quantized(rng, bits)
    assume(can_hold(qnet))
    shut = shut_gates(qnet)
    start = []
    for layer in shut.layers:
        form, widths = layer.formats, layer.shape.state
        start.append(
            LayerState(
                rng.integers(form.s.low, form.s.high, widths["s"], endpoint=True),
                rng.integers(form.y.low, form.y.high, widths["y"], endpoint=True),
                rng.integers(0, form.gate.one, widths["gates"], endpoint=True),
            )
        )
    trace = shut.run(random_codes(rng, shut, 20), tuple(start))
    for k, before in enumerate(start):
        assert (trace.get("s", k) == before.s).all()
        assert not trace.get("i", k).any()


OPTIONS = {
    "peepholes": {"peepholes": True},
    "coupled": {"kinds": "io", "coupled": True},
    "coupled peepholes": {"kinds": "io", "coupled": True, "peepholes": True},
    "hard": {"gate": "hard"},
    "projection": {"projection": 2},
    "initial": {"initial": ("s", "y")},
    "reverse": {"reverse": True},
    "wide clip": {"clip": {"gate": (-40.0, 40.0), "g": (-0.5, 0.5)}},
    "all": {"peepholes": True, "gate": "hard", "projection": 2, "initial": ("s", "y")},
}


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_every_kind_of_cell_holds_and_is_alive(options, dtype, monkeypatch):
    """0 LSB with i at exactly 0; g, o and y move, so that there is something to hold."""
    monkeypatch.setattr(QuantizedLayer, "dtype", dtype)
    rng = np.random.default_rng(2)
    net = Network((make_layer(rng, 3, 4, **options),))
    qnet = quantize(net, bits=12, calibrate=rng.normal(0, 1, (3, 40, 3)))
    result = check_hold(qnet, 5000, 3)
    assert result.holds and result.largest_change_lsb == (0,)
    assert result.saturations["0.s"] == 0
    shut = shut_gates(qnet)
    trace = shut.run(random_codes(rng, shut, 50))
    assert not trace.get("i").any()
    if "f" in trace.layers[0]:
        assert (trace.get("f") == qnet.formats.layers[0].gate.one).all()
    assert all(np.ptp(trace.get(name)) > 0 for name in "go")
    (state,) = shut.initial_state(1)
    state = LayerState(state.s[0] + 50, state.y[0], state.gates[0])  # 0 would show no output gate
    assert np.ptp(shut.run(random_codes(rng, shut, 50), (state,)).get("y")) > 0


@pytest.mark.parametrize("kind", ["i", "f", "o"])
def test_the_worst_state_does_not_open_gates_with_peepholes(kind):
    """Their biases outweigh the largest state too; o is left as it was."""
    rng = np.random.default_rng(3)
    net = Network((make_layer(rng, 3, 4, peepholes=True, scale=3.0),))
    qnet = quantize(net, bits=12, calibrate=rng.normal(0, 1, (3, 40, 3)))
    (before,), (layer,) = qnet.layers, shut_gates(qnet).layers
    if kind == "o":
        np.testing.assert_array_equal(layer.biases["o"], before.biases["o"])
        return
    forms = {**layer.source_formats, "s": layer.formats.s}
    for c in range(4):
        total = {-1: int(layer.biases[kind][c]), 1: int(layer.biases[kind][c])}
        pairs = [(int(layer.peepholes[kind][c]), forms["s"])]
        for source, cut in layer.shape.columns.items():
            pairs += [(int(w), forms[source]) for w in layer.weights[kind][c, cut]]
        for weight, form in pairs:
            total[1] += max(weight * form.low, weight * form.high)
            total[-1] += min(weight * form.low, weight * form.high)
        worst = total[1] if kind == "i" else total[-1]
        code = np.floor(worst / 2.0 ** layer.net_shift(kind) + 0.5)
        assert code <= closing(layer) if kind == "i" else code >= keeping(layer)


NEVER = {
    "no gate closes": ("ifo", {}, (-2.0, 50.0), "-2..15", "closed"),
    "no gate opens": ("ifo", {}, (-50.0, 3.0), "-16..3", "open"),
    "hard, none closes": ("ifo", {"gate": "hard"}, (0.25, 5.0), "0.25..1", "closed"),
    "hard, none opens": ("ifo", {"gate": "hard"}, (-5.0, 0.75), "0..0.75", "open"),
    "coupled, none closes": ("io", {"coupled": True}, (-2.0, 50.0), "-2..15", "closed"),
    "1997, none closes": ("io", {}, (-2.0, 50.0), "-2..15", "closed"),
}


@pytest.mark.parametrize(("kinds", "options", "clip", "limits", "what"), NEVER.values(), ids=NEVER)
def test_gates_clipped_to_where_none_is_shut_are_refused(kinds, options, clip, limits, what):
    """By an error of their own that is a `FormatError` too, and names the layer and the limits."""
    rng = np.random.default_rng(4)
    plain = make_layer(rng, 3, 3)
    clipped = make_layer(rng, 3, 3, kinds=kinds, clip={"gate": clip}, **options)
    net = Network((plain, clipped))
    qnet = quantize(net, bits=12, calibrate=rng.normal(0, 1, (3, 40, 3)))
    assert issubclass(NeverShutError, FormatError)
    for call in (shut_gates, check_hold):
        with pytest.raises(NeverShutError) as error:
            call(qnet)
        message = str(error.value)
        assert message.startswith(f"layer 1: net inputs of the gates are clipped to {limits}")
        assert message.endswith(
            f", where no gate is wholly {what}, so that no state can be held for ever"
        )


@pytest.mark.parametrize("options", [{}, {"coupled": True}], ids=["1997", "coupled"])
def test_gates_that_need_not_open_may_be_clipped_above(options):
    """Without a forget gate of its own a layer holds with i = 0 alone."""
    rng = np.random.default_rng(5)
    clipped = make_layer(rng, 3, 3, kinds="io", clip={"gate": (-50.0, 1.0)}, **options)
    qnet = quantize(Network((clipped,)), bits=12, calibrate=rng.normal(0, 1, (3, 40, 3)))
    with pytest.raises(NeverShutError, match="hold: net inputs .* wholly open"):
        keeping(qnet.layers[0])
    result = check_hold(qnet, 2000)
    assert result.holds and result.shut_forget_gate == (None,)


@pytest.mark.parametrize(("clip", "end"), [((-3.0, -1.0), 0), ((2.0, 3.0), 1)])
def test_gates_that_are_always_shut_are_so_from_end_to_end(clip, end):
    """A hard sigmoid clipped to beyond one of its ends has one value only."""
    rng = np.random.default_rng(6)
    layer = make_layer(rng, 3, 3, kinds="io", gate="hard", clip={"gate": clip})
    qnet = quantize(Network((layer,)), bits=12, calibrate=rng.normal(0, 1, (3, 40, 3)))
    (built,) = qnet.layers
    if end:
        assert keeping(built) == built.gate.low == built.gate.high == built.formats.gate.one
    else:
        assert closing(built) == built.gate.high == built.gate.low == 0
        assert check_hold(qnet, 100).holds


@pytest.mark.parametrize("gates", ["ifo", "io"])
def test_the_int64_loop_holds(gates):
    _, qnet = wide_quantized(np.random.default_rng(0), gates)
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


def test_a_planted_fault_in_the_table_is_caught(monkeypatch, reference):
    """sigma whose highest code is one short of 1.0, the classic table that ends at 0.999."""
    net, x = forget_network()
    qnet = quantize(net, bits=12, calibrate=x)
    sound = loop._table

    def short(unit, dtype, scale):
        return np.minimum(sound(unit, dtype, scale), qnet.formats.layers[0].gate.one - 1)

    monkeypatch.setattr(loop, "_table", short)
    assert not check_hold(qnet, 200).holds


def test_a_planted_fault_in_the_last_step_is_caught(monkeypatch, reference):
    """One cell of one sequence moves by 1 LSB in the very last of many steps."""
    net, x = forget_network()
    qnet = quantize(net, bits=12, calibrate=x)
    sound, calls = loop.Loop.record, []

    def fault(self, trace, steps):
        calls.append(steps)
        if sum(calls) == 5000:
            self.s[steps, 3, 0, 1] += 1
        sound(self, trace, steps)

    monkeypatch.setattr(loop.Loop, "record", fault)
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

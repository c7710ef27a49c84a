"""State in and out: written before a sequence, read after it, carried from one run to the next."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint.network import QuantizedNetwork
from fixedpoint.quantization import quantize
from golden.cell import Layer, LayerState
from golden.dense import Dense
from golden.errors import InputError
from golden.network import Network
from golden.trace import mismatches
from sim import SimulationError, check, simulate
from sim.scenario import Pattern
from sim.simulation import simulate_core
from tests.sim.cases import any_codes, random_layer, small_network
from tests.sim.replay import Replay

SEEING = {"peepholes": True, "projection": 2, "start": True}


def blocks(rng: np.random.Generator, inputs: int, recurrence: bool) -> Layer:
    """A random layer of blocks of several cells, with or without gate recurrence."""
    while True:
        found = random_layer(rng, inputs, False, False)
        if found.block_size > 1 and found.gate_recurrence == recurrence:
            return found


def stateful(name: str) -> QuantizedNetwork:
    """Two layers, so that every part of the state has a place behind others."""
    rng = np.random.default_rng(3)
    if name == "gate recurrence":
        layers = [blocks(rng, 2, True)]
        layers.append(blocks(rng, layers[0].shape.outputs, False))
    else:
        layers = [random_layer(rng, 2, True, False, **SEEING) for _ in range(2)]
    output = "last" if name == "last output" else "every"
    head = (Dense(rng.normal(size=(2, layers[-1].shape.outputs)), rng.normal(size=2)),)
    x = rng.normal(size=(2, 12, 2))
    return quantize(Network(tuple(layers), head, output=output), bits=12, calibrate=x)


def reached(qnet: QuantizedNetwork, *shape: int) -> tuple[LayerState, ...]:
    """A state that some steps lead to, of the given batch."""
    return qnet.run(any_codes(np.random.default_rng(5), qnet, *shape, 7)).state


def same(
    one: tuple[LayerState, ...], other: tuple[LayerState, ...], parts: tuple[str, ...]
) -> bool:
    assert len(one) == len(other)
    return all(
        np.array_equal(getattr(a, part), getattr(b, part))
        for a, b in zip(one, other, strict=True)
        for part in parts
    )


NAMES = (
    pytest.param("peepholes, projection, initial", marks=pytest.mark.soak),
    "gate recurrence",
    pytest.param("last output", marks=pytest.mark.soak),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_in_two_calls_is_one_run(name, build_dir):
    """The state that the first call left starts the second: together every code, the outputs and
    the final state are those of one run of the model, under idle and back-pressure."""
    qnet = stateful(name)
    codes = any_codes(np.random.default_rng(4), qnet, 3, 9)
    start, stalls = reached(qnet, 3), {"pattern": Pattern(0.3, 0.4), "build_dir": build_dir}
    whole = qnet.run(codes, start)
    first = simulate(qnet, codes[:, :4], state=start, **stalls)
    second = simulate(qnet, codes[:, 4:], state=first.state, **stalls)
    assert check(qnet, codes[:, :4], first, start).ok
    verdict = check(qnet, codes[:, 4:], second, first.state)
    assert verdict.ok, str(verdict)
    assert set(verdict.state) == {f"{k}.{part}" for k in range(2) for part in ("s", "y", "gates")}
    assert same(second.state, whole.state, ("s", "y", "gates"))
    layers = tuple(
        {key: np.concatenate([a[key], b[key]], axis=1) for key in a}
        for a, b in zip(first.layers, second.layers, strict=True)
    )
    out = np.concatenate([first.out, second.out], axis=1) if qnet.output == "every" else second.out
    joined = replace(whole, layers=layers, out=out)
    assert not any(mismatches(whole, joined).values())
    assert not check(qnet, codes[:, 4:], second, start).ok  # from another state it is another run


@pytest.mark.soak
def test_one_sequence_without_a_probe(build_dir):
    """(T, D) and a state without a batch: outputs and state s, y are compared, gates are not seen
    where no step reads them."""
    qnet = stateful("gate recurrence")
    codes, start = any_codes(np.random.default_rng(6), qnet, 6), reached(qnet)
    hw = simulate(qnet, codes, state=start, probe=False, build_dir=build_dir)
    verdict = check(qnet, codes, hw, start)
    assert verdict.ok and set(verdict.state) == {"0.s", "0.y", "0.gates", "1.s", "1.y"}
    assert same(hw.state, qnet.run(codes, start).state, ("s", "y"))
    wrong = replace(hw.state[0], gates=hw.state[0].gates ^ 1)
    verdict = check(qnet, codes, replace(hw, state=(wrong, hw.state[1])), start)
    assert not verdict.ok and "codes of 0.gates differ" in str(verdict)


@pytest.fixture(scope="module")
def blind() -> QuantizedNetwork:
    return small_network(blind=True)


def play(qnet: QuantizedNetwork, fault: str, build_dir):
    """The verdict on a core that plays back two sequences from a state, with a fault."""
    codes, start = any_codes(np.random.default_rng(7), qnet, 2, 4) // 4, reached(qnet, 2)
    codes[0, 0, 0] = 0
    core = Replay(qnet, codes, start)
    codes[0, 0, 0] = core.faults.index(fault)
    hw = simulate_core(core, codes, Pattern(0.2, 0.5, 3), build_dir, state=start)
    return check(qnet, codes, hw, start)


def test_a_fault_in_the_state_that_is_read_is_caught(blind, build_dir):
    """The same core passes without it, so it is the one wrong bit that fails the verdict."""
    assert play(blind, "none", build_dir).ok
    verdict = play(blind, "state", build_dir)
    assert not verdict.ok and not verdict.wrong
    assert str(verdict).endswith("final state: 1 codes of 0.s differ")


def test_a_core_that_does_not_rest_is_not_waited_for(blind, build_dir):
    """All outputs came, the last state did not: the error counts its words."""
    with pytest.raises(SimulationError, match="only 6 of 12 state beats .* stuck"):
        play(blind, "busy", build_dir)


def test_states_that_do_not_fit_are_refused(build_dir):
    """By the model's own check, and by name with a reverse layer; before any tool is started."""
    qnet, turned = small_network(), small_network(both=True)
    codes = any_codes(np.random.default_rng(8), qnet, 2, 3)
    with pytest.raises(InputError, match=r"state of layer 0, s: shape \(3,\), must be \(2, 3\)"):
        simulate(qnet, codes, state=reached(qnet), build_dir=build_dir)
    with pytest.raises(InputError, match="state: layer 1 runs in reverse"):
        simulate(turned, codes, state=reached(turned, 2), build_dir=build_dir)

"""The scoreboard sees any one wrong code, counter, flag or handshake, and says where it is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fixedpoint.network import QuantizedNetwork
from golden.cell import LayerState
from sim import HardwareTrace, SimulationError, Verdict, check
from sim.scenario import Pattern
from sim.simulation import simulate_core
from tests.sim.cases import any_codes, small_network
from tests.sim.replay import Replay

CAUGHT = {
    "act0": "0.o[0] of sequence 1, step 5",
    "s": "0.s[2] of sequence 1, step 5",
    "y": "0.y[2] of sequence 1, step 5",
    "out": "out[1] of sequence 1, step 5",
    "first": "`first` is wrong 1 times, first on beat 23",
    "last": "`last` is wrong 1 times, first on beat 23",
    "unstable": "changed or was withdrawn before it was taken",
    "retract": "changed or was withdrawn before it was taken",
    "extra": "out: 1 beats too many",
    "saturations": "saturations of s: 1, must be 0",
    "steps": "counter `steps`: 13, must be 12",
    "flicker": "counters: in 1 clocks one fell, or rose by more than it can",
    "steps late": "counter `steps`: step 1 was counted in clock 53, after its output left",
    "cycles": "counter `cycles`: 169, must be 168",
    "cycles late": "counter `cycles`: does not rise in just those clocks",
}


@pytest.fixture(scope="module")
def qnet() -> QuantizedNetwork:
    return small_network(blind=True)


@pytest.fixture(scope="module")
def codes(qnet: QuantizedNetwork) -> np.ndarray:
    return any_codes(np.random.default_rng(7), qnet, 2, 6) // 4


def play(qnet: QuantizedNetwork, codes: np.ndarray, fault: str, build_dir: Path) -> Verdict:
    """The verdict on a core that plays back the model's answers, with a fault."""
    codes = codes.copy()
    codes[0, 0, 0] = 0
    core = Replay(qnet, codes)
    codes[0, 0, 0] = core.faults.index(fault)
    pattern = Pattern(idle=0.2, back_pressure=0.5, seed=3)
    return check(qnet, codes, simulate_core(core, codes, pattern, build_dir))


def test_no_fault_is_no_fault(qnet, codes, build_dir):
    """A core that gives the model's answers passes, so what fails below is the planted fault."""
    verdict = play(qnet, codes, "none", build_dir)
    assert verdict.ok and verdict.codes == 12 * (3 * 6 + 2) and not verdict.unseen


@pytest.mark.parametrize("fault", CAUGHT)
def test_a_fault_in_the_hardware_is_caught_and_named(qnet, codes, build_dir, fault):
    """Each planted fault fails the verdict, and its text names the place."""
    verdict = play(qnet, codes, fault, build_dir)
    assert not verdict.ok
    assert CAUGHT[fault] in str(verdict)


@pytest.mark.parametrize(
    "fault, told", [("missing", "23 of 24 out"), ("probe", "167 of 168 probe act0")]
)
def test_missing_beats_end_the_run(qnet, codes, build_dir, fault, told):
    """A core that stops early is not waited for without end, and the error counts its beats."""
    with pytest.raises(SimulationError, match=f"only {told} beats .* stuck"):
        play(qnet, codes, fault, build_dir)


def test_outputs_without_end_end_the_run(qnet, codes, build_dir):
    """Every clock brings a beat, and nothing else goes on: a run has a bound from its start."""
    told = "only 24 of 48 in beats and .* stuck .* clocks are the most that this may take"
    with pytest.raises(SimulationError, match=told):
        play(qnet, codes, "endless", build_dir)


def model_trace(qnet: QuantizedNetwork, codes: np.ndarray) -> HardwareTrace:
    """A hardware trace made of the model's own codes."""
    model = qnet.run(codes)
    counts: dict[str, int] = {}
    for name, count in model.saturations.items():
        kind = name.rpartition(".")[2]
        counts[kind] = counts.get(kind, 0) + count
    return HardwareTrace(
        model.layers, model.out, model.state, counts, {}, (), np.zeros((2, 6)), 1, 1, {}, 1, 1.0
    )


def test_any_flipped_code_is_found_with_its_place(qnet, codes):
    """One code of any signal off by one: one mismatch, its signal, place and both values."""
    rng, right = np.random.default_rng(11), model_trace(qnet, codes)
    for name, values in right.signals():
        place = tuple(int(rng.integers(n)) for n in values.shape)
        wrong = values.copy()
        wrong[place] ^= 1
        layers = ({**right.layers[0], name[2:]: wrong},) if name != "out" else right.layers
        hw = replace(right, layers=layers, out=wrong if name == "out" else right.out)
        verdict = check(qnet, codes, hw)
        assert not verdict.ok and verdict.wrong == verdict.mismatches[name] == 1
        first = verdict.first
        assert first and (first.sequence, first.step, first.unit) == place
        assert (first.signal, first.found ^ first.expected) == (name, 1)


def test_the_first_mismatch_is_the_first_in_time(qnet, codes):
    """Of two mismatches the earlier step counts, whatever the order of the signals."""
    right = model_trace(qnet, codes)
    late, early = right.layers[0]["i"].copy(), right.out.copy()
    late[0, 3, 0] += 1
    early[0, 2, 1] += 1
    hw = replace(right, layers=({**right.layers[0], "i": late},), out=early)
    first = check(qnet, codes, hw).first
    assert first and (first.signal, first.step) == ("out", 2)


def test_counters_are_compared_both_ways(qnet, codes):
    """A counter too high, too low or unknown to the model fails; one that the core lacks is 0."""
    right = model_trace(qnet, codes)
    assert check(qnet, codes, right).ok
    for kind, change in (("s", 1), ("i", 1), ("new", 1)):
        counts = {**right.saturations, kind: right.saturations.get(kind, 0) + change}
        assert not check(qnet, codes, replace(right, saturations=counts)).saturations_equal
    kept = {kind: count for kind, count in right.saturations.items() if count}
    assert check(qnet, codes, replace(right, saturations=kept)).ok


def test_without_a_probe_only_outputs_are_claimed(qnet, codes):
    """A trace without a probe is judged by its outputs, and the verdict names what was not seen."""
    right = model_trace(qnet, codes)
    verdict = check(qnet, codes, replace(right, layers=(), state=()))
    assert verdict.ok and set(verdict.compared) == {"out"}
    assert verdict.unseen == ("0.i", "0.f", "0.o", "0.g", "0.s", "0.y")


def test_the_state_is_that_of_the_last_step(qnet, codes, build_dir):
    """State after the run: s, y and gates of every sequence's last step, as in the model."""
    codes = codes.copy()
    codes[0, 0, 0] = 0
    hw = simulate_core(Replay(qnet, codes), codes, Pattern(), build_dir)
    for ours, theirs in zip(hw.state, qnet.run(codes).state, strict=True):
        assert isinstance(ours, LayerState)
        for name in ("s", "y", "gates"):
            assert np.array_equal(getattr(ours, name), getattr(theirs, name))

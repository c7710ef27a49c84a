"""Cores that hold whole sequences: reverse and bidirectional layers, and what goes wrong there."""

import numpy as np
import pytest

from fixedpoint.network import QuantizedNetwork
from fixedpoint.quantization import quantize
from golden.cell import Layer
from golden.errors import InputError
from golden.network import Network
from sim import SimulationError, Verdict, check, simulate
from sim.scenario import Pattern
from sim.simulation import simulate_core
from tests.rtl.support import planned
from tests.sim.cases import any_codes, small_network
from tests.sim.replay import Replay

CAUGHT = {
    "layer0": "0.y[2] of sequence 1, step 5",
    "layer1": "1.y[2] of sequence 1, step 0",  # its last step is the sequence's first
    "head": "1 codes differ from the readout that the probe shows",
    "out": "out[1] of sequence 1, step 5",
    "too_long": "`too_long` was set",
    "extra": "out: 1 beats too many",
}


@pytest.fixture(scope="module")
def qnet() -> QuantizedNetwork:
    """Bidirectional, one output a sequence."""
    return small_network(blind=True, both=True, output="final")


def play(qnet: QuantizedNetwork, fault: str, build_dir) -> Verdict:
    """The verdict on a core that plays back the model's answers, with a fault."""
    codes = any_codes(np.random.default_rng(7), qnet, 2, 6) // 4
    codes[0, 0, 0] = 0
    core = Replay(qnet, codes)
    codes[0, 0, 0] = core.faults.index(fault)
    pattern = Pattern(idle=0.2, back_pressure=0.5, seed=3)
    return check(qnet, codes, simulate_core(core, codes, pattern, build_dir))


def test_no_fault_is_no_fault(qnet, build_dir):
    """Streams in reversed order, and one that shows one step a sequence, are put in order."""
    verdict = play(qnet, "none", build_dir)
    assert verdict.ok and verdict.codes == 12 * 2 * 3 * 6 + 2 * 2 and not verdict.unseen
    assert set(verdict.state) == {f"{k}.{part}" for k in range(2) for part in ("s", "y", "gates")}


@pytest.mark.parametrize("fault", CAUGHT)
def test_a_fault_is_caught_and_named(qnet, build_dir, fault):
    """Each planted fault fails the verdict, and its text names the place in the sequence."""
    verdict = play(qnet, fault, build_dir)
    assert not verdict.ok
    assert CAUGHT[fault] in str(verdict)


def test_a_missing_output_ends_the_run(qnet, build_dir):
    """One beat of the four that two sequences give does not come."""
    with pytest.raises(SimulationError, match="only 3 of 4 out beats .* stuck"):
        play(qnet, "missing", build_dir)


@pytest.mark.parametrize("output", [pytest.param("every", marks=pytest.mark.soak), "final"])
def test_the_pace_is_that_of_the_schedule(output, build_dir):
    """Sequence follows sequence at the clocks a step that the schedule says; one sequence alone is
    too little to tell. The room of the core may be more than a sequence needs."""
    qnet = small_network(both=True, output=output)
    codes = any_codes(np.random.default_rng(1), qnet, 8, 12)
    hw = simulate(qnet, codes, lanes=6, max_length=16, build_dir=build_dir)
    verdict = check(qnet, codes, hw)
    assert verdict.ok, str(verdict)
    assert hw.cycles_per_step == planned(qnet, 6, max_length=16).cycles_per_step
    assert hw.step_cycles.shape == (8, 12 if output == "every" else 1)
    alone = simulate(qnet, codes[0], lanes=6, max_length=16, build_dir=build_dir)
    assert np.isnan(alone.cycles_per_step)


@pytest.mark.soak
def test_a_long_sequence_is_waited_for(build_dir):
    """One sequence of 150 steps on few lanes: nothing comes for longer than any other core may be
    silent, and the core does not count as stuck."""
    qnet = small_network(both=True, output="final")
    codes = any_codes(np.random.default_rng(2), qnet, 150)
    hw = simulate(qnet, codes, lanes=4, build_dir=build_dir)
    assert check(qnet, codes, hw).ok
    pace = planned(qnet, 4, max_length=150).cycles_per_step
    assert hw.latency > 20 * pace + 1000


def test_longer_input_than_room_is_refused(build_dir):
    """Both numbers are named, before any tool is started."""
    qnet = small_network(both=True)
    codes = any_codes(np.random.default_rng(3), qnet, 9)
    with pytest.raises(InputError, match=r"9 steps, .* hold 8 \(max_length\)"):
        simulate(qnet, codes, max_length=8, build_dir=build_dir)


def test_steps_that_no_output_waits_for_are_seen(build_dir):
    """The sequence's last step is a reverse layer's first: its output is out long before the others
    are done, and all of them are compared."""
    rng = np.random.default_rng(4)
    weights = {kind: rng.normal(size=(3, 7)) for kind in "ifog"}
    layer = Layer(weights, {kind: rng.normal(size=3) for kind in "ifog"}, reverse=True)
    qnet = quantize(Network((layer,), output="last"), calibrate=rng.normal(size=(2, 20, 4)))
    codes = any_codes(rng, qnet, 200)
    verdict = check(qnet, codes, simulate(qnet, codes, lanes=4, build_dir=build_dir))
    assert verdict.ok and verdict.compared["0.s"] == 200 * 3

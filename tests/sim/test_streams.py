"""Several sequences side by side in one core, simulated: each as the integer model computes it."""

from pathlib import Path

import numpy as np
import pytest

from golden.errors import CarouselError, InputError
from rtl.schedule.schedule import schedule_of
from sim import Verdict, check, simulate
from tests.rtl.support import quantized, stack
from tests.sim.cases import Case, any_codes, forward_case, play, random_case, small_network
from tests.sim.test_state import reached, stateful


def run_case(case: Case, streams: int, build_dir: Path) -> Verdict:
    """A configuration with two sequences a stream, under idle and back-pressure."""
    rng = np.random.default_rng((case.seed, streams))
    codes = any_codes(rng, case.qnet, 2 * streams, 12)
    _, verdict = play(case, codes, build_dir, streams=streams)
    assert verdict.ok, f"{case}: {verdict}"
    return verdict


@pytest.mark.soak
def test_random_configuration(build_dir):
    """Two layers on 27 lanes and a readout, three streams, idle and back-pressure: no code, mark or
    counter differs."""
    verdict = run_case(random_case(13), 3, build_dir)
    assert verdict.codes and not verdict.unseen


@pytest.mark.soak
@pytest.mark.parametrize("number", range(60))
def test_random_configuration_soak(number, build_dir):
    """Kinds, options, sizes, lanes, readout and stalls at random, two to four streams."""
    verdict = run_case(forward_case(number), 2 + number % 3, build_dir)
    assert verdict.codes and not verdict.unseen


def test_no_clock_is_lost(build_dir):
    """Full speed: latency and clocks a step as the schedule says, the streams' outputs of a step
    one after the other, and the core's own counters say the same."""
    qnet = small_network()
    codes, schedule = any_codes(np.random.default_rng(2), qnet, 3, 40), schedule_of(qnet, 6, 3)
    hw = simulate(qnet, codes, lanes=6, streams=3, build_dir=build_dir)
    assert check(qnet, codes, hw).ok
    assert hw.latency == schedule.latency
    assert hw.cycles_per_step == schedule.cycles_per_step
    assert np.all(np.diff(hw.step_cycles, axis=1)[:, 2:] == schedule.cycles_per_step)
    assert np.all(np.diff(hw.step_cycles, axis=0) > 0)


@pytest.mark.soak
def test_the_state_port_has_the_states_of_all_streams(build_dir):
    """Written before each turn of sequences, read after it; as the model's."""
    qnet = stateful("gate recurrence")
    state = reached(qnet, 4)
    codes = any_codes(np.random.default_rng(6), qnet, 4, 6)
    hw = simulate(qnet, codes, lanes=5, streams=2, state=state, build_dir=build_dir)
    verdict = check(qnet, codes, hw, state)
    assert verdict.ok, str(verdict)
    assert sum(verdict.state.values()) == 0 and len(verdict.state) == 6


def test_what_cannot_be_dealt_is_refused(build_dir):
    """Sequences that are no multiple of the streams; streams of a core that holds sequences."""
    qnet = small_network()
    codes = any_codes(np.random.default_rng(2), qnet, 3, 5)
    with pytest.raises(
        InputError, match=r"input: 3 sequences, must be a multiple of 2 \(streams\)"
    ):
        simulate(qnet, codes, streams=2, build_dir=build_dir)
    both = small_network(both=True)
    codes = any_codes(np.random.default_rng(2), both, 2, 5)
    with pytest.raises(CarouselError, match="streams 2: layer . runs in reverse"):
        simulate(both, codes, streams=2, build_dir=build_dir)


@pytest.mark.soak
def test_a_lane_for_every_row_and_no_clock_lost(build_dir):
    """16 inputs and 32 cells on 128 lanes: alone the network waits for its own results, with two
    sequences side by side all multipliers work in 99 of 100 clocks and more, measured."""
    rng = np.random.default_rng(4)
    qnet, use = quantized(stack(rng, 16, 32), rng), {}
    for streams in (1, 2):
        codes = any_codes(rng, qnet, 2 * streams, 40)
        hw = simulate(qnet, codes, streams=streams, build_dir=build_dir)
        assert check(qnet, codes, hw).ok
        assert hw.cycles_per_step == schedule_of(qnet, streams=streams).cycles_per_step
        use[streams] = streams * 128 * 48 / (128 * hw.cycles_per_step)
    assert use[1] < 0.8
    assert use[2] >= 0.99

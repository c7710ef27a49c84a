"""Sparse input, simulated: vectors as some of their elements, and every code as without."""

import numpy as np
import pytest

from golden.errors import InputError
from rtl.schedule.schedule import schedule_of
from sim import check, simulate
from sim.rounds import nonzero_elements
from tests.rtl.support import thinned
from tests.sim.cases import any_codes, forward_case, play, small_network


def sparse_codes(seed: int, qnet, sequences: int, steps: int, most: int) -> np.ndarray:
    """Codes of which at most so many of a vector are not 0."""
    rng = np.random.default_rng(seed)
    return thinned(rng, any_codes(rng, qnet, sequences, steps), most)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(12))
def test_random_configuration_soak(number, build_dir):
    """Kinds, options, sizes, lanes, readout and stalls at random, one to three streams, about half
    of a vector's elements."""
    case, streams = forward_case(number), 1 + number % 3
    nonzeros = -(-case.qnet.inputs // 2)
    codes = sparse_codes(case.seed, case.qnet, 2 * streams, 12, nonzeros)
    _, verdict = play(case, codes, build_dir, streams=streams, nonzeros=nonzeros)
    assert verdict.ok, f"{case}: {verdict}"
    assert verdict.codes and not verdict.unseen


def test_no_clock_is_lost(build_dir):
    """Full speed, one element a vector: no code differs, and latency and clocks a step are those
    of the schedule, which are fewer than without."""
    qnet = small_network()
    codes, schedule = sparse_codes(2, qnet, 3, 20, 1), schedule_of(qnet, 3, nonzeros=1)
    hw = simulate(qnet, codes, lanes=3, nonzeros=1, build_dir=build_dir)
    verdict = check(qnet, codes, hw)
    assert verdict.ok and verdict.codes, str(verdict)
    assert hw.latency == schedule.latency
    assert hw.cycles_per_step == schedule.cycles_per_step < schedule_of(qnet, 3).cycles_per_step


def test_what_comes_of_a_vector():
    """Its elements other than 0 in order, then others; all of them with their indices."""
    codes = np.array([[0, 5, 0, -3], [0, 0, 0, 0], [1, 0, 0, 0]])
    indices, values = nonzero_elements(codes, 2)
    assert indices.tolist() == [[1, 3], [0, 1], [0, 1]]
    assert values.tolist() == [[5, -3], [0, 0], [1, 0]]


def test_too_many_elements_are_refused(build_dir):
    """The vector is named, before anything is built."""
    qnet = small_network()
    codes = np.zeros((2, 4, qnet.inputs), int)
    codes[1, 2, :2] = 1
    words = r"input: sequence 1, step 2 has 2 elements other than 0, the core takes 1 \(nonzeros\)"
    with pytest.raises(InputError, match=words):
        simulate(qnet, codes, nonzeros=1, build_dir=build_dir)

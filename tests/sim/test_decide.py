"""Cores that give the index of the largest output: every code equals the integer model's."""

from dataclasses import replace

import numpy as np
import pytest

from rtl.schedule.schedule import schedule_of
from sim import check, simulate
from tests.sim.cases import any_codes, play, random_case, small_network

SEEDS = range(40)


def test_no_clock_is_lost(build_dir):
    """Full speed, two streams: a decision comes with its last logit, and those are shown."""
    qnet = replace(small_network(), decides=True)
    codes, schedule = any_codes(np.random.default_rng(2), qnet, 2, 40), schedule_of(qnet, 6, 2)
    hw = simulate(qnet, codes, lanes=6, streams=2, build_dir=build_dir)
    verdict = check(qnet, codes, hw)
    assert verdict.ok, str(verdict)
    assert not verdict.unseen and f"{len(qnet.layers)}.dense" in verdict.compared
    assert hw.out.shape == (2, 40, 1) and len(np.unique(hw.out)) == qnet.logits
    ready = schedule.output_ready
    assert hw.latency == schedule.latency + ready[qnet.logits - 1] - ready[0]
    assert hw.cycles_per_step == schedule.cycles_per_step


@pytest.mark.soak
@pytest.mark.parametrize("seed", SEEDS)
def test_random_configuration_soak(seed, build_dir):
    """Kinds, directions, options, lanes and outputs at random."""
    case = random_case(seed)
    qnet = case.qnet.deciding()
    codes = any_codes(np.random.default_rng(seed), qnet, 2, 8)
    _, verdict = play(replace(case, qnet=qnet), codes, build_dir)
    assert verdict.ok, f"{case}: {verdict}"

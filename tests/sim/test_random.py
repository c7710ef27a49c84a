"""Random configurations of the core in simulation: every code equals the integer model's."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from rtl.schedule.schedule import schedule_of
from sim import Stressed, Verdict, check, prepare, simulate
from tests.rtl.support import make_core
from tests.sim.cases import any_codes, random_case, small_network

RESETS, ROOM = 4, 8
FEW, MANY = (0, 9, 38, 44), 60
TRAITS = {
    *("peepholes", "coupled", "projection", "hard gates", "hard g or h", "clip", "initial"),
    *("gate recurrence", "blocks", "reverse", "bidirectional"),
    *("every output", "last output", "final output"),
    *("no readout", "readout identity", "readout sigma", "dense stages"),
    *("scales of rows", "scales of inputs", "wide states"),
}
PLAIN = {"gate recurrence", "blocks", "every output"}
PLAIN |= {"no readout", "readout identity", "readout sigma", "dense stages"}
PLAIN |= {"scales of rows", "scales of inputs", "wide states"}


def run_case(seed: int, build_dir: Path) -> Stressed:
    """One configuration under the stress that its plan suggests."""
    case = random_case(seed)
    room = None if case.qnet.first_reverse is None else ROOM
    core = make_core(case.qnet, case.lanes, probe=True, max_length=room)
    found = prepare(core, seed=seed, resets=RESETS, build_dir=build_dir).play()
    assert found.ok, f"{case}: {found}"
    return found


def traits_of(seeds: Iterable[int]) -> list[set[str]]:
    return [random_case(seed).traits for seed in seeds]


def test_the_sample_shows_every_trait():
    """All options occur among the few configurations, and among the many each one often; plain
    cells stay frequent."""
    assert set().union(*traits_of(FEW)) == TRAITS
    many = traits_of(range(MANY))
    assert min(sum(name in each for each in many) for name in TRAITS) >= 3
    assert sum(each <= PLAIN for each in many) >= MANY // 4


@pytest.mark.parametrize("seed", FEW)
def test_random_configuration(seed, build_dir):
    """Kind, options, sizes, lanes, bits and readout at random: no code, mark, counter or state
    differs, whatever the streams do, however long the sequences are, and after resets."""
    assert run_case(seed, build_dir).codes


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(MANY))
def test_random_configuration_soak(seed, build_dir):
    """All sixty configurations, the sample of the ordinary suite among them."""
    assert run_case(seed, build_dir).codes


def long_run(steps: int, build_dir: Path) -> Verdict:
    qnet = small_network()
    codes = any_codes(np.random.default_rng(steps), qnet, steps)
    hw = simulate(qnet, codes, build_dir=build_dir)
    verdict = check(qnet, codes, hw)
    assert verdict.ok, str(verdict)
    assert hw.cycles_per_step == schedule_of(qnet).cycles_per_step
    return verdict


@pytest.mark.soak
def test_three_thousand_steps(build_dir):
    """One sequence of 3,000 steps at full speed: no code differs, at the schedule's pace."""
    assert long_run(3_000, build_dir).codes == 3_000 * 20


@pytest.mark.soak
def test_a_hundred_thousand_steps(build_dir):
    """One sequence of 100,000 steps at full speed: no code differs, at the schedule's pace."""
    assert long_run(100_000, build_dir).codes == 100_000 * 20

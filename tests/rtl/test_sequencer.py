"""The sequencer issues exactly what the schedule says, and waits only for `ready`."""

from dataclasses import dataclass

import numpy as np
import pytest

from golden.network import Network
from rtl.schedule import Schedule, plan
from rtl.sequencer import Sequencer
from tests.rtl.support import G1997, layer, quantized, readout, simulate, stack


def _schedules() -> dict[str, Schedule]:
    rng = np.random.default_rng(1)
    old = layer(rng, 2, 3, 2, forget=False, recurrence=True, **G1997)
    nets = {
        "one cell, one phase": (stack(rng, 1, 1), 4),
        "five groups": (stack(rng, 2, 5), 4),
        "no stall at all": (stack(rng, 40, 3), 4),
        "spacing between groups": (stack(rng, 1, 9), 24),
        "three phases": (stack(rng, 3, 4, 3, outputs=2), 8),
        "few columns after many rows": (stack(rng, 1, 2, 12, outputs=12), 48),
        "1997 below forget": (Network((old, layer(rng, 6, 4)), readout(rng, 4, 9)), 8),
    }
    return {name: plan(quantized(net, rng), lanes) for name, (net, lanes) in nets.items()}


SCHEDULES = _schedules()
every = pytest.mark.parametrize("name", SCHEDULES)


@dataclass(frozen=True)
class Clock:
    """What was driven and seen in one clock."""

    ready: int
    first: int
    last: int
    starts: int
    release: int
    issue: int
    column: int
    weight: int
    group_first: int
    group_last: int
    step_first: int
    step_last: int
    parity: int


def _run(schedule: Schedule, chance: float, clocks: int, seed: int = 0) -> list[Clock]:
    """Clocks of a sequencer whose `ready` is set with this chance, its marks at random."""
    rng, unit, seen = np.random.default_rng(seed), Sequencer(schedule), []
    ins, outs = ("ready", "first", "last"), list(Clock.__dataclass_fields__)[3:]

    async def testbench(ctx):
        for _ in range(clocks):
            driven = [int(rng.random() < chance), *map(int, rng.integers(0, 2, 2))]
            for name, value in zip(ins, driven, strict=True):
                ctx.set(getattr(unit, name), value)
            seen.append(Clock(*driven, *(ctx.get(getattr(unit, name)) for name in outs)))
            await ctx.tick()

    simulate(unit, testbench)
    return seen


def _step(schedule: Schedule) -> dict[int, tuple[int, int, int, int]]:
    """Clock, counted from the step's first column, -> (column, weight, group_first, group_last)."""
    found, base, weight = {}, 0, 0
    begin = schedule.starts(0)[0]
    for k, phase in enumerate(schedule.phases):
        for start in schedule.starts(k):
            for place in range(len(phase.columns)):
                ends = int(place == 0), int(place == len(phase.columns) - 1)
                found[start - begin + place] = (base + place, weight, *ends)
                weight += 1
        base += len(phase.columns)
    return found


def _begins(seen: list[Clock]) -> list[int]:
    """Clocks in which a step's first column is issued: the one after `starts`."""
    return [k + 1 for k, clock in enumerate(seen) if clock.starts]


@every
@pytest.mark.parametrize("chance", (1.0, 0.3, 0.02))
def test_issues_what_the_schedule_says(name, chance):
    """Once begun, a step issues every column, weight, first and last in the clock that the schedule
    says, whatever `ready` does, and nothing else."""
    schedule = SCHEDULES[name]
    step = _step(schedule)
    seen = _run(schedule, chance, 4 * schedule.cycles_per_step + 150, seed=len(name))
    begins = _begins(seen)
    assert len(begins) >= 2
    expected = {begin + at: word for begin in begins for at, word in step.items()}
    for k, clock in enumerate(seen):
        assert clock.issue == (k in expected)
        if clock.issue:
            found = (clock.column, clock.weight, clock.group_first, clock.group_last)
            assert found == expected[k]
        else:
            assert (clock.group_first, clock.group_last) == (0, 0)


@every
def test_no_bubble_between_steps(name):
    """Always ready: steps begin `cycles_per_step` apart, without a clock more."""
    schedule = SCHEDULES[name]
    begins = _begins(_run(schedule, 1.0, 4 * schedule.cycles_per_step + 5))
    assert begins[0] == 1
    assert len(begins) >= 4
    assert set(np.diff(begins)) == {schedule.cycles_per_step}


@every
def test_a_step_begins_as_soon_as_it_may(name):
    """`starts` comes in the first clock in which `ready` is set and the stall is over, no sooner
    and no later."""
    schedule = SCHEDULES[name]
    seen = _run(schedule, 0.1, 6 * schedule.cycles_per_step + 200, seed=3)
    begins, earliest = _begins(seen), 0
    for begin in begins:
        ready = next(k for k in range(earliest, len(seen)) if seen[k].ready)
        assert begin == ready + 1
        earliest = ready + schedule.cycles_per_step
    assert all(clock.ready for clock in seen if clock.starts)


@every
@pytest.mark.parametrize("chance", (1.0, 0.1))
def test_marks_parity_and_release(name, chance):
    """A step bears the marks that stood with `starts`, from its first column to the last, and the
    first step after the reset is a sequence's first in any case; parity changes from step to step;
    `release` comes once a step, with the first phase's last column."""
    schedule = SCHEDULES[name]
    length = max(_step(schedule)) + 1
    seen = _run(schedule, chance, 5 * schedule.cycles_per_step + 100, seed=5)
    begins = _begins(seen)
    releases = []
    for n, begin in enumerate(begins):
        asked = seen[begin - 1]
        for clock in seen[begin : begin + length]:
            marks = (clock.step_first, clock.step_last, clock.parity)
            assert marks == (asked.first or n == 0, asked.last, n % 2)
        releases.append(begin + schedule.phases[0].cycles - 1)
    found = [k for k, clock in enumerate(seen) if clock.release]
    assert found == [k for k in releases if k < len(seen)]


def test_never_ready_never_begins():
    seen = _run(SCHEDULES["three phases"], 0.0, 200)
    assert not any(clock.issue or clock.starts or clock.release for clock in seen)

"""The sequencer issues exactly what the schedule says, and waits only for `ready`."""

from dataclasses import dataclass

import numpy as np
import pytest

from golden.shape import Shape
from rtl.datapath.sequencer import FLAGS, Sequencer
from rtl.schedule.phases import SOURCES
from rtl.schedule.schedule import Schedule, schedule_of
from tests.rtl.shapes import forget, shaped
from tests.rtl.support import simulate

OLD = Shape(2, 3, 2, ("i", "o"), True)
SCHEDULES: dict[str, Schedule] = {
    "one cell, one group": schedule_of(forget(1, 1)),
    "five groups": schedule_of(forget(2, 5), 4),
    "no stall at all": schedule_of(forget(40, 3), 3),
    "more rows than columns": schedule_of(forget(1, 9), 24),
    "three phases": schedule_of(forget(3, 4, 3, head=(2,)), 8),
    "one lane": schedule_of(forget(1, 3), 1),
    "1997 below forget": schedule_of(
        shaped(2, OLD, Shape(6, 4, 1, ("i", "f", "o"), False), head=(9,)), 7
    ),
    "one clock": schedule_of(shaped(1, head=(1,))),
    "two clocks": schedule_of(shaped(2, head=(1,))),
}
every = pytest.mark.parametrize("name", SCHEDULES)
TO_WORD = 3  # clocks from `starts` to the word of the step's first slot


@dataclass(frozen=True)
class Clock:
    """What was driven and seen in one clock."""

    ready: int
    first: int
    last: int
    starts: int
    running: int
    weight: int
    step_first: int
    step_last: int
    parity: int
    flags: tuple[int, ...]
    source: int
    address: int


def _run(schedule: Schedule, chance: float, clocks: int, seed: int = 0) -> list[Clock]:
    """Clocks of a sequencer whose `ready` is set with this chance, its marks at random."""
    rng, unit, seen = np.random.default_rng(seed), Sequencer(schedule), []
    ins, outs = ("ready", "first", "last"), list(Clock.__dataclass_fields__)[3:9]

    async def testbench(ctx):
        for _ in range(clocks):
            driven = [int(rng.random() < chance), *map(int, rng.integers(0, 2, 2))]
            for name, value in zip(ins, driven, strict=True):
                ctx.set(getattr(unit, name), value)
            word = ctx.get(unit.word)
            flags = tuple(word[flag] for flag in FLAGS)
            plain = (ctx.get(getattr(unit, name)) for name in outs)
            seen.append(Clock(*driven, *plain, flags, word.source, word.address))
            await ctx.tick()

    simulate(unit, testbench)
    return seen


def _begins(seen: list[Clock]) -> list[int]:
    """Clocks with the word of a step's first slot."""
    return [k + TO_WORD for k, clock in enumerate(seen) if clock.starts]


@every
@pytest.mark.parametrize("chance", (1.0, 0.3, 0.02))
def test_issues_what_the_schedule_says(name, chance):
    """Once begun, a step issues every slot in its clock, whatever `ready` does, each column with
    its place in the weight memories; nothing is issued, rotated or released between steps."""
    schedule = SCHEDULES[name]
    seen = _run(schedule, chance, 4 * schedule.cycles_per_step + 300, seed=len(name))
    begins = _begins(seen)
    assert len(begins) >= 2
    slots = {begin + k: slot for begin in begins for k, slot in enumerate(schedule.slots)}
    weight = 0
    for k, clock in enumerate(seen):
        if k in begins:
            weight = 0
        slot = slots.get(k)
        if slot is None:
            assert not any(clock.flags)
            continue
        column = slot.column
        want = (column is not None, slot.first, slot.last, slot.rotate, slot.release)
        assert clock.flags == want
        if column:
            assert (SOURCES[clock.source], clock.address) == (column.source, column.address)
            assert clock.weight == weight
            weight += 1


@every
def test_no_bubble_between_steps(name):
    """Always ready: steps begin `cycles_per_step` apart, without a clock more."""
    schedule = SCHEDULES[name]
    begins = _begins(_run(schedule, 1.0, 4 * schedule.cycles_per_step + 5))
    assert begins[0] == TO_WORD
    assert len(begins) >= 4
    assert set(np.diff(begins)) == {schedule.cycles_per_step}


@every
def test_a_step_begins_as_soon_as_it_may(name):
    """`starts` comes in the first clock in which `ready` is set and the step before is over, no
    sooner and no later; `running` is set from the next clock to the step's end."""
    schedule = SCHEDULES[name]
    seen = _run(schedule, 0.1, 6 * schedule.cycles_per_step + 200, seed=3)
    starts, earliest = [k for k, clock in enumerate(seen) if clock.starts], 0
    running: set[int] = set()
    for start in starts:
        assert start == next(k for k in range(earliest, len(seen)) if seen[k].ready)
        earliest = start + schedule.cycles_per_step
        running |= set(range(start + 1, earliest + 1))
    assert [k for k, clock in enumerate(seen) if clock.running] == sorted(
        k for k in running if k < len(seen)
    )


@every
@pytest.mark.parametrize("chance", (1.0, 0.1))
def test_marks_and_parity(name, chance):
    """A step bears the marks that stood with `starts`, from its first word to the last, and the
    first step after the reset is a sequence's first in any case; parity changes from step to
    step."""
    schedule = SCHEDULES[name]
    seen = _run(schedule, chance, 5 * schedule.cycles_per_step + 100, seed=5)
    for n, begin in enumerate(_begins(seen)):
        asked = seen[begin - TO_WORD]
        for clock in seen[begin : begin + schedule.cycles_per_step]:
            marks = (clock.step_first, clock.step_last, clock.parity)
            assert marks == (asked.first or n == 0, asked.last, n % 2)


def test_never_ready_never_begins():
    seen = _run(SCHEDULES["three phases"], 0.0, 200)
    assert not any(any(clock.flags) or clock.starts or clock.running for clock in seen)

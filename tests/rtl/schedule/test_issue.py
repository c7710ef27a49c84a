"""The order of a step: as short as any that exhaustive search can find."""

from collections import Counter

import numpy as np
import pytest

from rtl.schedule.issue import ACCUMULATORS, Group, Order, Read, least_cycles, shortest
from tests.rtl.schedule.orders import exists

MOST = 19  # cycles, for the search


def _any_groups(rng: np.random.Generator) -> tuple[tuple[Group, ...], tuple[int, ...]]:
    """Two or three groups of one phase, or up to two of each of two phases, with a short tail."""
    phases = int(rng.integers(1, 3))
    sizes = [(int(rng.integers(3 - phases, 5 - phases)), int(rng.integers(1, 4))) for _ in range(2)]
    tail, sizes = int(rng.integers(2, 9)), sizes[:phases]

    def yields(rows: int) -> tuple[int, ...]:
        places = rng.choice(rows, int(rng.integers(1, rows + 1)), replace=False)
        return tuple(sorted(tail + int(place) for place in places))

    after = [[yields(rows) for _ in range(count)] for count, rows in sizes]
    at_once = (int(rng.integers(1, 3)), *[0] * (phases - 1))
    groups = []
    for k, (count, rows) in enumerate(sizes):
        reading = sum(map(len, after[k])) + (sum(map(len, after[k - 1])) if k else 0)
        for each in after[k][:count]:
            reads = [Read(k, True, each)]
            reads += [Read(k + 1, False, each)] if k + 1 < phases else []
            groups.append(Group(k, at_once[k] + reading, rows, tuple(reads)))
    return tuple(groups), at_once


def _excess(groups: tuple[Group, ...], at_once: tuple[int, ...]) -> int | str:
    """Clocks by which the order found is longer than the shortest that a search finds; "least":
    none can be shorter; "long": too long to search."""
    found, least = shortest(groups, at_once).cycles, least_cycles(groups)
    assert found >= least
    if found == least:
        return "least"
    if found > MOST:
        return "long"
    rings = range(1, ACCUMULATORS + 1)
    cycles = next(
        n for n in range(least, found + 1) if any(exists(groups, at_once, k, n) for k in rings)
    )
    return found - cycles


def test_hardly_any_order_is_shorter():
    """Small steps have an order as short as any that there is: nearly all have the cycles that no
    order can beat, and for four that do not, trying all orders with up to four accumulators finds
    none shorter; for one more of them it finds one that is shorter by a clock."""
    rng, excess = np.random.default_rng(5), Counter()
    while excess[0] < 4 and excess.total() < 200:
        excess[_excess(*_any_groups(rng))] += 1
    assert excess[0] == 4 and set(excess) <= {"least", "long", 0, 1} and excess[1] <= 1
    assert excess["least"] > 10 * excess["long"]


@pytest.mark.soak
def test_hardly_any_order_of_many_is_shorter():
    """Of 1,000 small steps 13 are too long for the search; in all others no order is shorter."""
    rng = np.random.default_rng(6)
    excess = Counter(_excess(*_any_groups(rng)) for _ in range(1000))
    assert excess["least"] + excess[0] >= 987 and excess[0] >= 50
    assert set(excess) <= {"least", "long", 0}


@pytest.mark.parametrize("accumulators", (1, 2, 3))
def test_the_search_sees_what_the_scheduler_finds(accumulators):
    """The search is no easier to please: it finds an order of the scheduler's cycles, and none of
    fewer than `least_cycles`."""
    rng = np.random.default_rng(accumulators)
    for _ in range(8):
        groups, at_once = _any_groups(rng)
        found = shortest(groups, at_once)
        if found.cycles <= MOST:
            assert exists(groups, at_once, found.accumulators, found.cycles)
            assert not exists(groups, at_once, accumulators, least_cycles(groups) - 1)


def test_a_ring_is_as_small_as_will_do():
    """Two groups of a column that waits for the step before and four that do not: with a second
    accumulator the lanes need not wait; a third one would be of no use."""
    groups = tuple(Group(0, 5, 1, (Read(0, True, (9 - 5 * k,)),)) for k in range(2))
    found = shortest(groups, (3,))
    assert (found.accumulators, found.cycles) == (1, 10)
    late = tuple(Group(0, 5, 1, (Read(0, True, (8,)),)) for k in range(2))
    found = shortest(late, (3,))
    assert (found.accumulators, found.cycles) == (2, 10)
    assert not exists(late, (3,), 1, 10)


def _clocks(order: Order) -> list[tuple[int, bool]]:
    return [(group, turn and not k) for group, n, turn in order.runs for k in range(n)]


def test_runs_are_the_whole_step():
    """Runs fill the step's cycles without a gap, every group gets its columns, the first clock is
    not idle, and each group's end is its last clock."""
    rng = np.random.default_rng(9)
    for _ in range(50):
        groups, at_once = _any_groups(rng)
        order = shortest(groups, at_once)
        clocks = [group for group, _ in _clocks(order)]
        assert len(clocks) == order.cycles
        assert clocks[0] == 0
        for k, group in enumerate(groups):
            assert clocks.count(k) == group.columns
            assert order.ends[k] == max(clock for clock, who in enumerate(clocks) if who == k)

"""Orders of a step by exhaustive search, from the definition and for small steps only."""

from collections.abc import Iterator
from itertools import combinations

from rtl.schedule.issue import Group

State = tuple[
    int, tuple[int, ...], tuple[int, ...]
]  # accumulator in use, its groups, columns issued


def exists(
    groups: tuple[Group, ...], at_once: tuple[int, ...], accumulators: int, cycles: int
) -> bool:
    """Whether any order of so many cycles a step repeats for ever.

    All clocks in which groups can end are tried; then all values' clocks are known, and from clock
    to clock all states that the lanes can be in are followed.
    """
    return any(
        _reachable(groups, _known(groups, at_once, ends, cycles), ends, accumulators, cycles)
        for ends in _all_ends(groups, cycles)
    )


def _all_ends(groups: tuple[Group, ...], cycles: int) -> Iterator[tuple[int, ...]]:
    """Clocks of the groups' last columns, as far apart as the tail needs."""
    for ends in combinations(range(cycles), len(groups)):
        following = (*ends[1:], ends[0] + cycles)
        if all(b - a >= g.rows for a, b, g in zip(ends, following, groups, strict=True)):
            yield ends


def _known(
    groups: tuple[Group, ...], at_once: tuple[int, ...], ends: tuple[int, ...], cycles: int
) -> list[list[int]]:
    """Of each phase the clocks in which its columns become known, ascending."""
    known = [[0] * count for count in at_once]
    for group, end in zip(groups, ends, strict=True):
        for read in group.reads:
            known[read.phase] += [end + after - cycles * read.before for after in read.after]
    return [sorted(clocks) for clocks in known]


def _reachable(
    groups: tuple[Group, ...],
    known: list[list[int]],
    ends: tuple[int, ...],
    accumulators: int,
    cycles: int,
) -> bool:
    """Whether the lanes can do it: -1 in an accumulator is no group."""
    states: set[State] = {(0, (-1,) * accumulators, (0,) * len(groups))}
    for clock in range(cycles):
        following: set[State] = set()
        for place, ring, issued in states:
            for turned in {place, (place + 1) % accumulators}:
                following.add((turned, ring, issued))
                held = ring[turned]
                opened = sum(count > 0 for count in issued)
                for group in [held] if held >= 0 else range(opened, opened + 1):
                    if group == len(groups) or known[groups[group].phase][issued[group]] > clock:
                        continue
                    done = issued[group] + 1 == groups[group].columns
                    if done != (ends[group] == clock):
                        continue
                    now = (*ring[:turned], -1 if done else group, *ring[turned + 1 :])
                    counts = (*issued[:group], issued[group] + 1, *issued[group + 1 :])
                    following.add((turned, now, counts))
        late = [k for k, end in enumerate(ends) if end <= clock]
        states = {s for s in following if all(s[2][k] == groups[k].columns for k in late)}
    return bool(states)

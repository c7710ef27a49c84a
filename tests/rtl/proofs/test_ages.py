"""The times of a step, said in few words."""

import re

import pytest

from rtl.proofs.ages import before, meets, runs, strides
from rtl.proofs.pieces import chosen

INNERMOST = re.compile(r"\(([^()]*) < ([^()]*) \? ([^()]*) : ([^()]*)\)")
TIMES = [[4], [0], [0, 1, 2], [3, 4, 5, 9, 12, 13], [5, 9, 13, 17, 21]]


def value(text: str, **nets: int) -> int:
    """Of an expression that is a tree of comparisons."""
    for net, held in nets.items():
        text = text.replace(net, str(held))
    while match := INNERMOST.search(text):
        index, start, low, high = match.groups()
        taken = low if int(index) < int(start) else high
        text = text[: match.start()] + taken + text[match.end() :]
    first, _, second = text.partition(" - ")
    return int(first) - int(second or 0)


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ([], []),
        ([4], [(4, 4)]),
        ([1, 2, 3, 7, 9, 10], [(1, 3), (7, 7), (9, 10)]),
        ([5, 9, 13], [(5, 5), (9, 9), (13, 13)]),
    ],
)
def test_times_that_follow_one_another_are_one_run(times, found):
    assert list(runs(times)) == found


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ([], []),
        ([4], [(4, 4, 1)]),
        ([1, 2, 3, 7, 9, 11, 13], [(1, 3, 1), (7, 13, 2)]),
        ([5, 9, 13, 14, 15], [(5, 13, 4), (14, 15, 1)]),
        ([5, 9, 10], [(5, 5, 1), (9, 10, 1)]),
        ([1, 4, 7, 10], [(1, 1, 1), (4, 4, 1), (7, 7, 1), (10, 10, 1)]),
    ],
)
def test_times_at_distances_of_a_power_of_two_are_one_run(times, found):
    assert list(strides(times)) == found


def test_an_age_meets_a_run_of_distant_times_by_its_lowest_bits():
    assert meets("age", [3, 11, 19, 25]) == (
        "((age >= 3 && age <= 19 && age[2:0] == 3) || age == 25)"
    )
    assert meets("age", [2, 4, 5]) == "(age == 2 || (age >= 4 && age <= 5))"


@pytest.mark.parametrize("times", TIMES)
def test_times_behind_an_age_are_counted_from_0_again_when_all_are(times):
    for age in range(max(times) + 3):
        behind = sum(time < age for time in times)
        assert value(before("age", times), age=age) == behind % len(times)


@pytest.mark.parametrize("values", [[7], [3, 3, 1, 1, 1, 2], [*range(9)]])
def test_a_value_is_that_of_its_index_and_the_last_one_beyond(values):
    text = chosen("at", map(str, values))
    assert text.count("?") == sum(a != b for a, b in zip(values, values[1:], strict=False))
    for at in range(len(values) + 3):
        assert value(text, at=at) == values[min(at, len(values) - 1)]

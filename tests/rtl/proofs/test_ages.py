"""The times of a step, said in few words."""

import pytest

from rtl.proofs.ages import runs


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

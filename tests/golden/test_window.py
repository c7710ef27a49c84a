"""Windows of steps: which steps they see, and what is refused."""

import numpy as np
import pytest

from golden import InputError, ModelError
from golden.window import LARGEST, Window

X = np.arange(1.0, 15.0).reshape(7, 2)


@pytest.mark.parametrize(
    "window",
    [
        Window(),
        Window((0, 1, 2)),
        Window((0, 3), 2, 1, 2),
        Window((0, 1), 3, -2, -1),
        Window((0,), 1, 4, 0),
    ],
)
def test_a_step_sees_what_the_definition_says(window):
    """u(t) = [x(t stride - before + offset) for each offset], x = 0 outside of the sequence."""
    found = window.of(X, 2 * len(window.offsets))
    t = 0
    while t * window.stride - window.before + window.offsets[-1] < len(X) + window.after:
        at = [t * window.stride - window.before + offset for offset in window.offsets]
        parts = [X[k] if 0 <= k < len(X) else np.zeros(2) for k in at]
        assert np.array_equal(found[t], np.concatenate(parts))
        t += 1
    assert t == len(found) == window.steps(len(X)) > 0
    assert np.array_equal(window.of(X[None], 2 * len(window.offsets))[0], found)


def test_windows_of_windows_are_windows():
    first, second = Window((0, 1, 2), 2, 1, 1), Window((0, 2), 3)
    both = second.within(first)
    twice = second.of(first.of(X, 6), 12)
    columns = [
        both.offsets.index(mine * first.stride + its) * 2 + k
        for mine in second.offsets
        for its in first.offsets
        for k in range(2)
    ]
    assert np.array_equal(both.of(X, 2 * len(both.offsets))[:, columns], twice)


def test_sequences_that_no_window_fits_are_refused():
    window = Window((0, 1, 2), 2, 1, 0)
    with pytest.raises(InputError, match="input: 1 steps, a window of the file's convolution spa"):
        window.of(np.zeros((1, 4)), 12)
    with pytest.raises(InputError, match=r"input: shape \(9, 5\), must be \(T, 4\) or \(N, T, 4\)"):
        window.of(np.zeros((9, 5)), 12)


@pytest.mark.parametrize("more", [{"stride": LARGEST + 1}, {"before": 1 << 40}])
def test_a_window_that_nobody_means_is_refused(more):
    with pytest.raises(ModelError, match=r"a window of \d+ steps, allowed are 1048576"):
        Window((0, 1), **more)

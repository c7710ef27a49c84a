"""Head, Fork, Join and Buffer lose no beat, repeat none and invent none."""

import numpy as np
import pytest

from rtl.offline.fork_join import Buffer, Fork, Join
from rtl.offline.head import Head
from tests.rtl.offline.streaming import FORM, any_sequences, beats_of_sequences, run_streams

LENGTHS = [4, 1, 3, 1, 1, 4, 2]
pauses = pytest.mark.parametrize(
    ("idle", "back_pressure"), [(i, b) for i in (0.0, 0.5, 0.9) for b in (0.0, 0.5, 0.9)]
)


@pauses
@pytest.mark.parametrize("width", (1, 3))
def test_fork(width, idle, back_pressure):
    """Both sides get every beat, though each is ready at times of its own."""
    given = beats_of_sequences(any_sequences(np.random.default_rng(1), LENGTHS, width))
    wanted = {"a": len(given), "b": len(given)}
    found, _ = run_streams(Fork(FORM), {"i": given}, wanted, idle, back_pressure, seed=2)
    assert found == {"a": given, "b": given}


@pauses
@pytest.mark.parametrize("widths", ((1, 1), (3, 2), (1, 4)))
def test_join(widths, idle, back_pressure):
    """Step by step a's elements, then b's, marks on the whole sequence's ends: NumPy's join."""
    rng = np.random.default_rng(3)
    a, b = (any_sequences(rng, LENGTHS, width) for width in widths)
    want = beats_of_sequences([np.concatenate(pair, axis=1) for pair in zip(a, b, strict=True)])
    given = {"a": beats_of_sequences(a), "b": beats_of_sequences(b)}
    wanted = {"o": len(want)}
    found, _ = run_streams(Join(FORM, widths), given, wanted, idle, back_pressure, seed=4)
    assert found["o"] == want


@pauses
@pytest.mark.parametrize("depth", (1, 2, 7))
def test_buffer(depth, idle, back_pressure):
    """Beats in order, marks with them."""
    given = beats_of_sequences(any_sequences(np.random.default_rng(5), LENGTHS, 2))
    wanted = {"o": len(given)}
    found, _ = run_streams(Buffer(FORM, depth), {"i": given}, wanted, idle, back_pressure, seed=6)
    assert found["o"] == given


@pauses
@pytest.mark.parametrize("length", (1, 3, 4))
def test_head(length, idle, back_pressure):
    """The first steps of each sequence with marks of their own, whatever `first` says and `last`
    within a vector; the next sequence is whole again."""
    width, rng = 3, np.random.default_rng(7)
    sequences = any_sequences(rng, LENGTHS, width)
    given = [
        (data, int(rng.integers(2)), last if k % width == width - 1 else int(rng.integers(2)))
        for k, (data, _, last) in enumerate(beats_of_sequences(sequences))
    ]
    want = beats_of_sequences([codes[:length] for codes in sequences])
    wanted = {"o": len(want)}
    dut = Head(FORM, width, length)
    found, _ = run_streams(dut, {"i": given}, wanted, idle, back_pressure, seed=8)
    assert found["o"] == want

"""The Reverser gives every sequence with its steps in reversed order, and loses nothing."""

import numpy as np
import pytest

from rtl.offline.buffers import Buffer
from rtl.offline.reverser import Reverser
from tests.rtl.offline.streaming import FORM, any_sequences, beats_of_sequences, run_streams


def check(width: int, length: int, lengths: list[int], seed: int, **pauses: float):
    sequences = any_sequences(np.random.default_rng(seed), lengths, width)
    want = beats_of_sequences([codes[::-1] for codes in sequences])
    given = {"i": beats_of_sequences(sequences)}
    dut = Reverser(FORM, width, length)
    found, clocks = run_streams(dut, given, {"o": len(want)}, seed=seed, **pauses)
    assert found["o"] == want
    return clocks


@pytest.mark.parametrize("back_pressure", (0.0, 0.5, 0.9))
@pytest.mark.parametrize("idle", (0.0, 0.5, 0.9))
@pytest.mark.parametrize(("width", "length"), ((1, 1), (1, 6), (3, 1), (2, 3), (3, 5)))
def test_sequences_of_every_length(width, length, idle, back_pressure):
    """Of any length up to the longest, at once one after the other: every beat and mark, against
    NumPy's reversal."""
    rng = np.random.default_rng((width, length))
    lengths = [length, length, 1, 1, length, *rng.integers(1, length + 1, 6).tolist()]
    check(width, length, lengths, seed=width, idle=idle, back_pressure=back_pressure)


@pytest.mark.parametrize(("width", "length"), ((1, 4), (3, 5)))
def test_a_beat_a_clock(width, length):
    """Sequences of equal length pass without a pause on either side; the first beat comes 2 clocks
    after its sequence's last one."""
    clocks = check(width, length, [length] * 5, seed=1)
    for side in ("i", "o"):
        assert set(np.diff(clocks[side])) == {1}
    assert clocks["o"][0] - clocks["i"][width * length - 1] == 2


def test_two_sequences_are_held():
    """While a slow consumer takes one, the next is taken, and no beat of a third before the first
    one's last beat is on its way out."""
    clocks = check(2, 3, [3, 2, 3], seed=3, back_pressure=0.9)
    assert clocks["i"][9] < clocks["o"][3]
    assert clocks["i"][10] > clocks["o"][4]


def test_memory():
    """Two banks of the longest sequence, as they are planned."""
    assert Buffer("reverser", FORM, 3, 5).bits == 2 * 3 * 5 * 8

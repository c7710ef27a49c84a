"""Decisions in gateware: NumPy's index of the largest, whatever the streams do."""

import numpy as np
import pytest

from fixedpoint.formats import Format
from golden.decision import decide
from rtl.lib.decision import Decision
from tests.rtl.offline.streaming import FORM, any_sequences, beats_of_sequences, run_streams

LENGTHS = [4, 1, 3, 1]


@pytest.mark.parametrize(
    ("idle", "back_pressure"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.6), (0.5, 0.5)]
)
@pytest.mark.parametrize("width", (1, 2, 5))
def test_the_first_of_the_largest(width, idle, back_pressure):
    """Codes of which many are equal, the format's ends among them; marks of whole vectors."""
    rng = np.random.default_rng(width)
    ends = np.array([FORM.low, -1, 0, FORM.high])
    sequences = [ends[codes % 4] for codes in any_sequences(rng, LENGTHS, width)]
    sequences += any_sequences(rng, LENGTHS, width)
    want = beats_of_sequences([decide(codes) for codes in sequences])
    dut = Decision(FORM, width, Format(3, 0, signed=False))
    given = {"i": beats_of_sequences(sequences)}
    found, clocks = run_streams(dut, given, {"o": len(want)}, idle, back_pressure, seed=8)
    assert found["o"] == want
    if not (idle or back_pressure):  # an index comes in the clock of its vector's last element
        assert clocks["o"] == clocks["i"][width - 1 :: width]

"""The recorder: bits to codes, and the rule that an offered beat stays until it is taken."""

import numpy as np
import pytest

from sim.recorder import Recorder, decode, to_bits

PLACES = {
    "in_beat": (0, 1, False),
    "in_wait": (1, 1, False),
    "out_valid": (2, 1, False),
    "out_beat": (3, 1, False),
    "out_data": (4, 5, True),
    "out_first": (9, 1, False),
    "out_last": (10, 1, False),
}
WIDTH = 11


@pytest.mark.parametrize("width", [1, 2, 17, 33, 40])
@pytest.mark.parametrize("signed", [True, False])
def test_every_width_decodes(width, signed):
    """Corners and random values of both kinds come back, wherever the field lies."""
    rng = np.random.default_rng(width)
    low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
    values = [low, high, 0, *rng.integers(low, high, 50, endpoint=True).tolist()]
    rows = [f"101{value & ((1 << width) - 1):0{width}b}01" for value in values]
    bits = np.array([[int(bit) for bit in row] for row in rows], np.uint8)
    assert decode(bits, (2, width, signed)).tolist() == values


def sample(valid: int, beat: int, code: int = 0, first: int = 0, last: int = 0) -> str:
    word = valid << 2 | beat << 3 | (code & 31) << 4 | first << 9 | last << 10
    return f"{word:0{WIDTH}b}"


def recorded(samples: list[str], cut: int) -> Recorder:
    """The samples in two chunks."""
    recorder = Recorder(PLACES, WIDTH)
    recorder.take(to_bits(samples[:cut]))
    recorder.take(to_bits(samples[cut:]))
    return recorder


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5])
def test_a_held_beat_is_stable(cut):
    """Waiting unchanged, then taken, then another: no violation, wherever a chunk ends."""
    samples = [sample(1, 0, -3, 1), sample(1, 0, -3, 1), sample(1, 1, -3, 1), sample(1, 1, 7)]
    recorder = recorded([*samples, sample(0, 0), sample(1, 1, 1)], cut)
    assert recorder.get("unstable").tolist() == []
    assert recorder.get("out_data").tolist() == [-3, 7, 1]
    assert recorder.get("out_clocks").tolist() == [2, 3, 5]
    assert recorder.out_waits == 2 and recorder.beats == 3 and recorder.last_beat == 5


@pytest.mark.parametrize("cut", [1, 2])
@pytest.mark.parametrize(
    "second",
    [sample(0, 0), sample(1, 1, 4), sample(1, 1, 5, 1), sample(1, 0, 5, 0, 1)],
    ids=["withdrawn", "data", "first", "last"],
)
def test_a_change_while_waiting_is_seen(second, cut):
    """Data or a flag that changes, or valid that falls, before the beat is taken."""
    recorder = recorded([sample(1, 0, 5), second, sample(0, 0)], cut)
    assert recorder.get("unstable").tolist()[0] == 1


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5])
def test_counters_are_known_in_every_clock(cut):
    """The clocks in which one rises, twice where it rises by two; those between which `cycles`
    does; and how often one moved as it cannot."""
    places = {"leap": (0, 1, False), "s": (1, 2, False), "cycles": (3, 1, False)}
    shown = {1: (1, 1, 0), 2: (2, 1, 0), 3: (0, 0, 1), 4: (1, 1, 0), 5: (2, 1, 0), 7: (0, 0, 0)}
    clocks = np.array(list(shown))
    rises = to_bits([f"{run << 3 | s << 1 | leap:04b}" for s, run, leap in shown.values()])
    recorder, first = Recorder(PLACES, WIDTH, (), places), clocks < cut
    recorder.take(to_bits([sample(0, 0)] * cut), clocks[first], rises[first])
    recorder.take(to_bits([sample(0, 0)] * (8 - cut)), clocks[~first] - cut, rises[~first])
    assert recorder.get("rise_s").tolist() == [1, 2, 2, 4, 5, 5]
    assert recorder.get("running").tolist() == [1, 3, 4, 7]
    assert recorder.leaps == 1

"""Input is clipped where that makes a poor output better, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import FormatError, choose_formats, clipping, quantize
from fixedpoint.budget.error import against
from fixedpoint.calibration import Part, Seen
from fixedpoint.clipping import GAIN, GOOD, MOST, POOR, SURE, clipped
from fixedpoint.fitting import formats_of
from fixedpoint.rounding import observe, rounded
from fixedpoint.rule import Rule
from golden import Network
from tests.fixedpoint.nets import layer


def peaked():
    """A network whose input is a hundredth of its rare peaks."""
    rng = np.random.default_rng(5)
    cells = layer(rng, 3, 8, scale=0.5)
    for rows in cells.weights.values():
        rows[:, :3] *= 8.0
    x = rng.laplace(0, 0.05, (2, 400, 3))
    x[0, ::97] = 4.0
    return Network((cells,)), x


def related():
    """A network whose inputs go with one another."""
    rng = np.random.default_rng(1)
    cells = layer(rng, 8, 16, scale=0.4)
    mixed = rng.normal(0, 0.3, (2, 200, 8)) @ rng.normal(0, 0.5, (8, 8))
    return Network((cells,)), np.cumsum(mixed, axis=1) * 0.2


def decibels(net, widths, seen, x, known=None):
    formats = formats_of(net, widths, seen)
    qnet = quantize(rounded(net, formats, known) if known else net, formats)
    return against(net.run(x).out, qnet.run(qnet.encode(x)[0]).value("out"))[2]


def test_a_poor_output_gains_by_clipping_as_much_as_is_best():
    net, x = peaked()
    seen = Seen.measure(net, x)
    widths = Rule(6).widths(net, seen)
    found = clipped(net, widths, seen, [Part(x)])
    tried = [decibels(net, replace(widths, clip=bits), seen, x) for bits in range(MOST + 1)]
    gained = np.array(tried) - GAIN * np.arange(MOST + 1)
    assert tried[0] < POOR and found.clip == int(np.argmax(gained)) > 0
    assert tried[found.clip] > tried[0] + 3.0
    qnet = quantize(net, bits=6, calibrate=x)
    assert qnet.formats == formats_of(net, found, seen)
    assert qnet.encode(x)[1] > 0


def test_of_weights_rounded_by_data_it_is_these_that_count():
    """Each choice is the best for the weights that it is for, and they differ for some width."""
    net, x = related()
    seen, known, differ = Seen.measure(net, x), observe(net, [Part(x)]), 0
    for bits in (6, 7, 8):
        widths = Rule(bits).widths(net, seen)
        tried = [decibels(net, replace(widths, clip=c), seen, x, known) for c in range(MOST + 1)]
        most = MOST if tried[0] < POOR else 1
        gained = (np.array(tried) - SURE * np.arange(MOST + 1))[: most + 1]
        found = clipped(net, widths, seen, [Part(x)], known)
        assert found.clip == (int(np.argmax(gained)) if tried[0] < GOOD else 0)
        assert Rule(bits).formats(net, seen, [Part(x)], known) == formats_of(net, found, seen)
        differ += found != clipped(net, widths, seen, [Part(x)])
    assert differ


@pytest.mark.parametrize("bits", [14, 16])
def test_a_good_output_keeps_all_room(bits):
    net, x = peaked()
    seen = Seen.measure(net, x)
    widths = Rule(bits).widths(net, seen)
    assert decibels(net, widths, seen, x) > GOOD
    assert clipped(net, widths, seen, [Part(x)]) == widths
    qnet = quantize(net, choose_formats(net, bits, x))
    assert qnet.encode(2 * x)[1] == 0


@pytest.mark.parametrize("headroom", [1.0, 2.0, 5.0])
def test_one_that_is_not_good_gives_up_its_headroom_and_nothing_that_was_seen(headroom):
    net, x = peaked()
    x = np.clip(30 * x, -1, 1)
    seen, found = Seen.measure(net, x, headroom=headroom), []
    for bits in range(4, 13):
        widths = Rule(bits).widths(net, seen)
        if POOR <= decibels(net, widths, seen, x) < GOOD:
            given = clipped(net, widths, seen, [Part(x)])
            assert 2**given.clip <= headroom
            assert quantize(net, formats_of(net, given, seen)).encode(x)[1] == 0
            found.append(given.clip)
    assert found and (headroom == 1.0 or max(found) > 0)


def test_an_input_that_is_zero_has_nothing_to_give_up():
    net, x = peaked()
    seen = Seen.measure(net, 0 * x)
    widths = Rule(4).widths(net, seen)
    assert clipped(net, widths, seen, [Part(0 * x)]) == widths


@pytest.mark.parametrize("bits", [-1, 8])
def test_more_than_is_allowed_is_refused(bits):
    net, x = peaked()
    with pytest.raises(FormatError, match=f"clip {bits}: must be from 0 to 7"):
        replace(Rule(8).widths(net, Seen.measure(net, x)), clip=bits)


def test_nothing_is_run_for_an_input_of_zeros(monkeypatch):
    """It says no ranges."""
    net, x = peaked()
    seen, widths = Seen.measure(net, x), Rule(6).widths(net, Seen.measure(net, x))
    monkeypatch.setattr(clipping, "build", None)
    assert clipped(net, widths, seen, [Part(0 * x)]) == widths
    with pytest.raises(TypeError):
        clipped(net, widths, seen, [Part(x)])

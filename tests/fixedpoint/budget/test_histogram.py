"""What is noted of codes is what plain counting and the integer model's own counters say."""

import json

import numpy as np
import pytest

from fixedpoint.budget.histogram import BINS, Watched, bits
from fixedpoint.budget.mixed import run_mixed
from fixedpoint.budget.quantisers import Quantiser, quantisers
from tests.fixedpoint.nets import random_codes, random_quantized

SIGNED = Quantiser(group="output", frac=4, limits=(-128, 127))


def use(values, quantiser=SIGNED):
    seen = Watched(quantiser)
    found = seen(np.array(values))
    np.testing.assert_array_equal(found, quantiser(np.array(values)))
    return seen.use()


def test_codes_of_known_values():
    found = use([[1.0, -2.5], [3.0, 0.5]])  # codes 16, -40, 48, 8
    assert (found.lowest, found.highest, found.count) == (-40, 48, 4)
    assert (found.bits, found.wasted_top, found.wasted_bottom, found.used) == (8, 1, 3, 4)
    assert found.saturations == found.at_ends == 0
    bins = [0] * BINS
    for code in (16, -40, 48, 8):
        bins[(code + 128) // 8] += 1
    assert list(found.bins) == bins


def test_what_is_clipped_is_not_what_only_reaches_an_end():
    found = use([7.9375, 8.0, 100.0, -8.0, -9.0, 7.97])  # 127, three beyond, -128, rounds to 128
    assert found.saturations == 4 and found.at_ends == 6


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [(-128, 127, 8), (-1, 0, 1), (-129, 0, 9), (0, 127, 7), (0, 128, 8), (-1, 128, 9), (0, 0, 0)],
)
def test_bits_that_codes_take(low, high, wanted):
    assert bits(low, high) == wanted


def test_zero_needs_no_bit_and_one_sign_still_a_sign_bit():
    zero = use([0.0, 0.0])
    assert zero.used == 0 and zero.wasted_top == 8 and zero.wasted_bottom == 0
    assert use([0.0625, 0.1875]).wasted_top == 5  # 1 and 3: two bits and a sign
    gate = Quantiser(group="gates", frac=3, limits=(0, 8))
    assert use([0.125, 0.875], gate).wasted_top == 1 and use([1.0], gate).wasted_top == 0


def test_calls_add_up():
    seen = Watched(SIGNED)
    for values in ([1.0], [-3.0], [50.0], []):
        seen(np.array(values))
    found = seen.use()
    assert (found.lowest, found.highest) == (-48, 127) and sum(found.bins) == found.count == 3
    assert json.loads(json.dumps(found.as_dict()))["used"] == found.used


def test_saturations_are_those_of_the_integer_model():
    """Of every signal of random networks, driven over the whole range of their input."""
    met = set()
    for bits_, seed in ((6, 0), (6, 3), (6, 5), (8, 12), (8, 27), (12, 4), (14, 8), (16, 14)):
        rng = np.random.default_rng([bits_, seed])
        net, qnet = random_quantized(rng, bits_)
        codes = random_codes(rng, qnet, 2, 12)
        every = quantisers(net, qnet)
        seen = {name: Watched(q) for name, q in every.items() if q.limits}
        run_mixed(net, qnet, {**every, **seen}, qnet.formats.decode(codes))
        counted = qnet.run(codes).saturations
        for name, count in counted.items():
            layer, _, short = name.rpartition(".")
            place = f"{layer}.net {short}" if layer else "readout net"
            if short == "dense":
                place = f"dense {int(layer) - len(qnet.layers)} net"
            place = place if place in seen else name
            if place in seen:  # out of a network without a readout is its y
                assert seen[place].use().saturations == count, (name, place)
                met |= {short} if count else set()
    assert met >= {"i", "f", "o", "g", "h", "s", "out"}

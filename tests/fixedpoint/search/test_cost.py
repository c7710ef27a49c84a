"""The cost of formats: what it counts is what the gateware has, and every width has its share."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import quantize
from fixedpoint.calibration import Seen
from fixedpoint.fitting import formats_of
from fixedpoint.resources import memories, tail_multipliers
from fixedpoint.search.cost import BITS_PER_LUT4, Cost, cost
from fixedpoint.widths import KINDS, Widths
from golden import Dense, Network
from tests.carousel.nets import every, sequences
from tests.fixedpoint.nets import layer

MIXED = Widths(9, 10, 11, 12, 13, 14, 15, 16)
SMALL = Widths(14, 5, 8, 7, 6, 9, 6, 12)


def quantized(name, widths):
    net = every()[name]
    return quantize(net, formats_of(net, widths, Seen.measure(net, sequences())))


def test_the_total_is_the_sum_of_its_parts():
    found = cost(quantized("deep", MIXED), lanes=3)
    assert (found.operand, found.weight) == (15, 10)
    products = sum(a * b for a, b in tail_multipliers(quantized("deep", MIXED)))
    assert found.products == 3 * 15 * 10 + products
    assert found.memory == sum(memories(quantized("deep", MIXED)).values())
    assert found.total == found.luts + found.products + found.memory / BITS_PER_LUT4
    plain = found.as_dict()
    assert (plain["memory"], plain["total"]) == (found.memory, found.total)
    assert Cost(**{k: v for k, v in plain.items() if k not in ("memory", "total")}) == found


@pytest.mark.parametrize("kind", KINDS)
def test_every_width_costs(kind):
    """A bit more of any kind is never for nothing, or no search could see that it is spare."""
    rng = np.random.default_rng(0)
    net = Network((layer(rng, 3, 4),), (Dense(rng.normal(0, 1, (2, 4)), np.zeros(2)),))
    x = rng.normal(0, 1, (2, 20, 3))

    def total(widths):
        return cost(quantize(net, formats_of(net, widths, Seen.measure(net, x))), 4).total

    one = Widths.uniform(10)
    assert total(replace(one, **{kind: 11})) > total(one)


def test_lanes_cost_their_multipliers_and_accumulators():
    qnet = quantized("deep", MIXED)
    one, two, three = (cost(qnet, lanes) for lanes in (1, 2, 3))
    assert two.products - one.products == three.products - two.products == 15 * 10
    assert three.luts > two.luts > one.luts
    assert one.memories == three.memories

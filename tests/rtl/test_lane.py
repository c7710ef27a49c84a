"""One lane: its sum, its latency, and what it hands on."""

import numpy as np

from rtl import latency
from rtl.lane import Lane
from tests.rtl.support import simulate


def test_sum_feed_and_collected_sums():
    """The sum of weight * operand stands at `latency.LANE`; in all other clocks the sum behind is
    handed on, one clock later, and so is the feed."""
    rng = np.random.default_rng(1)
    weights = rng.integers(-8, 8, 12).tolist()
    operands = rng.integers(-16, 16, 12).tolist()
    behind = rng.integers(-500, 500, 40).tolist()
    lane = Lane(weights, weight_width=4, operand_width=5, sum_width=14)
    ends, sums, feeds = (4, 11), [], []
    script = [
        {"operand": operands[k], "address": k, "first": k in (0, 5), "last": k in ends}
        for k in range(12)
    ]
    script += [{"operand": 0, "address": 0, "first": 0, "last": 0}] * 28

    async def testbench(ctx):
        for feed, other in zip(script, behind, strict=True):
            ctx.set(lane.feed_in, feed)
            ctx.set(lane.sum_in, other)
            sums.append(ctx.get(lane.sum_out))
            seen = ctx.get(lane.feed_out)
            feeds.append({name: seen[name] for name in feed})
            await ctx.tick()

    simulate(lane, testbench)
    want = [0, *behind[:-1]]
    want[4 + latency.LANE] = int(np.dot(weights[:5], operands[:5]))
    want[11 + latency.LANE] = int(np.dot(weights[5:], operands[5:]))
    assert sums == want
    assert feeds[1:] == script[:-1]


def test_a_lane_of_one_weight():
    """The least memory: one weight, groups of one column."""
    lane, sums = Lane([-3], weight_width=3, operand_width=4, sum_width=8), []

    async def testbench(ctx):
        for k in range(12):
            feed = {"operand": k - 4 if k < 6 else 0, "address": 0, "first": k < 6, "last": k < 6}
            ctx.set(lane.feed_in, feed)
            sums.append(ctx.get(lane.sum_out))
            await ctx.tick()

    simulate(lane, testbench)
    assert sums[latency.LANE : latency.LANE + 6] == [-3 * (k - 4) for k in range(6)]

"""One lane: its sums, its latency, and what it hands on."""

import numpy as np

from rtl.datapath.lane import Lane
from rtl.schedule import latency
from tests.rtl.support import simulate

IDLE = {"operand": 0, "address": 0, "first": 0, "last": 0, "rotate": 0}


def run(lane: Lane, columns: list[dict[str, int]], behind: list[int]):
    """Sums and feeds of every clock; a column's parts are fed when the lane needs each, counted
    from the clock of its operand, the first one in clock `latency.WEIGHT`."""
    late = {
        "address": 0,
        "operand": latency.WEIGHT,
        "first": latency.WEIGHT + Lane.ADDED - 1,
        "rotate": latency.WEIGHT + Lane.ADDED - 1,
        "last": latency.WEIGHT + Lane.ADDED + 1,
    }
    script = [dict(IDLE) for _ in behind]
    for clock, column in enumerate(columns):
        for part, value in column.items():
            script[clock + late[part]][part] = value
    sums, feeds = [], []

    async def testbench(ctx):
        for feed, other in zip(script, behind, strict=True):
            ctx.set(lane.feed_in, feed)
            ctx.set(lane.sum_in, other)
            sums.append(ctx.get(lane.sum_out))
            seen = ctx.get(lane.feed_out)
            feeds.append({name: seen[name] for name in feed})
            await ctx.tick()

    simulate(lane, testbench)
    assert feeds[1:] == script[:-1]
    return sums


def test_sum_feed_and_collected_sums():
    """The sum of weight * operand stands at `latency.LANE`; in all other clocks the sum behind is
    handed on, one clock later, and so is the feed."""
    rng = np.random.default_rng(1)
    weights = rng.integers(-8, 8, 12).tolist()
    operands = rng.integers(-16, 16, 12).tolist()
    behind = rng.integers(-500, 500, 40).tolist()
    lane = Lane(weights, weight_width=4, operand_width=5, sum_width=14, accumulators=1)
    columns = [
        IDLE | {"operand": operands[k], "address": k, "first": k in (0, 5), "last": k in (4, 11)}
        for k in range(12)
    ]
    sums = run(lane, columns, behind)
    want, at = [0, *behind[:-1]], latency.WEIGHT + latency.LANE
    want[4 + at] = int(np.dot(weights[:5], operands[:5]))
    want[11 + at] = int(np.dot(weights[5:], operands[5:]))
    assert sums == want


def test_groups_that_take_turns():
    """With a ring of 2 to 4 accumulators, columns of any of its groups in any order, idle clocks
    with and without a rotation between them: each sum is that of its own columns."""
    for accumulators in (2, 3, 4):
        rng = np.random.default_rng(accumulators)
        weights = rng.integers(-8, 8, 200).tolist()
        lane = Lane(weights, 4, 5, 16, accumulators)
        sums: list[int | None] = [None] * accumulators  # of the open groups
        place, columns, want = 0, [], {}
        for clock in range(200):
            rotate, idle = rng.random() < 0.4, rng.random() < 0.2
            place = (place + rotate) % accumulators
            column = IDLE | {"rotate": int(rotate), "address": clock}
            if not idle:
                operand, last = int(rng.integers(-16, 16)), rng.random() < 0.2
                first = sums[place] is None
                column |= {"operand": operand, "first": int(first), "last": int(last)}
                sums[place] = (sums[place] or 0) + weights[clock] * operand
                if last:
                    want[clock + latency.WEIGHT + latency.LANE], sums[place] = sums[place], None
            columns.append(column)
        found = run(lane, columns, [9999] * 220)
        assert {k: value for k, value in enumerate(found) if value != 9999 and k} == want
        assert len(want) > 20


def test_a_lane_of_one_weight():
    """The least memory: one weight, groups of one column."""
    lane = Lane([-3], weight_width=3, operand_width=4, sum_width=8, accumulators=1)
    columns = [IDLE | {"operand": k - 4, "first": 1, "last": 1} for k in range(6)]
    sums, at = run(lane, columns, [0] * 16), latency.WEIGHT + latency.LANE
    assert sums[at : at + 6] == [-3 * (k - 4) for k in range(6)]

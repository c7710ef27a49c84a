"""The lanes' sums equal NumPy's, in lane order, at the clock that they promise."""

from dataclasses import dataclass

import numpy as np
import pytest
from amaranth.hdl import ResetInserter, Signal

from fixedpoint.paths import Paths
from rtl.datapath.lanes import LaneArray
from rtl.schedule import latency
from tests.rtl.support import simulate

WEIGHT, OPERAND = 6, 5  # bits


@dataclass(frozen=True)
class Weights:
    """What the lanes want of a program: weights of each lane in the order of issue, and widths."""

    weights: tuple[tuple[int, ...], ...]
    paths: Paths
    accumulators: int = 1
    rows_at_once: int = 1
    loadable: bool = False
    protected: bool = False

    @property
    def operand(self) -> int:
        return self.paths.operand

    @property
    def weight_address_width(self) -> int:
        return max(1, (len(self.weights[0]) - 1).bit_length())


def _paths(total: int) -> Paths:
    """Of lanes alone, with sums of so many bits."""
    return Paths(WEIGHT, OPERAND, total, net=0, gate=0, g=0, h=0, s=0, m=0, y=0, peephole=0)


def _corner_or_any(rng, bits: int, shape) -> np.ndarray:
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    corners = rng.choice([low, high, 0, -1], shape)
    return np.where(rng.random(shape) < 0.3, corners, rng.integers(low, high + 1, shape))


def _run(array: LaneArray, script: list[tuple[int, int, int, int]]) -> list[tuple[int, list[int]]]:
    """(start, sums) of every clock from the first operand's on, fed (operand, address, first, last)
    a clock, each address `latency.WEIGHT` clocks before the rest of its column."""
    seen = []

    async def testbench(ctx):
        idle = [(0, 0, 0, 0)] * (latency.LANE + len(array.program.weights) + 2)
        early = [(0, 0, 0, 0)] * latency.WEIGHT
        columns, addresses = early + script + idle, script + idle + early
        for (operand, _, first, last), (_, address, _, _) in zip(columns, addresses, strict=True):
            feed = {"operand": operand, "address": address, "first": first, "last": last}
            ctx.set(array.feed, {**feed, "rotate": 0})
            sums = [ctx.get(getattr(array, f"sum{k}")) for k in range(array.program.rows_at_once)]
            seen.append((ctx.get(array.start), sums))
            await ctx.tick()

    simulate(array, testbench)
    return seen[latency.WEIGHT :]


def _check(
    weights: np.ndarray, lengths: list[int], rng, inside: float, between: list[int], rows, at_once=1
):
    """Groups of columns through an array; sums of the first `rows` lanes against NumPy."""
    lanes, total = weights.shape
    bound = max(lengths) << (WEIGHT + OPERAND - 2)
    widths = _paths(bound.bit_length() + 1)
    program = Weights(tuple(map(tuple, weights.tolist())), widths, rows_at_once=at_once)
    operands = _corner_or_any(rng, OPERAND, total)
    script, expected, place = [], {}, 0
    for length, gap in zip(lengths, between, strict=True):
        for k in range(length):
            script.append((int(operands[place + k]), place + k, int(k == 0), int(k == length - 1)))
            while k < length - 1 and rng.random() < inside:  # the address may be anything
                script.append((0, int(rng.integers(total)), 0, 0))
        cut = slice(place, place + length)
        expected[len(script) - 1] = weights[:, cut] @ operands[cut]
        place += length
        script += [(0, int(rng.integers(total)), 0, 0)] * gap
    seen = _run(LaneArray(program), script)
    starts = [clock for clock, (start, _) in enumerate(seen) if start]
    assert starts == [clock + latency.LANE - 1 for clock in expected]
    for clock, sums in expected.items():
        ready = clock + latency.LANE
        found = [seen[ready + r // at_once][1][r % at_once] for r in range(rows)]
        assert found == sums[:rows].tolist()


@pytest.mark.parametrize("inside", (0.0, 0.4))
@pytest.mark.parametrize("lanes", range(1, 8))
def test_sums_of_groups(lanes, inside):
    """1 to 7 lanes; groups at once after one another and with pauses; a group as short as there
    are lanes; idle clocks inside a group when `inside`. Lane r's sum comes `latency.LANE` + r
    clocks after the group's last column, `start` a clock before lane 0's."""
    rng = np.random.default_rng(10 * lanes + int(10 * inside))
    lengths = [lanes, lanes, lanes + 1, lanes, 2 * lanes + 3, lanes, lanes + 2, lanes]
    weights = _corner_or_any(rng, WEIGHT, (lanes, sum(lengths)))
    _check(weights, lengths, rng, inside, [0, 0, 0, 1, 0, 4, 0, 0], rows=lanes)


@pytest.mark.parametrize("at_once", (3, 4))
@pytest.mark.parametrize("lanes", (4, 8, 15))
def test_several_rows_at_once(lanes, at_once):
    """Of a tail that takes n rows at once, lane n r + k gives its sum to place k, r clocks later;
    groups follow one another in the fewest clocks that so many rows take."""
    rng = np.random.default_rng(lanes + at_once)
    least = -(-lanes // at_once)
    lengths = [least, least, least + 1, least, 2 * least + 3, least]
    weights = _corner_or_any(rng, WEIGHT, (lanes, sum(lengths)))
    _check(weights, lengths, rng, 0.0, [0, 0, 1, 0, 0, 2], lanes, at_once)


@pytest.mark.parametrize("rows", (1, 2, 3, 5))
def test_lanes_that_a_group_leaves_idle(rows):
    """A group that uses `rows` of 6 lanes may be as short as that: the sums of lanes beyond, which
    nobody wants, do not get in the way of the next group's."""
    rng = np.random.default_rng(rows)
    lengths = [rows] * 9
    weights = _corner_or_any(rng, WEIGHT, (6, sum(lengths)))
    _check(weights, lengths, rng, 0.0, [0] * 9, rows)


@pytest.mark.parametrize("corner", ("both lowest", "lowest and highest"))
def test_extreme_codes_do_not_overflow(corner):
    """lowest * lowest in each of 8 columns is the largest sum of these formats, and fits exactly
    into the width that their bound asks for; so does the smallest."""
    low_w, low_o = -(1 << (WEIGHT - 1)), -(1 << (OPERAND - 1))
    operand = low_o if corner == "both lowest" else -low_o - 1
    bound = 8 * low_w * low_o
    program = Weights(((low_w,) * 16,) * 3, _paths(bound.bit_length() + 1))
    script = [(operand, k, int(k % 8 == 0), int(k % 8 == 7)) for k in range(16)]
    seen = _run(LaneArray(program), script)
    for clock in (7, 15):
        sums = [seen[clock + latency.LANE + r][1][0] for r in range(3)]
        assert sums == [8 * low_w * operand] * 3


def test_a_reset_forgets_a_group_on_its_way():
    """No `start` comes from a group whose last column was fed before the reset."""
    program = Weights(((1, 2, 3, 4),) * 5, _paths(12))
    array, reset, seen = LaneArray(program), Signal(), []

    async def testbench(ctx):
        column = {"operand": 3, "address": 1, "first": 1, "last": 1, "rotate": 0}
        ctx.set(array.feed, column)
        await ctx.tick()
        ctx.set(array.feed, dict.fromkeys(column, 0))
        await ctx.tick()
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        for _ in range(latency.LANE + 10):
            seen.append(ctx.get(array.start))
            await ctx.tick()

    simulate(ResetInserter(reset)(array), testbench)
    assert not any(seen)

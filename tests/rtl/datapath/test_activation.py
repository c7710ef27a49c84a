"""The tail's first half alone: every row's sum becomes the activation of the integer model."""

from itertools import pairwise

import numpy as np
import pytest
from amaranth.hdl import Module

from fixedpoint import arithmetic
from golden.network import Network
from rtl.datapath.activation import Activation
from rtl.datapath.squash import SigmaUnit
from rtl.program.program import Program
from rtl.schedule import latency
from rtl.schedule.schedule import schedule_of
from tests.rtl.support import G1997, layer, quantized, readout, simulate, stack


def _networks():
    rng = np.random.default_rng(11)
    old = layer(rng, 2, 2, 3, forget=False, recurrence=True, **G1997)
    plain = layer(rng, 3, 4, forget=False, g="sigma", h="identity")
    return {
        "forget": (quantized(stack(rng, 3, 5), rng, 9), 8),
        "1997 below forget, sigma readout": (
            quantized(
                Network((old, layer(rng, 6, 4)), readout(rng, 4, 6, "sigma")), rng, 12, tight=1
            ),
            10,
        ),
        "g sigma, linear readout": (
            quantized(Network((plain,), readout(rng, 4, 1)), rng, 7),
            3,
        ),
        "a block at once, and a readout": (
            quantized(Network((layer(rng, 2, 3),), readout(rng, 3, 5)), rng, 9, tight=1),
            12,
        ),
        "one cell": (quantized(stack(rng, 1, 1), rng, 20), 4),
        "g identity": (
            quantized(Network((layer(rng, 2, 3, forget=False, g="identity"),)), rng, 10),
            6,
        ),
    }


NETWORKS = _networks()


def _sums(rng, program: Program, word) -> list[int]:
    """Sums for a row: corners of its net input's format, ties around them, and any."""
    mode = program.net_modes[word.net_mode]
    scale = 1 << max(0, mode.shift)
    half = scale >> 1
    at = [mode.squash.net.low, mode.squash.net.high, 0, -1, int(rng.integers(-50, 50))]
    nets = [code * scale + by for code in at for by in (0, half, half - 1, -half, scale)]
    coarse = 1 << word.coarser
    bound = (1 << (program.paths.sum - 1)) - 1 - (abs(word.bias) // coarse + 1)
    nets += [word.bias + bound * coarse, word.bias - bound * coarse]
    any_code = rng.integers(2 * mode.squash.net.low, 2 * mode.squash.net.high, 8) * scale
    nets += [int(code) + int(rng.integers(scale)) for code in any_code]
    sums = [(net - word.bias) // coarse for net in nets]
    return [total for total in sums if abs(total) <= bound]


def _expected(program: Program, word, total: int) -> tuple[int, int]:
    """The activation's code and whether its net input saturated, by `fixedpoint`."""
    mode = program.net_modes[word.net_mode]
    form = mode.squash.net
    whole = (total << word.coarser) + word.bias
    net = arithmetic.round_shift(np.array([whole]), mode.shift)
    clipped = arithmetic.saturate(net, form.low, form.high)
    return int(mode.squash(clipped)[0]), int(arithmetic.outside(net, form.low, form.high))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_row_of_every_group(name):
    """Step after step, group after group with and without pauses: each row with its own bias,
    rounding and squash, for sums at ties, at the ends of its net input's format and beyond. Code,
    saturation, kind, mode, output and the step's marks come `latency.ACTIVATION` clocks later."""
    qnet, lanes = NETWORKS[name]
    program = Program(qnet, schedule_of(qnet, lanes))
    saturated = set()
    for place in range(program.schedule.tail):
        saturated |= _check_rows(program, place)
    assert saturated == {0, 1}


def _check_rows(program: Program, place: int) -> set[int]:
    """One of the rows that the tail takes at once; which saturation flags were met."""
    qnet = program.qnet
    rng, unit = np.random.default_rng(12), Activation(program, place)
    m = Module()
    m.submodules.unit, m.submodules.sigma = unit, (sigma := SigmaUnit(qnet.table, 1))
    m.d.comb += [sigma.code0.eq(unit.code), unit.value.eq(sigma.value0)]
    words = {word.row: word for word in program.tail(place)}
    choices = {row: _sums(rng, program, word) for row, word in words.items()}
    steps = max(map(len, choices.values()))
    script, want = [(0, 0, 0, 0)] * 2, [None] * 2  # the first row's word is read meanwhile
    for step in range(steps):
        marks = rng.integers(0, 2, 2).tolist()
        for group in program.schedule.tails[place]:
            for row in group:
                word, sums = words[row], choices[row]
                total, start = sums[step % len(sums)], row == group[0]
                # marks stand with `start` only
                script.append((int(start), total, *(marks if start else rng.integers(0, 2, 2))))
                kind = program.kinds.index(row.kind)
                code, saturated = _expected(program, word, total)
                want.append((code, saturated, kind, word.cell_mode, int(word.output), *marks))
            if not group:  # its rows come elsewhere
                script.append((1, int(rng.integers(-9, 9)), *marks))
                want.append(None)
            pause = int(rng.choice([0, 0, 1, 7]))
            script += [(0, int(rng.integers(-9, 9)), 0, 1)] * pause
            want += [None] * pause
    found = []

    async def testbench(ctx):
        # `start` and marks come a clock before the sum
        clocks = script + [(0, 0, 0, 0)] * (latency.ACTIVATION + 1)
        for (_, total, *_), (start, _, first, last) in pairwise(clocks):
            ctx.set(unit.start, start)
            ctx.set(unit.sum, total)
            ctx.set(unit.step_first, int(first))
            ctx.set(unit.step_last, int(last))
            o, shown = ctx.get(unit.o), None
            if o.valid:
                shown = (o.code, o.saturated, o.kind, o.cell_mode, o.output)
                shown += (o.step_first, o.step_last)
            found.append(shown)
            await ctx.tick()

    simulate(m, testbench)
    assert found[: latency.ACTIVATION] == [None] * latency.ACTIVATION
    assert found[latency.ACTIVATION :] == want
    return {word[1] for word in want if word}

"""The sigma unit equals the sigma table for every code of every reader."""

import numpy as np
import pytest
from amaranth.hdl import Module, Shape, Signal

import fixedpoint
from fixedpoint.arithmetic import nearest, outside, saturate
from fixedpoint.formats import Format
from fixedpoint.squash import QuantizedSquash, SigmaTable, sigma_table
from golden.network import Network
from golden.squash import SQUASHES
from rtl.datapath.activation import squash_net
from rtl.datapath.squash import SigmaUnit
from rtl.program.program import NetMode
from rtl.schedule import latency
from rtl.verilog import convert
from tests.golden.nets import ONE_ENDED
from tests.rtl.support import agree, any_codes, layer, make_core, readout, run_core, simulate

EVERY = SQUASHES | ONE_ENDED

# argument, value; every width from 7 to 13, with and without interpolation
TABLES = {
    "s7.3": ("s7.3", "u4.3"),
    "s7.2": ("s7.2", "u9.8"),
    "s8.4": ("s8.4", "u8.7"),
    "s9.4": ("s9.4", "u15.14"),
    "s10.5": ("s10.5", "u11.10"),
    "s10.7": ("s10.7", "u5.4"),
    "s11.7": ("s11.7", "u10.9"),
    "s12.8": ("s12.8", "u11.10"),
    "s13.8": ("s13.8", "u15.14"),
    "s13.9": ("s13.9", "u8.7"),
}


def _table(name: str) -> SigmaTable:
    return SigmaTable(*(Format.parse(text) for text in TABLES[name]))


def test_tables_interpolate_by_none_and_by_many_bits():
    found = {_table(name).low_bits for name in TABLES}
    assert 0 in found and max(found) >= 4, found


@pytest.mark.parametrize("name", TABLES)
def test_every_code_on_two_readers(name):
    """One reader goes up through all codes, the other down, one code a clock; each result stands
    `latency.SIGMA` clocks after its code."""
    table = _table(name)
    unit = SigmaUnit(table, readers=2)
    codes = list(range(table.argument.low, table.argument.high + 1))
    found = ([], [])

    async def testbench(ctx):
        for k in range(len(codes) + latency.SIGMA):
            if k < len(codes):
                ctx.set(unit.code0, codes[k])
                ctx.set(unit.code1, codes[-1 - k])
            if k >= latency.SIGMA:
                found[0].append(ctx.get(unit.value0))
                found[1].append(ctx.get(unit.value1))
            await ctx.tick()

    simulate(unit, testbench)
    want = table.values.tolist()
    assert found[0] == want
    assert found[1] == want[::-1]
    assert (want[0], want[-1]) == (0, table.value.one)


@pytest.mark.parametrize("name", ("s7.2", "s12.8"))
def test_verilog_without_empty_vectors(name):
    """A table without interpolation has no lower bits: no `[-1:0]`, which Verilog takes for two."""
    assert "[-1:0]" not in convert(SigmaUnit(_table(name), readers=2), "sigma")


@pytest.mark.parametrize("readers", (1, 3))
def test_readers_do_not_disturb_each_other(readers):
    """Held at different codes, each reader shows its own value: the exact ends and the middle."""
    table = _table("s12.8")
    unit = SigmaUnit(table, readers)
    codes = (table.argument.low, 0, table.argument.high)[:readers]
    found = []

    async def testbench(ctx):
        for k, code in enumerate(codes):
            ctx.set(getattr(unit, f"code{k}"), code)
        await ctx.tick().repeat(latency.SIGMA)
        found.extend(ctx.get(getattr(unit, f"value{k}")) for k in range(readers))

    simulate(unit, testbench)
    assert found == [0, table.value.one // 2, table.value.one][:readers]


def test_latency_is_no_shorter():
    """A step in the code is not seen before its latency is over, and then at once."""
    table = _table("s10.5")
    unit = SigmaUnit(table, readers=1)
    seen = []

    async def testbench(ctx):
        ctx.set(unit.code0, table.argument.low)
        await ctx.tick().repeat(10)
        ctx.set(unit.code0, table.argument.high)
        for _ in range(latency.SIGMA + 2):
            seen.append(ctx.get(unit.value0))
            await ctx.tick()

    simulate(unit, testbench)
    assert seen == [0] * latency.SIGMA + [table.value.one] * 2


@pytest.mark.parametrize("name", EVERY)
def test_every_function_in_float_integers_and_gates(name):
    """Integers are the float function to what their roundings allow; the gateware is the integers.

    Real net inputs from -9 to 9 go beyond every end. A net input is off by half an LSB, which the
    function's slope scales, sigma by 1 LSB of the table, and the result by half an LSB of its own.
    """
    unit = _unit(name)
    function, net, target = unit.squash, unit.net, unit.target
    a = np.linspace(-9, 9, 4001)
    codes = saturate(nearest(a * 2.0**net.frac), unit.low, unit.high).astype(np.int64)
    have = target.decode(unit(codes))
    want = np.clip(function(a), target.low * target.lsb, target.high * target.lsb)
    allowed = target.lsb / 2
    if not function.linear:
        slope = function.scale * function.slope / 4
        allowed += slope * net.lsb / 2 + function.scale * unit.table.value.lsb
    assert np.abs(have - want).max() <= allowed <= 1.5 * target.lsb
    assert np.ptp(have) > 1.0 - target.lsb

    found, nets = _in_gates(unit)
    clipped = saturate(nets, unit.low, unit.high)
    assert [code for code, _ in found] == unit(clipped).tolist()
    assert [flag for _, flag in found] == (clipped != nets).astype(int).tolist()
    assert 0 < sum(flag for _, flag in found) == outside(nets, unit.low, unit.high)


def _unit(name: str) -> QuantizedSquash:
    """The function with 4 fraction bits and a sigma table as fine as it needs."""
    frac = 4 + EVERY[name].scale.bit_length()
    table = sigma_table(Format(4 + frac, frac), Format(frac + 1, frac, signed=False))
    unit = QuantizedSquash(EVERY[name], table, Format(9, 4))
    unit.check(name)
    return unit


def _in_gates(unit: QuantizedSquash) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Code and saturation of every net input, those beyond the format among them."""
    m, net = Module(), Signal(Shape(unit.net.width + 1, True))
    m.submodules.sigma = sigma = SigmaUnit(unit.table, 1)
    reader, mode = (sigma.code0, sigma.value0), Signal(1)
    result, saturated = squash_net(m, [NetMode(0, unit)], [net], mode, reader, name="")
    nets, found = np.arange(2 * unit.net.low, 2 * unit.net.high + 2), []

    async def testbench(ctx):
        for k in range(len(nets) + latency.SQUASH):
            if k < len(nets):
                ctx.set(net, int(nets[k]))
            if k >= latency.SQUASH:
                found.append((ctx.get(result), ctx.get(saturated)))
            await ctx.tick()

    simulate(m, testbench)
    return found, nets


# g, h and readout
NETWORKS = [
    ("floored", "capped", "tanh"),
    ("capped", "floored", "hard"),
    ("hard", "h1997", "floored"),
    ("sigma", "identity", "capped"),
    ("tanh", "hard", "g1997"),
    ("hardtanh", "relu", "relu6"),
]


def test_the_networks_have_every_function():
    """Those with a single end in every place; and a readout of every form."""
    assert {name for names in NETWORKS for name in names} == set(EVERY)
    assert all(set(ONE_ENDED) <= set(place) for place in zip(*NETWORKS, strict=True))


@pytest.mark.parametrize("names", NETWORKS, ids="-".join)
def test_a_network_of_every_function(names, monkeypatch):
    """Float and 16-bit integers agree to some LSBs, integers and gateware to the bit."""
    for name, function in ONE_ENDED.items():
        monkeypatch.setitem(SQUASHES, name, function)
    rng, (g, h, out) = np.random.default_rng(23), names
    net = Network((layer(rng, 2, 2, g=g, h=h, scale=0.8),), readout(rng, 2, 2, out))
    x = rng.normal(size=(2, 8, 2))
    qnet = fixedpoint.quantize(net, bits=16, calibrate=x)
    fixed = dict(qnet.run(qnet.encode(x)[0]).real().signals())
    for signal, real in net.run(x).signals():
        assert np.abs(fixed[signal] - real).max() < 2.0**-10 * max(1, np.abs(real).max()), signal
    core, codes = make_core(qnet), any_codes(rng, qnet, 2, 6)
    assert agree(core.plan, run_core(core, codes), codes)

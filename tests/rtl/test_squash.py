"""The sigma unit equals the sigma table for every code of every reader."""

import pytest

from fixedpoint.formats import Format
from fixedpoint.squash import SigmaTable
from rtl import latency
from rtl.squash import SigmaUnit
from rtl.verilog import convert
from tests.rtl.support import simulate

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

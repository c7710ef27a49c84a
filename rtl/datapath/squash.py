"""sigma in gateware: knots from a memory, straight lines between (see `fixedpoint.squash`)."""

from amaranth.hdl import Cat, Const, Module, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from fixedpoint.squash import GUARD, QuantizedSquash, SigmaTable
from rtl.lib.arithmetic import delay, layout_of, round_shift, shift_right
from rtl.lib.memory import block_memory
from rtl.lib.memory import load as load_words
from rtl.program.words import knot_word, knot_words
from rtl.schedule import latency


def squashed(unit: QuantizedSquash, sigma: Value, net: Value) -> Value:
    """`unit` of a net input, from its sigma; the identity takes the net input itself."""
    if unit.squash.linear:
        return net
    return round_shift(sigma << unit.gain_bits, unit.shift, unit.constant)


class SigmaUnit(wiring.Component):
    """Several readers of one sigma table.

    Timing: a result `latency.SIGMA` = 5 clocks after its code, one a clock for each reader: memory
    and its register, operands, product, sum.
    Number formats: codes in `table.argument`, results in `table.value` (unsigned, 1.0 is a code).
    The interpolation never exceeds the right knot, so nothing can overflow.

    Parameters
    ----------
    table : the knots and the rule, shared with the integer model.
    readers : how many independent readers; two become the two ports of one block RAM.
    load : the layout of `load` in a core with a load port.

    Members
    -------
    load : In(load)
    code{k} : In(argument)
    value{k} : Out(value)
    """

    code0: Signal
    value0: Signal
    load: data.View
    code1: Signal
    value1: Signal

    def __init__(self, table: SigmaTable, readers: int, load: data.StructLayout | None = None):
        self.table, self.readers, self.loadable = table, readers, load is not None
        ports = {"load": In(load)} if load else {}
        for k in range(readers):
            ports[f"code{k}"] = In(signed(table.argument.width))
            ports[f"value{k}"] = Out(unsigned(table.value.width))
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        table, t = self.table, self.table.low_bits
        word, init = layout_of(knot_word(table)), knot_words(table)
        m.submodules.knots = memory = block_memory(shape=word, depth=len(init), init=init)
        if self.loadable:
            load_words(m, memory, self.load)
        for k in range(self.readers):
            code, port = getattr(self, f"code{k}"), memory.read_port()
            # the lowest code is entry 0: flip the sign bit
            m.d.comb += port.addr.eq(Cat(code[t:-1], ~code[-1]))
            low = delay(m, code[:t], latency.MEMORY + 1, name=f"low{k}") if t else Const(0)
            knots = delay(m, port.data, latency.MEMORY - 1, name=f"knots{k}")
            slope = delay(m, knots.rise, 1, name=f"slope{k}")
            rise = Signal(word["rise"].width + t, name=f"rise{k}", reset_less=True)
            m.d.sync += rise.eq(slope * low)
            knot = delay(m, knots.knot, 2, name=f"knot{k}")
            value = Signal.like(getattr(self, f"value{k}"), name=f"sigma{k}", reset_less=True)
            m.d.sync += value.eq(shift_right((knot << t) + rise, t + GUARD))
            m.d.comb += getattr(self, f"value{k}").eq(value)
        stages = latency.MEMORY + 1 + 1 + 1
        assert stages == latency.SIGMA
        return m

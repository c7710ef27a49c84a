"""sigma in gateware: knots from a memory, straight lines between (see `fixedpoint.squash`)."""

from types import SimpleNamespace
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from fixedpoint.squash import GUARD, QuantizedSquash, SigmaTable
from rtl.lib.arithmetic import delay, layout_of, round_shift, shift_right
from rtl.lib.memory import block_memory
from rtl.lib.memory import load as load_words
from rtl.lib.secded import UPSETS, GuardedRom
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
    and its register, operands, product, sum. Where knots are mended it takes a clock more, and the
    mended ones are the operands.
    Number formats: codes in `table.argument`, results in `table.value` (unsigned, 1.0 is a code).
    The interpolation never exceeds the right knot, so nothing can overflow.

    Parameters
    ----------
    table : the knots and the rule, shared with the integer model.
    readers : how many independent readers; two become the two ports of one block RAM.
    load : the layout of `load` in a core with a load port.
    protected : whether knots are mended where a bit of them has flipped.

    Members
    -------
    load : In(load)
    sweep, upsets : of a protected one. In(1), nothing is asked, all knots may be read in turn;
        Out(UPSETS).
    code{k} : In(argument)
    value{k} : Out(value)
    """

    code0: Signal
    value0: Signal
    load: data.View
    code1: Signal
    value1: Signal
    sweep: Signal
    upsets: data.View

    def __init__(
        self,
        table: SigmaTable,
        readers: int,
        load: data.StructLayout | None = None,
        protected: bool = False,
    ):
        self.table, self.readers, self.loadable = table, readers, load is not None
        self.protected = protected
        ports: dict[str, Any] = {"load": In(load)} if load else {}
        ports |= {"sweep": In(1), "upsets": Out(UPSETS)} if protected else {}
        for k in range(readers):
            ports[f"code{k}"] = In(signed(table.argument.width))
            ports[f"value{k}"] = Out(unsigned(table.value.width))
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        table, t = self.table, self.table.low_bits
        word = layout_of(knot_word(table))
        operand = latency.GUARDED if self.protected else latency.MEMORY + 1
        memory: Any
        if self.protected:
            memory = self._guarded(m)
        else:
            init = knot_words(table)
            m.submodules.knots = memory = block_memory(shape=word, depth=len(init), init=init)
            if self.loadable:
                load_words(m, memory, self.load)
        for k in range(self.readers):
            code = getattr(self, f"code{k}")
            if self.protected:  # noqa: SIM108 - a port has the name to which it is assigned
                port = self._port(memory, k)
            else:
                port = memory.read_port()
            # the lowest code is entry 0: flip the sign bit
            m.d.comb += port.addr.eq(Cat(code[t:-1], ~code[-1]))
            low = delay(m, code[:t], operand, name=f"low{k}") if t else Const(0)
            early = int(self.protected)  # what is mended is in a register
            knots = delay(m, port.data, latency.MEMORY - 1 - early, name=f"knots{k}")
            slope = delay(m, knots.rise, 1 - early, name=f"slope{k}")
            rise = Signal(word["rise"].width + t, name=f"rise{k}", reset_less=True)
            m.d.sync += rise.eq(slope * low)
            knot = delay(m, knots.knot, 2 - early, name=f"knot{k}")
            value = Signal.like(getattr(self, f"value{k}"), name=f"sigma{k}", reset_less=True)
            m.d.sync += value.eq(shift_right((knot << t) + rise, t + GUARD))
            m.d.comb += getattr(self, f"value{k}").eq(value)
        stages = operand + 1 + 1
        assert stages == latency.Depths(protected=self.protected).sigma
        return m

    def _guarded(self, m: Module) -> GuardedRom:
        """The memory of knots that is mended, `latency.GUARDED` clocks after its address."""
        word = knot_word(self.table)
        words = list(map(word.pack, knot_words(self.table)))
        m.submodules.knots = rom = GuardedRom(word.bits, words, self.readers, sweeps=True)
        m.d.comb += [rom.sweep.eq(self.sweep), self.upsets.eq(rom.upsets)]
        return rom

    def _port(self, rom: GuardedRom, k: int) -> Any:
        """A reader of it."""
        knots = data.View(layout_of(knot_word(self.table)), getattr(rom, f"word{k}"))
        return SimpleNamespace(addr=getattr(rom, f"address{k}"), data=knots)

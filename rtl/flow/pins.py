"""A core without a board: wrapped so that a few pins keep all of it alive."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from rtl.planning import CorePlan
from rtl.verilog import Top


class FewPins(wiring.Component):
    """A core between registers, on three pins whatever its ports.

    A core has some 300 bits of ports, more than most packages have pins. Here its inputs come from
    a shift register behind one pin, and what leaves its streams goes into registers that the tools
    are told to keep; all else, counters, are registers themselves and just end. Nothing of the core
    can be optimised away, every path of its streams lies between registers and counts for the
    clock, and all that is added is a flip-flop for each of those bits.

    Timing: a clock before and after the core. What comes out is of no use.

    Members
    -------
    scan : In(1), the inputs, one after the other.
    """

    scan: Signal

    def __init__(self, plan: CorePlan):
        self.plan = plan
        super().__init__({"scan": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = top = Top(self.plan)
        ports = [(member.flow, signal) for _, member, signal in top.signature.flatten(top)]
        inputs = Cat(signal for flow, signal in ports if flow == In)
        shift = Signal(len(inputs), reset_less=True)
        m.d.sync += shift.eq(Cat(self.scan, shift))
        m.d.comb += inputs.eq(shift)
        for flow, signal in ports:
            if flow == In:
                continue
            end = Signal.like(signal, name=f"end_{signal.name}", attrs={"keep": 1}, reset_less=True)
            domain = m.d.sync if signal.name.startswith(("i_", "o_")) else m.d.comb
            domain += end.eq(signal)
        return m

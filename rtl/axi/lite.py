"""The AXI4-Lite slave: five channels in, one access at a time out."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.axi.bus import BUS
from rtl.axi.registers import ADDRESS_WIDTH, BYTES, WIDTH

# AXI4-Lite of 32 data bits, as the manager has it.
LITE = wiring.Signature(
    {
        "awaddr": Out(ADDRESS_WIDTH),
        "awprot": Out(3),
        "awvalid": Out(1),
        "awready": In(1),
        "wdata": Out(WIDTH),
        "wstrb": Out(BYTES),
        "wvalid": Out(1),
        "wready": In(1),
        "bresp": In(2),
        "bvalid": In(1),
        "bready": Out(1),
        "araddr": Out(ADDRESS_WIDTH),
        "arprot": Out(3),
        "arvalid": Out(1),
        "arready": In(1),
        "rdata": In(WIDTH),
        "rresp": In(2),
        "rvalid": In(1),
        "rready": Out(1),
    }
)


class Lite(wiring.Component):
    """Takes a write when its address and its data are there, in whichever order they came.

    Each channel has a register of its own, so that no ready or valid depends on one of the other
    side in the same clock. A response that is not taken holds up its own kind only, and for a clock
    each does, so that reads and writes take turns. The lowest two bits of addresses and the
    protection are not looked at.

    Timing: 3 clocks from an address (or data) taken to its response, where the register answers at
    once.

    Members
    -------
    s_axil : In(LITE).
    bus : Out(BUS).
    """

    s_axil: Any
    bus: Any

    def __init__(self):
        super().__init__({"s_axil": In(LITE), "bus": Out(BUS)})

    def elaborate(self, platform):
        m = Module()
        axi, bus = self.s_axil, self.bus
        written, read = Signal(), Signal()  # the access is done
        address, has_address = _hold(m, "aw", axi.awvalid, axi.awready, axi.awaddr, written)
        word, has_word = _hold(m, "w", axi.wvalid, axi.wready, Cat(axi.wdata, axi.wstrb), written)
        source, has_source = _hold(m, "ar", axi.arvalid, axi.arready, axi.araddr, read)
        may_write, may_read = has_address & has_word & ~axi.bvalid, has_source & ~axi.rvalid
        m.d.comb += [Cat(bus.data, bus.strobe).eq(word), bus.address.eq(source[2:])]
        with m.FSM():
            with m.State("choose"):
                with m.If(may_write):
                    m.next = "write"
                with m.Elif(may_read):
                    m.next = "read"
            with m.State("write"):
                m.d.comb += [bus.request.eq(1), bus.write.eq(1), bus.address.eq(address[2:])]
                m.d.comb += written.eq(bus.done)
                with m.If(bus.done):
                    m.next = "choose"
            with m.State("read"):
                m.d.comb += [bus.request.eq(1), read.eq(bus.done)]
                with m.If(bus.done):
                    m.next = "choose"
        _respond(m, axi.bvalid, axi.bready, written, axi.bresp, bus.response)
        read_back = Cat(axi.rresp, axi.rdata)
        _respond(m, axi.rvalid, axi.rready, read, read_back, Cat(bus.response, bus.value))
        return m


def _hold(
    m: Module, name: str, valid: Value, ready: Value, payload: Value, done: Value
) -> tuple[Signal, Signal]:
    """A register for a channel's beat until it is done with; returns it, and whether it is full."""
    held = Signal(len(payload), name=f"{name}_held", reset_less=True)
    full = Signal(name=f"{name}_full")
    m.d.comb += ready.eq(~full)
    with m.If(valid & ~full):
        m.d.sync += [held.eq(payload), full.eq(1)]
    with m.If(done):
        m.d.sync += full.eq(0)
    return held, full


def _respond(m: Module, valid: Value, ready: Value, done: Value, payload: Value, answer: Value):
    """A response that stays until it is taken."""
    with m.If(valid & ready):
        m.d.sync += valid.eq(0)
    with m.If(done):
        m.d.sync += [valid.eq(1), payload.eq(answer)]

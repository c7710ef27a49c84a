"""From an access to the register that it means: the decoder, made from the table."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.axi.bus import BUS, PORT, Response
from rtl.axi.registers import BYTES, WIDTH, Register


class Decoder(wiring.Component):
    """Hands every access to its register, and answers in its stead what it does not allow.

    An address without a register is answered DECERR; reading what is write only, writing what is
    read only, and what a register refuses, SLVERR. The value of an error is 0.

    Timing: none, the answer comes in the clock in which the register gives it.

    Parameters
    ----------
    registers : the table.

    Members
    -------
    bus : In(BUS).
    one for each register that is not constant, by its name in lower case : Out(PORT).
    """

    bus: Any

    def __init__(self, registers: Sequence[Register]):
        self.registers = registers
        ports = {register.port: Out(PORT) for register in registers if not register.constant}
        super().__init__({"bus": In(BUS), **ports})

    def elaborate(self, platform):
        m = Module()
        bus, value = self.bus, Signal(WIDTH)
        known, allowed, waits, refused = (
            Signal(name=name) for name in ("found", "allowed", "waits", "refused")
        )
        with m.Switch(bus.address):
            for register in self.registers:
                with m.Case(register.offset // BYTES):
                    m.d.comb += [
                        known.eq(1),
                        allowed.eq(Mux(bus.write, register.writable, register.readable)),
                    ]
                    if register.constant:
                        m.d.comb += value.eq(register.reset)
                        continue
                    port = getattr(self, register.port)
                    m.d.comb += [
                        port.read.eq(bus.request & ~bus.write & register.readable),
                        port.write.eq(bus.request & bus.write & register.writable),
                        Cat(value, waits, refused).eq(Cat(port.value, port.waits, port.refused)),
                    ]
        for port in (getattr(self, each.port) for each in self.registers if not each.constant):
            m.d.comb += [port.data.eq(bus.data), port.strobe.eq(bus.strobe)]
        okay = known & allowed & ~refused
        m.d.comb += [
            bus.done.eq(~(allowed & waits)),
            bus.value.eq(Mux(okay, value, 0)),
            bus.response.eq(Mux(okay, Response.OKAY, Mux(known, Response.SLVERR, Response.DECERR))),
        ]
        return m

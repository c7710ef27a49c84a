"""From an access to the register that it means: the decoder, made from the table."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.axi.bus import BUS, PORT, Response
from rtl.axi.registers import BYTES, Register


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
        bus = self.bus
        m.d.comb += bus.response.eq(Response.SLVERR)
        for register in self.registers:
            if not register.constant:
                port = getattr(self, register.port)
                m.d.comb += [port.data.eq(bus.data), port.strobe.eq(bus.strobe)]
        with m.Switch(bus.address):
            for register in self.registers:
                with m.Case(register.offset // BYTES):
                    self._answer(m, register)
            with m.Default():
                m.d.comb += [bus.done.eq(1), bus.response.eq(Response.DECERR)]
        return m

    def _answer(self, m: Module, register: Register) -> None:
        bus, allowed = self.bus, Mux(self.bus.write, register.writable, register.readable)
        if register.constant:
            m.d.comb += bus.done.eq(1)
            with m.If(allowed):
                m.d.comb += [bus.value.eq(register.reset), bus.response.eq(Response.OKAY)]
            return
        port = getattr(self, register.port)
        m.d.comb += bus.done.eq(~allowed | ~port.waits)
        with m.If(bus.request & allowed):
            m.d.comb += [port.read.eq(~bus.write), port.write.eq(bus.write)]
        with m.If(allowed & ~port.refused):
            m.d.comb += [bus.value.eq(port.value), bus.response.eq(Response.OKAY)]

"""Windows on memories: an address register that goes on by itself, and a data register behind it.

An access is refused while the core is not idle, past the last word, and where a write lacks one of
the four bytes; the address then stays where it is.
"""

from typing import Any

from amaranth.hdl import Cat, Module, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.axi.bus import PORT, merged
from rtl.axi.registers import WIDTH
from rtl.schedule import latency


class StateWindow(wiring.Component):
    """Reads and writes the state through a core's state port.

    Timing: a read takes `latency.STATE_PORT` clocks, a write none. Number formats: codes, extended
    to 32 bits by their sign.

    Parameters
    ----------
    words, address, word : how many there are, and the shapes of the core's port.

    Members
    -------
    address, data : In(PORT), the registers.
    quiet : In(1), the core is idle and stays so as long as `busy` is set.
    busy : Out(1), an access is made.
    state_address, state_write, state_in, state_out : of the core's port.
    """

    address: Any
    data: Any
    quiet: Signal
    busy: Signal
    state_address: Signal
    state_write: Signal
    state_in: Signal
    state_out: Signal

    def __init__(self, words: int, address: Shape, word: Shape):
        self.words = words
        super().__init__(
            {
                **{name: In(PORT) for name in ("address", "data")},
                "quiet": In(1),
                **{name: Out(1) for name in ("busy", "state_write")},
                "state_address": Out(address),
                "state_in": Out(word),
                "state_out": In(word),
            }
        )

    def elaborate(self, platform):
        m = Module()
        data, ahead = self.data, Signal()
        place = _cursor(m, self.address, self.words, ahead)
        allowed = self.quiet & (place < self.words) & (data.read | data.strobe.all())
        waited = Signal(range(latency.STATE_PORT + 1))
        with m.If(data.waits):
            m.d.sync += waited.eq(waited + 1)
        with m.Else():
            m.d.sync += waited.eq(0)
        m.d.comb += [
            data.refused.eq(~allowed),
            data.waits.eq(data.read & allowed & (waited != latency.STATE_PORT)),
            data.value.eq(self.state_out),
            self.busy.eq(data.read | data.write),
            ahead.eq(self.busy & allowed & ~data.waits),
            self.state_address.eq(place),
            self.state_write.eq(data.write & allowed),
            self.state_in.eq(data.data),
        ]
        return m


class LoadWindow(wiring.Component):
    """Writes weights through a core's load port.

    Timing: a write takes no clock. Number formats: words as the core's port has them, bits 32 and
    above from a register of their own.

    Parameters
    ----------
    address, word : the shapes of the core's port.

    Members
    -------
    address, data : In(PORT), the registers, and where words have more than 32 bits data_high.
    quiet, busy : see `StateWindow`.
    load_address, load_write, load_in : Out, of the core's port.
    """

    address: Any
    data: Any
    data_high: Any
    quiet: Signal
    busy: Signal
    load_address: Signal
    load_write: Signal
    load_in: Signal

    def __init__(self, address: Shape, word: Shape):
        self.wide = Shape.cast(word).width > WIDTH
        super().__init__(
            {
                **{name: In(PORT) for name in ("address", "data")},
                **({"data_high": In(PORT)} if self.wide else {}),
                "quiet": In(1),
                **{name: Out(1) for name in ("busy", "load_write")},
                "load_address": Out(address),
                "load_in": Out(word),
            }
        )

    def elaborate(self, platform):
        m = Module()
        data, ahead = self.data, Signal()
        words = 1 << len(self.load_address)
        place = _cursor(m, self.address, words, ahead)
        allowed = self.quiet & (place < words) & data.strobe.all()
        m.d.comb += [
            data.refused.eq(~allowed),
            self.busy.eq(data.write),
            ahead.eq(data.write & allowed),
            self.load_address.eq(place),
            self.load_write.eq(data.write & allowed),
            self.load_in.eq(data.data),
        ]
        if self.wide:
            upper = Signal(len(self.load_in) - WIDTH)
            with m.If(self.data_high.write):
                m.d.sync += upper.eq(merged(upper, self.data_high))
            m.d.comb += [
                self.data_high.value.eq(upper),
                self.load_in.eq(Cat(data.data, upper)),
            ]
        return m


def _cursor(m: Module, port: Any, words: int, ahead: Value) -> Signal:
    """The address register: written byte by byte; `ahead` sets it one further."""
    place = Signal(range(words + 1))
    m.d.comb += port.value.eq(place)
    with m.If(port.write):
        m.d.sync += place.eq(merged(place, port))
    with m.If(ahead):
        m.d.sync += place.eq(place + 1)
    return place

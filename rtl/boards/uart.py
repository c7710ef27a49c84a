"""A UART's two halves: 8 data bits, no parity, one stop bit."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from golden.errors import CarouselError

BITS = 10  # start, eight of data, stop
SLOWEST = 8  # clocks a bit at least: where a start bit's edge lies is known to a clock
TOLERANCE = 0.02


def clocks_per_bit(clock_hz: float, baud: int) -> int:
    """Clocks of a bit.

    Raises
    ------
    CarouselError : a baud rate that the clock cannot give to within 2 %, or that is too fast for
        it.
    """
    highest = int(clock_hz / SLOWEST)
    if not 0 < baud <= highest:
        raise CarouselError(
            f"baud rate {baud}: must be from 1 to {highest}, {SLOWEST} clocks a bit at "
            f"{clock_hz / 1e6:g} MHz"
        )
    clocks = round(clock_hz / baud)
    error = abs(clock_hz / clocks / baud - 1)
    if error > TOLERANCE:
        raise CarouselError(
            f"baud rate {baud}: {100 * error:.1f} % off at {clock_hz / 1e6:g} MHz, at most "
            f"{100 * TOLERANCE:g} % are allowed"
        )
    return clocks


def gives(clock_hz: float, baud: int) -> bool:
    """Whether a clock can give a baud rate."""
    try:
        clocks_per_bit(clock_hz, baud)
    except CarouselError:
        return False
    return True


class UartReceiver(wiring.Component):
    """Bytes from a line.

    Timing: each bit is looked at in its middle, counted from the start bit's falling edge; a byte
    comes half a bit before its stop bit ends. A start bit that is over in its middle was a glitch;
    a byte whose stop bit is 0 (noise, a break) is left out, and the line must be 1 again before
    another can start.

    Parameters
    ----------
    clocks : of a bit, see `clocks_per_bit`.

    Members
    -------
    rx : In(1), the line, of no clock.
    data, valid : Out(8), Out(1); valid for one clock.
    """

    rx: Signal
    data: Signal
    valid: Signal

    def __init__(self, clocks: int):
        self.clocks = clocks
        super().__init__({"rx": In(1), "data": Out(8), "valid": Out(1)})

    def elaborate(self, platform):
        m = Module()
        line, before = Signal(init=1), Signal(init=1)
        m.submodules.line = FFSynchronizer(self.rx, line, init=1)
        timer, left = Signal(range(self.clocks)), Signal(range(BITS + 1))
        bits = Signal(8, reset_less=True)
        m.d.comb += self.data.eq(bits)
        m.d.sync += before.eq(line)
        with m.If(left == 0):
            m.d.sync += timer.eq(self.clocks // 2 - 1)
            with m.If(before & ~line):
                m.d.sync += left.eq(BITS)
        with m.Elif(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Else():
            m.d.sync += [timer.eq(self.clocks - 1), left.eq(left - 1)]
            with m.If(left == 1):
                m.d.comb += self.valid.eq(line)
            with m.Else():
                m.d.sync += bits.eq(Cat(bits[1:], line))
            with m.If((left == BITS) & line):
                m.d.sync += left.eq(0)
        return m


class UartTransmitter(wiring.Component):
    """Bytes onto a line.

    Timing: `clocks * 10` clocks a byte, and one in which the next is taken.

    Parameters
    ----------
    clocks : of a bit, see `clocks_per_bit`.

    Members
    -------
    i : In(stream of bytes).  tx : Out(1), the line.
    """

    i: stream.Interface
    tx: Signal

    def __init__(self, clocks: int):
        self.clocks = clocks
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1)})

    def elaborate(self, platform):
        m = Module()
        timer, left = Signal(range(self.clocks)), Signal(range(BITS + 1))
        bits = Signal(BITS - 1, init=-1)
        m.d.comb += [self.tx.eq(bits[0]), self.i.ready.eq(left == 0)]
        with m.If(left == 0):
            m.d.sync += timer.eq(self.clocks - 1)
            with m.If(self.i.valid):
                m.d.sync += [bits.eq(Cat(0, self.i.payload)), left.eq(BITS)]
        with m.Elif(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Else():
            m.d.sync += [timer.eq(self.clocks - 1), left.eq(left - 1)]
            m.d.sync += bits.eq(Cat(bits[1:], 1))
        return m

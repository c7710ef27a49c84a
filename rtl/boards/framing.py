"""Frames from bytes and bytes from frames: flags, escapes and CRC, see `rtl.boards.protocol`."""

from typing import Any

from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.crc.catalog import CRC16_IBM_3740
from amaranth.lib.wiring import In, Out

from rtl.boards.protocol import ESCAPE, FLAG, FLIP


class Crc(wiring.Component):
    """The CRC of bytes, a bit a clock: a UART leaves time for it.

    Timing: right 8 clocks after a byte's `valid`; the next byte comes no sooner.

    Members
    -------
    start : In(1), the next byte is a frame's first.
    data, valid : In(8), In(1)
    crc : Out(16).  match : Out(1), the last two bytes were the CRC of those before them.
    """

    start: Signal
    data: Signal
    valid: Signal
    crc: Signal
    match: Signal

    def __init__(self):
        flags = {"start": In(1), "valid": In(1), "match": Out(1)}
        super().__init__({**flags, "data": In(8), "crc": Out(16)})

    def elaborate(self, platform):
        m = Module()
        serial: Any = CRC16_IBM_3740(data_width=1).create()
        m.submodules.serial = ResetInserter(self.start)(serial)  # its own start is a mux a bit
        bits, left = Signal(8, reset_less=True), Signal(range(9))
        m.d.comb += [
            serial.data.eq(bits[-1]),
            serial.valid.eq(left != 0),
            self.crc.eq(serial.crc),
            self.match.eq(serial.match_detected),
        ]
        with m.If(self.valid):
            m.d.sync += [bits.eq(self.data), left.eq(8)]
        with m.Else():
            m.d.sync += [bits.eq(bits << 1), left.eq(left - serial.valid)]
        return m


class FrameReceiver(wiring.Component):
    """Content of frames, as it comes; that it was right is known at a frame's end only.

    Timing: none, a byte or an end comes in the clock of the received byte; those come 8 clocks or
    more after one another.

    Parameters
    ----------
    longest : bytes of the longest frame, CRC included.

    Members
    -------
    data, valid : In, received bytes, of a `UartReceiver`.
    byte, byte_valid, index : Out, a byte of content or of the CRC, and its place in the frame;
        `longest` is said for all places from there on.
    end, good : Out(1), a frame that is not empty has ended, of `index` bytes; and its CRC is right.
    """

    data: Signal
    valid: Signal
    byte: Signal
    byte_valid: Signal
    index: Signal
    end: Signal
    good: Signal

    def __init__(self, longest: int):
        self.longest = longest + 1
        flags = {name: Out(1) for name in ("byte_valid", "end", "good")}
        ports = {"data": In(8), "valid": In(1), "byte": Out(8), "index": Out(range(longest + 2))}
        super().__init__({**ports, **flags})

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = Crc()
        escaped = Signal()
        flag, escape = self.valid & (self.data == FLAG), self.valid & (self.data == ESCAPE)
        m.d.comb += [
            self.byte.eq(self.data ^ Mux(escaped, FLIP, 0)),
            self.byte_valid.eq(self.valid & ~flag & ~escape),
            self.end.eq(flag & (self.index != 0)),
            self.good.eq(crc.match & ~escaped),
            crc.start.eq(flag),
            crc.data.eq(self.byte),
            crc.valid.eq(self.byte_valid),
        ]
        with m.If(self.valid):
            m.d.sync += escaped.eq(escape)
        with m.If(flag):
            m.d.sync += self.index.eq(0)
        with m.Elif(self.byte_valid & (self.index != self.longest)):
            m.d.sync += self.index.eq(self.index + 1)
        return m


def content_layout() -> data.StructLayout:
    """A byte of a frame's content, and whether it is the last one."""
    return data.StructLayout({"data": 8, "last": 1})


class FrameSender(wiring.Component):
    """Frames onto the line.

    Timing: as fast as bytes are taken, which must be 8 clocks or more after one another.

    Members
    -------
    i : In(stream of content_layout())
    o : Out(stream of bytes), to a `UartTransmitter`.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self):
        content = stream.Signature(content_layout())
        super().__init__({"i": In(content), "o": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = Crc()
        escaped, byte, passes = Signal(), Signal(8), Signal()
        special = (byte == FLAG) | (byte == ESCAPE)
        m.d.comb += [crc.data.eq(self.i.payload.data), byte.eq(self.i.payload.data)]

        def body() -> None:
            """Sends `byte`, an escape before it where it needs one; sets `passes` with it."""
            with m.If(special & ~escaped):
                m.d.comb += self.o.payload.eq(ESCAPE)
                m.d.sync += escaped.eq(self.o.ready & self.o.valid)
            with m.Else():
                m.d.comb += [
                    self.o.payload.eq(byte ^ Mux(escaped, FLIP, 0)),
                    passes.eq(self.o.ready & self.o.valid),
                ]
                with m.If(passes):
                    m.d.sync += escaped.eq(0)

        with m.FSM():
            with m.State("OPEN"):
                m.d.comb += [
                    crc.start.eq(1),
                    self.o.valid.eq(self.i.valid),
                    self.o.payload.eq(FLAG),
                ]
                with m.If(self.i.valid & self.o.ready):
                    m.next = "CONTENT"
            with m.State("CONTENT"):
                m.d.comb += self.o.valid.eq(self.i.valid)
                body()
                m.d.comb += [self.i.ready.eq(passes), crc.valid.eq(passes)]
                with m.If(passes & self.i.payload.last):
                    m.next = "HIGH"
            for state, part, following in (("HIGH", 1, "LOW"), ("LOW", 0, "CLOSE")):
                with m.State(state):
                    m.d.comb += [self.o.valid.eq(1), byte.eq(crc.crc.word_select(part, 8))]
                    body()
                    with m.If(passes):
                        m.next = following
            with m.State("CLOSE"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(FLAG)]
                with m.If(self.o.ready):
                    m.next = "OPEN"
        return m

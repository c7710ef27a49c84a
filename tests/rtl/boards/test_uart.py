"""The UART against one of its own time: bits too long and too short, edges that shake, noise."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.errors import CarouselError
from rtl.boards.uart import UartReceiver, UartTransmitter, clocks_per_bit
from tests.rtl.boards.line import Line

BYTES = bytes([0x00, 0xFF, 0x55, 0xAA, 0x01, 0x80, 0x7E, *range(37, 61)])


class Echo(wiring.Component):
    """Bytes from `rx` to `tx`."""

    def __init__(self, clocks: int):
        self.clocks = clocks
        super().__init__({"rx": In(1), "tx": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(self.clocks)
        m.submodules.transmitter = transmitter = UartTransmitter(self.clocks)
        m.d.comb += [
            receiver.rx.eq(self.rx),
            self.tx.eq(transmitter.tx),
            transmitter.i.payload.eq(receiver.data),
            transmitter.i.valid.eq(receiver.valid),
        ]
        return m


def echoed(line: Line, data: bytes) -> bytes:
    """What comes back of bytes that are sent with a byte's pause between them."""
    for byte in data:
        line.write(bytes([byte]))
        line.wave([1], 11)
    line.run(line.clocks * (22 * len(data) + 40))
    return line.read(1000)


@pytest.mark.parametrize("clocks", (8, 12, 25))
@pytest.mark.parametrize("error", (-0.02, 0.0, 0.02))
def test_bytes_pass_with_bits_two_percent_off_and_edges_that_shake(clocks, error):
    """Every byte comes back, though the far end's bits are too long or too short, and each of its
    edges up to a twentieth of a bit off; what it hears has stop bits where they must be."""
    line = Line(Echo(clocks), clocks, error, jitter=0.05, seed=clocks)
    assert echoed(line, BYTES) == BYTES
    assert line.wrong_stops == 0


def test_the_line_is_seen_to_fail_far_off():
    """Bits 8 % too long are not read rightly: the test's own UART does shift its edges."""
    assert echoed(Line(Echo(8), 8, 0.08), BYTES) != BYTES


def test_a_glitch_is_no_start_bit():
    line = Line(Echo(12), 12)
    for _ in range(5):
        line.wave([0], 0.3)
        line.wave([1], 2)
    line.write(b"a")
    line.run(12 * 60)
    assert line.read(9) == b"a"


def test_a_byte_with_a_wrong_stop_bit_is_left_out():
    line = Line(Echo(12), 12)
    line.write(b"a")
    line.wave([0, 1, 0, 1, 0, 1, 0, 1, 0, 0])
    line.wave([1], 3)
    line.write(b"b")
    line.run(12 * 60)
    assert line.read(9) == b"ab"


def test_a_break_is_no_byte_and_ends():
    """Held low for 45 bits the line says nothing at all; the byte after it is read."""
    line = Line(Echo(12), 12)
    line.wave([0], 45)
    line.wave([1], 2)
    line.write(b"z")
    line.run(12 * 90)
    assert line.read(9) == b"z"


@pytest.mark.parametrize("error", (-0.02, 0.02))
def test_bytes_without_a_pause_all_come(error):
    """Each byte's start bit is found where the one before it ends, for 60 bytes back to back."""
    data = bytes(np.random.default_rng(5).integers(0, 256, 60, dtype=np.uint8))
    receiver, found = UartReceiver(10), bytearray()
    line = Line(receiver, 10, error)

    async def collect(ctx):
        async for _, _, byte, valid in ctx.tick().sample(receiver.data, receiver.valid):
            if valid:
                found.append(byte)

    line.simulator.add_testbench(collect, background=True)
    line.write(data)
    line.run(10 * 10 * 65)
    assert found == data


@pytest.mark.parametrize(
    ("mhz", "baud", "clocks"),
    [(12, 1_000_000, 12), (25, 1_000_000, 25), (25, 115200, 217), (12, 921_600, 13)],
)
def test_clocks_of_a_bit(mhz, baud, clocks):
    assert clocks_per_bit(mhz * 1e6, baud) == clocks


@pytest.mark.parametrize(
    ("mhz", "baud", "words"),
    [
        (12, 1_150_000, ("1150000", "4.3 %", "12 MHz", "at most 2 %")),
        (12, 3_000_000, ("3000000", "from 1 to 1500000")),
        (25, 0, ("baud rate 0", "from 1")),
    ],
)
def test_a_baud_rate_that_the_clock_cannot_give_is_refused(mhz, baud, words):
    with pytest.raises(CarouselError) as caught:
        clocks_per_bit(mhz * 1e6, baud)
    assert all(word in str(caught.value) for word in words), caught.value

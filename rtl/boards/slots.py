"""The two memories between line and core: vectors that wait for the core, outputs for the host.

Each is a ring of slots, one a frame, laid out as the frame is, so that a byte's address is its
place in the frame behind the number of its slot. Numbers run modulo 256, as they pass on the line.
"""

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from fixedpoint.formats import Format
from rtl.boards.protocol import FIRST, LAST, MOST_SLOTS, TO_BOARD, TO_HOST, code_bytes
from rtl.lib.beat import beat_layout

LAST_BIT, FIRST_BIT = LAST.bit_length() - 1, FIRST.bit_length() - 1


class Ring:
    """How slots lie in a memory.

    Parameters
    ----------
    frame_bytes : of a frame without its CRC.
    memory_bytes : to fill; a ring has two slots at least, however long they are.
    """

    def __init__(self, frame_bytes: int, memory_bytes: int):
        self.place_bits = (frame_bytes - 1).bit_length()
        fitting = memory_bytes >> self.place_bits
        self.slots = min(max(2, 1 << fitting.bit_length() >> 1), MOST_SLOTS)

    def memory(self) -> Memory:
        return Memory(shape=8, depth=self.slots << self.place_bits, init=[])

    def address(self, place: Value, number: Value) -> Value:
        return Cat(place[: self.place_bits], number[: self._slot_bits])

    def full(self, newest: Value, oldest: Value) -> Value:
        """Whether all slots from number `oldest` to the one before `newest` are taken."""
        bits = self._slot_bits + 1
        return (newest[:bits] ^ oldest[:bits]) == self.slots

    @property
    def _slot_bits(self) -> int:
        return self.slots.bit_length() - 1


class Inbox(wiring.Component):
    """Vectors from frames to the core.

    A frame is written as it comes, into the slot of the expected number, and counts when `accept`
    says so; until then the next one may be written over it.

    Timing: 2 clocks a byte on the way to the core, and one a vector.

    Parameters
    ----------
    form, inputs : format of an element, elements of a vector.
    memory_bytes : see `Ring`.

    Members
    -------
    byte, write, index : In, a byte of a frame and its place in it.
    accept : In(1), what was written is right.
    expected, taken : Out(8), the number of the next vector to come, and to go to the core.
    full : Out(1), no slot is free; nothing is written.
    gave : Out(1), a vector's last beat goes to the core in this clock.
    o : Out(stream of beat_layout(form)); every beat of a vector has the marks of its frame.
    """

    byte: Signal
    write: Signal
    index: Signal
    accept: Signal
    expected: Signal
    taken: Signal
    full: Signal
    gave: Signal
    o: stream.Interface

    def __init__(self, form: Format, inputs: int, memory_bytes: int):
        self.size = code_bytes(form)
        self.frame_bytes = TO_BOARD + inputs * self.size
        self.ring = Ring(self.frame_bytes, memory_bytes)
        super().__init__(
            {
                "byte": In(8),
                "write": In(1),
                "index": In(range(self.frame_bytes + 4)),
                "accept": In(1),
                "expected": Out(8),
                "taken": Out(8),
                "full": Out(1),
                "gave": Out(1),
                "o": Out(stream.Signature(beat_layout(form))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = self.ring.memory()
        write, read = memory.write_port(), memory.read_port()
        inside = self.index < self.frame_bytes
        m.d.comb += [
            self.full.eq(self.ring.full(self.expected, self.taken)),
            write.addr.eq(self.ring.address(self.index, self.expected)),
            write.data.eq(self.byte),
            write.en.eq(self.write & inside & ~self.full),
        ]
        m.d.sync += self.expected.eq(self.expected + self.accept)

        place, lane = Signal(range(self.frame_bytes + 1)), Signal(range(max(2, self.size)))
        marks, code = Signal(8, reset_less=True), Signal(8 * self.size, reset_less=True)
        payload = self.o.payload
        m.d.comb += [
            read.addr.eq(self.ring.address(place, self.taken)),
            payload.data.eq(code),
            payload.first.eq(marks[FIRST_BIT]),
            payload.last.eq(marks[LAST_BIT]),
        ]
        with m.FSM():
            with m.State("WAIT"), m.If(self.expected != self.taken):
                m.next = "HEAD"
            with m.State("HEAD"):
                m.d.sync += [marks.eq(read.data), place.eq(TO_BOARD)]
                m.next = "FETCH"
            with m.State("FETCH"):
                m.next = "TAKE"
            with m.State("TAKE"):
                m.d.sync += [code.eq(Cat(code[8:], read.data)), place.eq(place + 1)]
                whole = lane == self.size - 1
                m.d.sync += lane.eq(Mux(whole, 0, lane + 1))
                with m.If(whole):
                    m.next = "OFFER"
                with m.Else():
                    m.next = "FETCH"
            with m.State("OFFER"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.next = "FETCH"
                    with m.If(place == self.frame_bytes):
                        m.d.comb += self.gave.eq(1)
                        m.d.sync += [place.eq(0), self.taken.eq(self.taken + 1)]
                        m.next = "WAIT"
        return m


class Outbox(wiring.Component):
    """Outputs from the core to frames; they are kept until the host has said that it has them.

    Timing: a clock a byte on the way in, and one a vector; a byte stands in `byte` one clock after
    its `index`.

    Parameters
    ----------
    form, outputs : format of an element, elements of an output.
    memory_bytes : see `Ring`.

    Members
    -------
    i : In(stream of beat_layout(form))
    filled : Out(8), the number of the next output to come from the core.
    wanted : In(8), the number of the oldest one that must be kept.
    sent, index : In, which byte of which frame; byte 0 has the marks in a head's bits.
    byte : Out(8)
    """

    i: stream.Interface
    filled: Signal
    wanted: Signal
    sent: Signal
    index: Signal
    byte: Signal

    def __init__(self, form: Format, outputs: int, memory_bytes: int):
        self.form, self.size = form, code_bytes(form)
        self.frame_bytes = TO_HOST + outputs * self.size
        self.ring = Ring(self.frame_bytes, memory_bytes)
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(form))),
                "filled": Out(8),
                "wanted": In(8),
                "sent": In(8),
                "index": In(self.ring.place_bits),
                "byte": Out(8),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = self.ring.memory()
        write, read = memory.write_port(), memory.read_port()
        place, lane = (
            Signal(range(self.frame_bytes), init=TO_HOST),
            Signal(range(max(2, self.size))),
        )
        marks, payload = Signal(8), self.i.payload
        code = Signal(Shape(8 * self.size, self.form.signed))
        room, ends = ~self.ring.full(self.filled, self.wanted), place == 0
        whole = lane == self.size - 1
        m.d.comb += [
            code.eq(payload.data),
            write.addr.eq(self.ring.address(place, self.filled)),
            write.data.eq(Mux(ends, marks, code.word_select(lane, 8))),
            write.en.eq(room & (self.i.valid | ends)),
            self.i.ready.eq(room & whole & ~ends),
            read.addr.eq(self.ring.address(self.index, self.sent)),
            self.byte.eq(read.data),
        ]
        with m.If(write.en & ends):
            m.d.sync += [place.eq(TO_HOST), self.filled.eq(self.filled + 1)]
        with m.Elif(write.en):
            m.d.sync += place.eq(Mux(place == self.frame_bytes - 1, 0, place + 1))
            m.d.sync += [lane.eq(Mux(whole, 0, lane + 1)), marks[LAST_BIT].eq(payload.last)]
            with m.If(place == TO_HOST):
                m.d.sync += marks[FIRST_BIT].eq(payload.first)
        return m

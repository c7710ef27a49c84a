"""What a board says: its identity, outputs in order, and how far it is if there is nothing else."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl.boards.framing import content_layout
from rtl.boards.protocol import FIRST, LAST, TO_HOST, Answer, Identity


class Answers(wiring.Component):
    """Frames to the host, one after the other; a reset makes it begin a session.

    Of what is due the identity comes first, then outputs, then a STATUS for all that was asked for
    since the last head. Its first byte says what has gone wrong up to then, the others how far
    inbox and outbox are when they leave.

    Timing: a frame is chosen when the one before it is over; its bytes as `FrameSender` takes them,
    which is no sooner than 3 clocks after one another: a byte stands 2 clocks after its index.

    Parameters
    ----------
    identity : what the board is.
    output_bytes : of an OUTPUT without its CRC.

    Members
    -------
    open : In(1), there is a session.  session : In(8), its number.
    report, faults : In(1), In(4): something is to be said, and what was wrong, in this clock.
    resend : In(1), outputs from `wanted` on are to be sent again.
    expected, taken, filled, wanted : In(8), see `rtl.boards.slots`.
    sent, index : Out, the output and the place in it that `byte` is to be of, a clock later.
    byte : In(8)
    o : Out(stream), content for a `FrameSender`.
    """

    open: Signal
    session: Signal
    report: Signal
    faults: Signal
    resend: Signal
    expected: Signal
    taken: Signal
    filled: Signal
    wanted: Signal
    sent: Signal
    index: Signal
    byte: Signal
    o: stream.Interface

    def __init__(self, identity: Identity, output_bytes: int):
        self.said = identity.pack()
        self.lengths = {
            Answer.STATUS: TO_HOST,
            Answer.OUTPUT: output_bytes,
            Answer.IDENTITY: TO_HOST + len(self.said),
            Answer.CLOSED: TO_HOST,
        }
        numbers = ("session", "expected", "taken", "filled", "wanted", "byte")
        super().__init__(
            {
                **{name: In(8) for name in numbers},
                **{name: In(1) for name in ("open", "report", "resend")},
                "faults": In(4),
                "sent": Out(8),
                "index": Out(range(max(self.lengths.values()))),
                "o": Out(stream.Signature(content_layout())),
            }
        )

    def elaborate(self, platform):
        m = Module()
        kind, greeted, due, again = Signal(2), Signal(), Signal(), Signal()
        taken, faults, over = Signal(), Signal(4), Signal()
        byte, reported = Signal(8, reset_less=True), Signal()
        length = Signal(range(max(self.lengths.values()) + 1))
        m.d.comb += [
            length.eq(Mux(kind == Answer.OUTPUT, self.lengths[Answer.OUTPUT], TO_HOST)),
            self.o.payload.data.eq(byte),
            self.o.payload.last.eq(self.index == length - 1),
            over.eq(taken & self.o.payload.last),
            taken.eq(self.o.valid & self.o.ready),
        ]
        m.d.sync += byte.eq(self._byte(m, kind, faults))
        with m.If(kind == Answer.IDENTITY):
            m.d.comb += length.eq(self.lengths[Answer.IDENTITY])
        with m.FSM():
            with m.State("CHOOSE"):
                m.next = "SEND"
                with m.If(again):
                    m.d.sync += [self.sent.eq(self.wanted), again.eq(0)]
                    m.next = "CHOOSE"
                with m.Elif(self.open & ~greeted):
                    m.d.sync += [kind.eq(Answer.IDENTITY), greeted.eq(1)]
                with m.Elif(self.sent != self.filled):
                    m.d.sync += kind.eq(Answer.OUTPUT)
                with m.Elif(due):
                    m.d.sync += kind.eq(Mux(self.open, Answer.STATUS, Answer.CLOSED))
                with m.Else():
                    m.next = "CHOOSE"
            with m.State("SEND"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(taken):
                    m.d.sync += self.index.eq(Mux(over, 0, self.index + 1))
                with m.If(over):
                    m.d.sync += self.sent.eq(self.sent + (kind == Answer.OUTPUT))
                    m.next = "CHOOSE"
        said = taken & (self.index == 0)
        # what comes in the clock before a head leaves is not in it
        m.d.sync += [reported.eq(self.report), due.eq((due & ~said) | reported)]
        m.d.sync += faults.eq(faults & ~Mux(said, byte[4:], 0) | self.faults)
        with m.If(self.resend):
            m.d.sync += again.eq(1)
        return m

    def _byte(self, m: Module, kind: Signal, faults: Signal) -> Value:
        """The byte at `index` of a frame."""
        attrs: Any = {"rom_block": 1}  # as logic it would be a quarter of the link
        m.submodules.identity = memory = Memory(
            shape=8,
            depth=1 << len(self.index),
            init=[*bytes(TO_HOST), *self.said],
            attrs=attrs,
        )
        read = memory.read_port()
        m.d.comb += read.addr.eq(self.index)
        output, identity = kind == Answer.OUTPUT, kind == Answer.IDENTITY
        marks = self.byte & Mux(output, FIRST | LAST, 0)
        head = Cat(kind, Const(0, 2), faults) | marks
        number = Mux(identity, self.session, self.sent)
        header = Cat(head, number, self.taken, self.expected)
        assert len(header) == 8 * TO_HOST == 1 << 5
        payload = Mux(identity, read.data, self.byte)
        return Mux(self.index >= TO_HOST, payload, header.word_select(self.index[:2], 8))

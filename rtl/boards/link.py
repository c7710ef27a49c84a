"""A core's streams on a line: frames in, frames out, and nothing that was not right.

         ┌─────────────────┐  ┌───────────────┐               ┌────────┐
rx ────► │  UartReceiver   │─►│ FrameReceiver │──────────────►│ Inbox  │────► o, to the core
         └─────────────────┘  └───────┬───────┘               └────────┘
                                      ▼ faults, what is wanted
         ┌─────────────────┐  ┌───────────────┐  ┌─────────┐  ┌────────┐
tx ◄──── │ UartTransmitter │◄─│  FrameSender  │◄─│ Answers │◄─│ Outbox │◄──── i, from the core
         └─────────────────┘  └───────────────┘  └─────────┘  └────────┘
"""

from amaranth.hdl import Cat, Module, Mux, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.boards.answers import Answers
from rtl.boards.framing import FrameReceiver, FrameSender
from rtl.boards.protocol import CRC_BYTES, TO_BOARD, Ask, Identity
from rtl.boards.slots import Inbox, Outbox
from rtl.boards.uart import UartReceiver, UartTransmitter
from rtl.lib.beat import beat_layout
from rtl.planning import CorePlan


class Link(wiring.Component):
    """The board's end of the line, as `rtl.boards.protocol` describes it.

    A vector goes to the core when its frame's CRC is right, its length that of a vector, its number
    the expected one and a slot was free; otherwise nothing changes but the faults of the next
    answer. Every frame is answered: by the output that it leads to, or by a STATUS. So is a vector
    that goes to the core.

    Timing: everything moves a byte in `10 * clocks`; what the core sees is streams.

    Parameters
    ----------
    plan : of the core that the line is to reach.
    clocks : of a bit, see `rtl.boards.uart.clocks_per_bit`.
    memory_bytes : of the slots of each direction.

    Members
    -------
    rx, tx : In(1), Out(1), the line.
    o : Out(stream), to the core's `i`.  i : In(stream), from its `o`.
    restart : Out(1), a session begins: the core is to be reset in this clock.
    """

    rx: Signal
    tx: Signal
    o: stream.Interface
    i: stream.Interface
    restart: Signal

    def __init__(self, plan: CorePlan, clocks: int, memory_bytes: int = 512):
        qnet = plan.qnet
        self.clocks = clocks
        self.inbox = Inbox(qnet.formats.input, qnet.inputs, memory_bytes)
        self.outbox = Outbox(qnet.out_format, qnet.outputs, memory_bytes)
        slots = self.inbox.ring.slots, self.outbox.ring.slots
        self.identity = Identity.of(qnet, plan.max_length, *slots)
        super().__init__(
            {
                "rx": In(1),
                "tx": Out(1),
                "o": Out(stream.Signature(beat_layout(qnet.formats.input))),
                "i": In(stream.Signature(beat_layout(qnet.out_format))),
                "restart": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        inbox, outbox, afresh = self.inbox, self.outbox, ResetInserter(self.restart)
        m.submodules.receiver = receiver = UartReceiver(self.clocks)
        m.submodules.frames = frames = FrameReceiver(inbox.frame_bytes + CRC_BYTES)
        answers, sender = Answers(self.identity, outbox.frame_bytes), FrameSender()
        m.submodules.inbox, m.submodules.outbox = afresh(inbox), afresh(outbox)
        m.submodules.answers, m.submodules.sender = afresh(answers), afresh(sender)
        m.submodules.transmitter = transmitter = UartTransmitter(self.clocks)
        wiring.connect(m, wiring.flipped(self.o), inbox.o)
        wiring.connect(m, wiring.flipped(self.i), outbox.i)
        wiring.connect(m, answers.o, sender.i)
        wiring.connect(m, sender.o, transmitter.i)
        m.d.comb += [
            receiver.rx.eq(self.rx),
            self.tx.eq(transmitter.tx),
            frames.data.eq(receiver.data),
            frames.valid.eq(receiver.valid),
            inbox.byte.eq(frames.byte),
            inbox.write.eq(frames.byte_valid),
            inbox.index.eq(frames.index),
            answers.expected.eq(inbox.expected),
            answers.taken.eq(inbox.taken),
            answers.filled.eq(outbox.filled),
            answers.byte.eq(outbox.byte),
            answers.report.eq(frames.end | inbox.gave),
            outbox.wanted.eq(answers.wanted),
            outbox.sent.eq(answers.sent),
            outbox.index.eq(answers.index),
        ]
        self._judge(m, frames, answers)
        return m

    def _judge(self, m: Module, frames: FrameReceiver, answers: Answers) -> None:
        """What a frame does when it has ended."""
        inbox = self.inbox
        kind, number, wanted = Signal(2), Signal(8), Signal(8)
        with m.If(frames.byte_valid), m.Switch(frames.index):
            for place, field in enumerate((kind, number, wanted)):
                with m.Case(place):
                    m.d.sync += field.eq(frames.byte)
        missed, opened, kept = Signal(), Signal(), Signal(8)
        m.d.sync += missed.eq(~frames.end & (missed | (frames.byte_valid & inbox.full)))
        whole, sized, due = Signal(), Signal(), Signal()
        is_vector, vector = kind == Ask.VECTOR, Signal()
        length = Mux(is_vector, inbox.frame_bytes, TO_BOARD) + CRC_BYTES
        m.d.comb += [
            whole.eq(frames.end & frames.good),
            sized.eq(frames.index == length),
            due.eq(opened & (number == inbox.expected)),
            vector.eq(whole & sized & is_vector),
            inbox.accept.eq(vector & due & ~missed),
            answers.open.eq(opened),
            answers.session.eq(number),
            answers.wanted.eq(kept),
            answers.resend.eq(whole & sized & (kind == Ask.RESEND)),
            answers.faults.eq(
                Cat(
                    frames.end & ~frames.good,
                    whole & ~sized,
                    vector & due & missed,
                    vector & ~due,
                )
            ),
        ]
        # a clock later: this resets all of the core
        m.d.sync += self.restart.eq(whole & sized & (kind == Ask.HELLO))
        m.d.sync += opened.eq(opened | self.restart)
        with m.If(whole & sized):
            m.d.sync += kept.eq(wanted)


class LinkedCore(wiring.Component):
    """A core behind a link; a session resets it.

    Parameters
    ----------
    plan, clocks, memory_bytes : see `Link`.

    Members
    -------
    rx, tx : In(1), Out(1), the line.
    """

    rx: Signal
    tx: Signal

    def __init__(self, plan: CorePlan, clocks: int, memory_bytes: int = 512):
        self.plan, self.link = plan, Link(plan, clocks, memory_bytes)
        super().__init__({"rx": In(1), "tx": Out(1)})

    def elaborate(self, platform):
        m = Module()
        core, link = self.plan.component(), self.link
        m.submodules.link = link
        m.submodules.core = ResetInserter(link.restart)(core)
        wiring.connect(m, link.o, core.i)
        wiring.connect(m, core.o, link.i)
        m.d.comb += [link.rx.eq(self.rx), self.tx.eq(link.tx)]
        return m

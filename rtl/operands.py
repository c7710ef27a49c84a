"""The sources of the network: the input stream and the memories of x, y and the gates."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl import latency
from rtl.arithmetic import delay, shape_of
from rtl.bank import Bank
from rtl.lane import feed_layout
from rtl.program import SOURCES, Program


def beat_layout(form) -> data.StructLayout:
    """A stream's beat: one element, and whether it is a sequence's first or last."""
    return data.StructLayout({"data": shape_of(form), "first": 1, "last": 1})


class InputBuffer(wiring.Component):
    """Takes input vectors, an element a beat, into two banks: one is read while the other fills.

    `first` is looked at on the first element of a vector, `last` on its last one.

    Timing: `full` is set one clock after a vector's last beat; a value stands in `value` one clock
    after its `address`.

    Members
    -------
    i : In(stream of beat_layout(input format))
    full, first, last : Out(1), the bank that is read next is full, and its marks.
    release : In(1), the bank that is read is done with.
    address : In, element to read, of the bank that was read in the clock before: the column was
        issued then.  value : Out(input format).
    """

    i: stream.Interface
    full: Signal
    first: Signal
    last: Signal
    release: Signal
    address: Signal
    value: Signal

    def __init__(self, form, inputs: int):
        self.inputs = inputs
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(form))),
                **{name: Out(1) for name in ("full", "first", "last")},
                "release": In(1),
                "address": In(range(max(2, inputs))),
                "value": Out(shape_of(form)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.banks = memory = Memory(
            shape=self.value.shape(), depth=2 << len(self.address), init=[]
        )
        write, read = memory.write_port(), memory.read_port()
        full = [Signal(name=f"full{k}") for k in range(2)]
        marks = [Signal(2, name=f"marks{k}") for k in range(2)]
        filling, reading = Signal(), Signal()
        element = Signal.like(self.address)

        payload = self.i.payload
        taken = self.i.valid & self.i.ready
        m.d.comb += [
            self.i.ready.eq(~Mux(filling, full[1], full[0])),
            write.addr.eq(Cat(element, filling)),
            write.data.eq(payload.data),
            write.en.eq(taken),
        ]
        last_element = element == self.inputs - 1
        with m.If(taken):
            m.d.sync += element.eq(Mux(last_element, 0, element + 1))
            m.d.sync += filling.eq(filling ^ last_element)
        for k in range(2):
            with m.If(taken & (filling == k)):
                with m.If(element == 0):
                    m.d.sync += marks[k][0].eq(payload.first)
                with m.If(last_element):
                    m.d.sync += [marks[k][1].eq(payload.last), full[k].eq(1)]
            with m.If(self.release & (reading == k)):
                m.d.sync += full[k].eq(0)

        m.d.sync += reading.eq(reading ^ self.release)
        ahead = reading ^ self.release  # the bank of the coming step
        m.d.comb += [
            self.full.eq(Mux(ahead, full[1], full[0])),
            Cat(self.first, self.last).eq(Mux(ahead, marks[1], marks[0])),
            read.addr.eq(Cat(self.address, delay(m, reading, 1, name="bank"))),
            self.value.eq(read.data),
        ]
        return m


class Operands(wiring.Component):
    """Turns issued columns into the feed of the lanes.

    In a sequence's first step own outputs at t-1 are those that it starts from, and gates 0.

    Timing: the feed stands `latency.OPERAND` = 3 clocks after `issue`. A value written in a clock
    is seen by columns issued in that clock or later.

    Members
    -------
    issue, column, weight, group_first, group_last, step_first, parity : In, of the sequencer.
    x_address, x : Out, In, of the input buffer.
    {y,gates}_written : In, {valid, data}; each step's values in the order of the tail.
    {y,gates}_access, {y,gates}_word : the state port's ways to them, see `Bank`.
    feed : Out(feed_layout)
    """

    issue: Signal
    column: Signal
    weight: Signal
    group_first: Signal
    group_last: Signal
    step_first: Signal
    parity: Signal
    x_address: Signal
    x: Signal
    y_written: data.View
    y_access: data.View
    y_word: Signal
    gates_written: data.View
    gates_access: data.View
    gates_word: Signal
    feed: data.View

    def __init__(self, program: Program):
        self.program = program
        self.depth = sum(len(phase.columns) for phase in program.schedule.phases)
        flags = ("issue", "group_first", "group_last", "step_first", "parity")
        ports = {
            **{name: In(1) for name in flags},
            "column": In(range(max(2, self.depth))),
            "weight": In(program.weight_address_width),
            "x_address": Out(range(max(2, program.qnet.inputs))),
            "x": In(shape_of(program.qnet.formats.input)),
            "feed": Out(feed_layout(program.operand_width, program.weight_address_width)),
        }
        self.banks: dict[str, Bank] = {}
        if program.outputs:
            starts = program.initial(program.outputs)
            self.banks["y"] = Bank(len(program.outputs), signed(program.y_width), starts)
        if program.gates:
            self.banks["gates"] = Bank(len(program.gates), unsigned(program.gate_width))
        for name, bank in self.banks.items():
            for port in ("written", "access", "word"):
                ports[f"{name}_{port}"] = bank.signature.members[port]
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        program = self.program
        columns = [column for phase in program.schedule.phases for column in phase.columns]
        address_width = max(1, max(column.address for column in columns).bit_length())
        word = data.StructLayout({"source": range(len(SOURCES)), "address": address_width})
        init: list[Any] = [
            {"source": SOURCES.index(c.source), "address": c.address} for c in columns
        ]
        m.submodules.columns = memory = Memory(shape=word, depth=max(2, self.depth), init=init)
        port = memory.read_port()
        m.d.comb += port.addr.eq(self.column)
        parity = delay(m, self.parity, 1, name="parity")
        # t-1 lies in the other bank
        of_step = parity ^ (port.data.source != SOURCES.index("below"))

        m.d.comb += self.x_address.eq(port.data.address)
        values, starts = {"x": self.x}, {}
        for name, bank in self.banks.items():
            m.submodules[name] = bank
            m.d.comb += [bank.address.eq(port.data.address), bank.parity.eq(of_step)]
            for part in ("written", "access"):
                m.d.comb += getattr(bank, part).eq(getattr(self, f"{name}_{part}"))
            m.d.comb += getattr(self, f"{name}_word").eq(bank.word)
            values[name], starts[name] = bank.value, bank.start
        if "y" in values:
            values["below"] = values["y"]

        source = delay(m, port.data.source, 1, name="source")
        issue = delay(m, self.issue, 2, name="issue", keep_reset=True)
        clear = delay(m, self.step_first, 2, name="clear")
        operand = Signal(signed(program.operand_width), reset_less=True)
        with m.Switch(source):
            for k, name in enumerate(SOURCES):
                if name in values:
                    value = values[name]
                    if name in starts:
                        value = Mux(clear, starts[name], value)
                    with m.Case(k):
                        m.d.sync += operand.eq(Mux(issue, value, 0))
        stages = 1 + 1 + 1
        assert stages == latency.OPERAND
        m.d.comb += [
            self.feed.operand.eq(operand),
            self.feed.address.eq(delay(m, self.weight, stages, name="weight")),
            self.feed.first.eq(delay(m, self.group_first, stages, name="first")),
            self.feed.last.eq(delay(m, self.group_last, stages, name="last", keep_reset=True)),
        ]
        return m

"""The sources of the network: the input stream and the memories of x, y and the gates."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from fixedpoint.formats import Format
from rtl.datapath.bank import Bank, access_layout
from rtl.datapath.lane import feed_layout
from rtl.lib.arithmetic import delay, layout_of, shape_of
from rtl.lib.beat import beat_layout
from rtl.lib.kept import become, held, kept
from rtl.lib.memory import block_memory
from rtl.lib.secded import UPSETS, encode, joined, mend, mend_late, seen
from rtl.program.loading import load_word
from rtl.program.program import Program
from rtl.program.secded import Secded
from rtl.program.words import program_word
from rtl.schedule import latency
from rtl.schedule.phases import SOURCES


class InputBuffer(wiring.Component):
    """Takes a step's input, an element a beat, into two banks: one is read while the other fills.

    It is a vector of each stream in turn; of a sparse one those elements that may differ from 0.
    `first` is looked at on the first element of a vector, `last` on its last one.

    Timing: `waiting` is set one clock after a step's last beat; a value stands in `value` one clock
    after its `address`.

    Parameters
    ----------
    form : format of an element.
    inputs, streams : elements that come of a vector, vectors of a step.
    index_width : bits of an element's index, where the vectors are sparse; else 0.
    fetch : clocks from a step's begin to the first of its addresses, but one.
    code : of a protected core: that of elements, in whose code words they are then kept.

    Members
    -------
    i : In(stream of beat_layout(form, index_width))
    waiting : Out(1), the input of a step is there.
    first, last : Out(streams), its marks, a bit a stream.
    take : In(1), the step begins: from `fetch` + 1 clocks later on its input is what is read.
    release : In(1), with the last address of what is read.
    address : In, element to read.  value : Out(form), or its code word.  index : Out, of a sparse
        vector's element.
    """

    i: stream.Interface
    waiting: Signal
    first: Signal
    last: Signal
    take: Signal
    release: Signal
    address: Signal
    value: Signal
    index: Signal

    def __init__(
        self,
        form: Format,
        inputs: int,
        streams: int,
        index_width: int = 0,
        fetch: int = latency.MEMORY,
        code: Secded | None = None,
    ):
        self.inputs, self.streams, self.sparse = inputs, streams, index_width > 0
        self.fetch, self.code = fetch, code
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(form, index_width))),
                **({"index": Out(index_width)} if index_width else {}),
                "waiting": Out(1),
                **{name: Out(streams) for name in ("first", "last")},
                **{name: In(1) for name in ("take", "release")},
                "address": In(range(max(2, inputs * streams))),
                "value": Out(unsigned(code.bits) if code else shape_of(form)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        shape = self.value.shape()
        if self.sparse:
            shape = data.StructLayout({"data": shape, "index": self.index.shape()})
        m.submodules.banks = memory = block_memory(shape=shape, depth=2 << len(self.address))
        write, read = memory.write_port(), memory.read_port()
        full = [Signal(name=f"full{k}") for k in range(2)]
        waiting = [Signal(name=f"waiting{k}") for k in range(2)]
        marks = [Signal(2 * self.streams, name=f"marks{k}") for k in range(2)]
        filling, coming = Signal(name="filling"), Signal()
        element = Signal.like(self.address)
        guarded = self.code is not None
        elements, fillings, comings = (
            kept(m, each, guarded) for each in (element, filling, coming)
        )
        filled, waits, marked = (
            [kept(m, each, guarded) for each in registers] for registers in (full, waiting, marks)
        )

        payload = self.i.payload
        taken = self.i.valid & self.i.ready
        opened = ~Mux(filling, full[1], full[0])
        last_element = element == self.inputs * self.streams - 1
        if guarded:
            opened = Signal(init=1, name="opened")
            last_element = Signal(init=self.inputs * self.streams == 1, name="last_element")
        word, at, now = payload.data, Cat(element, filling), taken
        if self.code:
            word = delay(m, encode(m, self.code, word, name="taken"), 1, name="coded")
            at, now = held(m, at, True, name="coded_at"), held(m, now, True, name="coded_now")
        m.d.comb += [
            self.i.ready.eq(opened),
            write.addr.eq(at),
            (write.data.data if self.sparse else write.data).eq(word),
            write.en.eq(now),
        ]
        with m.If(taken):
            m.d.sync += become(elements, Mux(last_element, 0, element + 1))
            m.d.sync += become(fillings, filling ^ last_element)
        m.d.sync += become(comings, coming ^ self.take)
        reading = delay(m, ~coming, self.fetch, name="reading")
        for k in range(2):
            with m.If(taken & (filling == k)):
                for stream in range(self.streams):
                    opening = stream * self.inputs
                    own = [each.word_select(stream, 2) for each in marked[k]]
                    with m.If(element == opening):
                        m.d.sync += become((mark[0] for mark in own), payload.first)
                    with m.If(element == opening + self.inputs - 1):
                        m.d.sync += become((mark[1] for mark in own), payload.last)
                with m.If(last_element):
                    m.d.sync += become((*filled[k], *waits[k]), 1)
            with m.If(self.take & (coming == k)):
                m.d.sync += become(waits[k], 0)
            with m.If(self.release & (reading == k)):
                m.d.sync += become(filled[k], 0)
        m.d.comb += [
            self.waiting.eq(Mux(coming, waiting[1], waiting[0])),
            Cat(mark for pair in zip(self.first, self.last, strict=True) for mark in pair).eq(
                Mux(coming, marks[1], marks[0])
            ),
            read.addr.eq(Cat(self.address, reading)),
            self.value.eq(read.data.data if self.sparse else read.data),
        ]
        if self.sparse:
            m.d.comb += [write.data.index.eq(payload.index), self.index.eq(read.data.index)]
        if guarded:
            fills = [full[k] & ~(self.release & (reading == k)) for k in range(2)]
            room = ~Mux(
                last_element & taken, Mux(filling, *fills), Mux(filling, fills[1], fills[0])
            )
            self._know(m, opened, room, last_element, element)
        return m

    def _know(self, m: Module, opened: Any, room: Value, last: Any, element: Signal) -> None:
        """Registers for whether there is room, and whether an element is a step's last one: what
        two at least of three copies of a counter say comes late in a clock."""
        elements = self.inputs * self.streams
        m.d.sync += become(kept(m, opened), room)
        lasts = kept(m, last)
        with m.If(self.i.valid & opened):
            m.d.sync += become(lasts, element == (elements - 2) % elements)


def operand_code(program: Program) -> Secded | None:
    """The code of what the memories of operands hold, where the core is protected."""
    return Secded(program.paths.operand) if program.protected else None


class Operands(wiring.Component):
    """Turns issued columns into the feed of the lanes.

    In a sequence's first step own outputs at t-1 are those that it starts from, and gates 0.

    Timing: the feed stands `latency.OPERAND` = 4 clocks after a column's issue, 3 after `word`, in
    a core with sparse input `latency.INDEX` = 3 clocks later, in a protected one a clock; its
    weight's address `latency.WEIGHT` clocks before. Each memory has an output register. A value
    written in a clock is seen by columns issued in that clock or later.

    Members
    -------
    word, weight, step_first, parity : In, of the sequencer.
    x, index : In, of the input buffer, one clock after the word's address; `index` of a sparse
        input.
    {y,gates}_written : In, {valid, data}; each step's values in the order of the tail.
    {y,gates}_access, {y,gates}_word : the state port's ways to them, see `Bank`.
    feed : Out(feed_layout)
    load : In(load_word), of a core with a load port: initial outputs.
    upsets : Out(UPSETS), of a protected core: its memories hold code words of operands, one of
        which is chosen before it is mended.
    """

    word: data.View
    weight: Signal
    step_first: Signal
    parity: Signal
    x: Signal
    index: Signal
    y_written: data.View
    y_access: data.View
    y_word: Signal
    gates_written: data.View
    gates_access: data.View
    gates_word: Signal
    feed: data.View
    load: data.View
    upsets: data.View

    def __init__(self, program: Program):
        self.program = program
        code = operand_code(program)
        self.code = code
        ports = {
            "word": In(layout_of(program_word(program.schedule))),
            "weight": In(range(max(2, program.schedule.in_order))),
            "step_first": In(1),
            "parity": In(1),
            "x": In(unsigned(code.bits) if code else shape_of(program.qnet.formats.input)),
            "feed": Out(feed_layout(program.paths.operand, program.weight_address_width)),
        }
        if program.schedule.sparse:
            ports["index"] = In(program.index_width)
        self.banks: dict[str, Bank] = {}
        if program.outputs:
            starts = program.initial(program.outputs)
            load = layout_of(load_word(program)) if program.loadable else None
            self.banks["y"] = self._bank(
                len(program.outputs), signed(program.paths.y), starts, load
            )
            if load:
                ports["load"] = In(load)
        if program.gates:
            self.banks["gates"] = self._bank(len(program.gates), unsigned(program.paths.gate))
        for name, bank in self.banks.items():
            shape = unsigned(program.paths.gate) if name == "gates" else signed(program.paths.y)
            ports[f"{name}_written"] = In(data.StructLayout({"valid": 1, "data": shape}))
            ports[f"{name}_access"] = In(access_layout(bank.count, shape.width))
            ports[f"{name}_word"] = Out(shape)
        if code:
            ports["upsets"] = Out(UPSETS)
        super().__init__(ports)

    @property
    def kept(self) -> dict[str, int]:
        """How many values the state port reaches, by name."""
        return {name: bank.count for name, bank in self.banks.items()}

    def _bank(self, count: int, shape: Shape, *starts: Any) -> Bank:
        """A bank of values, or of their code words."""
        if not self.code:
            return Bank(count, shape, *starts)
        return Bank(count, unsigned(self.code.bits), *starts, code=self.code)

    def elaborate(self, platform):
        m = Module()
        word = self.word
        # t-1 lies in the other bank
        of_step = self.parity ^ (word.source != SOURCES.index("below"))
        values: dict[str, Value] = {"x": delay(m, self.x, 1, name="x_value")}
        clear = delay(m, self.step_first, 2, name="clear")
        for name, bank in self.banks.items():
            m.submodules[name] = bank
            if name == "y" and self.program.loadable:
                m.d.comb += bank.load.eq(self.load)
            m.d.comb += [bank.address.eq(word.address), bank.parity.eq(of_step)]
            self._connect(m, name, bank)
            value, start = (
                delay(m, port, 1, name=f"{name}_{port.name}") for port in (bank.value, bank.start)
            )
            if name == "y":
                values["below"] = value
            values[name] = Mux(clear, start, value)

        source = delay(m, word.source, 2, name="source")
        issue = delay(m, word.issue, 2, name="issue", keep_reset=True)
        shape = unsigned(self.code.bits) if self.code else signed(self.program.paths.operand)
        operand = Signal(shape, reset_less=True)
        with m.Switch(source):
            for name, value in values.items():
                with m.Case(SOURCES.index(name)):
                    m.d.sync += operand.eq(Mux(issue, value, 0))
        stages = 1 + 1 + 1  # memory, its register, operand
        if self.code:
            stages += latency.CHECKED
            used = delay(m, issue, 1 + latency.CHECKED, name="issued", keep_reset=True)
            operand = self._mended(m, operand, used)
        assert 1 + stages == self.program.schedule.depths.operand
        address, late = self._address(m)
        ahead = stages - latency.WEIGHT  # of the address, which is as late as the operand
        operand, stages = delay(m, operand, late, name="late_operand"), stages + late
        m.d.comb += [
            self.feed.operand.eq(operand),
            self.feed.address.eq(delay(m, address, ahead, name="weight")),
            self.feed.rotate.eq(delay(m, word.rotate, stages, name="rotate")),
            self.feed.first.eq(delay(m, word.first, stages, name="first")),
            self.feed.last.eq(delay(m, word.last, stages, name="last", keep_reset=True)),
        ]
        return m

    def _connect(self, m: Module, name: str, bank: Bank) -> None:
        """What is written into a bank, and the state port's way to it."""
        written, access, word = (
            getattr(self, f"{name}_{part}") for part in ("written", "access", "word")
        )
        code = self.code
        if not code:
            m.d.comb += [bank.written.eq(written), bank.access.eq(access), word.eq(bank.word)]
            return
        m.d.comb += [
            bank.written.valid.eq(written.valid),
            bank.written.data.eq(encode(m, code, written.data, name=f"{name}_written")),
            *(bank.access[part].eq(access[part]) for part in ("select", "address", "write")),
            bank.access.data.eq(encode(m, code, access.data, name=f"{name}_access")),
            word.eq(mend(m, code, bank.word, name=f"{name}_word")),
        ]

    def _mended(self, m: Module, raw: Value, used: Value) -> Value:
        """The operand of a code word, and what came of it."""
        assert self.code
        mended, wrong = mend_late(m, self.code, raw, name="operand")
        starts = [bank.upsets for bank in self.banks.values() if bank.initial]
        upsets = seen(m, wrong, used, name="operand")
        m.d.comb += self.upsets.eq(joined((upsets, *starts)))
        return mended.as_signed()

    def _address(self, m: Module) -> tuple[Value, int]:
        """Where the word's column has its weight, and how many clocks after the word.

        An element of a sparse input finds it by its index, all else in order.
        """
        if not self.program.schedule.sparse:
            return self.weight, 0
        place = Signal(self.program.weight_address_width, name="place", reset_less=True)
        base = delay(m, self.word.base, latency.MEMORY, name="base")
        is_x = delay(m, self.word.source == SOURCES.index("x"), latency.MEMORY, name="is_x")
        weight = delay(m, self.weight, latency.MEMORY, name="in_order")
        index = delay(m, self.index, latency.MEMORY - 1, name="index")
        m.d.sync += place.eq(Mux(is_x, base + index, weight))
        return place, latency.INDEX

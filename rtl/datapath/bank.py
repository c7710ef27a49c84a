"""The memories of what a step leaves for the next one: outputs, and gates with recurrence."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.lib.arithmetic import delay
from rtl.lib.kept import become, kept
from rtl.lib.memory import block_memory
from rtl.lib.memory import load as load_words
from rtl.lib.secded import UPSETS, GuardedRom
from rtl.program.secded import Secded
from rtl.schedule import latency


def access_layout(depth: int, width: int) -> data.StructLayout:
    """How the state port reaches a memory: only while the core is idle and `select` is set."""
    return data.StructLayout(
        {"select": 1, "address": range(max(2, depth)), "write": 1, "data": signed(width)}
    )


class Bank(wiring.Component):
    """Two banks of values that are written in order, one of each parity of the step.

    So t-1 can be read while t is written.

    Timing: a value stands in `value` one clock after its `address`, a word of the state port in
    `word` `latency.MEMORY` = 2 clocks.

    Parameters
    ----------
    count, shape : values of a step, and what one is.
    initial : what step 0 finds in `start` as its t-1, by address; empty: 0.
    load : the layout of `load` in a core with a load port.
    code : of a protected core: that of the values, which then are its code words.

    Members
    -------
    written : In({valid, data})
    address, parity : In, which value of which bank.
    value, start : Out(shape), Out(shape)
    load : In(load), to write the initial values.
    access, word : In(access_layout), Out(shape): the state port's way to the values that the next
        step reads as t-1.
    upsets : Out(UPSETS) of the initial values, with `code`.
    """

    written: data.View
    address: Signal
    parity: Signal
    value: Signal
    start: Signal
    access: data.View
    word: Signal
    load: data.View
    upsets: data.View

    def __init__(
        self,
        count: int,
        shape: Shape,
        initial: Sequence[int] = (),
        load: data.StructLayout | None = None,
        code: Secded | None = None,
    ):
        self.count, self.initial, self.loadable = count, initial, load is not None
        self.code = code
        super().__init__(
            {
                "written": In(data.StructLayout({"valid": 1, "data": shape})),
                "address": In(range(max(2, count))),
                "parity": In(1),
                **{name: Out(shape) for name in ("value", "start", "word")},
                "access": In(access_layout(count, shape.width)),
                **({"load": In(load)} if load else {}),
                **({"upsets": Out(UPSETS)} if code else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        shape, access = self.value.shape(), self.access
        place, bank = Signal.like(self.address, name="place" if self.code else None), Signal()
        places, banks = (kept(m, each, self.code is not None) for each in (place, bank))
        m.submodules.memory = memory = block_memory(shape=shape, depth=2 << len(place))
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            write.addr.eq(Mux(access.select, Cat(access.address, ~bank), Cat(place, bank))),
            write.data.eq(Mux(access.select, access.data, self.written.data)),
            write.en.eq(Mux(access.select, access.write, self.written.valid)),
            read.addr.eq(
                Mux(access.select, Cat(access.address, ~bank), Cat(self.address, self.parity))
            ),
            self.value.eq(read.data),
            self.word.eq(delay(m, read.data, latency.MEMORY - 1, name="word")),
        ]
        with m.If(self.written.valid):
            wrap = place == self.count - 1
            m.d.sync += become(places, Mux(wrap, 0, place + 1))
            m.d.sync += become(banks, bank ^ wrap)
        if self.initial and self.code:
            width = self.code.width
            raw = [each & (1 << width) - 1 for each in self.initial]
            raw += [0] * ((1 << len(self.address)) - len(raw))  # addresses of others come too
            m.submodules.initial = rom = GuardedRom(width, raw)
            m.d.comb += [
                rom.address0.eq(self.address),
                self.start.eq(rom.raw0),
                self.upsets.eq(rom.upsets),
            ]
        elif self.initial:
            m.submodules.initial = starts = block_memory(
                shape=shape, depth=self.count, init=self.initial
            )
            if self.loadable:
                load_words(m, starts, self.load)
            port = starts.read_port()
            m.d.comb += [port.addr.eq(self.address), self.start.eq(port.data)]
        return m

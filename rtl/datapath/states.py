"""The memory of cell states: the constant error carousels, a word each."""

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.datapath.bank import access_layout
from rtl.lib.arithmetic import delay, layout_of
from rtl.lib.kept import become, held, kept
from rtl.lib.memory import block_memory, load
from rtl.lib.secded import UPSETS, GuardedRom, encode, joined, mend, mend_late, seen
from rtl.program.loading import load_word
from rtl.program.program import Program
from rtl.program.secded import Secded
from rtl.schedule import latency


class States(wiring.Component):
    """s of every cell, read and written once a step, in order.

    A reader sees s(t-1) of its current cell until it steps over to the next one. In a sequence's
    first step it sees the initial state instead. A cell's state is written after its last reader
    has seen it and before the first one of the next step comes, so that no second bank is needed.

    Timing: `value{k}` is that of the cell that was the reader's, and by the `clear{k}` that stood,
    `latency.STATE_READ` = 4 clocks before: memory and its register, initial state or not, and one
    that can be a multiplier's; 5 where they are mended. It is the next cell from the clock after
    `step_over{k}` on.

    Parameters
    ----------
    program : gives the number of cells, their width and their initial codes.
    readers : how many.

    Members
    -------
    step_over{k}, clear{k} : In(1), the reader goes on; the running step is a sequence's first.
    value{k} : Out(signed(s_width))
    write, code : In(1), In(signed(s_width)), s(t) of the cells in order.
    access : In(access_layout), the state port.
    load : In(load_word), of a core with a load port.
    sweep, upsets : of a protected core, whose words are mended when they are read. In(1), no reader
        is needed, all initial states may be read in turn; Out(UPSETS).
    word : Out(signed(s_width)), of `access.address`, `latency.MEMORY` clocks later.
    """

    step_over0: Signal
    clear0: Signal
    value0: Signal
    step_over1: Signal
    clear1: Signal
    value1: Signal
    write: Signal
    code: Signal
    access: data.View
    load: data.View
    sweep: Signal
    upsets: data.View
    word: Signal

    def __init__(self, program: Program, readers: int):
        self.program, self.readers = program, readers
        width = signed(program.paths.s)
        ports = {}
        for k in range(readers):
            ports |= {f"step_over{k}": In(1), f"clear{k}": In(1), f"value{k}": Out(width)}
        if program.loadable:
            ports["load"] = In(layout_of(load_word(program)))
        if program.protected:
            ports |= {"sweep": In(1), "upsets": Out(UPSETS)}
        super().__init__(
            {
                **ports,
                "write": In(1),
                "code": In(width),
                "access": In(access_layout(len(program.states), program.paths.s)),
                "word": Out(width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        if self.program.protected:
            self._guarded(m)
            return m
        cells = len(self.program.states)
        width, depth = signed(self.program.paths.s), max(2, cells)
        m.submodules.memory = memory = block_memory(shape=width, depth=cells)
        starts = None
        if initial := self.program.initial(self.program.states):
            m.submodules.initial = starts = block_memory(shape=width, depth=cells, init=initial)
            if self.program.loadable:
                load(m, starts, self.load)
        for k in range(self.readers):
            place = Signal(range(depth), name=f"place{k}")
            m.d.sync += place.eq(self._after(place, getattr(self, f"step_over{k}")))
            port = memory.read_port()
            m.d.comb += port.addr.eq(
                place if k else Mux(self.access.select, self.access.address, place)
            )
            read, start = delay(m, port.data, latency.MEMORY - 1, name=f"read{k}"), Const(0)
            if starts:
                port = starts.read_port()
                m.d.comb += port.addr.eq(place)
                start = delay(m, port.data, latency.MEMORY - 1, name=f"start{k}")
            clear = delay(m, getattr(self, f"clear{k}"), latency.MEMORY, name=f"clear{k}")
            seen = Signal(width, name=f"seen{k}", reset_less=True)
            m.d.sync += seen.eq(Mux(clear, start, read))
            m.d.comb += getattr(self, f"value{k}").eq(delay(m, seen, 1, name=f"value{k}"))
            stages = latency.MEMORY + 1 + 1
            assert stages == latency.STATE_READ
            if not k:
                m.d.comb += self.word.eq(read)
        place, write = Signal(range(depth), name="written"), memory.write_port()
        m.d.sync += place.eq(self._after(place, self.write))
        m.d.comb += [
            write.addr.eq(Mux(self.access.select, self.access.address, place)),
            write.data.eq(Mux(self.access.select, self.access.data, self.code)),
            write.en.eq(Mux(self.access.select, self.access.write, self.write)),
        ]
        return m

    def _guarded(self, m: Module) -> None:
        """The same of memories that are mended. The state port's words are mended at once."""
        width, cells = self.program.paths.s, len(self.program.states)
        code, shape = Secded(width), signed(width)
        m.submodules.memory = memory = block_memory(shape=unsigned(code.bits), depth=cells)
        found, starts = [], None
        swept = held(m, self.sweep, True, name="swept")
        if initial := self.program.initial(self.program.states):
            words = [each & (1 << width) - 1 for each in initial]
            m.submodules.initial = starts = GuardedRom(width, words, self.readers)
            found.append(starts.upsets)
        for k in range(self.readers):
            place = Signal(range(max(2, cells)), name=f"place{k}")
            step_over, clear = getattr(self, f"step_over{k}"), getattr(self, f"clear{k}")
            places = kept(m, place)
            m.d.sync += become(places, self._after(place, step_over | self.sweep))
            with m.If(swept & ~self.sweep):  # the step to come begins with the first one
                m.d.sync += become(places, 0)
            port = memory.read_port()
            m.d.comb += port.addr.eq(
                place if k else Mux(self.access.select, self.access.address, place)
            )
            raw = delay(m, port.data, latency.MEMORY - 1, name=f"raw{k}")
            used = step_over & ~clear
            checked = latency.MEMORY + latency.CHECKED
            used = delay(m, used, checked, name=f"used{k}", keep_reset=True)
            mended, wrong = mend_late(m, code, raw, name=f"read{k}")
            word = delay(m, mended, 1, name=f"read{k}")
            found.append(seen(m, wrong, used, name=f"read{k}"))
            start: Value = Const(0)
            if starts:
                m.d.comb += getattr(starts, f"address{k}").eq(place)
                start = getattr(starts, f"word{k}").as_signed()
            clear = delay(m, clear, latency.GUARDED, name=f"clear{k}")
            value = Signal(shape, name=f"value{k}", reset_less=True)
            m.d.sync += value.eq(Mux(clear, start, word.as_signed()))
            m.d.comb += getattr(self, f"value{k}").eq(value)
            stages = latency.GUARDED + 1
            assert stages == self.program.schedule.depths.state_read
            if not k:
                m.d.comb += self.word.eq(mend(m, code, raw, name="word"))
        place, write = Signal(range(max(2, cells)), name="written"), memory.write_port()
        m.d.sync += become(kept(m, place), self._after(place, self.write))
        given = Mux(self.access.select, self.access.data, self.code)
        m.d.comb += [
            write.addr.eq(Mux(self.access.select, self.access.address, place)),
            write.data.eq(encode(m, code, given, name="written")),
            write.en.eq(Mux(self.access.select, self.access.write, self.write)),
            self.upsets.eq(joined(found)),
        ]

    def _after(self, place: Signal, step_over):
        """The next place, where it is time for it."""
        last = place == len(self.program.states) - 1
        return Mux(step_over, Mux(last, 0, place + 1), place)

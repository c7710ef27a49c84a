"""The memory of cell states: the constant error carousels, a word each."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl.bank import access_layout
from rtl.program import Program


class States(wiring.Component):
    """s of every cell, read and written once a step, in order.

    A reader sees s(t-1) of its current cell until it steps over to the next one. In a sequence's
    first step it sees the initial state instead. A cell's state is written after its last reader
    has seen it and before the first one of the next step comes, so that no second bank is needed.

    Timing: `value{k}` belongs to the next cell in the clock after `step_over{k}`.

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
    word : Out(signed(s_width)), of `access.address`, one clock later.
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
    word: Signal

    def __init__(self, program: Program, readers: int):
        self.program, self.readers = program, readers
        width = signed(program.s_width)
        ports = {}
        for k in range(readers):
            ports |= {f"step_over{k}": In(1), f"clear{k}": In(1), f"value{k}": Out(width)}
        super().__init__(
            {
                **ports,
                "write": In(1),
                "code": In(width),
                "access": In(access_layout(len(program.states), program.s_width)),
                "word": Out(width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        cells = len(self.program.states)
        width, depth = signed(self.program.s_width), max(2, cells)
        m.submodules.memory = memory = Memory(shape=width, depth=depth, init=[])
        starts = None
        if initial := self.program.initial(self.program.states):
            m.submodules.initial = starts = Memory(shape=width, depth=depth, init=initial)
        for k in range(self.readers):
            place, following = (Signal(range(depth), name=f"{n}{k}") for n in ("place", "next"))
            step_over = getattr(self, f"step_over{k}")
            m.d.comb += following.eq(self._after(place, step_over))
            m.d.sync += place.eq(following)
            read = memory.read_port()
            # so that the state of `place` is there when its row comes
            m.d.comb += read.addr.eq(
                following if k else Mux(self.access.select, self.access.address, following)
            )
            start = 0
            if starts:
                port = starts.read_port()
                m.d.comb += port.addr.eq(following)
                start = port.data
            clear = getattr(self, f"clear{k}")
            m.d.comb += getattr(self, f"value{k}").eq(Mux(clear, start, read.data))
            if not k:
                m.d.comb += self.word.eq(read.data)
        place, write = Signal(range(depth), name="written"), memory.write_port()
        m.d.sync += place.eq(self._after(place, self.write))
        m.d.comb += [
            write.addr.eq(Mux(self.access.select, self.access.address, place)),
            write.data.eq(Mux(self.access.select, self.access.data, self.code)),
            write.en.eq(Mux(self.access.select, self.access.write, self.write)),
        ]
        return m

    def _after(self, place: Signal, step_over):
        """The next place, where it is time for it."""
        last = place == len(self.program.states) - 1
        return Mux(step_over, Mux(last, 0, place + 1), place)

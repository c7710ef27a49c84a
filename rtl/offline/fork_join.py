"""Two ways for one stream: where they part, where they meet, and where beats wait for the other."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from fixedpoint.formats import Format
from rtl.lib.beat import beat_layout
from rtl.lib.fifo import BlockFIFO


class Fork(wiring.Component):
    """Gives every beat to two streams, to each as soon as that one takes it.

    Timing: none; the next beat is taken when both have this one. Number formats: unchanged.

    Members
    -------
    i : In(stream of beat_layout(form)).  a, b : Out(the same).
    """

    i: stream.Interface
    a: stream.Interface
    b: stream.Interface

    def __init__(self, form: Format):
        beats = stream.Signature(beat_layout(form))
        super().__init__({"i": In(beats), "a": Out(beats), "b": Out(beats)})

    def elaborate(self, platform):
        m = Module()
        served = []
        for name, side in (("a", self.a), ("b", self.b)):
            has = Signal(name=f"{name}_has")  # this side has the beat, the other one not yet
            m.d.comb += [side.payload.eq(self.i.payload), side.valid.eq(self.i.valid & ~has)]
            served.append(has | side.ready)
            m.d.sync += has.eq(self.i.valid & served[-1] & ~self.i.ready)
        m.d.comb += self.i.ready.eq(served[0] & served[1])
        return m


class Join(wiring.Component):
    """Makes one vector of a vector of each of two streams, step by step.

    Timing: none, a beat passes in the clock in which it comes. Number formats: unchanged.

    Parameters
    ----------
    form : format of an element.
    widths : elements of a vector of a and of b; sequences are of the same length in both.

    Members
    -------
    a, b : In(stream of beat_layout(form)).
    o : Out(the same), a's elements, then b's; `first` of a and `last` of b.
    """

    a: stream.Interface
    b: stream.Interface
    o: stream.Interface

    def __init__(self, form: Format, widths: tuple[int, int]):
        self.widths = widths
        beats = stream.Signature(beat_layout(form))
        super().__init__({"a": In(beats), "b": In(beats), "o": Out(beats)})

    def elaborate(self, platform):
        m = Module()
        width, (of_a, _) = sum(self.widths), self.widths
        element, second = Signal(range(width), name="element"), Signal()
        m.d.comb += [
            second.eq(element >= of_a),
            self.o.payload.data.eq(Mux(second, self.b.payload.data, self.a.payload.data)),
            self.o.payload.first.eq(~second & self.a.payload.first),
            self.o.payload.last.eq(second & self.b.payload.last),
            self.o.valid.eq(Mux(second, self.b.valid, self.a.valid)),
            self.a.ready.eq(self.o.ready & ~second),
            self.b.ready.eq(self.o.ready & second),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += element.eq(Mux(element == width - 1, 0, element + 1))
        return m


class Buffer(wiring.Component):
    """Holds beats until they are taken.

    Timing: a beat is offered `latency.FIFO` = 4 clocks after it was taken at the earliest; one a
    clock passes.
    Number formats: unchanged.

    Parameters
    ----------
    form : format of an element.
    depth : beats that it holds.

    Members
    -------
    i : In(stream of beat_layout(form)).  o : Out(the same).
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, form: Format, depth: int):
        self.beat, self.depth = beat_layout(form), depth
        super().__init__(
            {"i": In(stream.Signature(self.beat)), "o": Out(stream.Signature(self.beat))}
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.fifo = fifo = BlockFIFO(width=self.beat.size, depth=self.depth)
        m.d.comb += [
            fifo.w_data.eq(self.i.payload),
            fifo.w_en.eq(self.i.valid),
            self.i.ready.eq(fifo.w_rdy),
            self.o.payload.eq(fifo.r_data),
            self.o.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(self.o.ready),
        ]
        return m

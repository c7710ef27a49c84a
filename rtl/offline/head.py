"""The beginning of sequences: what is too long for a buffer, or not asked for, is dropped."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from fixedpoint.formats import Format
from rtl.lib.beat import beat_layout


class Head(wiring.Component):
    """Lets the first `length` vectors of every sequence through, takes and drops the others.

    A sequence ends with `last` on the last element of a vector; the next vector begins one, whether
    it carries `first` or not. Both marks are set anew for what is let through.

    Timing: none, a beat passes in the clock in which it comes. Number formats: unchanged.

    Parameters
    ----------
    form : format of an element.
    width : elements of a vector.
    length : vectors of a sequence that are let through.

    Members
    -------
    i : In(stream of beat_layout(form)).  o : Out(the same).
    dropped : Out(1), something was dropped since reset.
    """

    i: stream.Interface
    o: stream.Interface
    dropped: Signal

    def __init__(self, form: Format, width: int, length: int):
        self.width, self.length = width, length
        beats = stream.Signature(beat_layout(form))
        super().__init__({"i": In(beats), "o": Out(beats), "dropped": Out(1)})

    def elaborate(self, platform):
        m = Module()
        element = Signal(range(max(2, self.width)))
        step = Signal(range(max(2, self.length)))
        dropping, taken = Signal(name="dropping"), self.i.valid & self.i.ready
        vector_ends, full = element == self.width - 1, step == self.length - 1
        m.d.comb += [
            self.o.valid.eq(self.i.valid & ~dropping),
            self.i.ready.eq(self.o.ready | dropping),
            self.o.payload.data.eq(self.i.payload.data),
            self.o.payload.first.eq((element == 0) & (step == 0)),
            self.o.payload.last.eq(vector_ends & (self.i.payload.last | full)),
        ]
        with m.If(taken):
            m.d.sync += [
                element.eq(Mux(vector_ends, 0, element + 1)),
                self.dropped.eq(self.dropped | dropping),
            ]
        with m.If(taken & vector_ends):
            with m.If(self.i.payload.last):
                m.d.sync += [step.eq(0), dropping.eq(0)]
            with m.Elif(full):
                m.d.sync += dropping.eq(1)
            with m.Else():
                m.d.sync += step.eq(step + 1)
        return m

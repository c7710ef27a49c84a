"""Decisions: of each vector of a stream the index of its largest element."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from fixedpoint.formats import Format
from rtl.lib.beat import beat_layout


class Decision(wiring.Component):
    """Takes a vector, an element a beat, and gives the index of the largest with its last one.

        decision = the lowest k with element[k] = max of the vector

    Timing: none, an index is offered in the clock in which its vector's last element is; the others
    are taken at once. Number formats: codes are compared as they are; the index is a whole number.

    Parameters
    ----------
    form, width : format and number of a vector's elements.
    decided : format of the index.

    Members
    -------
    i : In(stream of beat_layout(form)).
    o : Out(stream of beat_layout(decided)); `first` of the vector's first beat, `last` of its last.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, form: Format, width: int, decided: Format):
        self.width = width
        beats = (stream.Signature(beat_layout(each)) for each in (form, decided))
        super().__init__({"i": In(next(beats)), "o": Out(next(beats))})

    def elaborate(self, platform):
        m = Module()
        element, index = Signal(range(max(2, self.width))), Signal(range(max(2, self.width)))
        best, first = Signal.like(self.i.payload.data, name="best"), Signal()
        opens, ends = element == 0, element == self.width - 1
        larger = opens | (self.i.payload.data > best)
        largest, mark = Mux(larger, element, index), Mux(opens, self.i.payload.first, first)
        m.d.comb += [
            self.o.valid.eq(self.i.valid & ends),
            self.i.ready.eq(self.o.ready | ~ends),
            self.o.payload.data.eq(largest),
            self.o.payload.first.eq(mark),
            self.o.payload.last.eq(self.i.payload.last),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                element.eq(Mux(ends, 0, element + 1)),
                index.eq(largest),
                best.eq(Mux(larger, self.i.payload.data, best)),
                first.eq(mark),
            ]
        return m

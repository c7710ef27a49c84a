"""A sequence from its last step to its first: what a reverse layer needs before and behind it."""

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from fixedpoint.formats import Format
from rtl.lib.arithmetic import shape_of
from rtl.lib.beat import beat_layout


class Reverser(wiring.Component):
    """Takes sequences of vectors and gives each with its vectors in reversed order.

    The elements of a vector stay in order, `first` and `last` are set anew. There are two banks, so
    that the next sequence is taken while one is given: sequences of equal length pass without a
    pause at a beat a clock. A sequence must have `length` vectors at most.

    Timing: the first beat of a sequence is offered 2 clocks after its last one was taken, if the
    one before it has left by then. Number formats: unchanged.

    Parameters
    ----------
    form : format of an element.
    width : elements of a vector.
    length : vectors of the longest sequence.

    Members
    -------
    i : In(stream of beat_layout(form)), `last` on the last element of a sequence; `first` is not
        looked at.
    o : Out(the same).
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, form: Format, width: int, length: int):
        self.form, self.width, self.size = form, width, width * length
        beats = stream.Signature(beat_layout(form))
        super().__init__({"i": In(beats), "o": Out(beats)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.banks = memory = Memory(
            shape=shape_of(self.form), depth=2 * self.size, init=[]
        )
        full = Array(Signal(name=f"full{k}") for k in range(2))
        # where each bank's last vector starts
        tops = Array(Signal(range(2 * self.size), name=f"top{k}") for k in range(2))
        self._fill(m, memory.write_port(), full, tops)
        self._give(m, memory.read_port(), full, tops)
        return m

    def _fill(self, m: Module, port, full: Array, tops: Array) -> None:
        """The bank that is not full takes beat after beat, upwards."""
        filling = Signal(name="filling")
        place = Signal(range(2 * self.size), name="written")
        taken = self.i.valid & self.i.ready
        m.d.comb += [
            self.i.ready.eq(~full[filling]),
            port.addr.eq(place),
            port.data.eq(self.i.payload.data),
            port.en.eq(taken),
        ]
        with m.If(taken):
            m.d.sync += place.eq(place + 1)
        with m.If(taken & self.i.payload.last):
            m.d.sync += [
                full[filling].eq(1),
                tops[filling].eq(place - (self.width - 1)),
                filling.eq(~filling),
                place.eq(Mux(filling, 0, self.size)),
            ]

    def _give(self, m: Module, port, full: Array, tops: Array) -> None:
        """The bank that is full gives vector after vector, downwards, and is then empty."""
        reading, opening = Signal(name="reading"), Signal(name="opening", init=1)
        place = Signal(range(2 * self.size), name="read")
        following = Signal.like(port.addr, name="following")
        element = Signal(range(max(2, self.width)))
        vector_ends = element == self.width - 1
        advance, ends = Signal(), Signal()
        bottom = Mux(reading, self.size, 0)
        m.d.comb += [
            advance.eq(full[reading] & (self.o.ready | ~self.o.valid)),
            place.eq(Mux(opening, tops[reading], following)),
            ends.eq(vector_ends & (place == bottom + (self.width - 1))),
            port.addr.eq(place),
            port.en.eq(advance),
            self.o.payload.data.eq(port.data),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(advance):
            m.d.sync += [
                self.o.valid.eq(1),
                self.o.payload.first.eq(opening),
                self.o.payload.last.eq(ends),
                opening.eq(ends),
                following.eq(Mux(vector_ends, place - (2 * self.width - 1), place + 1)),
                element.eq(Mux(vector_ends, 0, element + 1)),
            ]
        with m.If(advance & ends):
            m.d.sync += [full[reading].eq(0), reading.eq(~reading)]

"""AXI4-Stream and the core's streams: elements in whole bytes, sequences as packets."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from fixedpoint.formats import Format
from rtl.core import COUNTER_BITS
from rtl.lib.beat import beat_layout


def axis_signature(form: Format) -> wiring.Signature:
    """AXI4-Stream of one element a beat, as the transmitter has it: the code in whole bytes, the
    bits above it the sign's (or 0)."""
    return wiring.Signature(
        {
            "tdata": Out(8 * -(-form.width // 8)),
            "tvalid": Out(1),
            "tready": In(1),
            "tlast": Out(1),
        }
    )


class Entry(wiring.Component):
    """Packets into vectors of sequences.

    A packet is a sequence: `tlast` comes with its last element, and the next vector is first, as
    after a reset. A vector that is cut short, by `tlast` or by `clear`, is filled up with zeros, so
    that the next beat begins a vector again. Cut by `tlast` it ends its sequence and counts as a
    framing error.

    Timing: a beat is offered to the core the clock after it was taken; one a clock passes. Number
    formats: unchanged; bits of tdata above the code are not looked at.

    Parameters
    ----------
    form : format of an element.
    width : elements of a vector.

    Members
    -------
    s_axis : In(axis_signature(form)).
    o : Out(stream of beat_layout(form)).
    open : In(1), vectors may begin.
    clear : In(1), the next vector begins a sequence. No beat is taken in this clock.
    resume : In(1), the next vector begins none, whatever came before.
    at_rest : Out(1), no vector has begun that the core does not have.
    framing_errors : Out(32), since reset; wraps around.
    """

    s_axis: Any
    o: stream.Interface
    open: Signal
    clear: Signal
    resume: Signal
    at_rest: Signal
    framing_errors: Signal

    def __init__(self, form: Format, width: int):
        self.form, self.width = form, width
        super().__init__(
            {
                "s_axis": In(axis_signature(form)),
                "o": Out(stream.Signature(beat_layout(form))),
                **{name: In(1) for name in ("open", "clear", "resume")},
                "at_rest": Out(1),
                "framing_errors": Out(COUNTER_BITS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        axis, beat = self.s_axis, self.o.payload
        element = Signal(range(max(2, self.width)))
        opening = Signal(init=1)  # the next vector is first
        filling = Signal(name="filling")  # this one gets zeros
        closing = Signal(name="closing")  # ... and ends its sequence
        begins, ends = element == 0, element == self.width - 1
        room, taken, last = ~self.o.valid | self.o.ready, Signal(), Signal()
        m.d.comb += [
            axis.tready.eq(room & ~filling & ~self.clear & (self.open | ~begins)),
            taken.eq((axis.tvalid & axis.tready) | (filling & room)),
            last.eq(Mux(filling, closing, axis.tlast)),
            self.at_rest.eq(begins & ~self.o.valid),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(taken):
            m.d.sync += [
                self.o.valid.eq(1),
                beat.data.eq(Mux(filling, 0, axis.tdata[: self.form.width])),
                beat.first.eq(opening & begins),
                beat.last.eq(last & ends),
                element.eq(Mux(ends, 0, element + 1)),
                filling.eq((last | filling) & ~ends),
            ]
            with m.If(last & ~ends & ~filling):
                m.d.sync += [closing.eq(1), self.framing_errors.eq(self.framing_errors + 1)]
            with m.If(begins):
                m.d.sync += opening.eq(0)
            with m.If(ends & last):
                m.d.sync += opening.eq(1)
        with m.If(self.resume):
            m.d.sync += opening.eq(0)
        with m.If(self.clear):
            m.d.sync += opening.eq(1)
            with m.If(~begins & ~filling):
                m.d.sync += [filling.eq(1), closing.eq(0)]
        return m

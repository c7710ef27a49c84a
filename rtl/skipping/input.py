"""The input of a core that skips: a list of each vector's active elements."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from fixedpoint.formats import Format
from rtl.lib.arithmetic import delay
from rtl.lib.beat import beat_layout
from rtl.lib.memory import block_memory
from rtl.program.words import bits_for
from rtl.schedule import latency
from rtl.skipping.lister import Lister, entry_layout


class InputLists(wiring.Component):
    """Takes a step's input, an element a beat, into lists in two banks: one is read while the
    other fills.

    `first` is looked at on the first element of a vector, `last` on its last one. The first vector
    after a reset begins a sequence in any case.

    Timing: behind a vector's last beat none is taken until the list is whole, which `waiting` says;
    an entry stands in `entry` `latency.MEMORY` clocks after its `address`.

    Parameters
    ----------
    form, inputs : of a vector's elements: their format, how many they are.
    thresholds : see `Lister`; one.
    stateful : whether a state may be written.

    Members
    -------
    i : In(stream of beat_layout(form)).
    waiting : Out(1), a vector is there.  first, last : Out(1), its marks.
    take : In(1), the step begins; from the next clock on its list is what is read.
    release : In(1), it has been read.
    count : Out, entries of the list that is read.
    address : In, which of them.  entry : Out(entry_layout).
    loaded, begun : of a stateful one. In(1), a state is written while nothing is `begun`: the next
        vector is listed against 0, and the first one after a reset begins no sequence. Out(1), part
        of a vector is there at least whose step has not begun.
    """

    i: stream.Interface
    waiting: Signal
    first: Signal
    last: Signal
    take: Signal
    release: Signal
    count: Signal
    address: Signal
    entry: data.View
    loaded: Signal
    begun: Signal

    def __init__(
        self, form: Format, inputs: int, thresholds: Sequence[int] | None, stateful: bool = False
    ):
        self.inputs, self.stateful = inputs, stateful
        self.lister = Lister(thresholds, 1, inputs, form.width)
        entry = entry_layout(inputs, len(self.lister.o.value))
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(form))),
                **{name: Out(1) for name in ("waiting", "first", "last")},
                **{name: In(1) for name in ("take", "release")},
                "count": Out(range(inputs + 1)),
                "address": In(bits_for(inputs)),
                "entry": Out(entry),
                **({"loaded": In(1), "begun": Out(1)} if stateful else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.lister = lister = self.lister
        filling, coming, draining = Signal(), Signal(), Signal()
        full, waiting, first, last = (
            [Signal(name=f"{name}{k}") for k in range(2)]
            for name in ("full", "waiting", "first", "last")
        )
        counts = [Signal.like(self.count, name=f"count{k}") for k in range(2)]
        taken = self.i.valid & self.i.ready
        m.d.comb += self.i.ready.eq(~Mux(filling, full[1], full[0]) & ~draining)
        opening, mark = self._offer(m, lister, taken, draining)
        entries, whole = Signal.like(self.count), lister.o.valid & lister.o.final
        following = entries + lister.listed
        m.d.sync += entries.eq(Mux(whole, 0, following))
        m.d.sync += filling.eq(filling ^ whole)
        with m.If(whole):
            m.d.sync += draining.eq(0)
        m.d.sync += coming.eq(coming ^ self.take)
        for k in range(2):
            with m.If(whole & (filling == k)):
                m.d.sync += [
                    counts[k].eq(following),
                    full[k].eq(1),
                    waiting[k].eq(1),
                    first[k].eq(opening),
                    last[k].eq(mark),
                ]
            with m.If(self.take & (coming == k)):
                m.d.sync += waiting[k].eq(0)
            with m.If(self.release & (coming != k)):
                m.d.sync += full[k].eq(0)
        m.d.comb += self.count.eq(Mux(coming, *counts))
        for name, banks in (("waiting", waiting), ("first", first), ("last", last)):
            m.d.comb += getattr(self, name).eq(Mux(coming, banks[1], banks[0]))
        m.submodules.banks = memory = block_memory(
            shape=self.entry.shape(), depth=2 << len(self.address)
        )
        read, write = memory.read_port(), memory.write_port()
        m.d.comb += [
            read.addr.eq(Cat(self.address, ~coming)),
            self.entry.eq(delay(m, read.data, latency.MEMORY - 1, name="word")),
            write.addr.eq(Cat(entries[: len(self.address)], filling)),
            write.data.unit.eq(lister.o.unit),
            write.data.value.eq(lister.o.value),
            write.en.eq(lister.listed),
        ]
        return m

    def _offer(self, m: Module, lister: Lister, taken, draining: Signal) -> tuple[Signal, Signal]:
        """The vector's elements to the lister; returns its marks."""
        payload, unit = self.i.payload, Signal(range(max(2, self.inputs)))
        newborn, opening, mark, fresh = Signal(init=1), Signal(), Signal(), Signal()
        final, anew = unit == self.inputs - 1, newborn
        if self.stateful:
            anew = newborn & ~self.loaded
            with m.If(self.loaded):
                m.d.sync += newborn.eq(0)
        m.d.comb += [
            fresh.eq(Mux(unit == 0, payload.first | anew, opening)),
            lister.i.valid.eq(taken),
            lister.i.fresh.eq(fresh),
            lister.i.final.eq(final),
            lister.i.unit.eq(unit),
            lister.i.value.eq(payload.data),
        ]
        with m.If(taken):
            m.d.sync += [unit.eq(Mux(final, 0, unit + 1)), opening.eq(fresh), draining.eq(final)]
            with m.If(final):
                m.d.sync += [mark.eq(payload.last), newborn.eq(0)]
        if self.stateful:
            m.d.comb += self.begun.eq((unit != 0) | draining | self.waiting)
            m.d.comb += lister.i.fresh.eq(fresh | self._behind_state(m, taken, unit == 0))
        return opening, mark

    def _behind_state(self, m: Module, taken: Value, opens: Value) -> Value:
        """Whether an element's vector is the first one behind a state that was written."""
        behind, held, found = Signal(), Signal(), Signal()
        m.d.comb += found.eq(Mux(opens, behind | self.loaded, held))
        m.d.sync += behind.eq((behind | self.loaded) & ~taken)
        with m.If(taken):
            m.d.sync += held.eq(found)
        return found

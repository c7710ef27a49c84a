"""The input of a core that skips: a list of each vector's active elements."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from fixedpoint.formats import Format
from rtl.lib.arithmetic import delay
from rtl.lib.beat import beat_layout
from rtl.lib.memory import block_memory
from rtl.program.words import bits_for
from rtl.schedule import latency
from rtl.skipping.lister import Lister, entry_layout

FLAGS = ("full", "waiting")  # of each bank


class InputLists(wiring.Component):
    """Takes a step's input, an element a beat, into lists in two banks: one is read while the
    other fills.

    It is a vector of each stream in turn, each of which has a list. `first` is looked at on the
    first element of a vector, `last` on its last one. The first step after a reset begins sequences
    in any case.

    Timing: behind a step's last beat none is taken until the lists are whole, which `waiting` says;
    an entry stands in `entry` `latency.MEMORY` clocks after its address.

    Parameters
    ----------
    form, inputs : of a vector's elements: their format, how many they are.
    thresholds : see `Lister`; one for each stream.
    streams : vectors of a step.
    stateful : whether a state, or another network, may be written.

    Members
    -------
    i : In(stream of beat_layout(form)).
    waiting : Out(1), the input of a step is there.  first, last : Out(streams), its marks.
    take : In(1), the step begins; from the next clock on its lists are what is read.
    release : In(1), they have been read.
    entries{n} : Out, how many stream n's list has of what is read.
    turn, address : In, which stream's list, and which of its entries.  entry : Out(entry_layout).
    loaded, anew, begun : of a stateful one. In(1), a state is written, so that the first step after
        a reset begins no sequence; In(1), with it and with what else makes that the next step's
        input is listed against 0, while nothing is `begun`: Out(1), part of the input is there at
        least of a step that has not begun.
    """

    i: stream.Interface
    waiting: Signal
    first: Signal
    last: Signal
    take: Signal
    release: Signal
    turn: Signal
    address: Signal
    entry: data.View
    loaded: Signal
    anew: Signal
    begun: Signal

    def __init__(
        self,
        form: Format,
        inputs: int,
        thresholds: Sequence[int] | None,
        streams: int = 1,
        stateful: bool = False,
    ):
        self.inputs, self.streams, self.stateful = inputs, streams, stateful
        self.lister = Lister(thresholds, streams, inputs, form.width)
        entry = entry_layout(inputs, len(self.lister.o.value))
        super().__init__(
            {
                "i": In(stream.Signature(beat_layout(form))),
                "waiting": Out(1),
                **{name: Out(streams) for name in ("first", "last")},
                **{name: In(1) for name in ("take", "release")},
                **{f"entries{n}": Out(range(inputs + 1)) for n in range(streams)},
                "turn": In(bits_for(streams)),
                "address": In(bits_for(inputs)),
                "entry": Out(entry),
                **({"loaded": In(1), "anew": In(1), "begun": Out(1)} if stateful else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.lister = lister = self.lister
        filling, coming, draining = Signal(), Signal(), Signal()
        full, waiting = ([Signal(name=f"{name}{k}") for k in range(2)] for name in FLAGS)
        taken = self.i.valid & self.i.ready
        m.d.comb += self.i.ready.eq(~Mux(filling, full[1], full[0]) & ~draining)
        self._offer(m, taken, filling, coming, draining)
        entries, ends = Signal(range(self.inputs + 1)), lister.o.valid & lister.o.final
        whole = ends & self._of_stream(lister.o.stage, self.streams - 1)
        following = entries + lister.listed
        m.d.sync += entries.eq(Mux(ends, 0, following))
        m.d.sync += filling.eq(filling ^ whole)
        with m.If(whole):
            m.d.sync += draining.eq(0)
        m.d.sync += coming.eq(coming ^ self.take)
        for k in range(2):
            with m.If(whole & (filling == k)):
                m.d.sync += [full[k].eq(1), waiting[k].eq(1)]
            with m.If(self.take & (coming == k)):
                m.d.sync += waiting[k].eq(0)
            with m.If(self.release & (coming != k)):
                m.d.sync += full[k].eq(0)
        for n in range(self.streams):
            counts = [Signal.like(entries, name=f"count{k}_{n}") for k in range(2)]
            for k, count in enumerate(counts):
                with m.If(ends & self._of_stream(lister.o.stage, n) & (filling == k)):
                    m.d.sync += count.eq(following)
            m.d.comb += getattr(self, f"entries{n}").eq(Mux(coming, *counts))
        m.d.comb += self.waiting.eq(Mux(coming, waiting[1], waiting[0]))
        self._store(m, entries, filling, coming)
        return m

    def _of_stream(self, turn: Value, number: int) -> Value:
        return turn == number if self.streams > 1 else Const(1)

    def _store(self, m: Module, entries: Signal, filling: Signal, coming: Signal) -> None:
        """The memory of lists."""
        lister, width = self.lister, len(self.address)
        several = self.streams > 1
        places = len(self.turn) if several else 0
        m.submodules.banks = memory = block_memory(
            shape=self.entry.shape(), depth=2 << width + places
        )
        read, write = memory.read_port(), memory.write_port()
        m.d.comb += [
            read.addr.eq(Cat(self.address, self.turn[:places], ~coming)),
            self.entry.eq(delay(m, read.data, latency.MEMORY - 1, name="word")),
            write.addr.eq(Cat(entries[:width], lister.o.stage[:places], filling)),
            write.data.unit.eq(lister.o.unit),
            write.data.value.eq(lister.o.value),
            write.en.eq(lister.listed),
        ]

    def _offer(
        self, m: Module, taken: Value, filling: Signal, coming: Signal, draining: Signal
    ) -> None:
        """The step's elements to the lister, and their marks."""
        payload, lister = self.i.payload, self.lister
        unit, turn = Signal(range(max(2, self.inputs))), Signal.like(self.turn, name="filled_turn")
        newborn, opening, fresh = Signal(init=1), Signal(), Signal()
        final, born = unit == self.inputs - 1, newborn
        if self.stateful:
            born = newborn & ~self.loaded
            with m.If(self.loaded):
                m.d.sync += newborn.eq(0)
        m.d.comb += [
            fresh.eq(Mux(unit == 0, payload.first | born, opening)),
            lister.i.valid.eq(taken),
            lister.i.fresh.eq(fresh),
            lister.i.final.eq(final),
            lister.i.stage.eq(turn),
            lister.i.unit.eq(unit),
            lister.i.value.eq(payload.data),
        ]
        closing = final & self._of_stream(turn, self.streams - 1)
        with m.If(taken):
            m.d.sync += [unit.eq(Mux(final, 0, unit + 1)), opening.eq(fresh), draining.eq(closing)]
            with m.If(closing):
                m.d.sync += newborn.eq(0)
            if self.streams > 1:
                with m.If(final):
                    m.d.sync += turn.eq(Mux(closing, 0, turn + 1))
        marks = {"first": ((unit == 0), fresh), "last": (final, payload.last)}
        for name, (now, mark) in marks.items():
            banks = [Signal.like(self.first, name=f"{name}{k}") for k in range(2)]
            for k, bank in enumerate(banks):
                with m.If(taken & now & (filling == k)):
                    m.d.sync += bank.bit_select(turn, 1).eq(mark)
            m.d.comb += getattr(self, name).eq(Mux(coming, banks[1], banks[0]))
        if self.stateful:
            opens = (unit == 0) & self._of_stream(turn, 0)
            m.d.comb += [
                self.begun.eq(~opens | draining | self.waiting),
                lister.i.fresh.eq(fresh | self._behind_state(m, taken, opens)),
            ]

    def _behind_state(self, m: Module, taken: Value, opens: Value) -> Value:
        """Whether an element is of the first step behind what was written; `opens` : it is its
        step's first."""
        behind, held, found = Signal(), Signal(), Signal()
        m.d.comb += found.eq(Mux(opens, behind | self.anew, held))
        m.d.sync += behind.eq((behind | self.anew) & ~taken)
        with m.If(taken):
            m.d.sync += held.eq(found)
        return found

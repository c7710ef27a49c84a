"""The sequencer: walks through a step's program, one word a clock, and waits only between steps."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.lib.arithmetic import delay, layout_of
from rtl.lib.kept import become, kept
from rtl.lib.memory import column_memories
from rtl.lib.secded import UPSETS, GuardedRom
from rtl.program.words import FLAGS, program_word
from rtl.schedule.phases import SOURCES
from rtl.schedule.schedule import Schedule


class Sequencer(wiring.Component):
    """Issues the columns of step after step.

    A step begins when `ready` is set (its input has come and its output has room) and the program
    of the step before is at its end; from then on nothing can hold it up. Step follows step without
    a gap when there is nothing to wait for.

    Timing: a step's first column is issued 2 clocks after `starts`, in which the core may have
    idled before, 4 where words are mended. What is issued stands in `word` one clock later, behind
    the output register of the program's memory; all other outputs that belong to it stand there in
    the same clock.

    Parameters
    ----------
    schedule : the program, clock by clock.

    Members
    -------
    ready : In(1), a step may begin.
    first, last : In(streams), the coming step's marks, a bit a stream: begins, ends a sequence. The
        first step after a reset begins one in any case, because the memories keep what they held.
    loaded : In(1), the memories hold a state that the first step after a reset may go on from.
    starts : Out(1), a step begins with the next clock.
    running : Out(1), a step runs.
    word : Out(`rtl.program.words.program_word`); all flags are 0 where nothing runs.
    weight : Out, place of the issued column in the weight memories; with sparse input of those
        columns that are read in order.
    step_first, step_last : Out(1), the running step's marks, of the word's stream.
    parity : Out(1), changes from step to step.
    upsets : Out(UPSETS) of a protected one.
    """

    ready: Signal
    first: Signal
    last: Signal
    loaded: Signal
    starts: Signal
    running: Signal
    word: data.View
    weight: Signal
    step_first: Signal
    step_last: Signal
    parity: Signal
    upsets: data.View

    def __init__(self, schedule: Schedule):
        self.schedule, self.protected = schedule, schedule.depths.protected
        flags = ("starts", "running", "step_first", "step_last", "parity")
        super().__init__(
            {
                **{name: In(1) for name in ("ready", "loaded")},
                **{name: In(schedule.streams) for name in ("first", "last")},
                **{name: Out(1) for name in flags},
                "word": Out(layout_of(program_word(schedule))),
                "weight": Out(range(max(2, schedule.in_order))),
                **({"upsets": Out(UPSETS)} if self.protected else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        clock = Signal(range(max(2, self.schedule.cycles_per_step)))
        self._count(m, clock)
        self._fetch(m, clock)
        newborn = Signal(init=1)  # no step has run since the reset
        streams = self.schedule.streams
        first, last = (Signal(streams, name=f"running_{name}") for name in ("first", "last"))
        parity = Signal(init=1)
        firsts, lasts, parities, newborns = (
            kept(m, each, self.protected) for each in (first, last, parity, newborn)
        )
        with m.If(self.starts):
            m.d.sync += [
                *become(firsts, self.first | newborn.replicate(streams)),
                *become(lasts, self.last),
                *become(parities, ~parity),
            ]
        with m.If(self.starts | self.loaded):
            m.d.sync += become(newborns, 0)
        stream, fetch = self.word.stream if streams > 1 else 0, self.schedule.depths.fetch
        m.d.comb += [
            self.step_first.eq(delay(m, first, fetch, name="word_first").bit_select(stream, 1)),
            self.step_last.eq(delay(m, last, fetch, name="word_last").bit_select(stream, 1)),
            self.parity.eq(delay(m, parity, fetch, name="word_parity")),
        ]
        return m

    def _count(self, m: Module, clock: Signal) -> None:
        """The clock of the step; where words are mended it goes on between steps, so that all are.

        That it is the last one is known from a register then, before which there is time to see
        which clock two at least of three say it is.
        """
        cycles, ends = self.schedule.cycles_per_step, Signal()
        running, clocks = (kept(m, each, self.protected) for each in (self.running, clock))
        goes_on = self.running & ~ends
        if self.protected:
            goes_on = ~(self.starts | ends)
            first = self.ready & ~self.running
            m.d.sync += become(kept(m, ends), (clock == cycles - 2) & ~first)
        else:
            m.d.comb += ends.eq(clock == cycles - 1)
        m.d.comb += self.starts.eq(self.ready & (ends | ~self.running))
        m.d.sync += [
            *become(running, self.starts | (self.running & ~ends)),
            *become(clocks, Mux(goes_on, clock + 1, 0)),
        ]

    def _fetch(self, m: Module, clock: Signal) -> None:
        """The program's word of a clock, and the weights' address with it."""
        word = program_word(self.schedule)
        raw = list(map(word.pack, self._words()))
        fetched = Signal(layout_of(word), reset_less=True)
        if self.protected:
            m.submodules.program = rom = GuardedRom(word.bits, raw)
            m.d.comb += [
                rom.address0.eq(clock),
                fetched.eq(rom.word0),
                self.upsets.eq(rom.upsets),
            ]
        else:
            for bits, memory in column_memories(m, "program", word.bits, raw):
                port = memory.read_port()
                m.d.comb += port.addr.eq(clock)
                m.d.sync += fetched.as_value()[bits].eq(port.data)
        fetch = self.schedule.depths.fetch
        live = delay(m, self.running, fetch, name="live", keep_reset=True)
        m.d.comb += self.word.eq(fetched)
        for flag in FLAGS:
            m.d.comb += self.word[flag].eq(fetched[flag] & live)
        weights = kept(m, self.weight, self.protected)
        with m.If(delay(m, self.starts, fetch, name="opening", keep_reset=True)):
            m.d.sync += become(weights, 0)
        if self.protected:  # between steps all are read in turn, and so mended
            last = self.weight == self.schedule.in_order - 1
            with m.Elif(self._in_order() | ~live):
                m.d.sync += become(weights, Mux(last, 0, self.weight + 1))
        else:
            with m.Elif(self._in_order()):
                m.d.sync += self.weight.eq(self.weight + 1)

    def _in_order(self) -> Value:
        """Whether a column is issued whose weight comes in order."""
        if not self.schedule.sparse:
            return self.word.issue
        return self.word.issue & (self.word.source != SOURCES.index("x"))

    def _words(self) -> list[Any]:
        words = []
        for slot in self.schedule.slots:
            word = {flag: getattr(slot, flag) for flag in FLAGS[1:]}
            word |= {"stream": slot.stream} if self.schedule.streams > 1 else {}
            if slot.column:
                source = SOURCES.index(slot.column.source)
                word |= {"issue": 1, "source": source, "address": slot.column.address}
                if slot.group in self.schedule.bases and self.schedule.indexed(slot.column):
                    word["base"] = self.schedule.bases[slot.group]
            words.append(word)
        return words

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
    idled before. What is issued stands in `word` one clock later, behind the output register of the
    program's memory; all other outputs that belong to it stand there in the same clock.

    Parameters
    ----------
    schedule : the program, clock by clock.
    protected : whether the program's words are mended where a bit of them has flipped.

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
    coming, upsets : of a protected one. In(1), the input of a step has come; Out(UPSETS).
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
    coming: Signal
    upsets: data.View

    def __init__(self, schedule: Schedule, protected: bool = False):
        self.schedule, self.protected = schedule, protected
        flags = ("starts", "running", "step_first", "step_last", "parity")
        super().__init__(
            {
                **{name: In(1) for name in ("ready", "loaded")},
                **{name: In(schedule.streams) for name in ("first", "last")},
                **{name: Out(1) for name in flags},
                "word": Out(layout_of(program_word(schedule))),
                "weight": Out(range(max(2, schedule.in_order))),
                **({"coming": In(1), "upsets": Out(UPSETS)} if protected else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        cycles = self.schedule.cycles_per_step
        clock = Signal(range(max(2, cycles)))
        ends = Signal()
        running, clocks = (kept(m, each, self.protected) for each in (self.running, clock))
        m.d.comb += [
            ends.eq(clock == cycles - 1),
            self.starts.eq(self.ready & (ends | ~self.running)),
        ]
        m.d.sync += [
            *become(running, self.starts | (self.running & ~ends)),
            *become(clocks, Mux(self.running & ~ends, clock + 1, 0)),
        ]
        self._fetch(m, clock, ends)
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
        stream = self.word.stream if streams > 1 else 0
        m.d.comb += [
            self.step_first.eq(delay(m, first, 2, name="word_first").bit_select(stream, 1)),
            self.step_last.eq(delay(m, last, 2, name="word_last").bit_select(stream, 1)),
            self.parity.eq(delay(m, parity, 2, name="word_parity")),
        ]
        return m

    def _fetch(self, m: Module, clock: Signal, ends: Signal) -> None:
        """The program's word of a clock, two clocks later, and the weights' address with it."""
        word = program_word(self.schedule)
        raw = list(map(word.pack, self._words()))
        fetched = Signal(layout_of(word), reset_less=True)
        if self.protected:
            self._guarded(m, ends, raw, fetched)
        else:
            for bits, memory in column_memories(m, "program", word.bits, raw):
                port = memory.read_port()
                m.d.comb += port.addr.eq(clock)
                m.d.sync += fetched.as_value()[bits].eq(port.data)
        live = delay(m, self.running, 2, name="live", keep_reset=True)
        m.d.comb += self.word.eq(fetched)
        for flag in FLAGS:
            m.d.comb += self.word[flag].eq(fetched[flag] & live)
        weights = kept(m, self.weight, self.protected)
        with m.If(delay(m, self.starts, 2, name="opening", keep_reset=True)):
            m.d.sync += become(weights, 0)
        if self.protected:  # between steps all are read in turn, and so mended
            last = self.weight == self.schedule.in_order - 1
            with m.Elif(self._in_order() | ~live):
                m.d.sync += become(weights, Mux(last, 0, self.weight + 1))
        else:
            with m.Elif(self._in_order()):
                m.d.sync += self.weight.eq(self.weight + 1)

    def _guarded(self, m: Module, ends: Signal, raw: list[int], fetched: data.View) -> None:
        """The mended word of a clock: it takes a clock more, so that its address is ahead by one.

        Between steps all words are read in turn.
        """
        cycles = self.schedule.cycles_per_step
        width = self.word.shape().size
        m.submodules.program = rom = GuardedRom(width, raw)
        ahead, swept = (Signal.like(rom.address0, name=name) for name in ("ahead", "swept"))
        m.d.sync += swept.eq(Mux(swept == cycles - 1, 0, swept + 1))
        aheads = kept(m, ahead)
        with m.If(self.starts):
            m.d.sync += become(aheads, 1 % cycles)
        with m.Elif(self.running & ~ends & (ahead != cycles - 1)):
            m.d.sync += become(aheads, ahead + 1)
        with m.Else():
            m.d.sync += become(aheads, 0)
        m.d.comb += [
            rom.address0.eq(Mux(self.running | self.coming, ahead, swept)),
            fetched.eq(rom.word0),
            self.upsets.eq(rom.upsets),
        ]

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

"""The sequencer of a core that skips: groups of rows run over lists of columns."""

from itertools import accumulate, combinations
from typing import Any, NamedTuple

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.lib.arithmetic import choose, number
from rtl.program.words import bits_for
from rtl.schedule import latency
from rtl.schedule.skipping import SkipSchedule
from rtl.skipping.outputs import ends_layout


def choice_layout(schedule: SkipSchedule) -> data.StructLayout:
    """What is chosen in a clock: a column or none, the ends of its group, and the place in a lane's
    memory of the weight of its list's first value."""
    flags = dict.fromkeys(("issue", "first", "last"), 1)
    return data.StructLayout({**flags, "base": bits_for(schedule.weight_words)})


class _Reader(NamedTuple):
    """Where a list is read: which one, the place, whether there is an entry, and whether none comes
    behind."""

    number: int
    place: Signal
    have: Signal
    final: Signal


class SkipSequencer(wiring.Component):
    """Chooses a column in each clock, group by group, step after step.

    A group reads its phase's lists, one after the other, an entry a clock; where it has read all
    that is there it waits, until the list is whole. Its last column is not chosen before the tail
    has taken the rows of the group before. A group without columns, or one that has read them all
    when it learns so, ends in a clock without one.

    Timing: as `rtl.schedule.skipping` says, clock by clock. A step's first column is chosen
    `latency.LOOKED` + 1 = 3 clocks after `starts`, and so long after a phase's last one that of the
    next phase: the ends of its lists are registers first, and so is what follows from them.
    `choice` and the marks stand one clock behind.

    Parameters
    ----------
    schedule : phases, groups and where their weights lie.

    Members
    -------
    ready : In(1), a step may begin.  first, last : In(streams), its marks.
    ends{p}_{k} : In(ends_layout), of the lists that phase p reads; those that it has fewer than
        others are whole and empty.
    starts, running, parity : Out(1), as of `rtl.datapath.sequencer.Sequencer`; `parity` is that of
        the column that is chosen.
    opens : Out(streams), the running step is a sequence's first.
    over{p} : Out(1), a phase ends.
    phase, reading, entry : Out, which phase's list is read, which of its lists, and at what place.
    choice : Out(choice_layout), a clock later.
    step_first, step_last : Out(1), with `choice`.
    """

    ready: Signal
    first: Signal
    last: Signal
    over0: Signal
    starts: Signal
    running: Signal
    parity: Signal
    opens: Signal
    phase: Signal
    reading: Signal
    entry: Signal
    choice: data.View
    step_first: Signal
    step_last: Signal

    def __init__(self, schedule: SkipSchedule):
        self.schedule = schedule
        self.most = max(schedule.widths.values())
        flags = ("starts", "running", "parity", "step_first", "step_last")
        marks = schedule.streams
        ports: dict[str, Any] = {}
        for p, _ in enumerate(schedule.phases):
            ports |= {f"ends{p}_{k}": In(ends_layout(self.most)) for k in range(schedule.lists)}
            ports[f"over{p}"] = Out(1)
        super().__init__(
            {
                **ports,
                "ready": In(1),
                **{name: In(marks) for name in ("first", "last")},
                "opens": Out(marks),
                **{name: Out(1) for name in flags},
                "phase": Out(bits_for(len(schedule.phases))),
                "reading": Out(bits_for(schedule.lists)),
                "entry": Out(range(max(3, self.most + 1))),
                "choice": Out(choice_layout(schedule)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        ends, goes, fresh = Signal(), Signal(), Signal(init=1)
        # the clocks behind a phase's end, or a step's start, in which its lists are looked up
        turns = [Signal(name=f"turn{k}") for k in range(latency.LOOKED)]
        over, finished, rows = self._groups(m, turns[0], ends)
        live = Signal()
        m.d.sync += live.eq(turns[-1] | (live & ~over))
        m.d.sync += Cat(turns).eq(Cat(self.starts | (over & ~finished), turns))
        self._choose(m, live, self._free(m, ends, rows), ends, goes, fresh)
        parity, last = Signal(init=1), Signal.like(self.last)
        streams = [phase.stream for phase in self.schedule.phases]
        m.d.comb += [
            self.starts.eq(self.ready & (finished | ~self.running)),
            self.parity.eq(parity),
        ]
        m.d.sync += self.running.eq(self.starts | (self.running & ~finished))
        with m.If(self.starts):
            m.d.sync += [self.opens.eq(self.first), last.eq(self.last), parity.eq(~parity)]
        m.d.sync += [
            self.choice.issue.eq(goes),
            self.choice.first.eq(fresh & (goes | ends)),
            self.choice.last.eq(ends),
            self.step_first.eq(choose(self.phase, streams, lambda k: self.opens[k])),
            self.step_last.eq(choose(self.phase, streams, lambda k: last[k])),
        ]
        for p, _ in enumerate(self.schedule.phases):
            m.d.comb += getattr(self, f"over{p}").eq(over & (self.phase == p))
        return m

    def _choose(
        self, m: Module, live: Value, free: Value, ends: Signal, goes: Signal, fresh: Signal
    ) -> None:
        """A column (`goes`), the end of a group, both or neither; `fresh` until its first column.

        A list is read as long as it has an entry, the next one when there will be none. `free` :
        the tail may take a group.
        """
        moves = [Signal(name=f"moves{k}") for k in range(self.schedule.lists)]
        lists = [self._list(m, k, moved, ends) for k, moved in enumerate(moves)]
        several = [a.have & b.have for a, b in combinations(lists, 2)]
        last = Cat(each.final for each in lists).all() & ~Cat(several).any()
        before, reading, entry = live & (~last | free), lists[-1].number, lists[-1].place
        for each, moved in zip(lists, moves, strict=True):
            m.d.comb += moved.eq(before & each.have)
            before &= each.final & ~each.have
        for each in reversed(lists[:-1]):
            reading = Mux(each.have, each.number, reading)
            entry = Mux(each.have, each.place, entry)
        m.d.comb += [
            ends.eq(live & last & free),
            goes.eq(Cat(moves).any()),
            self.reading.eq(reading),
            self.entry.eq(entry),
        ]
        m.d.sync += fresh.eq(ends | (fresh & ~goes))

    def _list(self, m: Module, k: int, moves: Signal, ends: Signal) -> "_Reader":
        """A list of the running phase, of which an entry is read (`moves`), or the first one again
        behind a group (`ends`).

        What is known of a place is registers, from all places that may come next: to compare the
        place itself takes too long for one clock.
        """
        lists = [getattr(self, f"ends{p}_{k}") for p, _ in enumerate(self.schedule.phases)]
        its = Signal(ends_layout(self.most), name=f"list{k}")
        m.d.sync += its.eq(choose(self.phase, lists, Value.cast))
        places = [Signal.like(self.entry, name=f"place{k}_{n}", init=n) for n in range(3)]
        with m.If(ends):
            m.d.sync += [place.eq(n) for n, place in enumerate(places)]
        with m.Elif(moves):
            m.d.sync += Cat(places).eq(Cat(places[1:], places[-1] + 1))
        now, one, two = (its.count == place for place in places)
        read = Mux(ends, its.count == 0, Mux(moves, one, now))
        reads = Mux(ends, its.count == 1, Mux(moves, two, one))
        have, final = Signal(name=f"have{k}"), Signal(name=f"final{k}")
        m.d.sync += [have.eq(~read), final.eq(its.whole & (read | reads))]
        return _Reader(k, places[0], have, final)

    def _free(self, m: Module, ends: Signal, rows: Value) -> Value:
        """Whether the tail may take a group: it takes a row a clock. `rows` : its rows, less 2."""
        most = max(max(self.schedule.takes(p)) for p, _ in enumerate(self.schedule.phases))
        busy = Signal(range(-1, most), init=-1)
        with m.If(ends):
            m.d.sync += busy.eq(rows)
        with m.Elif(busy >= 0):
            m.d.sync += busy.eq(busy - 1)
        return busy < 0

    def _groups(self, m: Module, turn: Signal, ends: Signal) -> tuple[Value, Value, Value]:
        """Walk through phases and groups; returns whether a phase ends, and a step, and the rows of
        the group, less 2."""
        phases = self.schedule.phases
        left = Signal(range(-1, max(phase.groups for phase in phases)))  # behind it, less 1
        with m.If(turn):
            m.d.sync += left.eq(number(self.phase, [phase.groups - 2 for phase in phases]))
        with m.Elif(ends):
            m.d.sync += left.eq(left - 1)
        final, closing = left < 0, Signal()  # the running group is its phase's last, the step's
        closes = (self.phase == len(phases) - 1) & (final | (ends & (left == 0)))
        m.d.sync += closing.eq(closes)
        sides = number(self.phase, [phase.side - 2 for phase in phases])
        rest = number(self.phase, [self.schedule.takes(p)[-1] - 2 for p, _ in enumerate(phases)])
        over, finished = ends & final, ends & closing
        with m.If(over):
            m.d.sync += self.phase.eq(Mux(finished, 0, self.phase + 1))
        self._bases(m, turn, ends)
        return over, finished, Mux(final, rest, sides)

    def _bases(self, m: Module, turn: Signal, ends: Signal) -> None:
        """Of each list of the group the place of its first value's weight."""
        phases, streams, bases = self.schedule.phases, self.schedule.streams, []
        sizes = [phase.groups * len(phase.columns) for phase in phases[::streams]]
        firsts = [first for first in (0, *accumulate(sizes[:-1])) for _ in range(streams)]
        for k in range(self.schedule.lists):
            base = Signal.like(self.choice.base, name=f"base{k}")
            segments = [self.schedule.segments(phase)[k : k + 1] for phase in phases]
            offsets = [sum(each.offset for each in found) for found in segments]
            begins = [first + offset for first, offset in zip(firsts, offsets, strict=True)]
            with m.If(turn):
                m.d.sync += base.eq(number(self.phase, begins))
            with m.Elif(ends):
                m.d.sync += base.eq(base + number(self.phase, [len(p.columns) for p in phases]))
            bases.append(base)
        m.d.sync += self.choice.base.eq(choose(self.reading, bases, Value.cast))

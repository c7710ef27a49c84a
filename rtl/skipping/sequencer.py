"""The sequencer of a core that skips: groups of rows run over lists of columns."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.lib.arithmetic import choose, number
from rtl.program.words import bits_for
from rtl.schedule.skipping import SkipSchedule
from rtl.skipping.outputs import ends_layout


def choice_layout(schedule: SkipSchedule) -> data.StructLayout:
    """What is chosen in a clock: a column or none, the ends of its group, and the place in a lane's
    memory of the weight of its list's first value."""
    flags = dict.fromkeys(("issue", "first", "last"), 1)
    return data.StructLayout({**flags, "base": bits_for(schedule.weight_words)})


class SkipSequencer(wiring.Component):
    """Chooses a column in each clock, group by group, step after step.

    A group reads its phase's lists, `early` and then `late`, an entry a clock; where it has read
    all that is there it waits, until the list is whole. Its last column is not chosen before the
    tail has taken the rows of the group before. A group without columns, or one that has read them
    all when it learns so, ends in a clock without one.

    Timing: as `rtl.schedule.skipping` says, clock by clock. A step's first column is chosen 2
    clocks after `starts`, and so long after a phase's last one that of the next phase: the ends of
    its lists are registers first. `choice` and the marks stand one clock behind.

    Parameters
    ----------
    schedule : phases, groups and where their weights lie.

    Members
    -------
    ready : In(1), a step may begin.  first, last : In(1), its marks.
    early{p}, late{p} : In(ends_layout), of the lists that phase p reads; an early one that there
        is not is whole and empty.
    starts, running, parity : Out(1), as of `rtl.datapath.sequencer.Sequencer`; `parity` is that of
        the column that is chosen.
    opens : Out(1), the running step is a sequence's first.
    over{p} : Out(1), a phase ends.
    phase, in_late, entry : Out, which phase's list is read, which of both, and at what place.
    choice : Out(choice_layout), a clock later.
    from_input : Out(1), with `choice`: it is a column of the input.
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
    in_late: Signal
    entry: Signal
    choice: data.View
    from_input: Signal
    step_first: Signal
    step_last: Signal

    def __init__(self, schedule: SkipSchedule):
        self.schedule = schedule
        self.most = max(schedule.widths.values())
        flags = ("starts", "running", "parity", "opens", "in_late", "from_input")
        ports: dict[str, Any] = {}
        for p, _ in enumerate(schedule.phases):
            ports |= {f"{name}{p}": In(ends_layout(self.most)) for name in ("early", "late")}
            ports[f"over{p}"] = Out(1)
        super().__init__(
            {
                **ports,
                **{name: In(1) for name in ("ready", "first", "last")},
                **{name: Out(1) for name in (*flags, "step_first", "step_last")},
                "phase": Out(bits_for(len(schedule.phases))),
                "entry": Out(range(self.most + 1)),
                "choice": Out(choice_layout(schedule)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        ends, goes, fresh = Signal(), Signal(), Signal(init=1)
        # the clock behind a phase's end, or a step's start, in which its lists are looked up
        turn = Signal()
        over, finished, rows = self._groups(m, turn, ends)
        live = self.running & ~turn
        self._choose(m, live, self._free(m, ends, rows), ends, goes, fresh)
        m.d.sync += turn.eq(over | self.starts)
        parity, last = Signal(init=1), Signal()
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
            self.step_first.eq(self.opens),
            self.step_last.eq(last),
            self.from_input.eq((self.phase == 0) & ~self.in_late),
        ]
        for p, _ in enumerate(self.schedule.phases):
            m.d.comb += getattr(self, f"over{p}").eq(over & (self.phase == p))
        return m

    def _choose(
        self, m: Module, live: Value, free: Value, ends: Signal, goes: Signal, fresh: Signal
    ) -> None:
        """A column (`goes`), the end of a group, both or neither; `fresh` until its first column.

        `free` : the tail may take a group.
        """
        numbers = range(len(self.schedule.phases))
        early, late = (Signal(ends_layout(self.most), name=name) for name in ("early", "late"))
        none = [Signal(name=f"{name}_none") for name in ("early", "late")]
        for ending, empty, name in ((early, none[0], "early"), (late, none[1], "late")):
            lists = [getattr(self, f"{name}{p}") for p in numbers]
            chosen = Signal.like(ending, name=f"{name}_now")
            m.d.comb += chosen.eq(choose(self.phase, lists, Value.cast))
            m.d.sync += [ending.eq(chosen), empty.eq(chosen.whole & (chosen.count == 0))]
        second, read = Signal(), Signal.like(self.entry)  # the late list is read; entries so far
        count, whole, have, final = (Signal.like(early.count), Signal(), Signal(), Signal())
        closes, turns = Signal(), Signal()
        m.d.comb += [
            self.in_late.eq(second | none[0]),
            count.eq(Mux(self.in_late, late.count, early.count)),
            whole.eq(Mux(self.in_late, late.whole, early.whole)),
            have.eq(read != count),
            final.eq(whole & Mux(have, read + 1 == count, 1)),
            closes.eq(final & (self.in_late | none[1])),
            ends.eq(live & closes & free),
            goes.eq(live & have & (~closes | free)),
            turns.eq(live & final & ~closes),
            self.entry.eq(read),
        ]
        with m.If(ends):
            m.d.sync += [read.eq(0), second.eq(0), fresh.eq(1)]
        with m.Elif(turns | goes):
            m.d.sync += read.eq(Mux(turns, 0, read + 1))
            m.d.sync += second.eq(second | turns)
            m.d.sync += fresh.eq(fresh & ~goes)

    def _free(self, m: Module, ends: Signal, rows: Value) -> Value:
        """Whether the tail may take a group: it takes a row a clock."""
        busy = Signal(range(1 + max(phase.side for phase in self.schedule.phases)))
        with m.If(ends):
            m.d.sync += busy.eq(rows - 1)
        with m.Elif(busy != 0):
            m.d.sync += busy.eq(busy - 1)
        return busy == 0

    def _groups(self, m: Module, turn: Signal, ends: Signal) -> tuple[Value, Value, Value]:
        """Walk through phases and groups; returns whether a phase ends, and a step, and the rows of
        the group."""
        phases = self.schedule.phases
        group = Signal(range(max(2, *(phase.groups for phase in phases))))
        final = group == number(self.phase, [phase.groups - 1 for phase in phases])
        sides = number(self.phase, [phase.side for phase in phases])
        rest = number(self.phase, [phase.tail_clocks(phase.groups - 1) for phase in phases])
        over = ends & final
        finished = over & (self.phase == len(phases) - 1)
        with m.If(ends):
            m.d.sync += group.eq(Mux(final, 0, group + 1))
        with m.If(over):
            m.d.sync += self.phase.eq(Mux(finished, 0, self.phase + 1))
        firsts, place = list[int](), 0
        for phase in phases:
            firsts.append(place)
            place += phase.groups * len(phase.columns)
        bases = []
        for k, name in ((0, "early"), (-1, "late")):
            base = Signal.like(self.choice.base, name=f"{name}_base")
            offsets = [self.schedule.segments(phase)[k].offset for phase in phases]
            begins = [first + offset for first, offset in zip(firsts, offsets, strict=True)]
            with m.If(turn):
                m.d.sync += base.eq(number(self.phase, begins))
            with m.Elif(ends):
                m.d.sync += base.eq(base + number(self.phase, [len(p.columns) for p in phases]))
            bases.append(base)
        m.d.sync += self.choice.base.eq(Mux(self.in_late, bases[1], bases[0]))
        return over, finished, Mux(final, rest, sides)

"""The sequencer: walks through the schedule, one column a clock, and waits only as told."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.schedule import Schedule


class Sequencer(wiring.Component):
    """Issues the columns of step after step.

    A step begins when `ready` is set (its input has come and its output has room) and its stall is
    over; from then on nothing can hold it up. Step follows step, and group group, without a gap
    when there is nothing to wait for.

    Timing: when the core idles, `issue` is set one clock after `ready`.

    Parameters
    ----------
    schedule : phases, stalls and spacings.

    Members
    -------
    ready : In(1), a step may begin.
    first, last : In(1), the coming step's marks: begins, ends a sequence. The first step after a
        reset begins one in any case, because the memories keep what they held.
    loaded : In(1), the memories hold a state that the first step after a reset may go on from.
    starts : Out(1), a step begins with the next clock.
    release : Out(1), the step's input vector is read for the last time.
    issue : Out(1), a column is issued in this clock, with:
    column : Out, its place in the list of all phases' columns.
    weight : Out, its place in the weight memories.
    group_first, group_last : Out(1), the group's first and last column.
    step_first, step_last : Out(1), the running step's marks.
    parity : Out(1), changes from step to step.
    """

    ready: Signal
    first: Signal
    last: Signal
    loaded: Signal
    starts: Signal
    release: Signal
    issue: Signal
    column: Signal
    weight: Signal
    group_first: Signal
    group_last: Signal
    step_first: Signal
    step_last: Signal
    parity: Signal

    def __init__(self, schedule: Schedule):
        self.schedule = schedule
        columns = sum(len(phase.columns) for phase in schedule.phases)
        flags = (
            "starts",
            "release",
            "issue",
            "group_first",
            "group_last",
            "step_first",
            "step_last",
            "parity",
        )
        super().__init__(
            {
                **{name: In(1) for name in ("ready", "first", "last", "loaded")},
                **{name: Out(1) for name in flags},
                "column": Out(range(max(2, columns))),
                "weight": Out(range(max(2, schedule.ideal_cycles))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        phases = self.schedule.phases
        # counters of one value only still take a bit: Verilog knows no empty vector
        self._phase = Signal(range(max(2, len(phases))), name="phase")
        self._groups = Signal(
            range(max(2, *(p.groups for p in phases))), init=phases[0].groups - 1, name="groups"
        )
        self._left = Signal(
            range(max(2, *(len(p.columns) for p in phases))),
            init=len(phases[0].columns) - 1,
            name="left",
        )
        run, last_group = Signal(), self._groups == 0
        # in this clock a group's, a step's last column is issued
        done, step_done = Signal(), Signal()
        m.d.comb += [
            done.eq(run & (self._left == 0)),
            step_done.eq(done & last_group & (self._phase == len(phases) - 1)),
            self.release.eq(done & last_group & (self._phase == 0)),
        ]
        gap = self._walk(m, run, done, last_group, step_done)
        self._pace(m, run, done, step_done, gap)
        return m

    def _walk(self, m: Module, run, done, last_group, step_done) -> Signal:
        """Column, group, phase and step in turn; returns the wait after this column."""
        phases = self.schedule.phases
        bases = [sum(len(phase.columns) for phase in phases[:k]) for k in range(len(phases))]
        column, left, groups = self.column, self._left, self._groups
        gap = Signal(range(self.longest_wait + 2), name="gap")
        opening = Signal(init=1)
        m.d.comb += [self.group_first.eq(run & opening), self.group_last.eq(done)]
        with m.If(run):
            m.d.sync += [left.eq(left - 1), column.eq(column + 1), opening.eq(done)]
            m.d.sync += self.weight.eq(Mux(step_done, 0, self.weight + 1))
        with m.If(done), m.Switch(self._phase):
            for k, this in enumerate(phases):
                after = (k + 1) % len(phases)
                following = phases[after]
                with m.Case(k):
                    m.d.comb += gap.eq(Mux(last_group, following.stall, this.spacing))
                    with m.If(last_group):
                        m.d.sync += [self._phase.eq(after), groups.eq(following.groups - 1)]
                        m.d.sync += [column.eq(bases[after]), left.eq(len(following.columns) - 1)]
                    with m.Else():
                        m.d.sync += [groups.eq(groups - 1), column.eq(bases[k])]
                        m.d.sync += left.eq(len(this.columns) - 1)
        with m.If(step_done):
            m.d.sync += self.parity.eq(~self.parity)
        return gap

    def _pace(self, m: Module, run, done, step_done, gap) -> None:
        """Whether the next clock issues a column: stalls count down, a step waits for ready."""
        wait = Signal(range(self.longest_wait + 2), name="wait")
        fresh = Signal(init=1)  # the next column is a step's first
        newborn = Signal(init=1)  # no step has run since the reset
        may_run = (~fresh & ~step_done) | self.ready
        with m.If(run):
            m.d.sync += fresh.eq(step_done)
        with m.If(done):
            m.d.sync += [run.eq((gap == 0) & may_run), wait.eq(Mux(gap == 0, 0, gap - 1))]
        with m.Elif(~run):
            m.d.sync += [run.eq((wait == 0) & may_run), wait.eq(Mux(wait == 0, 0, wait - 1))]
        ending = step_done & (gap == 0)
        m.d.comb += self.starts.eq(self.ready & (ending | (~run & fresh & (wait == 0))))
        with m.If(self.starts):
            m.d.sync += [self.step_first.eq(self.first | newborn), self.step_last.eq(self.last)]
        with m.If(self.starts | self.loaded):
            m.d.sync += newborn.eq(0)
        m.d.comb += self.issue.eq(run)

    @property
    def longest_wait(self) -> int:
        """The longest wait between two columns."""
        return max(wait for phase in self.schedule.phases for wait in (phase.stall, phase.spacing))

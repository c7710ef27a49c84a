"""The sequencer: walks through the schedule, one column a clock, and waits only as told."""

from amaranth.hdl import Cat, Module, Mux, Signal
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
    first, last : In(1), the coming step's marks: begins, ends a sequence.
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
                **{name: In(1) for name in ("ready", "first", "last")},
                **{name: Out(1) for name in flags},
                "column": Out(range(columns)),
                "weight": Out(range(schedule.ideal_cycles)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        phases = self.schedule.phases
        bases = [sum(len(phase.columns) for phase in phases[:k]) for k in range(len(phases))]
        waits = [phase.stall for phase in phases] + [phase.spacing for phase in phases]

        run, fresh = Signal(), Signal(init=1)  # fresh: the next column is a step's first
        # counters of one value only still take a bit: Verilog knows no empty vector
        phase = Signal(range(max(2, len(phases))))
        column = Signal.like(self.column)
        left = Signal(range(max(len(p.columns) for p in phases)), init=len(phases[0].columns) - 1)
        groups = Signal(range(max(2, *(p.groups for p in phases))), init=phases[0].groups - 1)
        opening = Signal(init=1)
        wait, gap = Signal(range(max(waits) + 2)), Signal(range(max(waits) + 2))

        done, step_done = (
            Signal(),
            Signal(),
        )  # a group's, a step's last column is issued in this clock
        m.d.comb += [
            done.eq(run & (left == 0)),
            step_done.eq(done & (groups == 0) & (phase == len(phases) - 1)),
        ]
        m.d.comb += self.release.eq(done & (groups == 0) & (phase == 0))
        with m.If(run):
            m.d.sync += [left.eq(left - 1), column.eq(column + 1), opening.eq(0), fresh.eq(0)]
            m.d.sync += self.weight.eq(Mux(step_done, 0, self.weight + 1))
        with m.If(done):
            m.d.sync += opening.eq(1)
            with m.Switch(phase):
                for k, this in enumerate(phases):
                    after = (k + 1) % len(phases)
                    with m.Case(k):
                        m.d.comb += gap.eq(Mux(groups == 0, phases[after].stall, this.spacing))
                        with m.If(groups == 0):
                            m.d.sync += [phase.eq(after), groups.eq(phases[after].groups - 1)]
                            m.d.sync += [
                                column.eq(bases[after]),
                                left.eq(len(phases[after].columns) - 1),
                            ]
                        with m.Else():
                            m.d.sync += [
                                groups.eq(groups - 1),
                                column.eq(bases[k]),
                                left.eq(len(this.columns) - 1),
                            ]
        with m.If(step_done):
            m.d.sync += [fresh.eq(1), self.parity.eq(~self.parity)]

        may_run = (~fresh & ~step_done) | self.ready
        with m.If(done):
            m.d.sync += [run.eq((gap == 0) & may_run), wait.eq(Mux(gap == 0, 0, gap - 1))]
        with m.Elif(~run):
            m.d.sync += [run.eq((wait == 0) & may_run), wait.eq(Mux(wait == 0, 0, wait - 1))]
        ending = step_done & (gap == 0)
        m.d.comb += self.starts.eq(self.ready & (ending | (~run & fresh & (wait == 0))))
        with m.If(self.starts):
            m.d.sync += Cat(self.step_first, self.step_last).eq(Cat(self.first, self.last))
        m.d.comb += [self.issue.eq(run), self.column.eq(column)]
        m.d.comb += [self.group_first.eq(run & opening), self.group_last.eq(done)]
        return m

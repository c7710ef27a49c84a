"""Sums that are kept from step to step, to which only what has changed is added."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.datapath.due import rows_due
from rtl.lib.arithmetic import delay
from rtl.lib.memory import block_memory
from rtl.program.program import Program
from rtl.schedule import latency


class KeptSums(wiring.Component):
    """sum(t) = sum(t-1) + what the lanes give, of every row; 0 before a sequence.

    Timing: a sum stands in `sum_out` `latency.KEPT` = 2 clocks after `sum`, `starts` as long after
    `start`: its row's memory and the register behind it, the sum of both. One row a clock, the same
    one again after more than `latency.KEPT` + 1 clocks. Number formats: a lane's accumulator may
    overflow, as differences are one bit wider than values; the sum of all differences does not, and
    is exact, because all that is added is so modulo 2^width.

    Parameters
    ----------
    program : gives the rows and the width.
    stateful : whether a state may be written.

    Members
    -------
    start, step_first : In(1), as of `rtl.datapath.activation.Activation`.
    sum : In(signed(sum_width)), what a row's lane added up.
    starts : Out(1).  sum_out : Out(signed(sum_width)).
    alone : In(1), of a stateful one: with `start`, sums are kept but do not start.
    """

    start: Signal
    step_first: Signal
    sum: Signal
    starts: Signal
    sum_out: Signal
    alone: Signal

    def __init__(self, program: Program, stateful: bool = False):
        self.program, self.stateful = program, stateful
        width = signed(program.paths.sum)
        super().__init__(
            {
                **{name: In(1) for name in ("start", "step_first")},
                "sum": In(width),
                "starts": Out(1),
                "sum_out": Out(width),
                **({"alone": In(1)} if stateful else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        groups = self.program.schedule.tails[0]
        due, count = rows_due(m, self.start, [len(rows) for rows in groups]), sum(map(len, groups))
        m.submodules.kept = memory = block_memory(shape=self.sum.shape(), depth=count)
        read, write = memory.read_port(), memory.write_port()
        place, first = Signal(range(max(2, count))), Signal()
        with m.If(due):
            m.d.sync += place.eq(Mux(place == count - 1, 0, place + 1))
        with m.If(self.start):
            m.d.sync += first.eq(self.step_first)
        # all as late as the register behind the memory
        kept = delay(m, read.data, latency.MEMORY - 1, name="kept")
        fresh = delay(m, first, latency.MEMORY - 1, name="fresh")
        new = delay(m, self.sum, latency.MEMORY - 1, name="new")
        total = Signal.like(self.sum, reset_less=True)
        m.d.sync += total.eq(new + Mux(fresh, 0, kept))
        goes_on = self.start & ~self.alone if self.stateful else self.start
        stages = (latency.MEMORY - 1) + 1
        assert stages == latency.KEPT
        m.d.comb += [
            read.addr.eq(place),
            write.addr.eq(delay(m, place, stages + 1, name="place")),
            write.data.eq(total),
            write.en.eq(delay(m, due, stages + 1, name="due", keep_reset=True)),
            self.starts.eq(delay(m, goes_on, stages, name="starts", keep_reset=True)),
            self.sum_out.eq(total),
        ]
        return m

"""All lanes: two chains, so that their sums come out one in each clock and in order.

Even lanes form one chain, odd lanes the other, which is fed one clock later:

    feed ──┬────────► lane 0 ─► lane 2 ─► lane 4 ─►     operands, one hop a clock
           └─[reg]──► lane 1 ─► lane 3 ─► lane 5 ─►
    sum  ◄─ mux ◄──── lane 0 ◄─ lane 2 ◄─ lane 4        sums, one hop a clock

No operand crosses more than one hop a clock, however many lanes there are.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl import latency
from rtl.arithmetic import delay
from rtl.lane import Lane, feed_layout
from rtl.program import Program


class LaneArray(wiring.Component):
    """The multipliers.

    Timing: lane r's sum is at `sum` r + `latency.LANE` clocks after the group's last column came
    in; `start` is set together with lane 0's. A weight's address comes `latency.WEIGHT` clocks
    before the rest of its column. Groups end in order, each at least as many clocks after the one
    before as that has rows.

    Parameters
    ----------
    program : gives each lane's weights and all widths.

    Members
    -------
    feed : In(feed_layout)
    start : Out(1)
    sum : Out(signed(sum_width))
    """

    feed: data.View
    start: Signal
    sum: Signal

    def __init__(self, program: Program):
        self.program = program
        self.feed_shape = feed_layout(program.operand_width, program.weight_address_width)
        super().__init__(
            {"feed": In(self.feed_shape), "start": Out(1), "sum": Out(signed(program.sum_width))}
        )

    def elaborate(self, platform):
        m = Module()
        program = self.program
        timed, late = Signal(self.feed_shape), Signal(self.feed_shape)
        m.d.comb += [
            timed.address.eq(self.feed.address),
            timed.operand.eq(self.feed.operand),
            timed.first.eq(delay(m, self.feed.first, Lane.ADDED, name="first")),
            timed.rotate.eq(delay(m, self.feed.rotate, Lane.ADDED, name="rotate")),
            timed.last.eq(delay(m, self.feed.last, Lane.ADDED + 1, name="last", keep_reset=True)),
        ]
        m.d.sync += late.eq(timed)
        feeds = [timed, late]
        widths = program.weight_width, program.operand_width, program.sum_width
        lanes = []
        for k, weights in enumerate(program.weights):
            lane = Lane(weights, *widths, program.accumulators)
            m.submodules[f"lane{k}"] = lane
            lanes.append(lane)
            m.d.comb += lane.feed_in.eq(lanes[k - 2].feed_out if k >= 2 else feeds[k])
            if k >= 2:
                m.d.comb += lanes[k - 2].sum_in.eq(lane.sum_out)
        start = delay(m, self.feed.last, latency.LANE, name="start", keep_reset=True)
        odd = Signal()
        m.d.sync += odd.eq(start | ~odd)
        heads = [lane.sum_out for lane in lanes[:2]]
        m.d.comb += [self.start.eq(start), self.sum.eq(Mux(odd & ~start, heads[-1], heads[0]))]
        return m

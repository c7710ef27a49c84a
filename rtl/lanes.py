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
    in; `start` is set together with lane 0's. Groups may follow one another without a gap as long
    as a group has at least as many columns as rows.

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
        late = Signal(self.feed_shape)
        m.d.sync += late.eq(self.feed)
        feeds = [self.feed, late]
        lanes = []
        for k, weights in enumerate(program.weights):
            lane = Lane(weights, program.weight_width, program.operand_width, program.sum_width)
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

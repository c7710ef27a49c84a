"""All lanes: two chains, so that their sums come out one in each clock and in order.

Even lanes form one chain, odd lanes the other, which is fed one clock later:

    feed ──┬────────► lane 0 ─► lane 2 ─► lane 4 ─►     operands, one hop a clock
           └─[reg]──► lane 1 ─► lane 3 ─► lane 5 ─►
    sum  ◄─ mux ◄──── lane 0 ◄─ lane 2 ◄─ lane 4        sums, one hop a clock

No operand crosses more than one hop a clock, however many lanes there are. Where the tail takes
several rows at once, each has two such chains of its own.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.datapath.lane import Lane, feed_layout
from rtl.lib.arithmetic import delay, layout_of
from rtl.lib.kept import become, kept
from rtl.lib.secded import UPSETS, joined
from rtl.program.loading import load_word
from rtl.program.program import Program
from rtl.schedule import latency


class LaneArray(wiring.Component):
    """The multipliers.

    Timing: lane r's sum is at `sum0` r + `latency.LANE` clocks after the group's last column came
    in; `start` is set a clock before lane 0's, in a protected core 3. If the tail takes n rows at
    once, the sum of lane n r + k is at `sum{k}` then. A weight's address comes `latency.WEIGHT`
    clocks before the rest of its column. Groups end in order, each at least as many clocks after
    the one before as that has clocks in the tail.

    Parameters
    ----------
    program : gives each lane's weights and all widths.

    Members
    -------
    feed : In(feed_layout)
    start : Out(1)
    sum{k} : Out(signed(sum_width))
    load : In(load_word), of a core with a load port: a weight, its lane and address. No column
        may come meanwhile.
    upsets : Out(UPSETS), of a protected core; of several in one clock one.
    """

    feed: data.View
    start: Signal
    sum0: Signal
    load: data.View
    upsets: data.View

    def __init__(self, program: Program):
        self.program = program
        self.feed_shape = feed_layout(program.operand, program.weight_address_width)
        loads = {"load": In(layout_of(load_word(program)))} if program.loadable else {}
        sums = {f"sum{k}": Out(signed(program.paths.sum)) for k in range(program.rows_at_once)}
        loads |= {"upsets": Out(UPSETS)} if program.protected else {}
        super().__init__({"feed": In(self.feed_shape), "start": Out(1), **sums, **loads})

    def elaborate(self, platform):
        m = Module()
        program = self.program
        operand, loaded = program.operand, 0
        if program.loadable:
            operand, loaded = max(operand, program.paths.weight), len(program.weights)
        shape = feed_layout(operand, program.weight_address_width, loaded)
        timed, late = Signal(shape), Signal(shape)
        m.d.comb += [
            timed.address.eq(self.feed.address),
            timed.operand.eq(self.feed.operand),
            timed.first.eq(delay(m, self.feed.first, Lane.ADDED - 1, name="first")),
            timed.rotate.eq(delay(m, self.feed.rotate, Lane.ADDED - 1, name="rotate")),
            timed.last.eq(delay(m, self.feed.last, Lane.ADDED + 1, name="last", keep_reset=True)),
        ]
        if program.loadable:
            self._load(m, timed)
        m.d.sync += late.eq(timed)
        tail = program.rows_at_once
        feeds = [timed] * tail + [late] * tail
        widths = program.paths.weight, operand, program.paths.sum
        lanes = []
        for k, weights in enumerate(program.weights):
            lane = Lane(weights, *widths, program.accumulators, k, loaded, program.protected)
            m.submodules[f"lane{k}"] = lane
            lanes.append(lane)
            before = lanes[k - 2 * tail] if k >= 2 * tail else None
            m.d.comb += lane.feed_in.eq(before.feed_out if before else feeds[k])
            if before:
                m.d.comb += before.sum_in.eq(lane.sum_out)
                if program.protected:
                    m.d.comb += before.upsets_in.eq(lane.upsets_out)
        if program.protected:
            m.d.comb += self.upsets.eq(joined(lane.upsets_out for lane in lanes[: 2 * tail]))
        early = (latency.GUARDED - latency.MEMORY) * program.protected
        start = delay(m, self.feed.last, latency.LANE - 1 - early, name="start", keep_reset=True)
        opens = delay(m, start, 1 + early, name="opens", keep_reset=True)
        odd = Signal()
        m.d.sync += become(kept(m, odd, program.protected), opens | ~odd)
        m.d.comb += self.start.eq(start)
        for k in range(tail):
            heads = [lane.sum_out for lane in lanes[k : 2 * tail : tail]]
            m.d.comb += getattr(self, f"sum{k}").eq(Mux(odd & ~opens, heads[-1], heads[0]))
        return m

    def _load(self, m: Module, feed: data.View) -> None:
        """Weights go the way of the columns."""
        slots = self.program.weight_address_width
        with m.If(self.load.write):
            m.d.comb += [
                feed.write.eq(1),
                feed.lane.eq(self.load.place >> slots),
                feed.address.eq(self.load.place),
                feed.operand.eq(self.load.data),
            ]

"""One lane: a weight memory, a multiplier and an accumulator, a link in a chain of lanes."""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl import latency
from rtl.arithmetic import delay


def feed_layout(operand: int, address: int) -> data.StructLayout:
    """What travels along a chain: a value, its weight's address, a group's first and last."""
    return data.StructLayout(
        {"operand": signed(operand), "address": address, "first": 1, "last": 1}
    )


class Lane(wiring.Component):
    """sum = sum over a group's columns of weight * operand, exact.

    Timing: the sum stands in `sum_out` `latency.LANE` = 5 clocks after the group's last column came
    in. Each clock the lane hands the feed on to the next lane, one clock later, and a collected sum
    back towards the head of the chain. So lane j of a chain, fed j clocks late, has its sum at the
    head 2 j clocks after lane 0's, and sums of one chain reach the head in every second clock.
    Number formats: operand and weight signed; the accumulator is as wide as the widest sum that the
    formats allow, so it cannot overflow. A column without an operand must carry operand 0.

    Parameters
    ----------
    weights : codes in the order of issue.
    weight_width, operand_width, sum_width : bits.

    Members
    -------
    feed_in, feed_out : In, Out(feed_layout)
    sum_in, sum_out : In, Out(signed(sum_width))
    """

    feed_in: data.View
    feed_out: data.View
    sum_in: Signal
    sum_out: Signal

    def __init__(
        self, weights: Sequence[int], weight_width: int, operand_width: int, sum_width: int
    ):
        self.weights, self.weight_width = weights, weight_width
        feed = feed_layout(operand_width, max(1, (len(weights) - 1).bit_length()))
        super().__init__(
            {
                "feed_in": In(feed),
                "feed_out": Out(feed),
                "sum_in": In(signed(sum_width)),
                "sum_out": Out(signed(sum_width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        feed = self.feed_in
        m.submodules.weights = memory = Memory(
            shape=signed(self.weight_width), depth=max(2, len(self.weights)), init=self.weights
        )
        port = memory.read_port()
        m.d.comb += port.addr.eq(feed.address)
        m.d.sync += self.feed_out.eq(feed)

        operand = delay(m, feed.operand, 2, name="operand")
        weight = delay(m, port.data, 1, name="weight")  # after the memory's own clock
        product = Signal(signed(self.weight_width + len(operand)), reset_less=True)
        m.d.sync += product.eq(weight * operand)

        first = delay(m, feed.first, 3, name="first")
        last = delay(m, feed.last, 4, name="last", keep_reset=True)
        total = Signal.like(self.sum_out, reset_less=True)
        m.d.sync += total.eq(Mux(first, 0, total) + product)
        m.d.sync += self.sum_out.eq(Mux(last, total, self.sum_in))
        stages = 1 + 1 + 1 + 1 + 1
        assert stages == latency.LANE
        return m

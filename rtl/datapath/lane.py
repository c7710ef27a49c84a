"""One lane: a weight memory, a multiplier and accumulators, a link in a chain of lanes."""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.lib.arithmetic import delay
from rtl.lib.memory import column_memories
from rtl.lib.secded import UPSETS, GuardedRom, joined
from rtl.schedule import latency


def feed_layout(operand: int, address: int, lanes: int = 0) -> data.StructLayout:
    """What travels along a chain: a value, its weight's address, and what becomes of the product.

    `first`, `last`: of a group; `rotate`: go on to the next accumulator. Where weights are loaded
    into so many `lanes`: whether the operand is a weight to `write` at the address, and its `lane`.
    """
    loading = {"write": 1, "lane": range(max(2, lanes))} if lanes else {}
    return data.StructLayout(
        {
            "operand": signed(operand),
            "address": address,
            "first": 1,
            "last": 1,
            "rotate": 1,
            **loading,
        }
    )


class Lane(wiring.Component):
    """sum = sum over a group's columns of weight * operand, exact.

    Groups may take turns: each has an accumulator of a ring, and `rotate` goes on to the next one
    before the product is added. `first` begins a sum with 0.

    Timing: each part of the feed comes when it is needed, so that no lane has to hold it back: the
    weight's address `latency.WEIGHT` = 3 clocks before the operand, `first` and `rotate` 3 clocks
    and `last` 5 clocks after it. The sum stands in `sum_out` `latency.LANE`
    = 6 clocks after the operand. Each clock the lane hands the feed on to the next lane, one clock
    later, and a collected sum back towards the head of the chain. So lane j of a chain, fed j
    clocks late, has its sum at the head 2 j clocks after lane 0's, and sums of one chain reach the
    head in every second clock.
    All registers from the weight memory to the hop are plain, so that block RAM and multipliers can
    take them in: the memory's output register, input, pipeline and output registers.
    Number formats: operand and weight signed; an accumulator is as wide as the widest sum that the
    formats allow, so it cannot overflow. A clock without a column must carry operand 0.

    Parameters
    ----------
    weights : codes in the order of issue.
    weight_width, operand_width, sum_width : bits.
    accumulators : places of the ring.
    place, lanes : which of how many lanes this is, where weights are loaded.
    protected : whether weights are mended where a bit of them has flipped.

    Members
    -------
    feed_in, feed_out : In, Out(feed_layout); the parts of a weight to write come in one clock.
    sum_in, sum_out : In, Out(signed(sum_width))
    upsets_in, upsets_out : In, Out(UPSETS), of a protected one: they go the way of the sums.
    """

    ADDED = 4  # clocks from an operand until its product is added

    feed_in: data.View
    feed_out: data.View
    sum_in: Signal
    sum_out: Signal
    upsets_in: data.View
    upsets_out: data.View

    def __init__(
        self,
        weights: Sequence[int],
        weight_width: int,
        operand_width: int,
        sum_width: int,
        accumulators: int,
        place: int = 0,
        lanes: int = 0,
        protected: bool = False,
    ):
        self.protected = protected
        self.weights, self.weight_width = weights, weight_width
        self.accumulators, self.place, self.loadable = accumulators, place, lanes > 0
        feed = feed_layout(operand_width, max(1, (len(weights) - 1).bit_length()), lanes)
        super().__init__(
            {
                "feed_in": In(feed),
                "feed_out": Out(feed),
                "sum_in": In(signed(sum_width)),
                "sum_out": Out(signed(sum_width)),
                **({"upsets_in": In(UPSETS), "upsets_out": Out(UPSETS)} if protected else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        feed = self.feed_in
        m.d.sync += self.feed_out.eq(feed)
        # after the memory's own clock; the last one is in step with the operand's
        if self.protected:
            weight = self._guarded(m)
        else:
            weight = delay(m, self._weight(m), latency.WEIGHT, name="weight")
        operand = delay(m, feed.operand, 1, name="operand")
        product = Signal(signed(self.weight_width + len(operand)), reset_less=True)
        m.d.sync += product.eq(weight * operand)
        product = delay(m, product, 2, name="product")
        assert self.ADDED == 1 + 1 + 2
        total = self._accumulate(m, product)
        m.d.sync += self.sum_out.eq(Mux(feed.last, total, self.sum_in))
        stages = self.ADDED + 1 + 1
        assert stages == latency.LANE
        return m

    def _weight(self, m: Module) -> Signal:
        """The weight at the address of a clock before."""
        feed, read = self.feed_in, Signal(signed(self.weight_width), name="read")
        for bits, memory in column_memories(m, "weights", self.weight_width, self.weights):
            port = memory.read_port()
            m.d.comb += [port.addr.eq(feed.address), read[bits].eq(port.data)]
            if self.loadable:
                write = memory.write_port()
                m.d.comb += [
                    write.addr.eq(feed.address),
                    write.data.eq(feed.operand[bits]),
                    write.en.eq(feed.write & (feed.lane == self.place)),
                ]
        return read

    def _guarded(self, m: Module) -> Value:
        """The mended weight, in step with the operand."""
        assert latency.GUARDED == 1 + latency.WEIGHT
        raw = [code & (1 << self.weight_width) - 1 for code in self.weights]
        m.submodules.weights = rom = GuardedRom(self.weight_width, raw)
        m.d.comb += rom.address0.eq(self.feed_in.address)
        m.d.sync += self.upsets_out.eq(joined((rom.upsets, self.upsets_in)))
        return rom.word0.as_signed()

    def _accumulate(self, m: Module, product: Value) -> Signal:
        """The sum that the column's product was added to, one clock later.

        What the next product is added to is chosen in the clock before: to begin with 0 then is a
        register's reset, and costs no logic before the adder.
        """
        feed = self.feed_in
        base, total, added = (
            Signal.like(self.sum_out, reset_less=True, name=name)
            for name in ("base", "total", "added")
        )
        m.d.comb += added.eq(base + product)
        m.d.sync += [total.eq(added), base.eq(added)]
        if self.accumulators > 1:
            held = [
                Signal.like(base, reset_less=True, name=f"held{k}")
                for k in range(1, self.accumulators)
            ]
            with m.If(feed.rotate):
                m.d.sync += base.eq(held[-1])
                m.d.sync += [after.eq(at) for at, after in zip([added, *held], held, strict=False)]
        with m.If(feed.first):
            m.d.sync += base.eq(0)
        return total

"""From a state that is written to the lists and sums that belong to it."""

from collections.abc import Mapping

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.datapath.bank import access_layout
from rtl.lib.arithmetic import delay
from rtl.lib.memory import block_memory
from rtl.schedule import latency
from rtl.skipping.outputs import written_layout


class Restore(wiring.Component):
    """Keeps what is listed as it is, for the state port, and lists it anew once it was written.

    Lists and sums are no part of the state. Where a word of it was written, or of another network,
    and the next step's input is there, all that is kept is listed as if a step had given it, each
    value against 0, and then the sequencer runs over these lists in a step of their own: it has no
    input, finds nothing of the step before, and its sums, which begin at 0, go no further than to
    where they are kept. The next step finds what it would find had the sequence come so far.

    Timing: that step begins `clocks` clocks after the one in which another one could have; the next
    one in the clock after its end. A kept word stands in `{name}_word` `latency.MEMORY` clocks
    after its address.

    Parameters
    ----------
    sizes : of what is listed by name: how many values, and their bits.
    clocks : `SkipSchedule.listing_anew`.

    Members
    -------
    written : In(1), a word of the state is written, or of another network.
    ready, running : In(1), a step may begin; one runs.
    begins : Out(1), the step that runs over the state's lists begins if none runs.
    holds : Out(1), no other step may begin.
    alone : Out(1), the running step is that one.
    {name}_written : In(written_layout), {name}_listed : Out(written_layout), what is listed.
    {name}_access, {name}_word : In(access_layout), Out, the state port's way to what is kept.
    """

    written: Signal
    ready: Signal
    running: Signal
    begins: Signal
    holds: Signal
    alone: Signal

    def __init__(self, sizes: Mapping[str, tuple[int, int]], clocks: int):
        self.sizes, self.clocks = sizes, clocks
        ports = {}
        for name, (count, width) in sizes.items():
            ports |= {
                f"{name}_written": In(written_layout(width)),
                f"{name}_listed": Out(written_layout(width)),
                f"{name}_access": In(access_layout(count, width)),
                f"{name}_word": Out(signed(width)),
            }
        super().__init__(
            {
                **{name: In(1) for name in ("written", "ready", "running")},
                **{name: Out(1) for name in ("begins", "holds", "alone")},
                **ports,
            }
        )

    def elaborate(self, platform):
        m = Module()
        due, lists = Signal(name="due"), Signal(name="lists")
        clock = Signal(range(self.clocks))
        m.d.comb += [
            self.begins.eq(lists & (clock == self.clocks - 1)),
            self.holds.eq(due | (self.alone & self.running)),
        ]
        m.d.sync += [
            due.eq(self.written | (due & ~self.begins)),
            lists.eq(Mux(lists, ~self.begins, due & self.ready)),
            clock.eq(Mux(lists & ~self.begins, clock + 1, 0)),
            self.alone.eq(self.begins | (self.alone & self.running)),
        ]
        for name in self.sizes:
            self._kept(m, name, lists, clock)
        return m

    def _kept(self, m: Module, name: str, lists: Signal, clock: Signal) -> None:
        """The values of a name, in the order in which they come."""
        count, width = self.sizes[name]
        written, listed, access, word = (
            getattr(self, f"{name}_{part}") for part in ("written", "listed", "access", "word")
        )
        m.submodules[name] = memory = block_memory(shape=signed(width), depth=count)
        read, write = memory.read_port(), memory.write_port()
        place = Signal(range(max(2, count)), name=f"{name}_place")
        with m.If(written.valid):
            m.d.sync += place.eq(Mux(place == count - 1, 0, place + 1))
        anew = delay(m, lists & (clock < count), latency.MEMORY, name=name, keep_reset=True)
        m.d.comb += [
            write.addr.eq(Mux(access.select, access.address, place)),
            write.data.eq(Mux(access.select, access.data, written.data)),
            write.en.eq(Mux(access.select, access.write, written.valid)),
            read.addr.eq(Mux(access.select, access.address, clock)),
            word.eq(delay(m, read.data, latency.MEMORY - 1, name=f"{name}_read")),
            listed.valid.eq(written.valid | anew),
            listed.fresh.eq(written.fresh | anew),
            listed.data.eq(Mux(anew, word, written.data)),
        ]

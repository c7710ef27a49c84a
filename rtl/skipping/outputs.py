"""Lists of what stages give: outputs of layers, units of dense stages; gates of layers."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.lib.arithmetic import choose, delay
from rtl.lib.memory import block_memory
from rtl.program.words import bits_for
from rtl.schedule import latency
from rtl.skipping.lister import Lister, entry_layout


def ends_layout(most: int) -> data.StructLayout:
    """How far a list has come: its entries so far, and whether no more will come."""
    return data.StructLayout({"count": range(most + 1), "whole": 1})


def written_layout(width: int) -> data.StructLayout:
    """A value that is written, and whether its step begins a sequence."""
    return data.StructLayout({"valid": 1, "fresh": 1, "data": signed(width)})


class OutputLists(wiring.Component):
    """Lists of each stage's values, which come in order, in two banks, one of each parity of the
    step: so the list of t-1 can be read while that of t grows.

    Timing: a value that is written counts in `now` `latency.LISTED` - 1 clocks later, with
    differences after `latency.CHANGED` more; an entry stands in `entry` `latency.MEMORY` clocks
    after its address. An entry that counts can be addressed at once.

    Parameters
    ----------
    widths : values of each stage, in the order in which they come.
    width : bits of one.
    thresholds : see `Lister`; of each stage.

    Members
    -------
    written : In(written_layout).
    parity : In(1), of the running step.
    now{k}, before{k} : Out(ends_layout), of a stage's lists of this step and of the one before.
    over{k} : In(1), a stage has been computed: its list of the step before is done with.
    stage, before, address : In, an entry: of which list, the one of the step before or not, and
        which.
    entry : Out(entry_layout).
    """

    written: data.View
    parity: Signal
    stage: Signal
    before: Signal
    address: Signal
    entry: data.View

    def __init__(self, widths: Sequence[int], width: int, thresholds: Sequence[int] | None):
        self.widths, most = widths, max(widths)
        self.lister = Lister(thresholds, len(widths), most, width)
        ports = {}
        for k, _ in enumerate(widths):
            ports |= {f"{name}{k}": Out(ends_layout(most)) for name in ("now", "before")}
            ports[f"over{k}"] = In(1)
        super().__init__(
            {
                **ports,
                "written": In(written_layout(width)),
                "parity": In(1),
                "stage": In(bits_for(len(widths))),
                "before": In(1),
                "address": In(bits_for(most)),
                "entry": Out(entry_layout(most, len(self.lister.o.value))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.lister = lister = self.lister
        self._count(m, lister)
        entries, bank, o = Signal(range(max(self.widths) + 1)), Signal(), lister.o
        ends = o.valid & o.final
        last_stage = o.stage == len(self.widths) - 1 if len(self.widths) > 1 else 1
        following = Signal.like(entries)
        m.d.comb += following.eq(entries + lister.listed)
        with m.If(o.valid):
            m.d.sync += entries.eq(Mux(ends, 0, following))
        m.d.sync += bank.eq(bank ^ (ends & last_stage))
        for k, _ in enumerate(self.widths):
            lists = [self._list(m, k, b, bank, following) for b in range(2)]
            for name, which in (("now", self.parity), ("before", ~self.parity)):
                m.d.comb += getattr(self, f"{name}{k}").eq(Mux(which, *reversed(lists)))
        m.submodules.banks = memory = block_memory(
            shape=self.entry.shape(), depth=2 << len(self.stage) + len(self.address)
        )
        read, write = memory.read_port(), memory.write_port()
        width = len(self.address)
        m.d.comb += [
            read.addr.eq(Cat(self.address, self.stage, self.parity ^ self.before)),
            self.entry.eq(delay(m, read.data, latency.MEMORY - 1, name="word")),
            write.addr.eq(Cat(entries[:width], o.stage, bank)),
            write.data.unit.eq(o.unit),
            write.data.value.eq(o.value),
            write.en.eq(lister.listed),
        ]
        return m

    def _list(self, m: Module, k: int, parity: int, bank: Signal, following: Signal) -> data.View:
        """How far the list of a stage in one bank has come; the first step finds an empty one."""
        o = self.lister.o
        count = Signal.like(following, name=f"count{k}_{parity}")
        whole = Signal(name=f"whole{k}_{parity}", init=parity)
        with m.If(o.valid & (o.stage == k) & (bank == parity)):
            m.d.sync += [count.eq(following), whole.eq(o.final)]
        with m.Elif(getattr(self, f"over{k}") & (self.parity != parity)):
            m.d.sync += [count.eq(0), whole.eq(0)]
        ends = Signal(ends_layout(max(self.widths)), name=f"list{k}_{parity}")
        m.d.comb += [ends.count.eq(count), ends.whole.eq(whole)]
        return ends

    def _count(self, m: Module, lister: Lister) -> None:
        """Which value the written one is."""
        stage, unit = Signal.like(lister.i.stage), Signal.like(lister.i.unit)
        final = unit == choose(stage, self.widths, lambda width: Mux(1, width - 1, 0))
        m.d.comb += [
            lister.i.valid.eq(self.written.valid),
            lister.i.fresh.eq(self.written.fresh),
            lister.i.value.eq(self.written.data),
            lister.i.stage.eq(stage),
            lister.i.unit.eq(unit),
            lister.i.final.eq(final),
        ]
        with m.If(self.written.valid):
            m.d.sync += unit.eq(Mux(final, 0, unit + 1))
            with m.If(final):
                m.d.sync += stage.eq(Mux(stage == len(self.widths) - 1, 0, stage + 1))

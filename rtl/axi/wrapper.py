"""A core with AXI around it, and the top of the Verilog with AXI's names."""

from typing import Any

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.errors import CarouselError
from rtl.axi.decode import Decoder
from rtl.axi.lite import LITE, Lite
from rtl.axi.stream import Entry, axis_signature
from rtl.axi.table import counters, registers
from rtl.axi.windows import LoadWindow, StateWindow
from rtl.planning import CorePlan


def wrappable(plan: CorePlan) -> CorePlan:
    """The plan of a core that goes into the wrapper: with its state port, where it can have one.

    Raises
    ------
    CarouselError : several streams, or sparse input.
    """
    streams, nonzeros = plan.options.streams, plan.options.nonzeros
    if streams != 1:
        raise CarouselError(f"streams {streams}: AXI's packets are of one sequence at a time")
    if nonzeros is not None:
        raise CarouselError(f"nonzeros {nonzeros}: AXI's packets are of whole vectors")
    return plan.with_state_port()


def bus_members(plan: CorePlan) -> dict[str, Any]:
    """The buses of `AxiCore`."""
    return {
        "s_axis": In(axis_signature(plan.qnet.formats.input)),
        "m_axis": Out(axis_signature(plan.qnet.out_format)),
        "s_axil": In(LITE),
    }


def axi_members(plan: CorePlan) -> dict[str, Any]:
    """The ports of `AxiTop`."""
    buses = wiring.Signature(bus_members(plan))
    wires = {_flat(path): member for path, member, _ in buses.flatten(buses.create())}
    return {"aclk": In(1), "aresetn": In(1), **wires}


def _flat(path: tuple[str | int, ...]) -> str:
    return "_".join(map(str, path))


class AxiCore(wiring.Component):
    """A core between AXI4-Stream and AXI4-Lite.

    Timing: that of the core, and a clock for the element on its way in. Number formats: those of
    the core; elements in whole bytes.

    Parameters
    ----------
    plan : of the core, see `wrappable`.

    Members
    -------
    s_axis : In(axis_signature), vectors, a packet a sequence; see `rtl.axi.stream.Entry`.
    m_axis : Out(axis_signature), outputs, a packet a sequence.
    s_axil : In(LITE), `registers`.

    Attributes
    ----------
    registers : the register map, see `rtl.axi.table`.
    """

    s_axis: Any
    m_axis: Any
    s_axil: Any

    def __init__(self, plan: CorePlan):
        self.plan, self.registers = plan, registers(plan)
        super().__init__(bus_members(plan))

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = self.plan.component()
        m.submodules.entry = entry = Entry(self.plan.qnet.formats.input, self.plan.qnet.inputs)
        m.submodules.lite = lite = Lite()
        m.submodules.decoder = decoder = Decoder(self.registers)
        wiring.connect(m, wiring.flipped(self.s_axis), entry.s_axis)
        wiring.connect(m, wiring.flipped(self.s_axil), lite.s_axil)
        wiring.connect(m, entry.o, core.i)
        wiring.connect(m, lite.bus, decoder.bus)
        m.d.comb += [
            self.m_axis.tvalid.eq(core.o.valid),
            self.m_axis.tdata.eq(core.o.payload.data),
            self.m_axis.tlast.eq(core.o.payload.last),
            core.o.ready.eq(self.m_axis.tready),
        ]
        busy = self._windows(m, core, decoder, entry)
        self._control(m, decoder, entry, busy)
        self._status(m, core, decoder, entry)
        return m

    def _control(self, m: Module, decoder: Any, entry: Entry, busy: Value) -> None:
        """The control register; `clear` counts for one clock, the one after the write."""
        port, enable = decoder.control, Signal(init=1)
        written = port.write & port.strobe[0]
        with m.If(written):
            m.d.sync += enable.eq(port.data[0])
        m.d.comb += [port.value.eq(enable), entry.open.eq(enable & ~busy)]
        if not self.plan.holds_sequences:
            m.d.sync += entry.clear.eq(written & port.data[1])

    def _status(self, m: Module, core: Any, decoder: Any, entry: Entry) -> None:
        """What is only read."""
        m.d.comb += decoder.framing_errors.value.eq(entry.framing_errors)
        for name in counters(self.plan):
            m.d.comb += getattr(decoder, name).value.eq(getattr(core, name))
        for kind in self.plan.saturation_kinds:
            m.d.comb += getattr(decoder, f"saturated_{kind}").value.eq(core.saturations[kind])
        shown = {"framing_error": entry.framing_errors != 0}
        if self.plan.has_idle:
            shown["idle"] = core.idle & entry.at_rest
        if "s" in self.plan.saturation_kinds:
            shown["overflow"] = core.saturations.s != 0
        if self.plan.holds_sequences:
            shown["too_long"] = core.too_long
        if self.plan.options.protect:
            shown["uncorrectable"] = core.uncorrectable != 0
        status = next(each for each in self.registers if each.name == "STATUS")
        for field in status.fields:
            m.d.comb += decoder.status.value[field.lsb].eq(shown[field.name])

    def _windows(self, m: Module, core: Any, decoder: Decoder, entry: Entry) -> Value:
        """The windows that the core has; returns whether one is used, so that no vector begins."""
        windows: dict[str, StateWindow | LoadWindow] = {}
        if self.plan.options.state_port:
            shapes = core.state_address.shape(), core.state_out.shape()
            windows["state"] = state = StateWindow(len(self.plan.state_words), *shapes)
            m.d.comb += entry.resume.eq(state.state_write)
        if self.plan.options.load_port:
            windows["load"] = LoadWindow(core.load_address.shape(), core.load_in.shape())
        for name, window in windows.items():
            m.submodules[name] = window
            m.d.comb += window.quiet.eq(core.idle & entry.at_rest)
            for part, member in window.signature.members.items():
                ours = getattr(window, part)
                if part in core.signature.members:
                    its = getattr(core, part)
                    m.d.comb += its.eq(ours) if member.flow == Out else ours.eq(its)
                elif member.is_signature:
                    wiring.connect(m, getattr(decoder, f"{name}_{part}"), ours)
        return Cat(window.busy for window in windows.values()).any()


class AxiTop(wiring.Component):
    """`AxiCore` with plain ports, named as tools that know AXI expect them, and AXI's reset.

    Members
    -------
    aclk, aresetn : In(1), the clock and the synchronous reset, active low.
    s_axis_*, m_axis_*, s_axil_* : of `AxiCore`.
    """

    aclk: Signal
    aresetn: Signal

    def __init__(self, plan: CorePlan):
        self.plan = plan
        super().__init__(axi_members(plan))

    def elaborate(self, platform):
        m = Module()
        m.domains += ClockDomain("sync")
        m.submodules.wrapped = wrapped = AxiCore(self.plan)
        m.d.comb += [ClockSignal().eq(self.aclk), ResetSignal().eq(~self.aresetn)]
        for path, member, inner in wrapped.signature.flatten(wrapped):
            ours = getattr(self, _flat(path))
            m.d.comb += inner.eq(ours) if member.flow == In else ours.eq(inner)
        return m

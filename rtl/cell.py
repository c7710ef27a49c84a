"""The tail's second half: the constant error carousel and the cell output."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl import latency
from rtl.activation import activation_layout
from rtl.arithmetic import choose, clip, delay, round_shift
from rtl.program import Program
from rtl.squash import squashed


def cell_layout(width: int) -> data.StructLayout:
    """A state or an output on its way, with the marks of its step."""
    return data.StructLayout(
        {
            "valid": 1,
            "code": signed(width),
            "output": 1,
            "step_first": 1,
            "step_last": 1,
            "saturated": 1,
        }
    )


class CellUpdate(wiring.Component):
    """s(t) = sat(round(f s(t-1)) + round(i g)) and y(t) = sat(round(o h(sat(round(s))))).

    A block's gates come first and are kept; each cell input g that follows updates its cell at
    once. In a sequence's first step s(t-1) is 0. States lie in one memory: a cell's state is read
    and written once a step, so no second bank is needed.

    Timing: s stands `latency.STATE` = 2 clocks after g, y `latency.OUTPUT` = 7 clocks after s. One
    cell a clock, the same cell again after more than `latency.STATE` + 1 clocks.
    Number formats: both products exact, each rounded once to the fraction of s; their sum is one
    bit wider than the wider of them, then saturated to s. o h(s) exact, rounded once, saturated to
    y.

    Members
    -------
    i : In(activation_layout)
    code, value : Out, In: a reader of the sigma unit.
    s, y : Out(cell_layout)
    h_saturated : Out(1), the argument of h that belongs to `y` was clipped.
    """

    i: data.View
    code: Signal
    value: Signal
    s: data.View
    y: data.View
    h_saturated: Signal

    def __init__(self, program: Program):
        self.program = program
        table = program.qnet.table
        super().__init__(
            {
                "i": In(activation_layout(program)),
                "code": Out(signed(table.argument.width)),
                "value": In(table.value.width),
                "s": Out(cell_layout(program.s_width)),
                "y": Out(cell_layout(program.y_width)),
                "h_saturated": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        gates = self._gates(m)
        valid = self.i.valid & (self.i.kind == self.program.kinds.index("g"))
        mode = delay(m, self.i.cell_mode, 1, name="mode")
        s = self._state(m, valid, gates, mode)
        self._output(m, s, gates["o"], delay(m, mode, 1, name="h_mode"))
        self._marks(m, valid, latency.STATE, self.s, "s")
        self._marks(m, valid, latency.STATE + latency.OUTPUT, self.y, "y")
        return m

    def _gates(self, m: Module) -> dict[str, Signal]:
        """The gates of the block whose cells come next."""
        program, gates = self.program, {}
        for kind in ("i", "f", "o"):
            gates[kind] = Signal(program.gate_width, name=f"gate_{kind}", reset_less=True)
            if kind in program.kinds:
                with m.If(self.i.valid & (self.i.kind == program.kinds.index(kind))):
                    m.d.sync += gates[kind].eq(self.i.code)
        return gates

    def _state(self, m: Module, valid: Value, gates: dict[str, Signal], mode: Value) -> Signal:
        """s(t) = f s(t-1) + i g; `mode` is that of the products."""
        program, modes = self.program, self.program.cell_modes
        old = Mux(self.i.step_first, 0, self._states(m, valid))
        written = Signal(signed(program.gate_width + 1 + program.g_width), reset_less=True)
        m.d.sync += written.eq(gates["i"] * self.i.code[: program.g_width].as_signed())
        sums = [
            (keep + round_shift(written, this.input_shift), this.s)
            for keep, this in zip(self._kept(m, gates["f"], old), modes, strict=True)
        ]
        s, clipped = clip(m, mode, sums, name="state")
        stages = 1 + 1
        assert stages == latency.STATE
        m.d.comb += [self.s.code.eq(s), self.s.saturated.eq(clipped)]
        return s

    def _output(self, m: Module, s: Signal, o: Signal, mode: Value) -> None:
        """y(t) = o h(s(t)); `mode` is that of s."""
        program, modes = self.program, self.program.cell_modes
        arguments = [(round_shift(s, this.h_shift), this.h.net) for this in modes]
        net, h_clipped = clip(m, mode, arguments, name="h_net")
        m.d.comb += self.code.eq(net)
        linear = delay(m, net, latency.SIGMA, name="linear")
        mode = delay(m, mode, 1 + latency.SIGMA, name="squash_mode")
        h = Signal(signed(max(this.h.target.width for this in modes)), reset_less=True)
        m.d.sync += h.eq(choose(mode, modes, lambda this: squashed(this.h, self.value, linear)))
        gate = delay(m, o, latency.STATE + 1 + latency.SIGMA + 1, name="output_gate")
        product = Signal(signed(program.gate_width + 1 + len(h)), reset_less=True)
        m.d.sync += product.eq(gate * h)
        outs = [(round_shift(product, this.output_shift), this.y) for this in modes]
        y, y_clipped = clip(m, delay(m, mode, 2, name="y_mode"), outs, name="output")
        stages = 1 + latency.SIGMA + 1 + 1 + 1
        assert stages == latency.OUTPUT
        m.d.comb += [self.y.code.eq(y), self.y.saturated.eq(y_clipped)]
        m.d.comb += self.h_saturated.eq(delay(m, h_clipped, stages - 1, name="h_clipped"))

    def _marks(self, m: Module, valid: Value, clocks: int, to, name: str) -> None:
        m.d.comb += to.valid.eq(delay(m, valid, clocks, name=f"{name}_valid", keep_reset=True))
        for mark in ("output", "step_first", "step_last"):
            m.d.comb += to[mark].eq(delay(m, self.i[mark], clocks, name=f"{name}_{mark}"))

    def _states(self, m: Module, valid: Value) -> Value:
        """The memory of states; gives s(t-1) of the cell whose g stands in `i`."""
        cells = self.program.cells
        m.submodules.states = memory = Memory(
            shape=signed(self.program.s_width), depth=max(2, cells), init=[]
        )
        read, write = memory.read_port(), memory.write_port()
        place, following = Signal(range(max(2, cells))), Signal(range(max(2, cells)))
        m.d.comb += following.eq(Mux(valid, Mux(place == cells - 1, 0, place + 1), place))
        m.d.sync += place.eq(following)
        m.d.comb += [
            read.addr.eq(following),  # so that the state of `place` is there when its g comes
            write.addr.eq(delay(m, place, latency.STATE, name="written_place")),
            write.data.eq(self.s.code),
            write.en.eq(self.s.valid),
        ]
        return read.data

    def _kept(self, m: Module, f: Value, old: Value) -> list[Value]:
        """round(f s(t-1)) for each mode, one clock later; without a forget gate s(t-1) itself."""
        modes = self.program.cell_modes
        whole = Signal(signed(self.program.s_width), name="whole", reset_less=True)
        m.d.sync += whole.eq(old)
        if not any(mode.forgets for mode in modes):
            return [whole for _ in modes]
        product = Signal(signed(len(f) + 1 + self.program.s_width), name="kept", reset_less=True)
        m.d.sync += product.eq(f * old)
        return [round_shift(product, mode.keep_shift) if mode.forgets else whole for mode in modes]

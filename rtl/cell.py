"""The tail's second half: the constant error carousel and the cell output."""

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl import latency
from rtl.activation import activation_layout
from rtl.arithmetic import choose, delay, round_shift, saturate
from rtl.program import CellMode, Program


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
    cell a clock. Number formats: both products exact, each rounded once to the fraction of s; their
    sum is one bit wider than the wider of them, then saturated to s. o h(s) exact, rounded once,
    saturated to y.

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
        program, modes = self.program, self.program.cell_modes
        gates = {}
        for kind in ("i", "f", "o"):
            gates[kind] = Signal(program.gate_width, name=f"gate_{kind}", reset_less=True)
            if kind in program.kinds:
                with m.If(self.i.valid & (self.i.kind == program.kinds.index(kind))):
                    m.d.sync += gates[kind].eq(self.i.code)
        valid = self.i.valid & (self.i.kind == program.kinds.index("g"))

        # s(t) = f s(t-1) + i g
        memory = self._states(m, valid)
        old = Mux(self.i.step_first, 0, memory)
        written = Signal(signed(program.gate_width + 1 + program.g_width), reset_less=True)
        m.d.sync += written.eq(gates["i"] * self.i.code[: program.g_width].as_signed())
        kept = self._kept(m, gates["f"], old)
        mode = delay(m, self.i.cell_mode, 1, name="state_mode")
        sums = [
            saturate(m, keep + round_shift(written, this.input_shift), this.s, name="s")
            for keep, this in zip(kept, modes, strict=True)
        ]
        s = Signal(signed(program.s_width), reset_less=True)
        s_saturated = Signal(reset_less=True)
        m.d.sync += s.eq(choose(mode, sums, lambda pair: pair[0]))
        m.d.sync += s_saturated.eq(choose(mode, sums, lambda pair: pair[1]))
        assert latency.STATE == 1 + 1

        # y(t) = o h(s(t))
        mode = delay(m, mode, 1, name="h_mode")
        rounded = [
            saturate(m, round_shift(s, this.h_shift), this.h.net, name="h") for this in modes
        ]
        net = Signal(signed(max(this.h.net.width for this in modes)), reset_less=True)
        h_saturated = Signal(reset_less=True)
        m.d.sync += net.eq(choose(mode, rounded, lambda pair: pair[0]))
        m.d.sync += h_saturated.eq(choose(mode, rounded, lambda pair: pair[1]))
        m.d.comb += self.code.eq(net)
        linear = delay(m, net, latency.SIGMA, name="linear")
        mode = delay(m, mode, 1 + latency.SIGMA, name="squash_mode")
        h = Signal(signed(max(this.h.target.width for this in modes)), reset_less=True)
        m.d.sync += h.eq(choose(mode, modes, lambda this: self._squash(this, linear)))
        o = delay(m, gates["o"], latency.STATE + 1 + latency.SIGMA + 1, name="output_gate")
        product = Signal(signed(program.gate_width + 1 + len(h)), reset_less=True)
        m.d.sync += product.eq(o * h)
        mode = delay(m, mode, 2, name="y_mode")
        outs = [
            saturate(m, round_shift(product, this.output_shift), this.y, name="y") for this in modes
        ]
        y = Signal(signed(program.y_width), reset_less=True)
        y_saturated = Signal(reset_less=True)
        m.d.sync += y.eq(choose(mode, outs, lambda pair: pair[0]))
        m.d.sync += y_saturated.eq(choose(mode, outs, lambda pair: pair[1]))
        stages = 1 + latency.SIGMA + 1 + 1 + 1
        assert stages == latency.OUTPUT

        m.d.comb += [self.s.code.eq(s), self.s.saturated.eq(s_saturated)]
        m.d.comb += [self.y.code.eq(y), self.y.saturated.eq(y_saturated)]
        m.d.comb += self.h_saturated.eq(delay(m, h_saturated, stages - 1, name="h_saturated"))
        self._marks(m, valid, latency.STATE, self.s, "s")
        self._marks(m, valid, latency.STATE + stages, self.y, "y")
        return m

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

    def _squash(self, mode: CellMode, linear: Value) -> Value:
        if mode.h.squash.linear:
            return linear
        image = (self.value << mode.h.gain_bits) + Const(mode.h.constant)
        return round_shift(image, mode.h.shift)

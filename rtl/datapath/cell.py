"""The tail's second half: the constant error carousel and the cell output."""

from amaranth.hdl import Const, Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.datapath.activation import activation_layout, squash_net, unseen_layout
from rtl.datapath.bank import access_layout
from rtl.datapath.output_gate import OutputGate
from rtl.datapath.states import States
from rtl.lib.arithmetic import choose, clip, delay, layout_of, round_shift
from rtl.lib.secded import UPSETS
from rtl.program.loading import load_word
from rtl.program.program import Program
from rtl.schedule import latency


def cell_layout(width: int) -> data.StructLayout:
    """A state or an output on its way, with the marks of its step.

    `projected` says of an output that it is m, which a projection makes y of.
    """
    return data.StructLayout(
        {
            "valid": 1,
            "code": signed(width),
            "output": 1,
            "projected": 1,
            "step_first": 1,
            "step_last": 1,
            "saturated": 1,
        }
    )


class CellUpdate(wiring.Component):
    """s(t) = sat(round(f s(t-1)) + round(i g)) and y(t) = sat(round(o h(sat(round(s))))).

    A block's gates come first and are kept; each cell input g that follows updates its cell at
    once. Where the tail takes a block at once, its gates come together with its cell input. In a
    sequence's first step s(t-1) is the initial state.

    Timing: s stands `latency.STATE` = 3 clocks after g (products, roundings, sum), y
    `latency.OUTPUT` = 10 clocks after s (saturation, sigma (5), squash, product, rounding,
    saturation; 12 in a core with peepholes, whose output gate is computed here; one more where
    sigma's knots are mended). One cell a clock,
    the same cell again after more than `latency.STATE_READ` + `latency.STATE` clocks.
    Number formats: both products exact, each rounded once to the fraction of s; their sum is one
    bit wider than the wider of them, then saturated to s. o h(s) exact, rounded once, saturated to
    the format of the cell output.

    Members
    -------
    i : In(activation_layout)
    coming, coming_first : In(1), `latency.STATE_READ` clocks before `i` carries a cell input, and
        its step's first mark.
    load : In(load_word), of a core with a load port.
    gate_i, gate_f, gate_o : In(signed(activation_width)), with `i`, where the tail takes a block
        at once.
    code, value : Out, In: a reader of the sigma unit.
    s, y : Out(cell_layout); y is the cell output, m where there is a projection.
    h_saturated : Out(1), the argument of h that belongs to `y` was clipped.
    access, word : In(access_layout), Out: the state port's way to the states.
    sweep, upsets : of a protected core, see `rtl.datapath.states.States`.
    unseen, seen_step_over, seen_clear, seen, o_code, o_value, o, o_valid, o_saturated : with
        peepholes only. The sums of output gates; a second reader of the states; a reader of the
        sigma unit; the output gates.
    """

    i: data.View
    coming: Signal
    coming_first: Signal
    load: data.View
    code: Signal
    value: Signal
    s: data.View
    y: data.View
    h_saturated: Signal
    access: data.View
    word: Signal
    sweep: Signal
    upsets: data.View
    unseen: data.View
    seen_step_over: Signal
    seen_clear: Signal
    seen: Signal
    o_code: Signal
    o_value: Signal
    o: Signal
    o_valid: Signal
    o_saturated: Signal

    def __init__(self, program: Program):
        self.program = program
        table = program.qnet.table
        ports = {
            "i": In(activation_layout(program)),
            **{name: In(1) for name in ("coming", "coming_first")},
            "code": Out(signed(table.argument.width)),
            "value": In(table.value.width),
            "s": Out(cell_layout(program.paths.s)),
            "y": Out(cell_layout(program.paths.m)),
            "h_saturated": Out(1),
            "access": In(access_layout(len(program.states), program.paths.s)),
            "word": Out(signed(program.paths.s)),
        }
        if program.loadable:
            ports["load"] = In(layout_of(load_word(program)))
        if program.protected:
            ports |= {"sweep": In(1), "upsets": Out(UPSETS)}
        if program.schedule.tail > 1:
            gate = In(signed(program.activation_width))
            ports |= {f"gate_{kind}": gate for kind in ("i", "f", "o") if kind in program.kinds}
        if program.schedule.peepholes:
            ports |= {
                "unseen": In(unseen_layout(program)),
                **{name: In(1) for name in ("seen_step_over", "seen_clear")},
                "seen": Out(signed(program.paths.s)),
                "o_code": Out(signed(table.argument.width)),
                "o_value": In(table.value.width),
                "o": Out(signed(program.activation_width)),
                **{name: Out(1) for name in ("o_valid", "o_saturated")},
            }
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        depths = self.program.schedule.depths
        valid = self.i.valid & (self.i.kind == self.program.kinds.index("g"))
        gates = self._beside() if self.program.schedule.tail > 1 else self._gates(m)
        s = self._state(m, gates, self._states(m))
        if self.program.schedule.peepholes:
            o = self._late_gate(m)
        else:
            wait = latency.STATE + depths.squash
            o = delay(m, gates["o"], wait, name="output_gate")
        self._output(m, s, o, delay(m, self.i.cell_mode, latency.STATE, name="h_mode"))
        self._marks(m, valid, latency.STATE, self.s, "s")
        self._marks(m, valid, latency.STATE + depths.output, self.y, "y")
        return m

    def _gates(self, m: Module) -> dict[str, Value]:
        """The gates of the cell input that comes; f is 1 - i where they are coupled.

        i and f come two rows or more before the first cell input: they have a clock more to become
        multipliers' operands.
        """
        program, gates = self.program, {}
        for kind in ("i", "f", "o"):
            gates[kind] = Signal(program.paths.gate, name=f"gate_{kind}", reset_less=True)
            if kind in program.kinds:
                with m.If(self.i.valid & (self.i.kind == program.kinds.index(kind))):
                    m.d.sync += gates[kind].eq(self.i.code)
        for k, mode in enumerate(program.cell_modes):
            if mode.keeps == "coupled":
                is_i = self.i.kind == program.kinds.index("i")
                with m.If(self.i.valid & is_i & (self.i.cell_mode == k)):
                    m.d.sync += gates["f"].eq(mode.gate_one - self.i.code)
        return {kind: delay(m, gates[kind], kind != "o", name=f"{kind}_operand") for kind in gates}

    def _beside(self) -> dict[str, Value]:
        """The gates of the cell input that comes, where the tail takes a block at once."""
        width = self.program.paths.gate
        kinds = [kind for kind in ("i", "f", "o") if kind in self.program.kinds]
        return {kind: getattr(self, f"gate_{kind}")[:width] for kind in kinds}

    def _states(self, m: Module) -> Value:
        """s(t-1) of the cell whose g stands in `i`."""
        peepholes = self.program.schedule.peepholes
        m.submodules.states = states = States(self.program, readers=1 + peepholes)
        m.d.comb += [
            states.step_over0.eq(self.coming),
            states.clear0.eq(self.coming_first),
            states.write.eq(self.s.valid),
            states.code.eq(self.s.code),
            states.access.eq(self.access),
            self.word.eq(states.word),
        ]
        if self.program.loadable:
            m.d.comb += states.load.eq(self.load)
        if self.program.protected:
            m.d.comb += [states.sweep.eq(self.sweep), self.upsets.eq(states.upsets)]
        if peepholes:
            m.d.comb += [
                states.step_over1.eq(self.seen_step_over),
                states.clear1.eq(self.seen_clear),
                self.seen.eq(states.value1),
            ]
        return states.value0

    def _late_gate(self, m: Module) -> Signal:
        """The output gate that sees s(t)."""
        m.submodules.output_gate = gate = OutputGate(self.program)
        m.d.comb += [
            gate.unseen.eq(self.unseen),
            gate.valid.eq(self.s.valid),
            gate.state.eq(self.s.code),
            self.o_code.eq(gate.code),
            gate.value.eq(self.o_value),
            self.o.eq(gate.o),
            self.o_valid.eq(gate.o_valid),
            self.o_saturated.eq(gate.saturated),
        ]
        return gate.o

    def _state(self, m: Module, gates: dict[str, Value], old: Value) -> Signal:
        """s(t) = f s(t-1) + i g."""
        program, modes = self.program, self.program.cell_modes
        product = Signal(signed(program.paths.gate + 1 + program.paths.g), reset_less=True)
        m.d.sync += product.eq(gates["i"] * self.i.code[: program.paths.g].as_signed())
        mode = delay(m, self.i.cell_mode, 1, name="product_mode")
        written = self._rounded(
            m, mode, [round_shift(product, this.input_shift) for this in modes], name="written"
        )
        kept = self._rounded(m, mode, self._kept(m, gates, old), name="kept")
        ends = [(kept + written, this.s.low, this.s.high) for this in modes]
        s, clipped = clip(m, delay(m, mode, 1, name="sum_mode"), ends, name="state")
        stages = 1 + 1 + 1
        assert stages == latency.STATE
        m.d.comb += [self.s.code.eq(s), self.s.saturated.eq(clipped)]
        return s

    def _kept(self, m: Module, gates: dict[str, Value], old: Value) -> list[Value]:
        """round(f s(t-1)) for each mode, one clock later; without a forget gate s(t-1) itself."""
        modes = self.program.cell_modes
        whole = delay(m, old, 1, name="whole")
        if all(mode.keeps == "whole" for mode in modes):
            return [whole for _ in modes]
        width = self.program.paths.gate + 1 + self.program.paths.s
        product = Signal(signed(width), name="kept_product", reset_less=True)
        m.d.sync += product.eq(gates["f"] * old)
        return [
            whole if mode.keeps == "whole" else round_shift(product, mode.keep_shift)
            for mode in modes
        ]

    def _rounded(self, m: Module, mode: Value, options: list[Value], *, name: str) -> Signal:
        """A register with the value of the chosen mode."""
        width = max(len(option) for option in options)
        rounded = Signal(signed(width), name=name, reset_less=True)
        m.d.sync += rounded.eq(choose(mode, options, lambda option: option))
        return rounded

    def _output(self, m: Module, s: Signal, o: Value, mode: Value) -> None:
        """y(t) = o h(s(t)); `mode` is that of s."""
        program, modes = self.program, self.program.cell_modes
        heads = [this.h for this in modes]
        nets = [round_shift(s, head.shift) for head in heads]
        depths, reader = program.schedule.depths, (self.code, self.value)
        h, h_clipped = squash_net(m, heads, nets, mode, reader, depths.sigma, name="h_")
        late = latency.LATE * program.schedule.peepholes
        h = delay(m, h, late, name="waiting_h")
        product = Signal(signed(program.paths.gate + 1 + len(h)), reset_less=True)
        m.d.sync += product.eq(o[: program.paths.gate].as_unsigned() * h)
        mode = delay(m, mode, depths.squash + late + 1, name="product_h_mode")
        rounded = self._rounded(
            m, mode, [round_shift(product, this.output_shift) for this in modes], name="rounded"
        )
        ends = [(rounded, this.m.low, this.m.high) for this in modes]
        y, y_clipped = clip(m, delay(m, mode, 1, name="y_mode"), ends, name="output")
        stages = depths.squash + late + 1 + 1 + 1
        assert stages == depths.output
        m.d.comb += [self.y.code.eq(y), self.y.saturated.eq(y_clipped)]
        m.d.comb += self.h_saturated.eq(delay(m, h_clipped, late + 1 + 1 + 1, name="h_clipped"))

    def _marks(self, m: Module, valid: Value, clocks: int, to, name: str) -> None:
        m.d.comb += to.valid.eq(delay(m, valid, clocks, name=f"{name}_valid", keep_reset=True))
        for mark in ("output", "step_first", "step_last"):
            m.d.comb += to[mark].eq(delay(m, self.i[mark], clocks, name=f"{name}_{mark}"))
        modes = self.program.cell_modes
        projected = choose(self.i.cell_mode, modes, lambda mode: Const(mode.projected, 1))
        m.d.comb += to.projected.eq(delay(m, projected, clocks, name=f"{name}_projected"))

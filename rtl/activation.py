"""The tail's first half: a row's exact sum becomes a gate, a squashed cell input or a readout."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl import latency
from rtl.arithmetic import choose, clip, delay, round_shift
from rtl.program import Program
from rtl.squash import squashed


def activation_layout(program: Program) -> data.StructLayout:
    """An activation on its way: its code, which row it is, and the marks of its step."""
    return data.StructLayout(
        {
            "valid": 1,
            "code": signed(program.activation_width),
            "kind": range(max(2, len(program.kinds))),
            "cell_mode": range(max(2, len(program.cell_modes))),
            "output": 1,
            "step_first": 1,
            "step_last": 1,
            "saturated": 1,
        }
    )


class Activation(wiring.Component):
    """activation = squash(saturate(round(sum + bias))), one row a clock.

    Which bias, rounding and squashing function a row takes is read from a memory that is walked
    through row by row: rows come in a fixed order.

    Timing: an activation stands `latency.ACTIVATION` = 6 clocks after its sum: bias, rounding,
    sigma (3), squash. One row a clock; a group's rows come without a gap, the first with `start`.
    Number formats: sum and bias share their scale, their sum fits the accumulator's width; net
    input in the squash's `net` format; result in its `target` format, sign-extended to
    `activation_width`.

    Members
    -------
    start : In(1), the group's first row.
    sum : In(signed(sum_width)).
    step_first, step_last : In(1), with `start`: marks of the group's step.
    code, value : Out, In: a reader of the sigma unit.
    o : Out(activation_layout)
    """

    start: Signal
    sum: Signal
    step_first: Signal
    step_last: Signal
    code: Signal
    value: Signal
    o: data.View

    def __init__(self, program: Program):
        self.program = program
        table = program.qnet.table
        super().__init__(
            {
                **{name: In(1) for name in ("start", "step_first", "step_last")},
                "sum": In(signed(program.sum_width)),
                "code": Out(signed(table.argument.width)),
                "value": In(table.value.width),
                "o": Out(activation_layout(program)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        program = self.program
        valid, word = self._row(m)
        net = Signal(signed(program.sum_width), reset_less=True)
        m.d.sync += net.eq(self.sum + word.bias)
        mode = delay(m, word.net_mode, 1, name="net_mode")
        rounded = [(round_shift(net, this.shift), this.squash.net) for this in program.net_modes]
        code, saturated = clip(m, mode, rounded, name="net_code")

        m.d.comb += self.code.eq(code)
        linear = delay(m, code, latency.SIGMA, name="linear")
        mode = delay(m, mode, 1 + latency.SIGMA, name="squash_mode")
        result = Signal(signed(program.activation_width), reset_less=True)
        m.d.sync += result.eq(
            choose(mode, program.net_modes, lambda this: squashed(this.squash, self.value, linear))
        )

        stages = 1 + 1 + latency.SIGMA + 1
        assert stages == latency.ACTIVATION
        m.d.comb += [
            self.o.valid.eq(delay(m, valid, stages, name="valid", keep_reset=True)),
            self.o.code.eq(result),
            self.o.saturated.eq(delay(m, saturated, stages - 2, name="saturated")),
        ]
        first, last = Signal(), Signal()
        with m.If(self.start):
            m.d.sync += [first.eq(self.step_first), last.eq(self.step_last)]
        marks = {
            "step_first": Mux(self.start, self.step_first, first),
            "step_last": Mux(self.start, self.step_last, last),
        }
        fields = {name: word[name] for name in ("kind", "cell_mode", "output")}
        for name, value in {**fields, **marks}.items():
            m.d.comb += self.o[name].eq(delay(m, Value.cast(value), stages, name=name))
        return m

    def _row(self, m: Module):
        """Whether a row arrives in this clock, and its word."""
        program = self.program
        biases = [word.bias for word in program.rows]
        layout = data.StructLayout(
            {
                "bias": signed(1 + max(bias.bit_length() for bias in biases)),
                "net_mode": range(max(2, len(program.net_modes))),
                "cell_mode": range(max(2, len(program.cell_modes))),
                "kind": range(max(2, len(program.kinds))),
                "group_last": 1,
                "output": 1,
            }
        )
        init: list[Any] = [
            {
                "bias": word.bias,
                "net_mode": word.net_mode,
                "cell_mode": word.cell_mode,
                "kind": program.kinds.index(word.row.kind),
                "group_last": word.group_last,
                "output": word.output,
            }
            for word in program.rows
        ]
        m.submodules.rows = memory = Memory(shape=layout, depth=max(2, len(init)), init=init)
        port = memory.read_port()
        valid, busy = Signal(), Signal()
        place, following = Signal(range(max(2, len(init)))), Signal(range(max(2, len(init))))
        m.d.comb += valid.eq(self.start | busy)
        m.d.sync += [busy.eq(valid & ~port.data.group_last), place.eq(following)]
        m.d.comb += following.eq(Mux(valid, Mux(place == len(init) - 1, 0, place + 1), place))
        # so that the word of `place` is there when its row comes
        m.d.comb += port.addr.eq(following)
        return valid, port.data

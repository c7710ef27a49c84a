"""The tail's first half: a row's exact sum becomes a gate, a squashed cell input or a readout."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtl import latency
from rtl.arithmetic import choose, clip, delay, round_shift
from rtl.program import NetMode, Program, squashed_width
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


def unseen_layout(program: Program) -> data.StructLayout:
    """What an output gate waits with for its cell's state: sum and bias, peephole, rounding."""
    return data.StructLayout(
        {
            "net": signed(program.sum_width),
            "peephole": signed(program.peephole_width),
            "net_mode": range(max(2, len(program.net_modes))),
        }
    )


def squash_net(
    m: Module,
    modes: Sequence[NetMode],
    net: Value,
    mode: Value,
    reader: tuple[Value, Value],
    *,
    name: str,
) -> tuple[Signal, Value]:
    """squash(saturate(round(net))) by the chosen one of the modes, and whether it was saturated.

    `latency.SQUASH` = 5 clocks after `net` and `mode`: rounding, sigma (3), squash. `reader` is
    code and value of a reader of the sigma unit.
    """
    code, value = reader
    rounded = [(round_shift(net, this.shift), this.squash.low, this.squash.high) for this in modes]
    net_code, saturated = clip(m, mode, rounded, name=f"{name}net_code")
    m.d.comb += code.eq(net_code)
    linear = delay(m, net_code, latency.SIGMA, name=f"{name}linear")
    mode = delay(m, mode, 1 + latency.SIGMA, name=f"{name}squash_mode")
    result = Signal(signed(squashed_width(modes)), name=f"{name}squashed", reset_less=True)
    m.d.sync += result.eq(choose(mode, modes, lambda this: squashed(this.squash, value, linear)))
    stages = 1 + latency.SIGMA + 1
    assert stages == latency.SQUASH
    return result, delay(m, saturated, stages - 1, name=f"{name}saturated")


class Activation(wiring.Component):
    """activation = squash(saturate(round(sum + bias [+ peephole * s]))), one row a clock.

    Which bias, rounding and squashing function a row takes is read from a memory that is walked
    through row by row: rows come in a fixed order. In a core with peepholes, i and f see s(t-1);
    an output gate, which has to wait for s(t), leaves by `unseen` and not by `o`.

    Timing: an activation stands `latency.activation` = 6 clocks after its sum (7 with peepholes):
    bias, [product added,] rounding, sigma (3), squash. One row a clock; a group's rows come without
    a gap, the first with `start`. `unseen` stands one clock after its sum.
    Number formats: sum, bias and peephole product share their scale, their sum fits the
    accumulator's width; net input in the squash's `net` format; result in its `target` format,
    sign-extended to `activation_width`.

    Members
    -------
    start : In(1), the group's first row.
    sum : In(signed(sum_width)).
    step_first, step_last : In(1), with `start`: marks of the group's step.
    code, value : Out, In: a reader of the sigma unit.
    o : Out(activation_layout)
    state, step_over, clear, unseen : with peepholes only. In(signed(s_width)): s(t-1) of the row's
        cell; Out, Out: a reader of `rtl.states.States`; Out(unseen_layout).
    """

    start: Signal
    sum: Signal
    step_first: Signal
    step_last: Signal
    code: Signal
    value: Signal
    o: data.View
    state: Signal
    step_over: Signal
    clear: Signal
    unseen: data.View

    def __init__(self, program: Program):
        self.program = program
        table = program.qnet.table
        ports = {
            **{name: In(1) for name in ("start", "step_first", "step_last")},
            "sum": In(signed(program.sum_width)),
            "code": Out(signed(table.argument.width)),
            "value": In(table.value.width),
            "o": Out(activation_layout(program)),
        }
        if program.schedule.peepholes:
            ports |= {
                "state": In(signed(program.s_width)),
                "step_over": Out(1),
                "clear": Out(1),
                "unseen": Out(unseen_layout(program)),
            }
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        program = self.program
        valid, word = self._row(m)
        first, last = Signal(), Signal()
        with m.If(self.start):
            m.d.sync += [first.eq(self.step_first), last.eq(self.step_last)]
        marks = {
            "step_first": Mux(self.start, self.step_first, first),
            "step_last": Mux(self.start, self.step_last, last),
        }
        net = Signal(signed(program.sum_width), reset_less=True)
        m.d.sync += net.eq(self.sum + word.bias)
        mode = delay(m, word.net_mode, 1, name="net_mode")
        shown = valid
        if program.schedule.peepholes:
            shown = valid & (word.kind != program.kinds.index("o"))
            m.d.comb += [
                self.step_over.eq(valid & (word.kind == program.kinds.index("g"))),
                self.clear.eq(marks["step_first"]),
            ]
            net, mode = self._seen(m, net, mode, word)
        code, saturated = squash_net(
            m, program.net_modes, net, mode, (self.code, self.value), name=""
        )

        stages = 1 + program.schedule.peepholes * latency.SEEN + latency.SQUASH
        assert stages == latency.activation(program.schedule.peepholes)
        m.d.comb += [
            self.o.valid.eq(delay(m, shown, stages, name="valid", keep_reset=True)),
            self.o.code.eq(code),
            self.o.saturated.eq(saturated),
        ]
        fields = {name: word[name] for name in ("kind", "cell_mode", "output")}
        for name, value in {**fields, **marks}.items():
            m.d.comb += self.o[name].eq(delay(m, Value.cast(value), stages, name=name))
        return m

    def _seen(self, m: Module, net: Value, mode: Value, word) -> tuple[Value, Value]:
        """The net input with what the gate sees of its cell, and its mode, one clock later."""
        m.d.comb += [
            self.unseen.net.eq(net),
            self.unseen.net_mode.eq(mode),
            self.unseen.peephole.eq(delay(m, word.peephole, 1, name="peephole")),
        ]
        width = len(self.state) + self.program.peephole_width
        product = Signal(signed(width), name="peephole_product", reset_less=True)
        m.d.sync += product.eq(self.state * word.peephole)
        whole = Signal(signed(self.program.sum_width), name="net_seen", reset_less=True)
        m.d.sync += whole.eq(net + product)
        return whole, delay(m, mode, 1, name="net_mode_seen")

    def _row(self, m: Module):
        """Whether a row arrives in this clock, and its word."""
        program = self.program
        seen = {"peephole": signed(program.peephole_width)} if program.peephole_width else {}
        layout = data.StructLayout(
            {
                "bias": signed(1 + max(word.bias.bit_length() for word in program.rows)),
                **seen,
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
                **({"peephole": word.peephole} if seen else {}),
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

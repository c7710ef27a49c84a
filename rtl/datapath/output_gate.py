"""The output gate of cells with peepholes: it sees s(t), and so is computed behind the cell."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.datapath.activation import squash_net, unseen_layout
from rtl.lib.arithmetic import delay, shift_right
from rtl.program.program import Program
from rtl.schedule import latency


class OutputGate(wiring.Component):
    """o = squash(saturate(round(sum + bias + peephole * s(t)))), one cell a clock.

    The sum waits in a chain of registers until its cell's state is there: with blocks of one cell
    always the same number of clocks, because the cell's own row follows in the next one.

    Timing: o stands `latency.SQUASH` + `latency.LATE` = 9 clocks after s: product, sum, saturation,
    sigma (5), squash.
    Number formats: sum, bias and product share their scale and fit the accumulator's width, with
    what rounds them one bit more; net input in the squash's `net` format; result in its `target`
    format.

    Members
    -------
    unseen : In(unseen_layout), `latency.NET` clocks after the row's sum.
    valid, state : In(1), In(signed(s_width)), the cell's s(t).
    code, value : Out, In: a reader of the sigma unit.
    o_valid, o, saturated : Out(1), Out(signed(activation_width)), Out(1).
    """

    unseen: data.View
    valid: Signal
    state: Signal
    code: Signal
    value: Signal
    o_valid: Signal
    o: Signal
    saturated: Signal

    def __init__(self, program: Program):
        self.program = program
        table = program.qnet.table
        super().__init__(
            {
                "unseen": In(unseen_layout(program)),
                "valid": In(1),
                "state": In(signed(program.paths.s)),
                "code": Out(signed(table.argument.width)),
                "value": In(table.value.width),
                "o_valid": Out(1),
                "o": Out(signed(program.activation_width)),
                "saturated": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        program, depths = self.program, self.program.schedule.depths
        wait = 1 + depths.activation + latency.STATE - latency.NET
        weight = delay(m, self.unseen.peephole, wait, name="weight")
        product = Signal(signed(len(self.state) + len(weight)), reset_less=True)
        m.d.sync += product.eq(self.state * weight)
        net = Signal(signed(program.net_width), reset_less=True)
        m.d.sync += net.eq(delay(m, self.unseen.net, wait + 1, name="net") + product)
        mode = delay(m, self.unseen.net_mode, wait + 2, name="mode")
        nets = [shift_right(net, this.shift) for this in program.net_modes]
        o, saturated = squash_net(
            m, program.net_modes, nets, mode, (self.code, self.value), depths.sigma, name="o_"
        )
        stages = 1 + 1 + depths.squash
        assert stages == depths.squash + latency.LATE
        m.d.comb += [
            self.o.eq(o),
            self.saturated.eq(saturated),
            self.o_valid.eq(delay(m, self.valid, stages, name="o_valid", keep_reset=True)),
        ]
        return m

"""The tail's first half: a row's exact sum becomes a gate, a cell input or a dense unit."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.datapath.due import rows_due
from rtl.datapath.squash import squashed
from rtl.lib.arithmetic import choose, clip, delay, layout_of, shift_right
from rtl.lib.kept import become, held, kept
from rtl.lib.memory import block_memory, load
from rtl.lib.secded import UPSETS, GuardedRom
from rtl.program.loading import load_word
from rtl.program.program import NetMode, Program, squashed_width
from rtl.program.row_words import row_word, row_words
from rtl.schedule import latency


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
            "net": signed(program.net_width),
            "peephole": signed(program.paths.peephole),
            "net_mode": range(max(2, len(program.net_modes))),
        }
    )


def squash_net(
    m: Module,
    modes: Sequence[NetMode],
    nets: Sequence[Value],
    mode: Value,
    reader: tuple[Value, Value],
    sigma: int = latency.SIGMA,
    *,
    name: str,
) -> tuple[Signal, Value]:
    """squash(saturate(net)) by the chosen one of the modes, and whether it was saturated.

    `latency.SQUASH` = 7 clocks after `nets` and `mode`: saturation, `sigma` clocks, squash. `nets`
    are the rounded net inputs, one a mode; `reader` is code and value of a reader of sigma's unit.
    """
    code, value = reader
    ends = [(net, this.squash.low, this.squash.high) for net, this in zip(nets, modes, strict=True)]
    net_code, saturated = clip(m, mode, ends, name=f"{name}net_code")
    m.d.comb += code.eq(net_code)
    linear = delay(m, net_code, sigma, name=f"{name}linear")
    mode = delay(m, mode, 1 + sigma, name=f"{name}squash_mode")
    result = Signal(signed(squashed_width(modes)), name=f"{name}squashed", reset_less=True)
    m.d.sync += result.eq(choose(mode, modes, lambda this: squashed(this.squash, value, linear)))
    return result, delay(m, saturated, 1 + sigma, name=f"{name}saturated")


class Activation(wiring.Component):
    """activation = squash(saturate(round(sum + bias [+ peephole * s]))), one row a clock.

    Which bias, rounding and squashing function a row takes, and by how much its sum is shifted to
    the scale that all rows share, is read from a memory that is walked
    through row by row: rows come in a fixed order. The bias there has half of what is shifted away
    added to it, so that rounding costs no adder. In a core with peepholes, i and f see s(t-1); an
    output gate, which has to wait for s(t), leaves by `unseen` and not by `o`.

    Timing: an activation stands `latency.ACTIVATION` = 11 clocks after its sum (16 with peepholes):
    two hops, bias, [state (3 more clocks), product, sum,] saturation, sigma (5), squash, a hop. One
    row a clock; a group's rows come without a gap, the first a clock after `start`, so that the
    address of a row's word is a register. `unseen` stands
    `latency.NET` = 3 clocks after its sum, `coming` `latency.STATE_READ` clocks before `o`. In a
    protected core sigma and states take a clock more, and `start` comes 2 clocks sooner, because
    the words of rows take so many more.
    Number formats: sum, bias and peephole product share their scale, their sum fits the
    accumulator's width, and one bit more with the rounding; net input in the squash's `net` format;
    result in its `target` format, sign-extended to `activation_width`.

    Parameters
    ----------
    program : gives the rows.
    place : which of the rows that the tail takes at once.

    Members
    -------
    start : In(1), the group's first row comes in the next clock.
    sum : In(signed(sum_width)).
    step_first, step_last : In(1), with `start`: marks of the group's step.
    code, value : Out, In: a reader of the sigma unit.
    o : Out(activation_layout)
    coming, coming_first : Out(1), `o` will carry a cell input; its step's first mark.
    load : In(load_word), of a core with a load port.
    sweep, upsets : of a protected core. In(1), no row is on its way, all their words may be read in
        turn; Out(UPSETS).
    state, step_over, clear, unseen : with peepholes only. In(signed(s_width)): s(t-1) of the row's
        cell; Out, Out: a reader of `rtl.datapath.states.States`; Out(unseen_layout).
    """

    start: Signal
    sum: Signal
    step_first: Signal
    step_last: Signal
    code: Signal
    value: Signal
    o: data.View
    coming: Signal
    coming_first: Signal
    load: data.View
    sweep: Signal
    upsets: data.View
    state: Signal
    step_over: Signal
    clear: Signal
    unseen: data.View

    def __init__(self, program: Program, place: int = 0):
        self.program, self.place = program, place
        table = program.qnet.table
        ports = {
            **{name: In(1) for name in ("start", "step_first", "step_last")},
            "sum": In(signed(program.paths.sum)),
            "code": Out(signed(table.argument.width)),
            "value": In(table.value.width),
            "o": Out(activation_layout(program)),
            **{name: Out(1) for name in ("coming", "coming_first")},
        }
        if program.loadable:
            ports["load"] = In(layout_of(load_word(program)))
        if program.protected:
            ports |= {"sweep": In(1), "upsets": Out(UPSETS)}
        if program.schedule.peepholes:
            ports |= {
                "state": In(signed(program.paths.s)),
                "step_over": Out(1),
                "clear": Out(1),
                "unseen": Out(unseen_layout(program)),
            }
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        program, peepholes = self.program, self.program.schedule.peepholes
        depths = program.schedule.depths
        word, valid, marks = self._row(m)
        net = Signal(signed(program.net_width), reset_less=True)
        wait = latency.NET - 2  # behind its memory's register
        total = self._aligned(m, delay(m, self.sum, 1, name="sum"), word, wait)
        m.d.sync += net.eq(total + delay(m, word.offset, wait, name="offset"))
        mode = delay(m, word.net_mode, wait + 1, name="net_mode")
        shown = valid
        if peepholes:
            shown = valid & (word.kind != program.kinds.index("o"))
            over = valid & self._is_cell_input(word)
            m.d.comb += [
                self.step_over.eq(delay(m, over, wait, name="over", keep_reset=True)),
                self.clear.eq(delay(m, marks["step_first"], wait, name="clear")),
            ]
            net, mode = self._seen(m, net, mode, word)
        nets = [shift_right(net, this.shift) for this in program.net_modes]
        code, saturated = squash_net(
            m, program.net_modes, nets, mode, (self.code, self.value), depths.sigma, name=""
        )
        # from the row's word
        stages = wait + 1 + peepholes * depths.seen + depths.squash + latency.HOP
        assert 1 + stages == depths.activation
        early = stages - depths.state_read
        coming = valid & self._is_cell_input(word)
        m.d.comb += [
            self.coming.eq(delay(m, coming, early, name="coming", keep_reset=True)),
            self.coming_first.eq(delay(m, marks["step_first"], early, name="coming_first")),
            self.o.valid.eq(delay(m, shown, stages, name="valid", keep_reset=True)),
            self.o.code.eq(delay(m, code, latency.HOP, name="code")),
            self.o.saturated.eq(delay(m, saturated, latency.HOP, name="clipped")),
        ]
        fields = {name: word[name] for name in ("kind", "cell_mode", "output")}
        for name, value in {**fields, **marks}.items():
            m.d.comb += self.o[name].eq(delay(m, Value.cast(value), stages, name=name))
        return m

    def _aligned(self, m: Module, total: Value, word, clocks: int) -> Value:
        """A row's sum on the scale of all rows, some clocks after its word."""
        if not self.program.coarsest:
            return delay(m, total, clocks, name="sum_aligned")
        width = len(total) + self.program.coarsest
        aligned = Signal(signed(width), name="sum_aligned", reset_less=True)
        m.d.sync += aligned.eq(total << word.coarser)
        return delay(m, aligned, clocks - 1, name="sum_aligned")

    def _is_cell_input(self, word) -> Value:
        kinds = self.program.kinds
        return word.kind == kinds.index("g") if "g" in kinds else Const(0)

    def _seen(self, m: Module, net: Value, mode: Value, word) -> tuple[Value, Value]:
        """The net input with what the gate sees of its cell, and its mode."""
        peephole = delay(m, word.peephole, latency.NET - 1, name="peephole")
        m.d.comb += [
            self.unseen.net.eq(net),
            self.unseen.net_mode.eq(mode),
            self.unseen.peephole.eq(peephole),
        ]
        depths = self.program.schedule.depths
        weight = delay(m, peephole, depths.state_read - 1, name="seen_weight")
        width = len(self.state) + len(weight)
        product = Signal(signed(width), name="peephole_product", reset_less=True)
        m.d.sync += product.eq(self.state * weight)
        whole = Signal(signed(self.program.net_width), name="net_seen", reset_less=True)
        m.d.sync += whole.eq(delay(m, net, depths.state_read, name="net") + product)
        return whole, delay(m, mode, depths.seen, name="net_mode_seen")

    def _row(self, m: Module):
        """The word of the row whose sum came a clock ago, whether there is one, and its marks."""
        sizes = [len(rows) for rows in self.program.schedule.tails[self.place]]
        due = rows_due(m, self.start, sizes, self.program.protected)
        marks, fetch = {}, self.program.schedule.depths.fetch
        for name in ("step_first", "step_last"):
            mark = Signal(name=f"row_{name}", reset_less=True)
            of_group = kept(m, mark, self.program.protected)
            with m.If(self.start):
                m.d.sync += become(of_group, getattr(self, name))
            marks[name] = delay(m, mark, fetch - 1, name=f"row_{name}")
        return self._word(m, due), delay(m, due, fetch, name="row", keep_reset=True), marks

    def _word(self, m: Module, due: Value):
        """A row's word, `latency.MEMORY` clocks after it was due, where it is mended
        `latency.GUARDED`: the memory is read for the row to come."""
        layout, init = layout_of(row_word(self.program)), row_words(self.program, self.place)
        if self.program.protected:
            return data.View(layout, self._guarded(m, due, init))
        count = len(init)
        m.submodules.rows = memory = block_memory(shape=layout, depth=count, init=init)
        if self.program.loadable:
            load(m, memory, self.load)
        port = memory.read_port()
        place = Signal(range(max(2, count)))
        following = Signal.like(place, init=1 % count)
        with m.If(due):
            m.d.sync += place.eq(following)
            m.d.sync += following.eq(Mux(following == count - 1, 0, following + 1))
        m.d.comb += port.addr.eq(place)
        return delay(m, port.data, latency.MEMORY - 1, name="word")

    def _guarded(self, m: Module, due: Value, words: Sequence[Any]) -> Value:
        """The same of a memory that is mended. Between steps all words are read in turn."""
        word, count = row_word(self.program), len(words)
        m.submodules.rows = rom = GuardedRom(word.bits, list(map(word.pack, words)))
        place = Signal(range(max(2, count)))
        following = Signal.like(place, init=1 % count)
        places, follow = kept(m, place), kept(m, following)
        sweep = held(m, self.sweep, True, name="sweeps")
        swept = held(m, sweep, True, name="swept")
        with m.If(due | sweep):
            m.d.sync += become(places, following)
            after = Mux(following == count - 1, 0, following + 1)
            m.d.sync += become(follow, after)
        with m.Elif(swept):  # the step to come begins with the first one
            m.d.sync += become(places, 0)
            m.d.sync += become(follow, 1 % count)
        m.d.comb += [
            rom.address0.eq(place),
            self.upsets.eq(rom.upsets),
        ]
        return rom.word0

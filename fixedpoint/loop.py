"""The loop over time of one layer: the equations of `fixedpoint.cell` in few passes.

A sequence is a column: every array is (rows, N), so that gates, cells and blocks are neighbouring
rows. The sources of a step stand in one array, [x; 1; y(t-1); gates(t-1)], and a step writes its y
and gates where the next step reads them. Between two looks at the saturations and the trace the
loop runs a block of steps in memory small enough for the cache.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fixedpoint.arithmetic import Codes, Rounding, outside
from fixedpoint.cell import QuantizedLayer
from fixedpoint.skipping import step, used
from fixedpoint.squash import QuantizedSquash
from golden.cell import LayerState

GROUP = 128  # sequences side by side
BLOCK_VALUES = 1 << 15  # net inputs in a block of steps
BLOCK_STEPS = 256


def run_layer(
    layer: QuantizedLayer,
    x: Codes,
    state: LayerState,
    saturated: dict[str, int],
    signals: bool = True,
) -> tuple[dict[str, Codes], LayerState]:
    """Run T steps of a batch.

    Parameters
    ----------
    x : (T, N, D) codes of the format `layer.input`; they are not checked here.
    state : the codes before the first step, arrays (N, ...).
    saturated : gains the number of saturations: i, [f,] o, g, h of the net inputs, s, [m] and y of
        the values.
    signals : whether to give all of them, or y alone.

    Returns
    -------
    int64 codes: signals i, [f,] o (T, N, B), g, s, [m] (T, N, C) and y (T, N, outputs); the state
    after the last.
    """
    shape, (steps, batch, _) = layer.shape, x.shape
    single = {name: width for name, width in shape.signals.items() if name not in shape.gates}
    widths = {"gates": shape.state["gates"], **single}
    trace = {name: np.empty((steps, width, batch), np.int64) for name, width in widths.items()}
    saturated.update(dict.fromkeys((*shape.kinds, "h", *list(single)[1:]), 0))
    for start in range(0, batch, GROUP):
        cut = slice(start, start + GROUP)
        some = LayerState(state.s[cut], state.y[cut], state.gates[cut])
        values = sum(map(shape.rows, shape.kinds)) * len(some.s)
        loop = Loop(layer, some, max(1, min(steps, BLOCK_STEPS, BLOCK_VALUES // values)))
        for t in range(0, steps, loop.block):
            count = loop.run(x[t : t + loop.block, cut])
            loop.record(
                {name: values[t : t + count, :, cut] for name, values in trace.items()}, count
            )
            for name, lost in loop.saturations(count).items():
                saturated[name] += lost
    end = LayerState(*(np.ascontiguousarray(trace[name][-1].T) for name in ("s", "y", "gates")))
    found = {name: values.transpose(0, 2, 1) for name, values in trace.items()}
    if not signals:
        return {"y": found["y"]}, end
    gates = np.split(found.pop("gates"), len(shape.gates), axis=2)
    return {**dict(zip(shape.gates, gates, strict=True)), **found}, end


@dataclass(frozen=True, slots=True)
class _Step:
    """Views into the arrays of a `Loop`: what one step reads and writes.

    Attributes
    ----------
    sources : (D + 1 + outputs [+ G*B], N), u with a one for the bias.
    net : (G*B + C, N).
    net_early, early : net inputs and results of the gates that come before s: all of them, or with
        peepholes i and f. net_late, late : those of o, empty without peepholes.
    net_g, g : (C, N), net input and result of g, as it multiplies i.
    held, o : i and f (1 or 2, B, 1, N); o (B, 1, N).
    pair, kept : what i and f multiply (1 or 2, B, S, N): g, and s(t-1) scaled.
    before, s : the state at t-1 and at t.
    wide_s, wide_h, wide_m : s, h's net input and the cell output before they are saturated.
    m : the cell output; without a projection it is y.
    wide_y, y : the projected output before it is saturated; the output, a source of the next step.
    """

    sources: Codes
    net: Codes
    net_early: Codes
    early: Codes
    net_late: Codes
    late: Codes
    net_g: Codes
    g: Codes
    held: Codes
    o: Codes
    pair: Codes
    kept: Codes
    before: Codes
    s: Codes
    wide_s: Codes
    wide_h: Codes
    wide_m: Codes
    m: Codes
    wide_y: Codes
    y: Codes


class Loop:
    """Sequences side by side, `block` steps at a time.

    Attributes
    ----------
    sources : (block + 1, D + 1 + outputs + G*B, N), [x; 1; y; gates] of every step and of the one
        after.
    nets : (block, G*B + C, N), net inputs counted from the lowest code, not yet floored in float64.
    pairs : (block, 1 or 2, B, S, N), what i and f multiply: g, and s(t-1), both scaled.
    s : (block + 1, B, S, N), the state before and after every step.
    m : (block, B, S, N), the cell outputs before a projection; without one it is not used.
    given : (block, outputs, N), y where a threshold decides which of them are used; the sources are
        then those that are. Without one it is not used.
    wide : s, h's net input and m, each (block, B, S, N), and the projected y (block, P, N), before
        they are saturated.
    """

    def __init__(self, layer: QuantizedLayer, state: LayerState, block: int):
        shape, batch = layer.shape, len(state.s)
        self.layer, self.dtype, self.block = layer, layer.dtype, block
        self.projected, self.coupled = shape.projection is not None, shape.coupled
        self.forgets = "f" in shape.gates or shape.coupled
        self.rows = [len(shape.gates) * shape.blocks, shape.cells]
        self.cells = (shape.blocks, shape.block_size, batch)
        self.late = shape.blocks if layer.peepholes else 0
        self.y = slice(shape.inputs + 1, shape.inputs + 1 + shape.outputs)
        self.gates = slice(self.y.stop, self.y.stop + self.rows[0])
        self._plan()
        self._allocate(batch)
        start = used(state.y.T[None], layer.threshold)[0]
        self.sources[0, self.y], self.sources[0, self.gates] = start, state.gates.T
        self.s[0] = state.s.T.reshape(self.cells)

    def _plan(self) -> None:
        """The roundings, the functions, the limits and the weights scaled for them."""
        layer, dtype, batch = self.layer, self.dtype, self.cells[-1]
        pair = np.array([layer.input_shift, layer.keep_shift])[: 1 + self.forgets]
        gate, g = (Rounding(dtype, layer.net_shift(kind)) for kind in "ig")
        shifts = np.repeat([layer.net_shift("i"), layer.net_shift("g")], self.rows)[:, None]
        self.round_net = Rounding(dtype, shifts)
        self.round_pair = Rounding(dtype, pair.reshape(-1, 1, 1, 1))
        self.round_h = Rounding(dtype, layer.h_shift)
        self.round_m = Rounding(dtype, layer.output_shift)
        self.h_offset = self.round_h.offset(layer.h.low)
        self.weights = self._weights()
        self.gate = _Unit(layer.gate, gate, 1, (self.rows[0] - self.late, batch))
        self.late_gate = _Unit(layer.gate, gate, 1, (self.late, batch))
        self.g = _Unit(layer.g, g, self.round_pair.scale.flat[0], (self.rows[1], batch))
        self.h = _Unit(layer.h, self.round_h, self.round_m.scale, self.cells)
        m, y = layer.formats.cell_output, layer.formats.y
        self.limits = [
            (np.array(form.low, dtype), np.array(form.high, dtype))
            for form in (layer.formats.s, m, y)
        ]
        if layer.peepholes:
            held = [layer.peepholes[kind] for kind in layer.shape.gates]
            self.peepholes = np.array(held)[:, :, None] * gate.scale
        if layer.projection is not None:
            self.round_y = Rounding(dtype, layer.projection.shifts[:, None])
            self.projection = (layer.projection.weights * self.round_y.scale).astype(dtype)

    def _allocate(self, batch: int) -> None:
        """The arrays of a block of steps, and for each step what it reads and writes."""
        shape = self.layer.shape
        self.sources = np.ones((self.block + 1, self.gates.stop, batch), self.dtype)
        self.s = np.empty((self.block + 1, *self.cells), self.dtype)
        self.nets = np.empty((self.block, sum(self.rows), batch), self.dtype)
        self.pairs = np.empty((self.block, 1 + self.forgets, *self.cells), self.dtype)
        self.wide: dict[str, Codes] = {
            name: np.empty((self.block, *self.cells), self.dtype) for name in "shm"
        }
        projected = (self.block if self.projected else 0, shape.outputs, batch)
        self.wide["y"] = np.empty(projected, self.dtype)
        self.m = np.empty((len(self.wide["y"]), *self.cells), self.dtype)
        held = self.block if self.layer.threshold else 0
        self.given = np.empty((held, shape.outputs, batch), self.dtype)
        self.both = np.empty((2, self.cells[0], 1, batch), self.dtype)
        self.steps = list(self._steps())

    def _weights(self) -> Codes:
        """(G*B + C, D + 1 + outputs [+ G*B]), scaled for the rounding of the sums.

        Bias and origin of the net input are in the one's column.
        """
        layer, kinds, inputs = self.layer, self.layer.shape.kinds, self.layer.shape.inputs
        lowest = np.repeat([layer.gate.low, layer.g.low], self.rows)[:, None]
        rounding = self.round_net
        weights = np.concatenate([layer.weights[kind] for kind in kinds])
        biases = np.concatenate([layer.biases[kind] for kind in kinds])[:, None]
        ones = biases * rounding.scale + rounding.offset(lowest)
        return np.insert(weights * rounding.scale, [inputs], ones, axis=1)

    def _steps(self) -> Iterator[_Step]:
        """For each step of a block what it reads and writes."""
        columns, kinds, cells = self.weights.shape[1], len(self.layer.shape.gates), self.s.shape[1:]
        late = self.rows[0] - self.late
        for k in range(self.block):
            gates = self.sources[k + 1, self.gates]
            by_kind = gates.reshape(kinds, cells[0], 1, cells[2])
            y = self.given[k] if len(self.given) else self.sources[k + 1, self.y]
            yield _Step(
                sources=self.sources[k, :columns],
                net=self.nets[k],
                net_early=self.nets[k, :late],
                early=gates[:late],
                net_late=self.nets[k, late : self.rows[0]],
                late=gates[late:],
                net_g=self.nets[k, self.rows[0] :],
                g=self.pairs[k, 0].reshape(-1, cells[2]),
                held=by_kind[:-1],
                o=by_kind[-1],
                pair=self.pairs[k],
                kept=self.pairs[k, -1],
                before=self.s[k],
                s=self.s[k + 1],
                wide_s=self.wide["s"][k],
                wide_h=self.wide["h"][k],
                wide_m=self.wide["m"][k],
                m=self.m[k] if self.projected else y.reshape(cells),
                wide_y=self.wide["y"][k] if self.projected else y,
                y=y,
            )

    def run(self, x: Codes) -> int:
        """Run the steps of x (K, N, D), K at most `block`; return K."""
        steps, peepholes = len(x), bool(self.layer.peepholes)
        self.sources[:steps, : x.shape[2]] = x.transpose(0, 2, 1)
        keep = self.round_pair.scale[-1]
        product, squashed = np.empty_like(self.pairs[0]), np.empty_like(self.s[0])
        (s_low, s_high), (m_low, m_high), _ = self.limits
        for k, at in enumerate(self.steps[:steps]):
            np.matmul(self.weights, at.sources, out=at.net)
            if peepholes:
                self._see(at.net_early, self.peepholes[:-1], at.before)
            self.gate(at.net_early, at.early)
            self.g(at.net_g, at.g)
            if self.forgets:
                np.multiply(at.before, keep, out=at.kept)
            held = self._coupled(at.held) if self.coupled else at.held
            np.multiply(held, at.pair, out=product)
            self.round_pair(product)
            np.add(product[0], product[1] if self.forgets else at.before, out=at.wide_s)
            np.minimum(np.maximum(at.wide_s, s_low, out=at.s), s_high, out=at.s)
            if peepholes:
                self._see(at.net_late, self.peepholes[-1:], at.s)
                self.late_gate(at.net_late, at.late)
            np.multiply(at.s, self.round_h.scale, out=at.wide_h)
            np.add(at.wide_h, self.h_offset, out=at.wide_h)
            self.h(at.wide_h, squashed)
            np.multiply(at.o, squashed, out=at.wide_m)
            self.round_m(at.wide_m)
            np.minimum(np.maximum(at.wide_m, m_low, out=at.m), m_high, out=at.m)
            if self.projected:
                self._project(at)
            if len(self.given):
                self._use(k)
        return steps

    def _use(self, k: int) -> None:
        """What the next step uses of the block's k-th y."""
        last = self.sources[k, self.y]
        self.sources[k + 1, self.y] = step(self.given[k], last, self.layer.threshold)

    def _see(self, net: Codes, weights: Codes, s: Codes) -> None:
        """Add what gates (rows kind by kind) see of the state through `weights` (kinds, C, 1)."""
        by_kind = net.reshape(len(weights), -1, net.shape[-1])
        np.add(by_kind, weights * s.reshape(1, *by_kind.shape[1:]), out=by_kind)

    def _coupled(self, i: Codes) -> Codes:
        """i and f = 1 - i."""
        np.copyto(self.both[0], i[0])
        np.subtract(self.layer.formats.gate.one, i[0], out=self.both[1])
        return self.both

    def _project(self, at: _Step) -> None:
        """y of the cell outputs m."""
        low, high = self.limits[-1]
        np.matmul(self.projection, at.m.reshape(-1, at.m.shape[-1]), out=at.wide_y)
        self.round_y(at.wide_y)
        np.minimum(np.maximum(at.wide_y, low, out=at.y), high, out=at.y)

    def record(self, trace: dict[str, Codes], steps: int) -> None:
        """Write the block's codes into the trace; its end becomes the start of the next."""
        after = slice(1, steps + 1)
        flat = (steps, -1, self.s.shape[-1])
        trace["gates"][:] = self.sources[after, self.gates]
        trace["y"][:] = self.given[:steps] if len(self.given) else self.sources[after, self.y]
        trace["s"][:] = self.s[after].reshape(flat)
        if self.projected:
            trace["m"][:] = self.m[:steps].reshape(flat)
        np.divide(
            self.pairs[:steps, 0].reshape(flat), self.g.scale, out=trace["g"], casting="unsafe"
        )
        self.sources[0, self.y.start :] = self.sources[steps, self.y.start :]
        self.s[0] = self.s[steps]

    def saturations(self, steps: int) -> dict[str, int]:
        """How many values of the block were saturated, by signal."""
        layer, nets, found = self.layer, self.nets[:steps], {}
        if outside(nets, 0, min(self.gate.top, self.g.top)):
            rows = 0
            for kind in layer.shape.kinds:
                cut = slice(rows, rows := rows + layer.shape.rows(kind))
                found[kind] = outside(nets[:, cut], 0, (self.g if kind == "g" else self.gate).top)
        found["h"] = outside(self.wide["h"][:steps], 0, self.h.top)
        wide = {"s": "s", "m": "m", "y": "y"} if self.projected else {"s": "s", "y": "m"}
        for name, values in wide.items():
            form = layer.formats.signal(name)
            found[name] = outside(self.wide[values][:steps], form.low, form.high)
        return found


class _Unit:
    """A squash at work: scaled sums, counted from the lowest code, to scaled codes of the target.

    The sums are rounded in place.

    Attributes
    ----------
    top : the highest net input, counted from the lowest.
    scale : what the resulting codes are multiplied by.
    """

    def __init__(
        self,
        unit: QuantizedSquash,
        rounding: Rounding,
        scale: float | Codes,
        shape: tuple[int, ...],
    ):
        dtype = np.int64 if rounding.whole else np.float64
        self.low, self.top, self.scale = unit.low, unit.high - unit.low, scale
        self.rounding, self.linear = rounding, unit.squash.linear
        if not self.linear:
            self.table = _table(unit, dtype, float(scale))
            self.address = np.empty(shape, np.intp)

    def __call__(self, net: Codes, out: Codes) -> None:
        self.rounding.index(net)
        if self.linear:
            np.minimum(np.maximum(net, 0, out=out), self.top, out=out)
            if not self.rounding.whole:
                np.floor(out, out=out)
            out += self.low
            out *= self.scale
        else:
            np.copyto(self.address, net, casting="unsafe")  # drops the fraction
            self.table.take(self.address, mode="clip", out=out)


@lru_cache(maxsize=32)
def _table(unit: QuantizedSquash, dtype: type, scale: float) -> Codes:
    """Scaled codes of the target for every net input from `unit.low` to `unit.high`."""
    return (unit.lookup() * scale).astype(dtype)

"""The compiled steps of a layer; importing this needs numba.

Numbers are float64 or int64, as `fixedpoint.arithmetic` has it, for the sums over sources and all
that is multiplied; codes are int32 beside the one, int64 beside the other. Arrays are flat, rows of
`lanes` sequences, so that a loop over them is the same for one sequence and for many.

All that decides the compiled code stands in this file, since a change of it is what makes a cached
one out of date. Indices are unsigned, since numba tests others for being negative.
"""

from collections import namedtuple
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

WIDTH = 8  # numbers in a vector
ROWS = 64  # rows of weights come in so many: those of a tile for one sequence
LANES = 16  # sequences side by side come in so many: those of a tile for many

NONE, ONE, TWO, THREE, FOUR = (np.uintp(n) for n in range(5))
WORD, HIGH, WIDE, LONG = (np.uintp(n) for n in (8, 4, LANES, ROWS))

OPTIONS: Any = {"error_model": "numpy", "_nrt": False}

_part = numba.njit(forceinline=True, **OPTIONS)
_whole = numba.njit(**OPTIONS)


Sizes = namedtuple(
    "Sizes",
    "inputs sources rows blocks size cells outputs gates forgets coupled peepholes recurrent "
    "projected",
)
"""Unsigned: D, the sources with the one, rows of the weights; B, S, C, width of y; the number of
kinds of gates and which of them is f, or 0. Whether f is 1 - i, gates see their states, gates are
sources, y is a projection."""


class Squash(NamedTuple):
    """The highest sum that is not saturated, counted from the lowest net input; the latter;
    whether the net input is the result."""

    limit: Any
    low: Any
    linear: Any


class Shift(NamedTuple):
    """A `fixedpoint.arithmetic.Rounding`, and the ends of what is made of it."""

    scale: Any
    half: Any
    down: Any
    low: Any
    high: Any


class Packed(NamedTuple):
    """A layer.

    Attributes
    ----------
    weights : (sources, rows), scaled, transposed: kind by kind a row for each cell, and padding.
    down : (kinds + 1) * C, the shifts behind the rows' sums and of h; for int64.
    peepholes : gates * C, scaled, or one zero.
    projection, y_down : (1 + C, rows) with the half of the rounding first, and its shifts.
    gate_table, g_table, h_table : results by net input, counted from the lowest, if not linear.
    one : the code of 1.0 of a gate, a number.
    into_s : the roundings of i g and f s. to_m : of o h(s). to_y : only the ends of y.
    to_h : from s to the net input of h, counted from the lowest, but for what drops bits.
    """

    weights: np.ndarray
    down: np.ndarray
    peepholes: np.ndarray
    projection: np.ndarray
    y_down: np.ndarray
    sizes: Sizes
    gate: Squash
    g: Squash
    h: Squash
    gate_table: np.ndarray
    g_table: np.ndarray
    h_table: np.ndarray
    one: Any
    into_s: tuple[Shift, Shift]
    to_h: Shift
    to_m: Shift
    to_y: Shift


Record = namedtuple("Record", "gates g s m y")
"""The signals, (T, width, N); others than y may be left out, with no width."""

Work = namedtuple("Work", "u seen net s m y out down y_down peepholes")
"""What steps are run in, rows of lanes: the sources of rows, x, one, y[, gates], and those of a
projection, one, m; sums; the values of a step; what becomes of sums, gates, g, h; those of `Packed`
for every lane."""


def _tile(rows: int, vectors: int) -> Any:
    """What computes c[r, n] = sum of a[r, k] * b[k, n] over k < count, in compiled code.

    The sums are vectors that stay in registers; what finds vectors in loops stops at half of the
    widest that there are. A product and its sum may be one instruction: neither is rounded.

    Its arguments: an array with the type of all numbers; the addresses of a, b and c; count; from
    one r to the next in a; from one k to the next in a and in b; from one r to the next in c, in
    numbers. Those of an n are neighbours.
    """

    @intrinsic
    def product(context, like, a, b, c, count, a_row, a_term, b_term, c_row):
        def build(context, builder, signature, args):
            number = ir.DoubleType() if like.dtype == types.float64 else ir.IntType(64)
            _build(builder, number, rows, vectors, args[1:])
            return context.get_dummy_value()

        return types.void(like, *(types.uintp,) * 8), build

    return product


def _build(builder: Any, number: ir.Type, rows: int, vectors: int, args: Any) -> None:
    """The instructions of a tile."""
    vector, word = ir.VectorType(number, WIDTH), ir.IntType(64)
    a, b, c = (builder.inttoptr(each, number.as_pointer()) for each in args[:3])
    count, a_row, a_term, b_term, c_row = args[3:]
    zero, nothing = ir.Constant(vector, None), ir.Constant(vector, ir.Undefined)
    every = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), None)
    places = [(r, v) for r in range(rows) for v in range(vectors)]
    sums = {place: cgutils.alloca_once(builder, vector) for place in places}
    for place in places:
        builder.store(zero, sums[place])

    def at(base: Any, place: int, step: Any, more: Any) -> Any:
        return builder.gep(base, [builder.add(builder.mul(ir.Constant(word, place), step), more)])

    def vector_at(base: Any, place: int, step: Any, v: int) -> Any:
        where = at(base, place, step, ir.Constant(word, v * WIDTH))
        return builder.bitcast(where, vector.as_pointer())

    with cgutils.for_range(builder, count) as loop:
        row = builder.gep(b, [builder.mul(loop.index, b_term)])
        own = [builder.load(vector_at(row, 0, b_term, v), align=WIDTH) for v in range(vectors)]
        for r in range(rows):
            one = builder.load(at(a, r, a_row, builder.mul(loop.index, a_term)))
            one = builder.insert_element(nothing, one, ir.Constant(ir.IntType(32), 0))
            one = builder.shuffle_vector(one, nothing, every)
            for v in range(vectors):
                have = builder.load(sums[r, v])
                if isinstance(number, ir.IntType):
                    more = builder.add(have, builder.mul(one, own[v]))
                else:
                    term = builder.fmul(one, own[v], flags=["contract"])
                    more = builder.fadd(have, term, flags=["contract"])
                builder.store(more, sums[r, v])
    for r, v in places:
        builder.store(builder.load(sums[r, v]), vector_at(c, r, c_row, v), align=WIDTH)


_alone, _together = _tile(1, ROWS // WIDTH), _tile(4, LANES // WIDTH)


@_whole
def _products(weights, u, net, used, sources, lanes):
    """net (rows, lanes) = weights^T u (sources, lanes), for the first `used` rows."""
    w, v, to = np.uintp(weights.ctypes.data), np.uintp(u.ctypes.data), np.uintp(net.ctypes.data)
    rows = np.uintp(weights.shape[1])
    if lanes == ONE:
        for r in range(NONE, used, LONG):
            _alone(u, v, w + WORD * r, to + WORD * r, sources, NONE, ONE, rows, rows)
    else:
        for n in range(NONE, lanes, WIDE):
            for r in range(NONE, used, HIGH):
                at = to + WORD * (r * lanes + n)
                _together(u, w + WORD * r, v + WORD * n, at, sources, ONE, rows, lanes, lanes)


@_part
def _clip(value, low, high):
    return low if value < low else high if value > high else value


def _round(value: Any, shift: Any) -> Any:
    """`Rounding` of a value: to the nearest whole number, ties towards plus infinity."""


@overload(_round, jit_options=OPTIONS)
def _round_number(value, shift):
    if isinstance(value, types.Float):
        return lambda value, shift: np.floor(value * shift.scale + shift.half)
    return lambda value, shift: (value * shift.scale + shift.half) >> shift.down


def _rounded(total: Any, down: Any) -> Any:
    """A sum, scaled and with its rounding's half, without the fraction."""


@overload(_rounded, jit_options=OPTIONS)
def _rounded_number(total, down):
    if isinstance(total, types.Float):
        return lambda total, down: np.floor(total)
    return lambda total, down: total >> down


def _index(total: Any, down: Any) -> Any:
    """`_rounded`, but for the fraction in float64, which goes when it becomes a code."""


@overload(_index, jit_options=OPTIONS)
def _index_number(total, down):
    if isinstance(total, types.Float):
        return lambda total, down: total
    return lambda total, down: total >> down


@_whole
def _saturated(net, down, out, start, stop, limit):
    """Sums that are counted from the lowest net input to net inputs; how many were saturated."""
    lost, low = np.int32(0), limit - limit
    for j in range(start, stop):
        at = _index(net[j], down[j])
        to = min(max(at, low), limit)
        lost = np.int32(lost + np.int32(at != to))
        out[j] = to
    return lost


@_whole
def _look_up(out, start, stop, table):
    for j in range(start, stop):
        out[j] = table[np.uintp(out[j])]


@_whole
def _lift(out, start, stop, low):
    for j in range(start, stop):
        out[j] += low


@_part
def _squash(net, down, out, start, stop, squash, table):
    """Codes of sums that are counted from the lowest net input; how many were saturated.

    In two loops, because vectors find what to look up, and single words are best to look it up.
    """
    lost = _saturated(net, down, out, start, stop, squash.limit)
    if squash.linear:
        _lift(out, start, stop, squash.low)
    else:
        _look_up(out, start, stop, table)
    return lost


@_whole
def _see(net, peepholes, s, start, stop, values):
    """Add what the gates of rows `start` to `stop` see of the states, kind by kind."""
    for first in range(start, stop, values):
        for j in range(values):
            net[first + j] += peepholes[first + j] * s[j]


@_whole
def _states(out, f, coupled, one, g, s, values, pair, keep):
    """s(t) of s(t-1); how many were saturated."""
    lost, number = 0, s.dtype.type
    for j in range(values):
        kept = s[j]
        if coupled:
            kept = _round((one - out[j]) * kept, keep)
        elif f != NONE:
            kept = _round(out[f + j] * kept, keep)
        wide = kept + _round(number(out[j]) * number(out[g + j]), pair)
        to = _clip(wide, keep.low, keep.high)
        lost += wide != to
        s[j] = to
    return lost


@_whole
def _outputs(out, o, h, m, values, to_m):
    """m of o and h, which are rows of `out`; how many were saturated."""
    lost, number = 0, m.dtype.type
    for j in range(values):
        wide = _round(number(out[o + j]) * number(out[h + j]), to_m)
        to = _clip(wide, to_m.low, to_m.high)
        lost += wide != to
        m[j] = to
    return lost


@_whole
def _projected(net, down, y, count, ends):
    """y of its sums; how many were saturated."""
    lost = 0
    for j in range(count):
        wide = _rounded(net[j], down[j])
        to = _clip(wide, ends.low, ends.high)
        lost += wide != to
        y[j] = to
    return lost


@_whole
def _record(values, start, rows, step, lanes, to, t, first):
    """`rows` of values, every `step`-th from `start` on, into to[t]."""
    for r in range(rows):
        for n in range(lanes):
            to[t, r, first + n] = np.int64(values[(start + r * step) * lanes + n])


def run_steps(packed, work, x, states, record, lost, first, lanes):
    """Steps of `lanes` sequences from the `first` on: 1, or a multiple of LANES.

    x (T, N, D); states s, y, gates (N, width), which become those behind the last step; `lost`
    gains how many rows of each kind, h, s, m and y, in this order, were saturated.
    """
    z, gate, g, h = packed.sizes, packed.gate, packed.g, packed.h
    weights, projection = packed.weights, packed.projection
    gate_table, g_table, h_table = packed.gate_table, packed.g_table, packed.h_table
    all_gates, all_g, all_s, all_m, all_y = record
    full = all_s.shape[1] > 0
    values, width = z.cells * lanes, z.outputs * lanes
    late, kept = z.gates, z.gates * z.blocks
    late -= ONE if z.peepholes else NONE
    o_row, g_row, h_row = (z.gates - ONE) * values, z.gates * values, (z.gates + ONE) * values
    y_from, gates_from = (z.inputs + ONE) * lanes, (z.inputs + ONE + z.outputs) * lanes
    s_state, y_state, gate_state = states
    u, seen, net, s, m, y, out, down, y_down, peepholes = work
    for n in range(lanes):
        for c in range(z.cells):
            s[c * lanes + n] = s_state[first + n, c]
        for r in range(z.outputs):
            u[y_from + r * lanes + n] = y_state[first + n, r]
        if z.recurrent:
            for r in range(kept):
                u[gates_from + r * lanes + n] = gate_state[first + n, r]
    for t in range(np.uintp(len(x))):
        for n in range(lanes):
            for d in range(z.inputs):
                u[d * lanes + n] = x[t, first + n, d]
        _products(weights, u, net, (z.gates + ONE) * z.cells, z.sources, lanes)
        if z.peepholes:
            _see(net, peepholes, s, NONE, late * values, values)
        for k in range(late):
            lost[k] += _squash(net, down, out, k * values, (k + ONE) * values, gate, gate_table)
        lost[z.gates] += _squash(net, down, out, g_row, h_row, g, g_table)
        lost[z.gates + TWO] += _states(
            out, z.forgets * values, z.coupled, packed.one, g_row, s, values, *packed.into_s
        )
        if z.peepholes:
            _see(net, peepholes, s, o_row, g_row, values)
            lost[late] += _squash(net, down, out, o_row, g_row, gate, gate_table)
        for j in range(values):
            net[h_row + j] = s[j] * packed.to_h.scale + packed.to_h.half
        lost[z.gates + ONE] += _squash(net, down, out, h_row, h_row + values, h, h_table)
        lost[z.gates + THREE] += _outputs(out, o_row, h_row, m, values, packed.to_m)
        if z.projected:
            for j in range(values):
                seen[lanes + j] = m[j]
            _products(projection, seen, net, z.outputs, z.cells + ONE, lanes)
            lost[z.gates + FOUR] += _projected(net, y_down, y, width, packed.to_y)
        else:
            for j in range(width):
                y[j] = m[j]
        for j in range(width):
            u[y_from + j] = y[j]
        if z.recurrent:
            for r in range(kept):
                for n in range(lanes):
                    u[gates_from + r * lanes + n] = out[r * z.size * lanes + n]
        _record(y, NONE, z.outputs, ONE, lanes, all_y, t, first)
        if full:
            _record(out, NONE, kept, z.size, lanes, all_gates, t, first)
            _record(out, z.gates * z.cells, z.cells, ONE, lanes, all_g, t, first)
            _record(s, NONE, z.cells, ONE, lanes, all_s, t, first)
        if all_m.shape[1]:
            _record(m, NONE, z.cells, ONE, lanes, all_m, t, first)
    for n in range(lanes):
        for c in range(z.cells):
            s_state[first + n, c] = np.int64(s[c * lanes + n])
        for r in range(z.outputs):
            y_state[first + n, r] = np.int64(y[r * lanes + n])
        for r in range(kept):
            gate_state[first + n, r] = out[r * z.size * lanes + n]

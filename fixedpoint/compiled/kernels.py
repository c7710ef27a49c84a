"""The compiled steps of a layer; importing this needs numba.

Arrays are flat, rows of `lanes` sequences, so that a loop over them is the same for one sequence
and for many. Rows stand in the order i, [f], g, o, h: what is there before the state comes first.
Indices are unsigned, since numba tests others for being negative.
"""

from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import overload

from fixedpoint.compiled.layout import BYTES, LANES, ROWS
from fixedpoint.compiled.vectors import HIGH, alone, expect_write, results, together, two_rows

NONE, ONE, TWO, THREE, FOUR, WORD = (np.uintp(n) for n in (0, 1, 2, 3, 4, 8))
BLOCK, WIDE, TALL, LINE = (np.uintp(n) for n in (ROWS, LANES, HIGH, BYTES // 8))

OPTIONS: Any = {"error_model": "numpy", "_nrt": False}

_part = numba.njit(forceinline=True, **OPTIONS)
_whole = numba.njit(**OPTIONS)


@_part
def _at(values):
    """The address of an array."""
    return np.uintp(values.ctypes.data)


@_whole
def _products(rows, u, net, used, lanes):
    """net (rows, lanes) of the sources, for the first `used` rows."""
    terms, size = np.uintp(rows.weights.shape[1]), np.uintp(rows.weights.itemsize)
    row = terms * np.uintp(rows.weights.shape[2]) * size
    w, v, to, scale, ones = _at(rows.weights), _at(u), _at(net), _at(rows.scale), _at(rows.ones)
    for block in range(NONE, used, BLOCK):
        if lanes == ONE:
            r = WORD * block
            alone(rows.weights, (w + block * row, v, to + r, scale + r, ones + r, terms, lanes))
        else:
            for first in range(block, min(block + BLOCK, used), TALL):
                here, r = w + block * row + (first - block) * size, WORD * first
                for n in range(NONE, lanes, WIDE):
                    at = to + r * lanes + WORD * n
                    places = here, v + size * n, at, scale + r, ones + r, terms, lanes
                    together(rows.weights, places)


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


def _whole_part(value: Any, bits: Any) -> Any:
    """A net input without its fraction, where that is not for a comparison to find."""


@overload(_whole_part, jit_options=OPTIONS)
def _whole_part_of(value, bits):
    if isinstance(value, types.Float):
        return lambda value, bits: value
    return lambda value, bits: value >> bits


def _place(u: Any, row: Any, n: Any, lanes: Any) -> Any:
    """Where a source stands."""


@overload(_place, jit_options=OPTIONS)
def _place_of(u, row, n, lanes):
    if u.dtype == types.int16:
        return lambda u, row, n, lanes: ((row >> ONE) * lanes + n) * TWO + (row & ONE)
    return lambda u, row, n, lanes: row * lanes + n


def _set_pair(u: Any, row: Any, n: Any, lanes: Any, pair: Any) -> None:
    """Two sources from an even row on."""


@overload(_set_pair, jit_options=OPTIONS)
def _set_pair_of(u, row, n, lanes, pair):
    if u.dtype == types.int16:

        def both(u, row, n, lanes, pair):
            at = row * lanes + n * TWO
            u[at], u[at + ONE] = u.dtype.type(pair[0]), u.dtype.type(pair[1])

        return both

    def each(u, row, n, lanes, pair):
        at = row * lanes + n
        u[at], u[at + lanes] = u.dtype.type(pair[0]), u.dtype.type(pair[1])

    return each


@_part
def _put(values, rows, u, first, lanes):
    """Rows to the sources from the `first` on; two at a time where there are many sequences."""
    start = first & ONE if lanes > ONE else rows
    paired = start + (rows - start) // TWO * TWO
    row, step = np.uintp(values.itemsize) * lanes, np.uintp(u.itemsize) * lanes
    for r in range(start, paired, TWO):
        here = _at(values) + r * row
        two_rows(values, u, (here, here + row, _at(u) + (first + r) * step))
    for r in range(rows):
        if r < start or r >= paired:
            for n in range(lanes):
                u[_place(u, first + r, n, lanes)] = u.dtype.type(values[r * lanes + n])


@_whole
def _use(values, threshold, before, u, place):
    """`_put` of those values that are further off what was used before than the threshold."""
    rows, first, lanes = place
    for r in range(rows):
        for n in range(lanes):
            at, value = _place(u, first + r, n, lanes), np.int64(values[r * lanes + n])
            far = abs(value - np.int64(before[at])) > threshold
            u[at] = u.dtype.type(value) if far else before[at]


@_part
def _put_columns(x, u, first, lanes):
    """Columns of x (width, N) from the `first` on, neighbours in memory, to the sources."""
    rows, row, step = np.uintp(len(x)), np.uintp(x.strides[0]), np.uintp(u.itemsize) * lanes
    paired = rows // TWO * TWO if lanes > ONE else NONE
    for r in range(NONE, paired, TWO):
        here = _at(x) + r * row + WORD * first
        two_rows(x, u, (here, here + row, _at(u) + r * step))
    for r in range(paired, rows):
        for n in range(lanes):
            u[_place(u, r, n, lanes)] = u.dtype.type(x[r, first + n])


@_whole
def _fetch(x, t, u, first, lanes):
    """The inputs x (T, width, N) of the steps from t on to the sources of each, in the order in
    which they lie in memory."""
    rows, steps = np.uintp(x.shape[1]), min(np.uintp(len(x)) - t, np.uintp(len(u)))
    if x.strides[2] == x.itemsize:
        for k in range(steps):
            _put_columns(x[t + k], u[k], first, lanes)
        return
    paired = rows // TWO * TWO
    for n in range(lanes):
        for k in range(steps):
            now = x[t + k, :, first + n]
            for r in range(NONE, paired, TWO):
                _set_pair(u[k], r, n, lanes, (now[r], now[r + ONE]))
            if paired < rows:
                u[k, _place(u, paired, n, lanes)] = u.dtype.type(now[paired])


@_part
def _gates(z, out, gates, lanes):
    """The results of gates, one for each block."""
    for k in range(z.gates):
        row = (k if k < z.gates - ONE else z.gates) * z.cells
        for block in range(z.blocks):
            for n in range(lanes):
                gates[(k * z.blocks + block) * lanes + n] = out[(row + block * z.size) * lanes + n]


@_part
def _expect(to, first, lanes):
    """Have one step (width, N) of a signal ready for `_record`."""
    if lanes > ONE:
        for r in range(np.uintp(to.shape[0])):
            for n in range(first, first + lanes, LINE):
                expect_write(_at(to) + WORD * (r * np.uintp(to.shape[1]) + n))


@_part
def _record(values, to, first, lanes):
    """Rows to one step (width, N) of a signal."""
    rows = np.uintp(to.shape[0])
    if lanes == ONE:
        for r in range(rows):
            to[r, first] = np.int64(values[r])
    else:
        for r in range(rows):
            for n in range(lanes):
                to[r, first + n] = np.int64(values[r * lanes + n])


@_whole
def _take(state, values, first, lanes):
    """A state (N, width) to rows."""
    for n in range(lanes):
        for r in range(np.uintp(state.shape[1])):
            values[r * lanes + n] = state[first + n, r]


@_whole
def _give(values, state, first, lanes):
    """Rows to a state (N, width)."""
    for n in range(lanes):
        for r in range(np.uintp(state.shape[1])):
            state[first + n, r] = np.int64(values[r * lanes + n])


@_part
def _squashed(work, unit, start, stop, lost, values):
    """Results of the net inputs from `start` to `stop`; `lost` counts by kind, `values` of each.

    What is computed behind them, up to a whole vector, is overwritten later.
    """
    net, out = _at(work.net) + WORD * start, _at(work.out) + np.uintp(work.out.itemsize) * start
    if results(work.net, work.out, unit, (net, out, stop - start)) != 0:
        for j in range(start, stop):
            at = _whole_part(work.net[j], unit.drop)
            lost[j // values] += at < unit.top - unit.top or at > unit.top


@_whole
def _see(net, peepholes, s, kinds, lanes):
    """Add what some kinds of gates see of the states."""
    cells = np.uintp(peepholes.shape[1])
    for kind in range(*kinds):
        row = (kind if kind < np.uintp(len(peepholes)) - ONE else kind + ONE) * cells
        for c in range(cells):
            for n in range(lanes):
                net[(row + c) * lanes + n] += peepholes[kind, c] * s[c * lanes + n]


@_part
def _states(packed, work, values):
    """s(t) of s(t-1), and the net inputs of h; how many states were saturated."""
    z, one, to_h, (pair, keep) = packed.sizes, packed.one, packed.to_h, packed.into_s
    s, net, out, number, lost = work.s, work.net, work.out, work.s.dtype.type, 0
    f, g, h = values, (z.gates - ONE) * values, (z.gates + ONE) * values
    for j in range(values):
        kept = s[j]
        if z.coupled:
            kept = _round((one - out[j]) * kept, keep)
        elif z.forgets:
            kept = _round(out[f + j] * kept, keep)
        wide = kept + _round(number(out[j]) * number(out[g + j]), pair)
        to = _clip(wide, keep.low, keep.high)
        lost += wide != to
        s[j] = to
        net[h + j] = to * to_h.scale + to_h.half
    return lost


@_part
def _outputs(packed, work, values):
    """m of o and h; how many were saturated."""
    out, m, to_m, number, lost = work.out, work.m, packed.to_m, work.m.dtype.type, 0
    o, h = packed.sizes.gates * values, (packed.sizes.gates + ONE) * values
    for j in range(values):
        wide = _round(number(out[o + j]) * number(out[h + j]), to_m)
        to = _clip(wide, to_m.low, to_m.high)
        lost += wide != to
        m[j] = to
    return lost


@_whole
def _projected(net, y, to_y):
    """y of its sums; how many were saturated."""
    lost = 0
    for j in range(np.uintp(len(y))):
        wide = _floored(net[j], to_y.down)
        to = _clip(wide, to_y.low, to_y.high)
        lost += wide != to
        y[j] = to
    return lost


def _floored(total: Any, bits: Any) -> Any:
    """A sum with its rounding's half, without the fraction."""


@overload(_floored, jit_options=OPTIONS)
def _floored_number(total, bits):
    if isinstance(total, types.Float):
        return lambda total, bits: np.floor(total)
    return lambda total, bits: total >> bits


def run_steps(packed, work, x, states, record, lost, place):
    """Steps of sequences from one on; place: which, and how many, 1 or a multiple of LANES.

    x (T, D, N); states s, y, gates (N, width), which become those behind the last step; `lost`
    gains how many were saturated: of the rows by kind, then of s, m and y.
    """
    z, (first, lanes) = packed.sizes, place
    _, seen, net, s, m, y, out, gates = work
    ahead = np.uintp(len(work.u))
    values, early = z.cells * lanes, z.gates - ONE
    g, o, h = early * values, z.gates * values, (z.gates + ONE) * values
    y_from, gates_from = z.inputs, z.inputs + z.outputs
    last, shown = np.uintp(len(x)) - ONE, record.s.shape[1] > 0
    _take(states[0], s, first, lanes)
    _take(states[1], y, first, lanes)
    _take(states[2], gates, first, lanes)
    for t in range(np.uintp(len(x))):
        turn = t % ahead
        u = work.u[turn]
        if turn == NONE:
            _fetch(x, t, work.u, first, lanes)
        if packed.threshold:
            before = work.u[(turn if turn else ahead) - ONE]
            _use(y, packed.threshold, before, u, (z.outputs, y_from, lanes))
        else:
            _put(y, z.outputs, u, y_from, lanes)
        if z.recurrent:
            _put(gates, z.gates * z.blocks, u, gates_from, lanes)
        _expect(record.y[t], first, lanes)
        _products(packed.rows, u, net, (z.gates + ONE) * z.cells, lanes)
        if z.peepholes:
            _see(net, packed.peepholes, s, (NONE, early), lanes)
        _squashed(work, packed.gate, NONE, g, lost, values)
        _squashed(work, packed.g, g, o, lost, values)
        lost[z.gates + TWO] += _states(packed, work, values)
        if z.peepholes:
            _see(net, packed.peepholes, s, (early, z.gates), lanes)
        _squashed(work, packed.gate, o, h, lost, values)
        _squashed(work, packed.h, h, h + values, lost, values)
        lost[z.gates + THREE] += _outputs(packed, work, values)
        if z.projected:
            _put(m, z.cells, seen, NONE, lanes)
            _products(packed.projection, seen, net, z.outputs, lanes)
            lost[z.gates + FOUR] += _projected(net, y, packed.to_y)
        if z.recurrent or shown or t == last:
            _gates(z, out, gates, lanes)
        _record(y, record.y[t], first, lanes)
        if shown:
            _record(gates, record.gates[t], first, lanes)
            _record(out[g:o], record.g[t], first, lanes)
            _record(s, record.s[t], first, lanes)
            _record(m, record.m[t], first, lanes)
    _give(s, states[0], first, lanes)
    _give(y, states[1], first, lanes)
    _give(gates, states[2], first, lanes)


def run_rows(rows, unit, work, x, out, lost):
    """Steps of rows of sums, all sequences of a step one after the other, as they lie in memory.

    x (T, width, N); out (T, rows, N); `lost` gains how many net inputs were saturated.
    """
    count, batch = np.uintp(out.shape[1]), np.uintp(out.shape[2])
    for t in range(np.uintp(len(x))):
        first = NONE
        while first < batch:
            lanes = WIDE if batch - first >= WIDE else ONE
            _expect(out[t], first, lanes)
            _put_columns(x[t], work.u, first, lanes)
            _products(rows, work.u, work.net, count, lanes)
            _squashed(work, unit, NONE, count * lanes, lost, count * lanes)
            _record(work.out, out[t], first, lanes)
            first += lanes

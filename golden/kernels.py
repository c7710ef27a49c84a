"""Compiled loops of `fast_learning`; importing this needs numba, so only that module does it.

Sums run over the sources in order and without fast-math, and exp() is made of sums and products
here: a result depends on the seed alone, not on the machine. Functions are passed as (scale, slope,
offset, linear, low, high), see `golden.squash`. Matrices come transposed, a row for each source,
the rows of the hidden one padded with zeros to a multiple of four: four sums at a time. Inputs that
are zero take no part: a step costs as much as the others, however many inputs there are.

Two habits keep a step short. Indices are unsigned, since numba tests others for being negative.
And a `_part`, which becomes a piece of the function that calls it, is given arrays one by one and
takes no slices, since numba counts references to an array that comes out of a tuple or an array.
"""

import math
from collections import namedtuple

import numba
import numpy as np

_whole = numba.njit(cache=True, error_model="numpy")
_part = numba.njit(error_model="numpy", forceinline=True)

NONE, ONE, TWO, THREE, FOUR = (np.uintp(n) for n in range(5))

Sizes = namedtuple(
    "Sizes", "inputs sources outputs cells size blocks gates forget recurrent shortcut entropy"
)
"""D, N + 1, K, C, S, B and the number of gates, unsigned; whether there are forget gates, gates are
sources, outputs see inputs, E has no square."""

Work = namedtuple(
    "Work",
    "partials d_hidden d_readout net squashed slope s h_of_s y e_y e to keep u now seen known",
)
"""What a sequence is run in: ds/dw by source, the gradient, a step's values, lists of sources."""

LOG2_E = 1.4426950408889634
LN_2 = 0.6931471803691238, 1.9082149292705877e-10  # their sum; 20 bits times the first is exact
SHIFT = 1.5 * 2.0**52 + 1023.0  # its last bit counts ones; 1023 is the exponent of 1.0
TERMS = tuple(1.0 / math.factorial(n) for n in range(14))


@_part
def _exp(x):
    """e^x = 2^k e^r for x from -708 to 709 within 1 ulp: k is whole, e^r Taylor's, |r| < 0.35."""
    shifted = x * LOG2_E + SHIFT
    k = shifted - SHIFT
    power = np.int64(np.float64(shifted).view(np.int64) << 52).view(np.float64)
    r = (x - k * LN_2[0]) - k * LN_2[1]
    r2, r4 = r * r, (r * r) * (r * r)
    p = (TERMS[6] + TERMS[7] * r) + r2 * (TERMS[8] + TERMS[9] * r)
    q = (TERMS[10] + TERMS[11] * r) + r2 * (TERMS[12] + TERMS[13] * r)
    p = (TERMS[2] + TERMS[3] * r) + r2 * (TERMS[4] + TERMS[5] * r) + r4 * (p + r4 * q)
    return (1.0 + (r + r2 * p)) * power


@_part
def _clip(a, low, high):
    return high if a > high else low if a < low else a  # not min(): a NaN stays one


@_part
def _sigma(a):
    return 1.0 / (1.0 + _exp(-_clip(a, -709.0, 708.0)))


@_part
def _value(function, a):
    scale, slope, offset, linear, low, high = function
    return _clip(a, low, high) if linear else scale * _sigma(slope * a) + offset


@_part
def _slope(function, value):
    scale, slope, offset, linear, low, high = function
    sigma = (value - offset) * (1.0 / scale)  # exact: a power of two
    return (1.0 if low < value < high else 0.0) if linear else scale * slope * sigma * (1.0 - sigma)


@_whole
def _workplace(hidden, readout, sizes, functions):
    """Everything zero but the bias, which is always on."""
    sources, padded = hidden.shape
    cells, slope = np.intp(sizes.cells), functions[0][1]
    states, carried = (cells + 3) // 4 * 4, ((3 if sizes.forget else 2) * cells + 3) // 4 * 4
    u, slopes = np.zeros(sources), np.ones(padded)
    u[-1] = 1.0
    slopes[sizes.gates : sizes.gates + sizes.cells] = slope
    gradient = np.zeros((sources, carried)), np.zeros_like(hidden), np.zeros_like(readout)
    rows = np.zeros(padded), np.zeros(padded), slopes
    by_cell = np.zeros(states), np.zeros(states), np.zeros(cells), np.zeros(cells)
    by_weight = np.zeros(readout.shape[1]), np.zeros(carried), np.ones(carried)
    now, seen = np.zeros(sources, np.uintp), np.zeros(sources, np.uintp)
    for m in range(sizes.inputs, sizes.sources):
        seen[m - sizes.inputs] = m
    on = u, now, seen, np.zeros(sources, np.bool_)
    return Work(*gradient, *rows, *by_cell, *by_weight, *on)


@_part
def _sources(index, value, n, t, u, now, seen, known, count):
    """Inputs of a step into `u`; those not zero into `now` and `seen`; how many are in these."""
    used = NONE
    for z in range(np.uintp(index.shape[2])):
        m = np.uintp(index[n, t, z])
        u[m] = value[n, t, z]
        if value[n, t, z] != 0.0:
            now[used] = m
            used += ONE
            if not known[m]:
                known[m], seen[count] = True, m
                count += ONE
    return used, count


@_part
def _net(sizes, hidden, u, now, used, net):
    """Net inputs from the `used` sources of `now` and from all that are not inputs."""
    for r in range(NONE, np.uintp(len(net)), FOUR):
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for j in range(used):
            m = now[j]
            a += hidden[m, r] * u[m]
            b += hidden[m, r + ONE] * u[m]
            c += hidden[m, r + TWO] * u[m]
            d += hidden[m, r + THREE] * u[m]
        for m in range(sizes.inputs, sizes.sources):
            a += hidden[m, r] * u[m]
            b += hidden[m, r + ONE] * u[m]
            c += hidden[m, r + TWO] * u[m]
            d += hidden[m, r + THREE] * u[m]
        net[r], net[r + ONE], net[r + TWO], net[r + THREE] = a, b, c, d


@_part
def _sigmas(net, slope, squashed):
    """Of net inputs, each times its slope; a loop of its own, so that LLVM vectorises it."""
    for r in range(np.uintp(len(net))):
        squashed[r] = _sigma(slope[r] * net[r])


@_part
def _states(sizes, g, net, squashed, s, to, keep):
    """s from gates and cell inputs; to `to`, what reaches s by a source: (25), (27)."""
    cells, c = sizes.cells, NONE
    for block in range(sizes.blocks):
        i = squashed[block]
        for _ in range(sizes.size):
            row = sizes.gates + c
            z = _clip(net[row], g[4], g[5]) if g[3] else g[0] * squashed[row] + g[2]
            to[c], to[cells + c] = z * i * (1.0 - i), i * _slope(g, z)
            if sizes.forget:
                f = squashed[sizes.blocks + block]
                to[cells + cells + c] = s[c] * f * (1.0 - f)
                keep[c] = keep[cells + c] = keep[cells + cells + c] = f
                s[c] = f * s[c] + i * z
            else:
                s[c] += i * z
            c += ONE


@_part
def _cell_outputs(sizes, h, s, squashed, h_of_s, y):
    """y, and h(s) before the output gates."""
    for c in range(np.uintp(len(s))):
        h_of_s[c] = _sigma(h[1] * s[c])
    c = NONE
    for gate in range(sizes.gates - sizes.blocks, sizes.gates):
        for _ in range(sizes.size):
            h_of_s[c] = _clip(s[c], h[4], h[5]) if h[3] else h[0] * h_of_s[c] + h[2]
            y[c] = squashed[gate] * h_of_s[c]
            c += ONE


@_part
def _carry(sizes, partials, to, u, now, used):
    """One step of ds/dw without forget gates: of the sources that are on."""
    for q in range(NONE, np.uintp(len(to)), FOUR):
        a, b, c, d = to[q], to[q + ONE], to[q + TWO], to[q + THREE]
        for j in range(used):
            _add(partials, now[j], q, u[now[j]] * a, u[now[j]] * b, u[now[j]] * c, u[now[j]] * d)
        for m in range(sizes.inputs, sizes.sources):
            _add(partials, m, q, u[m] * a, u[m] * b, u[m] * c, u[m] * d)


@_part
def _add(partials, m, q, a, b, c, d):
    a, b = partials[m, q] + a, partials[m, q + ONE] + b
    c, d = partials[m, q + TWO] + c, partials[m, q + THREE] + d
    partials[m, q], partials[m, q + ONE], partials[m, q + TWO], partials[m, q + THREE] = a, b, c, d


@_part
def _keep_and_carry(partials, keep, to, u, seen, count):
    """One step of ds/dw with forget gates: of all sources seen."""
    for j in range(count):
        m, on = seen[j], u[seen[j]]
        for q in range(np.uintp(len(to))):
            partials[m, q] = keep[q] * partials[m, q] + to[q] * on


@_part
def _outputs(sizes, readout, function, y, u, now, used, out, n, t):
    """Output units at one step: fill `out[n, t]`."""
    for k in range(sizes.outputs):
        out[n, t, k] = readout[np.uintp(len(readout) - 1), k]
    for c in range(sizes.cells):
        for k in range(sizes.outputs):
            out[n, t, k] += readout[c, k] * y[c]
    if sizes.shortcut:
        for j in range(used):
            for k in range(sizes.outputs):
                out[n, t, k] += readout[sizes.cells + now[j], k] * u[now[j]]
    for k in range(sizes.outputs):
        out[n, t, k] = _value(function, out[n, t, k])


@_part
def _errors(sizes, readout, d_readout, function, y, u, now, used, target, out, n, t, e, e_y):
    """Add an output error's changes to `d_readout`, and give the error at y: (19), (22)."""
    for k in range(sizes.outputs):
        e[k] = target[n, t, k] - out[n, t, k]
        if not sizes.entropy:
            e[k] *= _slope(function, out[n, t, k])
    for c in range(sizes.cells):
        e_y[c] = 0.0
        for k in range(sizes.outputs):
            e_y[c] += readout[c, k] * e[k]
        _subtract(d_readout, c, e, y[c])
    if sizes.shortcut:
        for j in range(used):
            _subtract(d_readout, sizes.cells + now[j], e, u[now[j]])
    _subtract(d_readout, np.uintp(len(readout) - 1), e, 1.0)


@_part
def _subtract(d_readout, m, e, on):
    for k in range(np.uintp(len(e))):
        d_readout[m, k] -= e[k] * on


@_part
def _changes(sizes, h, squashed, h_of_s, partials, u, seen, count, e_y, d_hidden):
    """Add what the errors `e_y` at the cell outputs say to `d_hidden`: (21), (23), (26), (28)."""
    cells, gates, c = sizes.cells, sizes.gates, NONE
    for block in range(sizes.blocks):
        last = gates - sizes.blocks + block
        o = squashed[last]
        for _ in range(sizes.size):
            e_o = o * (1.0 - o) * h_of_s[c] * e_y[c]
            e_s = o * _slope(h, h_of_s[c]) * e_y[c]
            for j in range(count):
                m = seen[j]
                d_hidden[m, last] -= e_o * u[m]
                d_hidden[m, block] -= e_s * partials[m, c]
                d_hidden[m, gates + c] -= e_s * partials[m, cells + c]
                if sizes.forget:
                    d_hidden[m, sizes.blocks + block] -= e_s * partials[m, cells + cells + c]
            c += ONE


@_whole
def _sequence(hidden, readout, work, sizes, functions, data, n, rate, learns):
    """Sequence n from state zero; how many sources were seen. With a `rate`, learn at each step.

    data: lengths (N,); index, value (N, T, Z); target, out (N, T or 1, K); whether each step has a
    target. Without one (0, 0, K) nothing but `out` is found. Leaves the gradient in `work`.
    """
    lengths, index, value, target, out, every = data
    n, steps = np.uintp(n), np.uintp(lengths[n])
    partials, d_hidden, d_readout, net, squashed, slope, s, h_of_s, y, e_y = work[:10]
    e, to, keep, u, now, seen, known = work[10:]
    g, h, out_function = functions
    count, last = sizes.sources - sizes.inputs, steps - ONE
    for t in range(steps):
        used, count = _sources(index, value, n, t, u, now, seen, known, count)
        _net(sizes, hidden, u, now, used, net)
        _sigmas(net, slope, squashed)
        _states(sizes, g, net, squashed, s, to, keep)
        if len(target):
            if sizes.forget:
                _keep_and_carry(partials, keep, to, u, seen, count)
            else:
                _carry(sizes, partials, to, u, now, used)
        _cell_outputs(sizes, h, s, squashed, h_of_s, y)
        if every or t == last:
            goal = t if every else NONE
            _outputs(sizes, readout, out_function, y, u, now, used, out, n, goal)
            if len(target):
                args = y, u, now, used, target, out, n, goal, e, e_y
                _errors(sizes, readout, d_readout, out_function, *args)
                _changes(sizes, h, squashed, h_of_s, partials, u, seen, count, e_y, d_hidden)
            if rate:
                _learn(hidden, readout, work, sizes, count, now, used, rate, learns)
        for z in range(np.uintp(index.shape[2])):
            u[np.uintp(index[n, t, z])] = 0.0
        for c in range(sizes.cells):
            u[sizes.inputs + c] = y[c]
        if sizes.recurrent:
            for r in range(sizes.gates):
                u[sizes.inputs + sizes.cells + r] = squashed[r]
    return count


@_whole
def _learn(hidden, readout, work, sizes, count, inputs, used, rate, learns):
    """Change weights of `count` sources, of which are `used` inputs, and clear the gradient."""
    seen, d_hidden, d_readout = work.seen, work.d_hidden, work.d_readout
    for j in range(count):
        _learn_row(hidden, d_hidden, learns[0], seen[j], rate)
    for c in range(sizes.cells):
        _learn_row(readout, d_readout, learns[1], c, rate)
    if sizes.shortcut:
        for j in range(used):
            _learn_row(readout, d_readout, learns[1], sizes.cells + inputs[j], rate)
    _learn_row(readout, d_readout, learns[1], np.uintp(len(readout) - 1), rate)


@_part
def _learn_row(weights, gradient, learns, m, rate):
    for k in range(np.uintp(weights.shape[1])):
        weights[m, k] -= rate * gradient[m, k] * learns[m, k]
        gradient[m, k] = 0.0


@_whole
def lstm_gradient(hidden, readout, sizes, functions, lengths, index, value, target, every):
    """`learning.gradient` of one sequence; arguments as of `lstm_train`."""
    work, out = _workplace(hidden, readout, sizes, functions), np.zeros_like(target)
    data = lengths, index, value, target, out, every  # for a plain 0 it would be compiled anew
    _sequence(hidden, readout, work, sizes, functions, data, np.intp(0), 0.0, (hidden, readout))
    return work.d_hidden, work.d_readout, out


@_whole
def lstm_train(
    hidden, readout, learns, sizes, functions, lengths, index, value, target, every, rates, out
):
    """Learn from sequences one after the other, at `rates` a step or at a sequence's end.

    hidden (N+1, R), readout (C+[D]+1, K); lengths (N,); index, value (N, T, Z); target, out
    (N, T or 1, K). Returns how many there were before the first whose outputs are not finite.
    Without a target (0, 0, K) finds the outputs of all; what is behind an end is left as it was.
    """
    work = _workplace(hidden, readout, sizes, functions)
    data = lengths, index, value, target, out, every
    own = sizes.sources - sizes.inputs
    inputs = work.seen[np.intp(own) :]
    for n in range(len(lengths)):
        count = _sequence(hidden, readout, work, sizes, functions, data, n, rates[0], learns)
        if len(target) and not np.all(np.isfinite(out[n])):
            return n
        if rates[1]:
            _learn(hidden, readout, work, sizes, count, inputs, count - own, rates[1], learns)
        for m in work.seen[: np.intp(count)]:
            work.partials[m], work.known[m] = 0.0, False
        work.s[:] = 0.0
        work.u[np.intp(sizes.inputs) : -1] = 0.0
    return len(lengths)


@_whole
def rnn_gradient(hidden, readout, functions, x, target):
    """`rnn.gradient`: hidden (H, D+H+1), readout (K, H+1), x (T, D), target (K,)."""
    (function, out_function), (steps, inputs) = functions, x.shape
    units, sources = hidden.shape
    weights = hidden.T.copy()
    d_hidden, d_readout, out = np.zeros_like(hidden), np.zeros_like(readout), np.zeros_like(target)
    u, net = np.ones((steps + 1, sources)), np.zeros(units)
    u[:steps, :inputs] = x
    u[0, inputs:-1] = 0.0
    for t in range(steps):
        net[:] = weights[-1]
        for m in range(sources - 1):
            if u[t, m] != 0.0:
                for r in range(units):
                    net[r] += weights[m, r] * u[t, m]
        for r in range(units):
            u[t + 1, inputs + r] = _value(function, net[r])
    y, error, before = u[:, inputs:], np.zeros(units), np.zeros(units)
    for k in range(len(target)):
        a = readout[k, units]
        for r in range(units):
            a += readout[k, r] * y[steps, r]
        out[k] = _value(out_function, a)
        e_k = _slope(out_function, out[k]) * (target[k] - out[k])
        for r in range(units):
            d_readout[k, r] -= e_k * y[steps, r]
            error[r] += readout[k, r] * e_k
        d_readout[k, units] -= e_k
    for t in range(steps - 1, -1, -1):
        before[:] = 0.0
        for r in range(units):
            e = error[r] * _slope(function, y[t + 1, r])
            for m in range(sources):
                d_hidden[r, m] -= e * u[t, m]
            for q in range(units):
                before[q] += hidden[r, inputs + q] * e
        error[:] = before
    return d_hidden, d_readout, out

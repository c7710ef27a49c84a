"""Compiled loops of `fast_learning`; importing this needs numba, so only that module does it.

Sums run over the sources in order and without fast-math, so that a result depends on the seed and
on the machine's exp() alone. Functions are passed as (scale, slope, offset, linear), see
`golden.squash`. Matrices come transposed, a row for each source, and the rows of the hidden one
padded with zeros to a multiple of four: a source that is zero is skipped whole, and one that is
not is four products at a time. So a step costs as many rows as there are inputs that are not zero,
however many inputs there are.
"""

import math
from collections import namedtuple

import numba
import numpy as np

Sizes = namedtuple("Sizes", "inputs cells size kinds recurrent shortcut entropy")
"""D, C, S, gate kinds (2 or 3); whether gates are sources, outputs see inputs, E has no square."""

Work = namedtuple("Work", "partials d_hidden d_readout net s y squashed to keep u now seen known")
"""What a sequence is run in: ds/dw by source, the gradient, a step's values, lists of sources."""


@numba.njit(cache=True, inline="always")
def _sigma(a):
    return 1.0 / (1.0 + math.exp(min(-a, 709.0)))


@numba.njit(cache=True, inline="always")
def _value(function, a):
    scale, slope, offset, linear = function
    return a if linear else scale * _sigma(slope * a) + offset


@numba.njit(cache=True, inline="always")
def _slope(function, value):
    scale, slope, offset, linear = function
    sigma = (value - offset) * (1.0 / scale)  # exact: a power of two
    return 1.0 if linear else scale * slope * sigma * (1.0 - sigma)


@numba.njit(cache=True)
def _workplace(hidden, readout, sizes):
    """Everything zero but the bias, which is always on."""
    sources, padded = hidden.shape
    cells, carried = sizes.cells, (sizes.kinds * sizes.cells + 3) // 4 * 4
    u = np.zeros(sources)
    u[-1] = 1.0
    return Work(
        np.zeros((sources, carried)),
        np.zeros_like(hidden),
        np.zeros_like(readout),
        np.zeros(padded),
        np.zeros(cells),
        np.zeros(cells),
        np.zeros(cells),
        np.zeros(carried),
        np.ones(carried),
        u,
        np.zeros(sources, np.uintp),
        np.zeros(sources, np.uintp),
        np.zeros(sources, np.bool_),
    )


@numba.njit(cache=True, inline="always")
def _sources(work, sizes, index, value, count):
    """Inputs of a step into `u`; those that are not zero into `now` and, when new, into `seen`.

    Returns how many are in `now`, and how many now are in `seen`.
    """
    used = 0
    for z in range(len(index)):
        m = np.uintp(index[z])
        work.u[m] = value[z]
        if value[z] != 0.0:
            work.now[used] = m
            used += 1
            if not work.known[m]:
                work.known[m] = True
                work.seen[count] = m
                count += 1
    for m in range(sizes.inputs, len(work.u)):
        work.now[used + m - sizes.inputs] = m
    return used, count


@numba.njit(cache=True, inline="always")
def _net(hidden, work, count):
    """Net inputs from the first `count` sources of `now`."""
    net = work.net
    for r in range(0, hidden.shape[1], 4):
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for j in range(count):
            m = work.now[j]
            u = work.u[m]
            a += hidden[m, r] * u
            b += hidden[m, r + 1] * u
            c += hidden[m, r + 2] * u
            d += hidden[m, r + 3] * u
        net[r], net[r + 1], net[r + 2], net[r + 3] = a, b, c, d


@numba.njit(cache=True, inline="always")
def _cells(work, sizes, g, h):
    """Net inputs to gates (which stay in `net`), s and y; to `to`, what reaches s: (25), (27)."""
    net, s, to, cells = work.net, work.s, work.to, sizes.cells
    blocks = cells // sizes.size
    gates = sizes.kinds * blocks
    for r in range(gates):
        net[r] = _sigma(net[r])
    for c in range(cells):
        block = c // sizes.size
        i = net[block]
        z = _value(g, net[gates + c])
        to[c], to[cells + c] = z * i * (1.0 - i), i * _slope(g, z)
        if sizes.kinds == 3:
            f = net[blocks + block]
            to[2 * cells + c] = s[c] * f * (1.0 - f)
            work.keep[c] = work.keep[cells + c] = work.keep[2 * cells + c] = f
            s[c] = f * s[c] + i * z
        else:
            s[c] += i * z
    for c in range(cells):
        work.squashed[c] = _value(h, s[c])
        work.y[c] = net[gates - blocks + c // sizes.size] * work.squashed[c]


@numba.njit(cache=True, inline="always")
def _carry(partials, work, sizes, used, count):
    """One step of ds/dw: of all sources seen where a gate forgets, else of those that are on."""
    to, keep, u = work.to, work.keep, work.u
    forget = sizes.kinds == 3
    for j in range(count if forget else used):
        m = work.seen[j] if forget else work.now[j]
        for q in range(0, partials.shape[1], 4):
            a, b, c, d = partials[m, q], partials[m, q + 1], partials[m, q + 2], partials[m, q + 3]
            if forget:
                a, b, c, d = keep[q] * a, keep[q + 1] * b, keep[q + 2] * c, keep[q + 3] * d
            a, b = a + to[q] * u[m], b + to[q + 1] * u[m]
            c, d = c + to[q + 2] * u[m], d + to[q + 3] * u[m]
            partials[m, q], partials[m, q + 1] = a, b
            partials[m, q + 2], partials[m, q + 3] = c, d


@numba.njit(cache=True)
def _outputs(readout, function, work, sizes, used, out):
    """Output units at one step: fill `out` (K,)."""
    cells = sizes.cells
    for k in range(len(out)):
        out[k] = readout[-1, k]
    for c in range(cells):
        for k in range(len(out)):
            out[k] += readout[c, k] * work.y[c]
    if sizes.shortcut:
        for j in range(used):
            m = work.now[j]
            for k in range(len(out)):
                out[k] += readout[cells + m, k] * work.u[m]
    for k in range(len(out)):
        out[k] = _value(function, out[k])


@numba.njit(cache=True)
def _errors(readout, function, work, sizes, used, target, out, e_y):
    """Add an output error's changes to `d_readout`, and give the error at y: (19), (22)."""
    cells, d_readout = sizes.cells, work.d_readout
    e_y[:] = 0.0
    for k in range(len(target)):
        e_k = target[k] - out[k]
        if not sizes.entropy:
            e_k *= _slope(function, out[k])
        for c in range(cells):
            d_readout[c, k] -= e_k * work.y[c]
            e_y[c] += readout[c, k] * e_k
        if sizes.shortcut:
            for j in range(used):
                m = work.now[j]
                d_readout[cells + m, k] -= e_k * work.u[m]
        d_readout[-1, k] -= e_k


@numba.njit(cache=True)
def _changes(work, sizes, count, h, e_y):
    """Add what the errors `e_y` at the cell outputs say to `d_hidden`: (21), (23), (26), (28)."""
    cells, net, d_hidden, partials = sizes.cells, work.net, work.d_hidden, work.partials
    blocks = cells // sizes.size
    gates = sizes.kinds * blocks
    last = gates - blocks
    for c in range(cells):
        block = c // sizes.size
        o = net[last + block]
        e_o = o * (1.0 - o) * work.squashed[c] * e_y[c]
        e_s = o * _slope(h, work.squashed[c]) * e_y[c]
        for j in range(count):
            m = work.seen[j]
            d_hidden[m, last + block] -= e_o * work.u[m]
            d_hidden[m, block] -= e_s * partials[m, c]
            d_hidden[m, gates + c] -= e_s * partials[m, cells + c]
            if sizes.kinds == 3:
                d_hidden[m, blocks + block] -= e_s * partials[m, 2 * cells + c]


@numba.njit(cache=True)
def _sequence(
    hidden, readout, work, sizes, functions, index, value, target, every, out, rate, learns
):
    """One sequence from state zero; how many sources were seen. With a `rate`, learn at each step.

    index, value (T, Z); target, out (T or 1, K); without a target (0, K) nothing but `out` is
    found. Leaves the gradient in `work`.
    """
    g, h, out_function = functions
    own = len(work.u) - sizes.inputs
    count = own
    for j in range(own):
        work.seen[j] = sizes.inputs + j
    cells = sizes.cells
    rows = sizes.kinds * (cells // sizes.size)
    e_y = np.zeros(cells)
    for t in range(len(index)):
        used, count = _sources(work, sizes, index[t], value[t], count)
        _net(hidden, work, used + own)
        _cells(work, sizes, g, h)
        if len(target):
            _carry(work.partials, work, sizes, used + own, count)
        if every or t == len(index) - 1:
            goal = t if every else 0
            _outputs(readout, out_function, work, sizes, used, out[goal])
            if len(target):
                given = target[goal]
                _errors(readout, out_function, work, sizes, used, given, out[goal], e_y)
                _changes(work, sizes, count, h, e_y)
            if rate:
                _learn(
                    hidden, readout, work, sizes, work.seen[:count], work.now[:used], rate, learns
                )
        for z in range(index.shape[1]):
            work.u[index[t, z]] = 0.0
        work.u[sizes.inputs : sizes.inputs + cells] = work.y
        if sizes.recurrent:
            work.u[sizes.inputs + cells : -1] = work.net[:rows]
    return count


@numba.njit(cache=True)
def _learn(hidden, readout, work, sizes, seen, inputs, rate, learns):
    """Change the weights by -rate * gradient where they learn, and clear the gradient."""
    for m in seen:
        for r in range(hidden.shape[1]):
            hidden[m, r] -= rate * work.d_hidden[m, r] * learns[0][m, r]
            work.d_hidden[m, r] = 0.0
    for c in range(sizes.cells):
        _learn_row(readout, work.d_readout, learns[1], c, rate)
    if sizes.shortcut:
        for m in inputs:
            _learn_row(readout, work.d_readout, learns[1], sizes.cells + m, rate)
    _learn_row(readout, work.d_readout, learns[1], len(readout) - 1, rate)


@numba.njit(cache=True, inline="always")
def _learn_row(readout, d_readout, learns, m, rate):
    for k in range(readout.shape[1]):
        readout[m, k] -= rate * d_readout[m, k] * learns[m, k]
        d_readout[m, k] = 0.0


@numba.njit(cache=True)
def _clear(work, sizes, count):
    """Ready for the next sequence: state, sources and partials of those seen are zero."""
    for j in range(count):
        work.partials[work.seen[j]] = 0.0
        work.known[work.seen[j]] = False
    work.s[:] = 0.0
    work.u[sizes.inputs : -1] = 0.0


@numba.njit(cache=True)
def lstm_gradient(hidden, readout, sizes, functions, index, value, target, every):
    """`learning.gradient`: hidden (N+1, R), readout (C+[D]+1, K), index, value (T, Z)."""
    work = _workplace(hidden, readout, sizes)
    out = np.zeros_like(target)
    learns = (hidden, readout)
    _sequence(
        hidden, readout, work, sizes, functions, index, value, target, every, out, 0.0, learns
    )
    return work.d_hidden, work.d_readout, out


@numba.njit(cache=True)
def lstm_train(
    hidden, readout, learns, sizes, functions, lengths, index, value, target, every, rates, out
):
    """Learn from sequences one after the other, at `rates` a step or at a sequence's end.

    lengths (N,); index, value (N, T, Z); target, out (N, T or 1, K). Returns how many there were
    before the first whose outputs are not finite.
    """
    work = _workplace(hidden, readout, sizes)
    at_step, at_end = rates
    for n in range(len(lengths)):
        x = index[n, : lengths[n]], value[n, : lengths[n]]
        given = target[n, : lengths[n]]
        count = _sequence(
            hidden, readout, work, sizes, functions, *x, given, every, out[n], at_step, learns
        )
        if not np.all(np.isfinite(out[n])):
            return n
        if at_end:
            seen = work.seen[:count]
            inputs = work.seen[len(work.u) - sizes.inputs : count]
            _learn(hidden, readout, work, sizes, seen, inputs, at_end, learns)
        _clear(work, sizes, count)
    return len(lengths)


@numba.njit(cache=True)
def lstm_run(hidden, readout, sizes, functions, lengths, index, value, every, out):
    """Outputs (N, T or 1, K) of sequences; what is behind a sequence's end is left as it was."""
    work = _workplace(hidden, readout, sizes)
    none = np.zeros((0, readout.shape[1]))
    learns = (hidden, readout)
    for n in range(len(lengths)):
        x = index[n, : lengths[n]], value[n, : lengths[n]]
        count = _sequence(
            hidden, readout, work, sizes, functions, *x, none, every, out[n], 0.0, learns
        )
        _clear(work, sizes, count)


@numba.njit(cache=True)
def rnn_gradient(hidden, readout, functions, x, target):
    """`rnn.gradient`: hidden (H, D+H+1), readout (K, H+1), x (T, D), target (K,)."""
    function, out_function = functions
    steps, inputs = x.shape
    units, sources = hidden.shape
    weights = hidden.T.copy()
    d_hidden, d_readout, out = np.zeros_like(hidden), np.zeros_like(readout), np.zeros_like(target)
    y = np.zeros((steps + 1, units))
    for t in range(steps):
        net = y[t + 1]
        net[:] = weights[sources - 1]
        for m in range(sources - 1):
            value = x[t, m] if m < inputs else y[t, m - inputs]
            if value != 0.0:
                for r in range(units):
                    net[r] += weights[m, r] * value
        for r in range(units):
            net[r] = _value(function, net[r])
    error = np.zeros(units)
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
    before = np.zeros(units)
    for t in range(steps - 1, -1, -1):
        before[:] = 0.0
        for r in range(units):
            e = error[r] * _slope(function, y[t + 1, r])
            for m in range(inputs):
                d_hidden[r, m] -= e * x[t, m]
            for q in range(units):
                d_hidden[r, inputs + q] -= e * y[t, q]
                before[q] += hidden[r, inputs + q] * e
            d_hidden[r, sources - 1] -= e
        error[:] = before
    return d_hidden, d_readout, out

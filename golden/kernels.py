"""Compiled loops of `fast_learning`; importing this needs numba, so only that module does it.

Sums run over the sources in order and without fast-math, so that a result depends on the seed and
on the machine's exp() alone. Functions are passed as (scale, slope, offset, linear), see
`golden.squash`.
"""

import math

import numba
import numpy as np


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
    sigma = (value - offset) / scale
    return 1.0 if linear else scale * slope * sigma * (1.0 - sigma)


@numba.njit(cache=True)
def _outputs(readout, function, y, target, out, d_readout):
    """Output units at one step: fill `out` (K,), add to `d_readout`, return the error at y."""
    cells = len(y)
    e_y = np.zeros(cells)
    for k in range(len(target)):
        a = readout[k, cells]
        for c in range(cells):
            a += readout[k, c] * y[c]
        out[k] = _value(function, a)
        e_k = _slope(function, out[k]) * (target[k] - out[k])
        for c in range(cells):
            d_readout[k, c] -= e_k * y[c]
            e_y[c] += readout[k, c] * e_k
        d_readout[k, cells] -= e_k
    return e_y


@numba.njit(cache=True)
def _changes(d_hidden, partials, net, squashed, u, e_y, size, kinds, h):
    """Add what the errors `e_y` at the cell outputs say to `d_hidden`: (21), (23), (26), (28)."""
    by_i, by_g, by_f = partials[0], partials[1], partials[2]
    cells = len(e_y)
    blocks = cells // size
    last = (kinds - 1) * blocks
    for c in range(cells):
        block = c // size
        o = net[last + block]
        e_o = o * (1.0 - o) * squashed[c] * e_y[c]
        e_s = o * _slope(h, squashed[c]) * e_y[c]
        for m in range(len(u)):
            d_hidden[last + block, m] -= e_o * u[m]
            d_hidden[block, m] -= e_s * by_i[c, m]
            d_hidden[kinds * blocks + c, m] -= e_s * by_g[c, m]
            if kinds == 3:
                d_hidden[blocks + block, m] -= e_s * by_f[c, m]


@numba.njit(cache=True)
def lstm_gradient(hidden, readout, size, forget, recurrent, functions, x, target, every):
    """`learning.gradient`: hidden (R, N+1), readout (K, C+1), x (T, D), target (T or 1, K)."""
    g, h, out_function = functions
    steps, inputs = x.shape
    rows, sources = hidden.shape
    cells = readout.shape[1] - 1
    blocks = cells // size
    kinds = 3 if forget else 2
    last = (kinds - 1) * blocks  # first row of the output gates
    weights = hidden.T.copy()
    d_hidden, d_readout, out = np.zeros_like(hidden), np.zeros_like(readout), np.zeros_like(target)
    partials = np.zeros((3, cells, sources))  # ds/dw for w into i, g and f
    by_i, by_g, by_f = partials[0], partials[1], partials[2]
    s, y, squashed = np.zeros(cells), np.zeros(cells), np.zeros(cells)
    net, u = np.zeros(rows), np.zeros(sources)
    u[-1] = 1.0
    for t in range(steps):
        u[:inputs] = x[t]
        net[:] = 0.0
        for m in range(sources):
            if u[m] != 0.0:
                for r in range(rows):
                    net[r] += weights[m, r] * u[m]
        for r in range(kinds * blocks):
            net[r] = _sigma(net[r])
        for c in range(cells):
            block = c // size
            i, o = net[block], net[last + block]
            z = _value(g, net[kinds * blocks + c])
            to_i, to_g = z * i * (1.0 - i), i * _slope(g, z)
            if forget:
                f = net[blocks + block]
                to_f = s[c] * f * (1.0 - f)
                for m in range(sources):
                    by_i[c, m] = f * by_i[c, m] + to_i * u[m]
                    by_g[c, m] = f * by_g[c, m] + to_g * u[m]
                    by_f[c, m] = f * by_f[c, m] + to_f * u[m]
                s[c] = f * s[c] + i * z
            else:
                for m in range(sources):
                    by_i[c, m] += to_i * u[m]
                    by_g[c, m] += to_g * u[m]
                s[c] += i * z
            squashed[c] = _value(h, s[c])
            y[c] = o * squashed[c]
        if every or t == steps - 1:
            goal = t if every else 0
            e_y = _outputs(readout, out_function, y, target[goal], out[goal], d_readout)
            _changes(d_hidden, partials, net, squashed, u, e_y, size, kinds, h)
        u[inputs : inputs + cells] = y
        if recurrent:
            u[inputs + cells : sources - 1] = net[: kinds * blocks]
    return d_hidden, d_readout, out


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
    error = _outputs(readout, out_function, y[steps], target, out, d_readout)
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

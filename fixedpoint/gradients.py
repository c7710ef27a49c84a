"""Gradients through a layer's loop over time, past its roundings.

A rounding passes a gradient on as it is, a limit only where nothing is limited, and a table gives
the slope of its function. All that is needed lies in a `Loop` that ran all steps as one block.
Factors that are known before any gradient are made for all steps at once, and what is left to do
in a step are a few products.
"""

from functools import lru_cache

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.loop import Loop
from fixedpoint.squash import QuantizedSquash
from golden.squash import Array


def slopes(unit: QuantizedSquash) -> Array:
    """By how many codes the result rises with one code of the net input, from `low` to `high`."""
    a = unit.net.decode(np.arange(unit.low, unit.high + 1))
    sigma = 1 / (1 + np.exp(-unit.squash.slope * a))
    rise = unit.squash.scale * unit.squash.slope * sigma * (1 - sigma)
    return rise * (unit.net.lsb / unit.target.lsb)


@lru_cache(maxsize=32)
def _between(unit: QuantizedSquash) -> Array:
    """`slopes` between a 0 for what is below and one for what is above."""
    return np.pad(slopes(unit), 1)


def _slopes(unit: QuantizedSquash, nets: Codes) -> Array:
    """At net inputs that are counted from the lowest, their fractions on; 0 where these are
    limited."""
    return _between(unit).take(np.floor(nets).astype(np.intp) + 1, mode="clip")


def gradients(loop: Loop, outer: Array) -> tuple[Array, Array]:
    """Those of the sums, of the gradients of y, all of codes.

    Parameters
    ----------
    loop : in float64, with one gate of each kind for a cell, a forget gate among them; it ran T
        steps, all that it has in a block.
    outer : (T, outputs, N).

    Returns
    -------
    (T, R, N) of the rows of all kinds, (T, outputs, N) of a projection's, each of the sums as
    `loop` scales them. Without a projection the latter are not used.
    """
    kinds, factors = len(loop.layer.shape.kinds), _Factors(loop)
    nets, projected = factors.nets, np.empty_like(outer)
    again = np.ascontiguousarray(loop.weights[:, loop.y].T)
    s, last = np.zeros_like(factors.keep[0]), np.zeros_like(outer[0])
    for t in reversed(range(len(outer))):
        m = outer[t] + last
        if loop.projected:
            m = loop.projection.T @ np.multiply(m, factors.y[t], out=projected[t])
        s += m * factors.seen[t]
        i, f, o, g = nets[t].reshape(kinds, *s.shape)
        i *= s
        f *= s
        o *= m
        g *= s
        s *= factors.keep[t]
        last = again @ nets[t]
    return nets, projected


class _Factors:
    """What gradients of a step are multiplied by.

    Attributes
    ----------
    nets : (T, R, N), from s to the net inputs of i, f and g, from m to that of o.
    keep : (T, C, N), from s(t) to s(t-1).
    seen : (T, C, N), from m to s.
    y : (T, outputs, N), whether the projected output was within its limits.
    """

    def __init__(self, loop: Loop):
        steps, cells, batch = loop.block, loop.layer.shape.cells, loop.s.shape[-1]
        flat = (steps, -1, cells, batch)
        i, f, o = loop.sources[1:, loop.gates].reshape(flat).swapaxes(0, 1)
        g, before = loop.pairs.reshape(flat).swapaxes(0, 1)
        in_s, in_m, self.y = (
            (loop.wide[name] >= low) & (loop.wide[name] <= high)
            for name, (low, high) in zip("smy", loop.limits, strict=True)
        )
        in_s, in_m = in_s.reshape(i.shape), in_m.reshape(i.shape)
        by_i, by_f = loop.round_pair.scale.ravel()
        self.nets, gates = np.empty_like(loop.nets), loop.rows[0]
        self.nets[:, :gates] = _slopes(loop.layer.gate, loop.nets[:, :gates])
        self.nets[:, gates:] = _slopes(loop.layer.g, loop.nets[:, gates:])
        net_i, net_f, net_o, net_g = self.nets.reshape(flat).swapaxes(0, 1)
        net_i *= g * in_s
        net_f *= before * in_s
        net_g *= i * in_s * by_i
        self.keep = f * in_s * by_f
        wide_h = loop.wide["h"].reshape(i.shape)
        net_o *= loop.h.table.take(wide_h.astype(np.intp), mode="clip") * in_m
        self.seen = _slopes(loop.layer.h, wide_h)
        self.seen *= o * in_m * (loop.round_h.scale * loop.round_m.scale)

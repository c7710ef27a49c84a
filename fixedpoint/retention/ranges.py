"""Ranges of codes: what may come in, and what a layer's rows and gates make of it.

Integer interval arithmetic (Moore, 1966): every sum is exact, and rounding, saturation and the
squashing functions never turn an order round, so that the two ends of a range are enough.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fixedpoint.arithmetic import Codes, round_shift, saturate
from fixedpoint.cell import QuantizedLayer
from fixedpoint.dense import QuantizedDense
from fixedpoint.formats import Format
from fixedpoint.network import QuantizedNetwork
from fixedpoint.squash import QuantizedSquash
from golden.errors import InputError

ENDS = ("low", "high")
MOST_VECTORS = 256  # a set of more input vectors is taken as the box around them


@dataclass(frozen=True)
class Range:
    """Lowest and highest codes, int64 arrays of the same shape."""

    low: Codes
    high: Codes

    @classmethod
    def whole(cls, form: Format, count: int) -> "Range":
        """Everything that `count` codes of a format can be, shape (count,)."""
        return cls(np.full(count, form.low), np.full(count, form.high))

    def hull(self) -> "Range":
        """The range around all cases: (M, K) to (K,)."""
        return Range(self.low.min(axis=0), self.high.max(axis=0))

    def cases(self) -> "Range":
        """As a single case: (K,) to (1, K)."""
        return Range(self.low[None], self.high[None])

    def repeat(self, times: int) -> "Range":
        """Every code of the last axis so many times, as cells have the gates of their block."""
        return Range(*(np.repeat(end, times, axis=-1) for end in (self.low, self.high)))

    def same(self, other: "Range") -> bool:
        """Whether both ends are the same."""
        return np.array_equal(self.low, other.low) and np.array_equal(self.high, other.high)

    def round(self, shift: int, form: "Format | QuantizedSquash") -> "Range":
        """`shift` fraction bits dropped, and saturated to the codes of `form`."""
        ends = (round_shift(end, shift) for end in (self.low, self.high))
        return Range(*(saturate(end, form.low, form.high) for end in ends))

    def squash(self, unit: QuantizedSquash) -> "Range":
        """What `unit` makes of net inputs that are rounded and saturated."""
        return Range(unit(self.low), unit(self.high))

    def times(self, factor: "Range") -> "Range":
        """The products with factors that are never negative."""
        low = np.minimum(factor.low * self.low, factor.high * self.low)
        return Range(low, np.maximum(factor.low * self.high, factor.high * self.high))

    def sums(self, weights: Codes) -> "Range":
        """The sums over the last axis: (M, K) or (K,) with weights (R, K) to (M, R) or (R,)."""
        up, down = np.maximum(weights, 0).T, np.minimum(weights, 0).T
        return Range(self.low @ up + self.high @ down, self.high @ up + self.low @ down)

    def plus(self, other: "Range | Codes") -> "Range":
        """Range and range, or range and codes."""
        if isinstance(other, Range):
            return Range(self.low + other.low, self.high + other.high)
        return Range(self.low + other, self.high + other)


def joined(parts: Sequence[Range]) -> Range:
    """One after the other: (K,) each to the sum of all K."""
    return Range(*(np.concatenate([getattr(part, end) for part in parts]) for end in ENDS))


def beside(parts: Sequence[Range]) -> Range:
    """In the same cases: (M, K) or (1, K) each to (M, sum of all K)."""
    cases = max(len(part.low) for part in parts)
    wide = [
        [np.broadcast_to(getattr(p, end), (cases, p.low.shape[1])) for p in parts] for end in ENDS
    ]
    return Range(*map(np.hstack, wide))


def read(qnet: QuantizedNetwork, k: int, given: Mapping[int, Range]) -> Range:
    """What stage k reads, of the ranges (M, K) or (1, K) that stages give."""
    parts = [given[source] for source in qnet.sources[k]]
    return parts[0] if len(parts) == 1 else beside(parts)


def of_dense(stage: QuantizedDense, x: Range) -> Range:
    """What a dense stage makes of x (M, D): (M, R)."""
    net = x.sums(stage.weights).plus(stage.biases)
    return net.round(int(stage.shifts[0]), stage.squash).squash(stage.squash)


def whole_input(qnet: QuantizedNetwork) -> Range:
    """Every code of the input format, as one case: (1, D)."""
    form, shape = qnet.formats.input, (1, qnet.inputs)
    return Range(np.full(shape, form.low), np.full(shape, form.high))


def symmetric_input(qnet: QuantizedNetwork, most: int) -> Range:
    """The codes from -most to most of the coarsest element, as one case: (1, D).

    A finer one has as much of that as its format holds.
    """
    scales, high = qnet.formats.scales, qnet.formats.input.high
    codes = np.minimum(np.full((1, qnet.inputs), most) << scales - scales.min(), high)
    return Range(-codes, codes)


def input_between(qnet: QuantizedNetwork, low: float, high: float) -> Range:
    """All inputs from `low` to `high`, real numbers, rounded and clipped as the input is: (1, D).

    Raises
    ------
    InputError : ends in the wrong order, not finite, or outside the widest element's format.
    """
    form = min(qnet.formats.elements, key=lambda form: form.frac)
    ends = form.low * form.lsb, form.high * form.lsb
    if not ends[0] <= low <= high <= ends[1]:
        raise InputError(
            f"input range {low:g} to {high:g}: must lie within {ends[0]:g} to {ends[1]:g} of "
            f"format {form}, the lower end first"
        )
    return Range(*(qnet.encode(np.full((1, qnet.inputs), end))[0] for end in (low, high)))


def input_of(codes: Codes) -> Range:
    """The input vectors among codes (..., D), a case each: (M, D); of many the box around them."""
    vectors = np.unique(codes.reshape(-1, codes.shape[-1]), axis=0)
    if len(vectors) > MOST_VECTORS:
        return Range(vectors.min(axis=0)[None], vectors.max(axis=0)[None])
    return Range(vectors, vectors)


def net_inputs(layer: QuantizedLayer, kind: str, sources: dict[str, Range]) -> Range:
    """Rounded and saturated net inputs of the rows of a kind, in as many cases as x has: (M, rows).

    Parameters
    ----------
    sources : x (M, D), y (outputs,), gates (G*B,) and s (C,); the last two where a row sees them.
    """
    total = sources["x"].sums(layer.weights[kind][:, layer.shape.columns["x"]])
    for source, cut in layer.shape.columns.items():
        if source != "x":
            total = total.plus(sources[source].sums(layer.weights[kind][:, cut]))
    if kind in layer.peepholes:
        ends = [layer.peepholes[kind] * end for end in (sources["s"].low, sources["s"].high)]
        total = total.plus(Range(np.minimum(*ends), np.maximum(*ends)))
    return total.plus(layer.biases[kind]).round(layer.net_shift(kind), layer.squash(kind))

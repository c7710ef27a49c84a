"""Codes against their range: what of a format is used, what is wasted, how often it was too small.

A `Watched` stands in the place of a quantiser, does the same and notes the codes that leave it.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.budget.quantisers import Quantiser
from golden.squash import Array

BINS = 32


@dataclass(frozen=True)
class CodeUse:
    """How a quantiser's codes lie in their range, over all values that it met.

    Attributes
    ----------
    group : the quantiser's.
    frac : fraction bits, of the coarsest row or element.
    low, high : the codes that are allowed.
    lowest, highest : the codes that were met.
    count : values.
    saturations : values that lay outside and were clipped.
    at_ends : values whose code is the lowest or the highest that is allowed.
    wasted_top : bits at the upper end of which the codes never had need.
    wasted_bottom : bits at the lower end that were 0 in every code.
    bins : values in each of BINS equal parts of the allowed range.
    """

    group: str
    frac: int
    low: int
    high: int
    lowest: int
    highest: int
    count: int
    saturations: int
    at_ends: int
    wasted_top: int
    wasted_bottom: int
    bins: tuple[int, ...]

    @property
    def bits(self) -> int:
        """Bits that a code of the allowed range takes."""
        return bits(self.low, self.high)

    @property
    def used(self) -> int:
        """Bits that were needed."""
        return self.bits - self.wasted_top - self.wasted_bottom

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {**asdict(self), "bits": self.bits, "used": self.used}


def bits(low: int, high: int) -> int:
    """Bits that the codes from `low` to `high` take: two's complement where low is negative."""
    if low < 0:
        return 1 + max((-low - 1).bit_length(), max(high, 0).bit_length())
    return high.bit_length()


class Watched:
    """A quantiser with limits that notes what it does."""

    def __init__(self, quantiser: Quantiser):
        assert quantiser.limits is not None, "a quantiser without a range"
        self._quantiser, (self._low, self._high) = quantiser, quantiser.limits
        self._unlimited = replace(quantiser, limits=None)
        self._lowest: list[int] = []
        self._highest: list[int] = []
        self._bins = np.zeros(BINS, np.int64)
        self._or = self._count = self._saturations = self._at_ends = 0

    def __call__(self, values: Array) -> Array:
        codes = self._quantiser(values)
        if codes.size:
            self._note(values, codes)
        return codes

    def _note(self, values: Array, found: Array) -> None:
        codes: Codes = np.ldexp(found, self._quantiser.frac).astype(np.int64)
        lowest, highest = int(codes.min()), int(codes.max())
        self._lowest.append(lowest)
        self._highest.append(highest)
        self._count += codes.size
        self._or |= int(np.bitwise_or.reduce(codes, axis=None))
        if lowest == self._low or highest == self._high:
            self._at_ends += int(np.count_nonzero((codes == self._low) | (codes == self._high)))
            self._saturations += int(np.count_nonzero(self._unlimited(values) != found))
        places = (codes - self._low) * BINS // (self._high - self._low + 1)
        self._bins += np.bincount(places.ravel(), minlength=BINS)

    def use(self) -> CodeUse:
        """What was noted; at least one value must have passed."""
        low, high = self._low, self._high
        lowest, highest = min(self._lowest), max(self._highest)
        # a range of one sign needs the sign bit of its format all the same
        need = bits(min(lowest, -1) if low < 0 else lowest, highest) if self._or else 0
        return CodeUse(
            group=self._quantiser.group,
            frac=int(np.min(self._quantiser.frac)),
            low=low,
            high=high,
            lowest=lowest,
            highest=highest,
            count=self._count,
            saturations=self._saturations,
            at_ends=self._at_ends,
            wasted_top=bits(low, high) - need,
            wasted_bottom=(self._or & -self._or).bit_length() - 1 if self._or else 0,
            bins=tuple(self._bins.tolist()),
        )

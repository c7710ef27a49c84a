"""sigma as the hardware computes it: a table of knots and a straight line between them.

    sigma(code) = (knot[j] 2^t + (knot[j+1] - knot[j]) r + half) >> (t + GUARD)

where j is the upper part of the argument's code (counted from the lowest code) and r its t lower
bits. Knots are whole numbers with GUARD more fraction bits than the result. t is the largest for
which every code is within 1 LSB of the real sigma, the lowest is exactly 0 and the highest exactly
1; formats that allow no such t are refused. Differences of neighbouring knots are never negative,
so the result is monotonic.
"""

import math
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from fixedpoint.arithmetic import Codes, nearest, round_shift
from fixedpoint.formats import Format, FormatError
from golden.squash import SQUASHES, Squash

GUARD = 3
HALF = 1 << (GUARD - 1)
WIDEST_ARGUMENT = 24  # bits; the model keeps every value of the table
PART = 1 << 18  # codes that are looked at at once


def reach(frac: int) -> float:
    """|a| beyond which sigma(a), rounded to `frac` fraction bits, is exactly 0 or 1."""
    return (frac + 1) * math.log(2)


@dataclass(frozen=True)
class SigmaTable:
    """The knots and the rule of interpolation for one pair of formats.

    Attributes
    ----------
    argument : signed format of the code that goes in.
    value : unsigned format of the code that comes out; 1.0 is its code 2^frac.
    low_bits : t above, the number of the argument's bits that interpolate.
    knots : int64 (2^(width - t) + 1,), sigma at the knots with value.frac + GUARD fraction bits.

    Raises
    ------
    FormatError : the argument does not reach to where sigma is exactly 0 and 1, or is too wide.
    """

    argument: Format
    value: Format
    low_bits: int = field(init=False)
    knots: Codes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check_formats()
        low_bits, step = self.argument.width - 1, max(1, self._count >> 12) | 1
        while self._far(low_bits, self._codes(0, self._count, step)):  # enough to see most of it
            low_bits -= 1
        parts = range(0, self._count, PART)
        while self._ends(low_bits) != self._wanted or any(
            self._far(low_bits, self._codes(first, first + PART)) for first in parts
        ):
            low_bits -= 1
        object.__setattr__(self, "low_bits", low_bits)
        object.__setattr__(self, "knots", self._knots(low_bits))

    def _check_formats(self) -> None:
        if not self.argument.signed or self.argument.width > WIDEST_ARGUMENT:
            raise FormatError(
                f"pre-activation {self.argument}: must be signed, at most {WIDEST_ARGUMENT} bits"
            )
        if self.value.signed or self.value.width != self.value.frac + 1:
            raise FormatError(
                f"sigma {self.value}: must be unsigned with 1.0 as its highest bit, such as u16.15"
            )
        need, have = reach(self.value.frac), self.argument.high * self.argument.lsb
        if have < need:
            raise FormatError(
                f"pre-activation {self.argument}: reaches {have:.3f}, but sigma in {self.value} is "
                f"exactly 0 and 1 only beyond {need:.3f}; give it more integer bits"
            )
        # knots are rounded too, so that a hair beyond `need` may not be enough
        ends = round_shift(self._knot(np.array([self.argument.low, self.argument.high])), GUARD)
        if ends.tolist() != self._wanted:
            raise FormatError(
                f"pre-activation {self.argument}: sigma in {self.value} has the codes {ends[0]} "
                f"and {ends[1]} at its ends, not exactly 0 and 1; give it more integer bits"
            )

    @property
    def _wanted(self) -> list[int]:
        return [0, self.value.one]

    def _ends(self, low_bits: int) -> list[int]:
        """The results at the lowest and the highest code."""
        return self._interpolate(
            low_bits, np.array([self.argument.low, self.argument.high])
        ).tolist()

    def _knot(self, at: Codes) -> Codes:
        """sigma of argument codes, with GUARD more fraction bits than the result."""
        sigma = SQUASHES["sigma"](self.argument.decode(at))
        return nearest(sigma * 2.0 ** (self.value.frac + GUARD)).astype(np.int64)

    def _knots(self, low_bits: int) -> Codes:
        step = 1 << low_bits
        return self._knot(np.arange(self.argument.low, self.argument.high + 1 + step, step))

    @cached_property
    def values(self) -> Codes:
        """The result for every code from the lowest to the highest, int64 (2^width,)."""
        found = np.empty(self._count, np.int64)
        for first in range(0, self._count, PART):
            codes = self._codes(first, first + PART)
            found[first : first + PART] = self._interpolate(self.low_bits, codes)
        return found

    @property
    def _count(self) -> int:
        return 1 << self.argument.width

    def _codes(self, first: int, last: int, step: int = 1) -> Codes:
        """Some codes of the argument, counted from the lowest."""
        return np.arange(first, min(last, self._count), step) + self.argument.low

    def _interpolate(self, low_bits: int, codes: Codes) -> Codes:
        knots, offset = self._knots(low_bits), codes - self.argument.low
        upper, lower = offset >> low_bits, offset & ((1 << low_bits) - 1)
        line = (knots << low_bits)[upper] + np.diff(knots)[upper] * lower
        return round_shift(line, low_bits + GUARD)

    def _far(self, low_bits: int, codes: Codes) -> bool:
        """Whether any result is more than 1 LSB from the real value."""
        exact = SQUASHES["sigma"](self.argument.decode(codes)) * self.value.one
        return bool(np.abs(self._interpolate(low_bits, codes) - exact).max() > 1.0)

    @property
    def words(self) -> tuple[tuple[int, int], ...]:
        """What a memory holds of it: each knot but the last, with half of what is shifted away,
        which rounds the result and so costs no adder; and the rise to the next one."""
        knots = self.knots[:-1] + HALF
        return tuple(zip(knots.tolist(), np.diff(self.knots).tolist(), strict=True))

    @property
    def word_widths(self) -> tuple[int, int]:
        """Bits of the two parts of a word, unsigned; the last knot would find room too."""
        rises = np.diff(self.knots)
        return int(self.knots.max() + HALF).bit_length(), max(1, int(rises.max()).bit_length())

    def __call__(self, codes: Codes) -> Codes:
        """sigma of argument codes (int64, within the argument's format)."""
        return self.values[codes - self.argument.low]


@lru_cache(maxsize=64)
def sigma_table(argument: Format, value: Format) -> SigmaTable:
    """The table for these formats, built once."""
    return SigmaTable(argument, value)


@dataclass(frozen=True)
class QuantizedSquash:
    """One squashing function in integers: a net input, rounded to `net`, to a code of `target`.

    Attributes
    ----------
    squash : the real function, scale * sigma(slope a) + offset, or the (clipped) identity.
    table : the sigma table.
    target : the format of the result.
    clip : lowest and highest real net input, or None.
    net : the format that the argument is rounded and saturated to. Its codes address the table as
        they are: multiplying by the slope only moves the binary point. For the identity: `target`,
        signed.
    low, high : the codes of `net` that the argument is saturated to: its ends, or those of `clip`
        and of a clipped identity.
    """

    squash: Squash
    table: SigmaTable
    target: Format
    clip: tuple[float, float] | None = None
    net: Format = field(init=False)
    low: int = field(init=False)
    high: int = field(init=False)

    def __post_init__(self) -> None:
        argument = self.table.argument
        if not self.squash.linear:
            slope_bits = self.squash.slope.bit_length() - 1
            net = Format(argument.width, argument.frac + slope_bits)
        elif self.target.signed:
            net = self.target
        else:
            net = Format(self.target.width + 1, self.target.frac)
        limits = np.array(self.clip or (-np.inf, np.inf))
        if self.squash.linear:
            limits = np.clip(limits, self.squash.low, self.squash.high)
        codes = nearest(np.clip(limits * 2.0**net.frac, net.low, net.high))
        object.__setattr__(self, "net", net)
        object.__setattr__(self, "low", int(codes[0]))
        object.__setattr__(self, "high", int(codes[1]))

    @property
    def shift(self) -> int:
        """Fraction bits dropped between sigma's value and the result."""
        return self.table.value.frac - self.target.frac

    @property
    def gain_bits(self) -> int:
        """log2 of the scale."""
        return self.squash.scale.bit_length() - 1

    @property
    def constant(self) -> int:
        """The offset as a code with sigma's fraction bits."""
        return self.squash.offset * self.table.value.one

    def from_sigma(self, sigma: Codes) -> Codes:
        """scale * sigma + offset, rounded once to `target`."""
        return round_shift((sigma << self.gain_bits) + self.constant, self.shift)

    def __call__(self, codes: Codes) -> Codes:
        """Codes of `net` from `low` to `high` to codes of `target` (int64)."""
        return codes if self.squash.linear else self.from_sigma(self.table(codes))

    def lookup(self) -> Codes:
        """The result for every code from `low` to `high`."""
        return self(np.arange(self.low, self.high + 1))

    def check(self, where: str) -> None:
        """`FormatError` unless the target holds the function's ends and sigma is fine enough.

        Fine enough: sigma's value is at least as fine as the target, and the pre-activation so
        fine that its rounding costs the result less than 1 LSB.
        """
        for end in filter(math.isfinite, self.squash.ends):
            if not self.target.holds(end):
                raise FormatError(
                    f"{where} {self.target}: cannot hold {end:+.1f}, an end of {self.squash.name}"
                )
        if self.squash.linear:
            return
        if self.shift < self.gain_bits:
            need = self.target.frac + self.gain_bits
            raise FormatError(
                f"{where} {self.target}: sigma {self.table.value} is too coarse for it, "
                f"at least {need} fraction bits"
            )
        if self.table.argument.frac < self.target.frac + self.gain_bits - 2:
            need = self.target.frac + self.gain_bits - 2
            raise FormatError(
                f"{where} {self.target}: pre-activation {self.table.argument} is too coarse for it "
                f"(its rounding would cost more than 1 LSB), at least {need} fraction bits"
            )

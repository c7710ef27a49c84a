"""The two operations that every fixed-point result goes through: round once, saturate.

Codes are whole numbers held in int64, or in float64 where every intermediate stays below 2^53 and
float64 arithmetic on whole numbers is therefore exact (and runs at BLAS speed).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[Any]

EXACT_FLOAT = 1 << 53  # whole numbers up to here are exact in float64
EXACT_INT_BITS = 62  # sign aside, for whole numbers in int64, with a bit to spare


def nearest(values: Codes) -> Codes:
    """Real values (finite, float64) to the nearest whole number, ties towards plus infinity.

    Exact for every value; `floor(values + 0.5)` is not just below a tie and beyond 2^52.
    """
    whole = np.floor(values)
    return whole + (values - whole >= 0.5)


def half(shift: int) -> int:
    """What makes a shift to the right round to nearest, ties towards plus infinity."""
    return 1 << (shift - 1) if shift > 0 else 0


def round_shift(values: Codes, shift: int) -> Codes:
    """values / 2^shift to the nearest whole number, ties towards plus infinity (int64 or float64).

    The type stays; float64 holds whole numbers before and after.
    """
    if values.dtype == np.float64:
        return np.floor(values * 2.0**-shift + 0.5) if shift > 0 else values * 2.0**-shift
    if shift > 0:
        return (values + half(shift)) >> shift
    return values << -shift


def saturate(values: Codes, low: int, high: int) -> Codes:
    """Clip codes to [low, high]."""
    return np.minimum(np.maximum(values, low), high)


def outside(values: Codes, low: int, high: int) -> int:
    """How many values have their whole part outside [low, high]: how many `saturate` changes."""
    if values.size == 0 or (values.min() >= low and values.max() < high + 1):
        return 0
    return int(np.count_nonzero(values < low) + np.count_nonzero(values >= high + 1))


def room(largest: int, shift: int) -> int:
    """Bits, sign aside, that `Rounding` by `shift` needs to be exact for values up to `largest`."""
    if shift > 0:
        return (largest + (1 << (shift - 1))).bit_length()
    return (2 * (largest << -shift) + 1).bit_length()


class Rounding:
    """`round_shift` in place, and without a pass of its own for the multiplication by 2^-shift.

    Whoever makes the values multiplies one operand by `scale` beforehand. In float64 that is
    2^-shift (exact) and leaves floor(value + 1/2) to do; in int64 it is 1 (a power of two for
    shift < 0) and leaves (value + half) >> shift. Nothing is lost while `room` is at most 53 bits
    in float64, 62 in int64.

    Attributes
    ----------
    scale : the factor for one operand.
    half : what is added so that dropping the fraction rounds.
    unit : 1 of the result, in the scaled values.
    """

    def __init__(self, dtype: type, shift: int | Codes):
        self.whole = dtype is np.int64
        if self.whole:
            self.down = np.maximum(shift, 0)
            self.scale = np.left_shift(1, np.maximum(np.negative(shift), 0))
            self.unit = np.left_shift(1, self.down)
            self.half = self.unit >> 1
        else:
            self.scale = np.power(2.0, np.negative(shift))
            self.unit, self.half = np.array(1.0), np.array(0.5)

    def offset(self, low: int | Codes) -> Codes:
        """What to add to scaled values: their whole part is then the rounded code less `low`."""
        return self.half - self.unit * low

    def __call__(self, values: Codes) -> None:
        """Round scaled values."""
        np.add(values, self.half, out=values)
        if self.whole:
            np.right_shift(values, self.down, out=values)
        else:
            np.floor(values, out=values)

    def index(self, values: Codes) -> None:
        """Round scaled values with `offset` added; in float64 the fraction stays on.

        (Turning them into whole numbers drops it.)
        """
        if self.whole:
            np.right_shift(values, self.down, out=values)

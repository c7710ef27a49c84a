"""The two operations that every fixed-point result goes through: round once, saturate.

Codes are whole numbers held in int64, or in float64 where every intermediate stays below 2^53 and
float64 arithmetic on whole numbers is therefore exact (and runs at BLAS speed).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[Any]

EXACT_FLOAT = 1 << 53  # whole numbers up to here are exact in float64
EXACT_INT = 1 << 63


def round_shift(values: Codes, shift: int) -> Codes:
    """values / 2^shift to the nearest whole number, ties towards plus infinity; exact for shift <= 0.

    Keeps the type: float64 holds exact whole numbers before and after.
    """
    if values.dtype == np.float64:
        return np.floor(values * 2.0**-shift + 0.5) if shift > 0 else values * 2.0**-shift
    if shift > 0:
        return (values + (1 << (shift - 1))) >> shift
    return values << -shift


def saturate(values: Codes, low: int, high: int) -> Codes:
    """Clip codes to [low, high]."""
    return np.minimum(np.maximum(values, low), high)


def outside(values: Codes, low: int, high: int) -> int:
    """How many codes lie outside [low, high], that is, how many `saturate` changes."""
    return int(np.count_nonzero(values < low) + np.count_nonzero(values > high))

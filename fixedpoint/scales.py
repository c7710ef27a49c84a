"""The scales on which the products of a row meet: of each row, of the elements of x, of y.

A weight that multiplies a value of f fraction bits, in a row whose sum has F, has F - f. So a value
with more fraction bits leaves its weights fewer. No weight is ever clipped.
"""

import numpy as np

from fixedpoint.arithmetic import Codes
from golden.squash import Array

ZERO = 1 << 10  # fraction bits of a weight of 0, which makes no sum coarser


def most_fracs(weights: Array, bits: int) -> Codes:
    """The most fraction bits with which each weight fits into so many bits."""
    size = np.abs(weights)
    found = bits - 1 - np.frexp(size)[1]
    found -= np.ldexp(size, found) > (1 << bits - 1) - 1
    return np.where(size > 0, found, ZERO)


def row_fracs(weights: Array, fracs: Codes, bits: int) -> Codes:
    """(R,) the most fraction bits of each row's sum for which all weights (R, N) fit.

    The values that they multiply have `fracs` (N,).
    """
    return (most_fracs(weights, bits) + fracs).min(axis=1)


def fewer(weights: Array, fracs: Codes, sizes: Array, rows: Codes, bits: int) -> Array:
    """(bits, N) the error's power in all rows, where the values of a column have 0, 1, ... bits
    fewer; infinite where its weights would no longer fit.

    Parameters
    ----------
    weights : (R, N).
    fracs, sizes : (N,) fraction bits of the values, and how large these typically are, real.
    rows : (R,) fraction bits of the sums.
    """
    own = rows[:, None] - fracs  # of each weight
    spare = (most_fracs(weights, bits) - own).min(axis=0)
    found = np.full((bits, len(fracs)), np.inf)
    for k in range(bits):
        of_weights = np.where(weights != 0, np.ldexp(sizes, -own - k), 0.0) ** 2
        of_values = np.ldexp(np.abs(weights), k - fracs) ** 2
        found[k] = np.where(spare >= k, (of_weights + of_values).sum(axis=0), np.inf)
    return found

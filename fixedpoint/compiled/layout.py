"""A layer as the compiled steps take it, and what they work in."""

from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np

ROWS = 64  # rows of weights come in so many: those of a tile for one sequence
LANES = 32  # sequences side by side come in so many: those of a tile for many
VALUES = 16  # net inputs that are squashed at once
AHEAD = 16  # steps whose inputs are fetched at once
SPLIT = 256  # what the first half of a weight counts, where weights are halves
BYTES = 64  # of a vector

Sizes = namedtuple(
    "Sizes", "inputs blocks size cells outputs gates forgets coupled peepholes recurrent projected"
)
"""Unsigned: D; B, S, C, width of y; the number of kinds of gates. Whether there is f, f is 1 - i,
gates see their states, gates are sources, y is a projection."""


class Rows(NamedTuple):
    """Rows of sums: net = scale * sum of weight times source + ones.

    Attributes
    ----------
    weights : (blocks, terms, halves, ROWS): float64 or int64, a term for each source; or int32, of
        two int16, a term for two sources, and two halves: SPLIT times the first, and the second.
    scale, ones : by row, float64 or int64.
    """

    weights: np.ndarray
    scale: np.ndarray
    ones: np.ndarray


class Unit(NamedTuple):
    """A squash, of the whole part `at` of a net input, counted from the lowest and saturated:

        j, r = divmod(at + base, 2^bits)          mask = 2^bits - 1
        result = (((line[j] + rise[j] r) >> down << gain) + constant) >> shift

    Attributes
    ----------
    words : (knots, 2), line and rise; int32 beside float64, else int64, as are all results.
    top : the highest net input that is not saturated.
    drop : the fraction bits of the net input, if it is int64.
    codes : base, bits, mask, down, gain, constant, shift.
    """

    words: np.ndarray
    top: Any
    drop: Any
    codes: tuple[Any, ...]


class Shift(NamedTuple):
    """A `fixedpoint.arithmetic.Rounding`, and the ends of what is made of it."""

    scale: Any
    half: Any
    down: Any
    low: Any
    high: Any


class Packed(NamedTuple):
    """A layer; rows stand in the order of the kernels.

    Attributes
    ----------
    rows : of net inputs, counted from the lowest, a row for each cell.
    projection : of y, with the half of its rounding.
    peepholes : (kinds of gates, C), scaled as the net inputs are; or none.
    one : the code of 1.0 of a gate, a number.
    into_s : the roundings of i g and f s. to_m : of o h(s). to_y : of the projection's sums.
    to_h : from s to the net input of h, counted from the lowest, but for what drops bits.
    threshold : by how much y must be off the one that was used last to be used; int64.
    """

    rows: Rows
    projection: Rows
    peepholes: np.ndarray
    sizes: Sizes
    gate: Unit
    g: Unit
    h: Unit
    one: Any
    into_s: tuple[Shift, Shift]
    to_h: Shift
    to_m: Shift
    to_y: Shift
    threshold: Any


class Stage(NamedTuple):
    """A dense stage: its net inputs, counted from the lowest, and what they become."""

    rows: Rows
    unit: Unit


Record = namedtuple("Record", "gates g s m y")
"""The signals, (T, width, N); others than y may be left out, with no width."""

Work = namedtuple("Work", "u seen net s m y out gates")
"""What steps are run in, rows of lanes: of AHEAD steps the sources of net inputs, x, y[, gates];
those of a projection, m; both as numbers or as int16 two by two; net inputs; s, m, y; results;
those of gates, one for each block."""

StageWork = namedtuple("StageWork", "u net out")
"""The same of a dense stage."""


def aligned(values: np.ndarray) -> np.ndarray:
    """The same values where a vector of them is within one line of the cache."""
    spare = np.empty(values.nbytes + BYTES, np.uint8)
    start = -spare.ctypes.data % BYTES
    found = spare[start : start + values.nbytes].view(values.dtype).reshape(values.shape)
    found[...] = values
    return found

"""Rows of exact sums: what they add up, how wide that gets, and the biases in their scale."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fixedpoint.arithmetic import EXACT_FLOAT, EXACT_INT_BITS, Codes, nearest
from fixedpoint.formats import Format, FormatError, LayerFormats
from golden.shape import Shape


@dataclass(frozen=True)
class Sums:
    """What a row of exact sums needs: one scale for every product, a width that cannot overflow.

    Attributes
    ----------
    frac : fraction bits of the sum (weight fraction + source fraction, the same for every source).
    bound : the largest magnitude that weights, sources and bias of these formats can add up to.
    """

    frac: int
    bound: int

    @property
    def width(self) -> int:
        """Bits of a signed accumulator for it."""
        return self.bound.bit_length() + 1


def plan_sums(
    where: str,
    weights: Mapping[str, Format],
    sources: Mapping[str, tuple[Format, int]],
    biases: Codes,
) -> Sums:
    """The accumulator for rows of `weights` over `sources` (by name: format, number of columns).

    `biases` are the int64 codes of all rows.

    Raises
    ------
    FormatError : weights of different scales, or a sum beyond 63 bits.
    """
    fracs = {source: weights[source].frac + form.frac for source, (form, _) in sources.items()}
    if len(set(fracs.values())) != 1:
        raise FormatError(
            f"{where}: weight + source fraction bits {fracs} must be the same for every source"
        )
    bound = int(np.abs(biases).max(initial=0))
    for source, (form, count) in sources.items():
        bound += weights[source].magnitude * form.magnitude * count
    if bound.bit_length() > EXACT_INT_BITS:
        raise FormatError(
            f"{where}: a sum needs {bound.bit_length() + 1} bits, at most {EXACT_INT_BITS + 1} are "
            "allowed; use narrower formats"
        )
    return Sums(next(iter(fracs.values())), bound)


def row_sources(shape: Shape, formats: LayerFormats, x: Format) -> dict[str, tuple[Format, int]]:
    """What a row of a layer adds up: by source its format and the number of columns.

    A peephole sees the state of its own cell only, one column.
    """
    every = {"x": x, "y": formats.y, "gates": formats.gate}
    found = {name: (every[name], cut.stop - cut.start) for name, cut in shape.columns.items()}
    return {**found, "s": (formats.s, 1)} if shape.peepholes else found


def encode_biases(where: str, values: np.ndarray, frac: int) -> Codes:
    """Biases as int64 codes with `frac` fraction bits (nearest, ties up).

    Raises
    ------
    FormatError : a code that needs more than 53 bits, sign aside.
    """
    codes = nearest(values * 2.0**frac)
    if np.abs(codes).max() >= EXACT_FLOAT:
        largest = float(np.abs(values).max())
        raise FormatError(
            f"{where} bias {largest:g}: with the {frac} fraction bits of its sum it needs "
            f"{int(np.abs(codes).max()).bit_length() + 1} bits, at most 54 are allowed"
        )
    return codes.astype(np.int64)

"""Rows of exact sums: what they add up, how wide that gets, and the biases in their scale."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fixedpoint.arithmetic import EXACT_FLOAT, EXACT_INT_BITS, Codes, nearest
from fixedpoint.formats import MOST_COARSER, Format, FormatError, LayerFormats
from golden.shape import Shape


@dataclass(frozen=True)
class Sums:
    """What rows of exact sums need: one scale for every product, widths that cannot overflow.

    Attributes
    ----------
    frac : fraction bits of the sum (weight fraction + source fraction, the same for every source).
    products : the largest magnitude that a lane can add up, of weights and sources of these
        formats, each row on its own scale.
    bound : that of the whole sum on the common scale, with bias and peephole.
    """

    frac: int
    products: int
    bound: int

    @property
    def width(self) -> int:
        """Bits of a lane's accumulator, signed."""
        return self.products.bit_length() + 1

    @property
    def net_width(self) -> int:
        """Bits of the whole sum, signed."""
        return self.bound.bit_length() + 1


def plan_sums(
    where: str,
    weights: Mapping[str, Format],
    sources: Mapping[str, tuple[Format, int]],
    biases: Codes,
    coarsest: int = 0,
) -> Sums:
    """The sums of rows of `weights` over `sources` (by name: format, number of columns).

    `biases` are the int64 codes of all rows; the coarsest row is so many bits coarser.

    Raises
    ------
    FormatError : weights of different scales, or a sum beyond 63 bits.
    """
    fracs = {source: weights[source].frac + form.frac for source, (form, _) in sources.items()}
    if len(set(fracs.values())) != 1:
        raise FormatError(
            f"{where}: weight + source fraction bits {fracs} must be the same for every source"
        )
    most = {
        source: weights[source].magnitude * form.magnitude * count
        for source, (form, count) in sources.items()
    }
    seen = most.pop("s", 0)  # by a peephole, behind the lanes
    products = sum(most.values())
    bound = (products << coarsest) + seen + int(np.abs(biases).max(initial=0))
    if bound.bit_length() > EXACT_INT_BITS:
        raise FormatError(
            f"{where}: a sum needs {bound.bit_length() + 1} bits, at most {EXACT_INT_BITS + 1} are "
            "allowed; use narrower formats"
        )
    return Sums(next(iter(fracs.values())), products, bound)


def row_sources(shape: Shape, formats: LayerFormats, x: Format) -> dict[str, tuple[Format, int]]:
    """What a row of a layer adds up: by source its format and the number of columns.

    A peephole sees the state of its own cell only, one column.
    """
    every = {"x": x, "y": formats.y, "gates": formats.gate}
    sources = {name: (every[name], cut.stop - cut.start) for name, cut in shape.columns.items()}
    return {**sources, "s": (formats.s, 1)} if shape.peepholes else sources


def check_coarser(where: str, coarser: tuple[int, ...], rows: int) -> tuple[int, ...]:
    """`coarser`; `FormatError` unless it is empty or says how much coarser each row is."""
    if coarser and len(coarser) != rows:
        raise FormatError(f"{where} coarser: has {len(coarser)} numbers, must have {rows}")
    for bits in coarser:
        if not 0 <= bits <= MOST_COARSER:
            raise FormatError(f"{where} coarser {bits}: must be from 0 to {MOST_COARSER}")
    return coarser if any(coarser) else ()


def coarsest(shape: Shape, formats: LayerFormats) -> int:
    """By how many bits the coarsest row of a layer's gates and cell inputs is coarser."""
    return max((bits for kind in shape.kinds for bits in formats.coarser.get(kind, ())), default=0)


def encode_rows(values: np.ndarray, form: Format, coarser: tuple[int, ...]) -> tuple[Codes, int]:
    """Weights (R, N) to int64 codes on the common scale, and how many saturated.

    Each row's codes are those of `form` on the row's own scale.
    """
    by = np.array(coarser or 0).reshape(-1, 1)
    codes, lost = form.encode(np.ldexp(values, -by))
    return codes << by, lost


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

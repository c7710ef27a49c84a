"""Rows of a matrix in integers: the shape of dense stages, projections and the rows of a layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fixedpoint.arithmetic import (
    EXACT_FLOAT,
    EXACT_INT_BITS,
    Codes,
    Rounding,
    outside,
    room,
    saturate,
)
from fixedpoint.formats import DenseFormats, Format, FormatError
from fixedpoint.squash import QuantizedSquash, SigmaTable
from fixedpoint.sums import Sums, check_coarser, encode_biases, encode_rows, plan_sums
from golden.dense import Dense
from golden.squash import squash


@dataclass(frozen=True, eq=False)
class QuantizedDense:
    """Rows of sums, each rounded once and squashed: squash(sat(round(b + sum w u))).

    A dense stage is one; so is a projection, whose squash is the identity; the rows of one kind of
    a layer are another, whose sums may gain what a peephole sees.

    Attributes
    ----------
    weights : (R, N) codes, of every row on the common scale of the sums.
    biases : (R,) codes in the scale of the sums.
    formats : by source, those of its weights and of its values.
    sums : the accumulator.
    squash : what a rounded sum becomes.
    coarser : by how many bits each row's own scale is coarser; empty where none is.
    """

    weights: Codes
    biases: Codes
    formats: Mapping[str, tuple[Format, Format]]
    sums: Sums
    squash: QuantizedSquash
    coarser: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return "QuantizedDense({} rows of {})".format(*self.weights.shape)

    @cached_property
    def codes(self) -> Codes:
        """(R, N), the weights as a lane multiplies them: each row on its own scale."""
        return self.weights >> np.array(self.coarser or 0).reshape(-1, 1)

    @property
    def inputs(self) -> int:
        return self.weights.shape[1]

    @property
    def outputs(self) -> int:
        return len(self.weights)

    @property
    def target(self) -> Format:
        """The format of what it gives."""
        return self.squash.target

    @cached_property
    def shifts(self) -> Codes:
        """(R,), fraction bits dropped from each row's sum."""
        return np.full(len(self.weights), self.sums.frac - self.squash.net.frac)

    @property
    def room(self) -> int:
        """Bits, sign aside, that exact arithmetic needs on the way to the rounding, where a net
        input is counted from its lowest code."""
        shift = self.sums.frac - self.squash.net.frac
        return room(self.sums.bound + (abs(self.squash.low) << max(shift, 0)), shift)

    @property
    def dtype(self) -> type:
        """float64 where every number on the way is exact in it (BLAS speed), else int64."""
        return np.float64 if 1 << self.room <= EXACT_FLOAT else np.int64

    def check(self, where: str) -> None:
        """`FormatError` unless int64 is wide enough for the rounding."""
        if self.room > EXACT_INT_BITS:
            raise FormatError(
                f"{where}: a sum needs {self.room + 1} bits to be rounded to {self.target}, "
                f"at most {EXACT_INT_BITS + 1} are allowed"
            )

    def run(self, u: Codes) -> tuple[Codes, int]:
        """u (T, N, C) to int64 codes (T, N, R), and how many net inputs saturated."""
        dtype = self.dtype
        rounding = Rounding(dtype, self.shifts)
        weights = (self.weights * rounding.scale[:, None]).astype(dtype)
        net = u.astype(dtype) @ weights.T + (self.biases * rounding.scale).astype(dtype)
        rounding(net)
        low, high = self.squash.low, self.squash.high
        return self.squash(saturate(net, low, high).astype(np.int64)), outside(net, low, high)


def quantize_dense(
    where: str, dense: Dense, formats: DenseFormats, source: Format, table: SigmaTable
) -> tuple[QuantizedDense, int]:
    """A dense stage's codes for these formats, checked, and how many weights saturated.

    Parameters
    ----------
    where : the stage's name in errors.
    source : the format of what it sees.

    Raises
    ------
    FormatError : a signed value in an unsigned format; see also `QuantizedSquash.check`,
        `check_coarser`, `plan_sums` and `encode_biases`; products too wide for 63 bits.
    """
    unit = QuantizedSquash(squash(dense.squash), table, formats.out)
    for name, form in (
        ("weights", formats.weights),
        *([] if unit.squash.gate else [("out", formats.out)]),
    ):
        if not form.signed:
            raise FormatError(f"{where} {name} {form}: must be signed")
    unit.check(f"{where} out")
    rows = check_coarser(where, formats.coarser, dense.outputs)
    weights, lost = encode_rows(dense.weights, formats.weights, rows)
    biases = encode_biases(where, dense.biases, formats.weights.frac + source.frac)
    sources = {"x": (source, dense.inputs)}
    sums = plan_sums(where, {"x": formats.weights}, sources, biases, max(rows, default=0))
    built = QuantizedDense(weights, biases, {"x": (formats.weights, source)}, sums, unit, rows)
    built.check(where)
    return built, lost

"""A layer as the flat arrays that the compiled steps take."""

from functools import lru_cache

import numpy as np

from fixedpoint.arithmetic import Codes, Rounding, half
from fixedpoint.cell import QuantizedLayer
from fixedpoint.compiled.kernels import ROWS, Packed, Shift, Sizes, Squash
from fixedpoint.formats import Format
from fixedpoint.squash import QuantizedSquash


def pack(layer: QuantizedLayer) -> Packed:
    """The arrays of a layer; sums are float64 where the layer says that this is exact."""
    shape, forms = layer.shape, layer.formats
    weights, down, peepholes = _rows(layer)
    projection, y_down = _projection(layer)
    padded = _padded(weights, layer.dtype)
    to_h = _shift(layer.h_shift)
    sizes = Sizes(
        inputs=shape.inputs,
        sources=len(weights),
        rows=padded.shape[1],
        blocks=shape.blocks,
        size=shape.block_size,
        cells=shape.cells,
        outputs=shape.outputs,
        gates=len(shape.gates),
        forgets=shape.gates.index("f") if "f" in shape.gates else 0,
        coupled=shape.coupled,
        peepholes=shape.peepholes,
        recurrent=shape.gate_recurrence,
        projected=shape.projection is not None,
    )
    return Packed(
        weights=padded,
        down=np.append(down, np.full(shape.cells, to_h.down)),
        peepholes=peepholes.astype(layer.dtype),
        projection=_padded(projection, layer.dtype),
        y_down=y_down,
        sizes=Sizes(*map(np.uintp, sizes)),
        gate=_squash(layer.gate),
        g=_squash(layer.g),
        h=_squash(layer.h),
        one=forms.gate.one,
        into_s=(_shift(layer.input_shift), _shift(layer.keep_shift, forms.s)),
        to_h=to_h._replace(half=to_h.half - (layer.h.low << to_h.down)),
        to_m=_shift(layer.output_shift, forms.cell_output),
        to_y=_shift(0, forms.y),
    )


def _rows(layer: QuantizedLayer) -> tuple[Codes, Codes, Codes]:
    """Weights (sources, kinds * C), the shifts behind the sums and the peepholes.

    Cells of a block have each a row of the gates. Bias and origin of a net input are in the column
    of the one, behind that of x.
    """
    shape = layer.shape
    parts: tuple[list[Codes], ...] = ([], [], [])
    for kind in shape.kinds:
        rows = layer.rows(kind)
        rounding = Rounding(np.int64, rows.shifts)
        ones = rows.biases * rounding.scale + rounding.offset(rows.squash.low)
        found = np.insert(rows.weights * rounding.scale[:, None], shape.inputs, ones, axis=1)
        seen = layer.peepholes.get(kind, np.zeros(0, np.int64))
        cells = 1 if kind == "g" else shape.block_size
        for part, values in zip(parts, (found, rounding.down), strict=False):
            part.append(np.repeat(values, cells, axis=0))
        parts[2].append(seen * rounding.scale[: len(seen)])
    weights, down, peepholes = (np.concatenate(part) for part in parts)
    return weights.T, down, peepholes


def _projection(layer: QuantizedLayer) -> tuple[Codes, Codes]:
    """Weights (1 + C, P), the first row the rounding's half, and the shifts behind the sums."""
    rows = layer.projection
    if rows is None:
        return np.zeros((0, 0), np.int64), np.zeros(0, np.int64)
    rounding = Rounding(np.int64, rows.shifts)
    found = np.insert(rows.weights * rounding.scale[:, None], [0], rounding.half[:, None], axis=1)
    return found.T, rounding.down


def _padded(weights: Codes, dtype: type) -> Codes:
    """Rows up to a multiple of ROWS, those that are added zero."""
    return np.pad(weights, ((0, 0), (0, -weights.shape[1] % ROWS))).astype(dtype, order="C")


def _shift(shift: int, to: Format | None = None) -> Shift:
    low, high = (to.low, to.high) if to else (0, 0)
    return Shift(max(-shift, 0), half(shift), max(shift, 0), low, high)


def _squash(unit: QuantizedSquash) -> Squash:
    linear = np.uintp(unit.squash.linear)
    return Squash(unit.low, unit.high - unit.low, linear, _table(unit))


@lru_cache(maxsize=32)
def _table(unit: QuantizedSquash) -> Codes:
    """Codes of the target for every net input from `unit.low` to `unit.high`; none if linear."""
    # of 27 bits at most: an argument has 24, and is at most 2 bits coarser than the target
    return np.zeros(1, np.int32) if unit.squash.linear else unit.lookup().astype(np.int32)

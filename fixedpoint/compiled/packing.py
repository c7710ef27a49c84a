"""A layer as the flat arrays that the compiled steps take."""

from functools import lru_cache

import numpy as np

from fixedpoint.arithmetic import Codes, Rounding
from fixedpoint.cell import QuantizedLayer
from fixedpoint.compiled.kernels import ROWS, Packed, Shift, Sizes, Squash
from fixedpoint.formats import Format
from fixedpoint.squash import QuantizedSquash


def pack(layer: QuantizedLayer) -> Packed:
    """The arrays of a layer: of float64 where the layer says that this is exact."""
    shape, forms, dtype = layer.shape, layer.formats, layer.dtype
    weights, down, peepholes = _rows(layer)
    projection, y_down = _projection(layer)
    padded, every = _padded(weights), np.full(shape.cells, layer.h_shift)
    to_h = Rounding(dtype, layer.h_shift)
    units = layer.gate, layer.g, layer.h
    code = np.int32 if dtype is np.float64 and all(map(_short, units)) else np.int64
    tables = [_table(unit, code) for unit in units]
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
        down=np.append(down, _downs(Rounding(dtype, every), every)),
        peepholes=peepholes,
        projection=_padded(projection),
        y_down=y_down,
        sizes=Sizes(*map(np.uintp, sizes)),
        gate=_squash(layer.gate, dtype),
        g=_squash(layer.g, dtype),
        h=_squash(layer.h, dtype),
        gate_table=tables[0],
        g_table=tables[1],
        h_table=tables[2],
        one=dtype(forms.gate.one),
        into_s=(
            _shift(Rounding(dtype, layer.input_shift), forms.s),
            _shift(Rounding(dtype, layer.keep_shift), forms.s),
        ),
        to_h=_shift(to_h, forms.s)._replace(half=dtype(to_h.offset(layer.h.low))),
        to_m=_shift(Rounding(dtype, layer.output_shift), forms.cell_output),
        to_y=_shift(Rounding(dtype, 0), forms.y),
    )


def _rows(layer: QuantizedLayer) -> tuple[Codes, Codes, Codes]:
    """Weights (sources, kinds * C), the shifts behind the sums and the peepholes, scaled.

    Cells of a block have each a row of the gates. Bias and origin of a net input are in the column
    of the one, behind that of x.
    """
    shape = layer.shape
    parts: tuple[list[Codes], ...] = ([], [], [])
    for kind in shape.kinds:
        rows, cells = layer.rows(kind), 1 if kind == "g" else shape.block_size
        rounding = Rounding(layer.dtype, rows.shifts)
        ones = rows.biases * rounding.scale + rounding.offset(rows.squash.low)
        found = np.insert(rows.weights * rounding.scale[:, None], shape.inputs, ones, axis=1)
        seen = layer.peepholes.get(kind, np.zeros(0, np.int64))
        parts[0].append(np.repeat(found, cells, axis=0))
        parts[1].append(np.repeat(_downs(rounding, rows.shifts), cells))
        parts[2].append(seen * rounding.scale[: len(seen)])
    weights, down, peepholes = (np.concatenate(part) for part in parts)
    return weights.T, down, peepholes


def _projection(layer: QuantizedLayer) -> tuple[Codes, Codes]:
    """Weights (1 + C, P), the first row the rounding's half, and the shifts behind the sums."""
    rows = layer.projection
    if rows is None:
        return np.zeros((0, 0), layer.dtype), np.zeros(0, np.int64)
    rounding = Rounding(layer.dtype, rows.shifts)
    halves = np.broadcast_to(rounding.half, rows.shifts.shape)
    found = np.insert(rows.weights * rounding.scale[:, None], 0, halves, axis=1)
    return found.T, _downs(rounding, rows.shifts)


def _padded(weights: Codes) -> Codes:
    """Rows up to a multiple of ROWS, those that are added zero."""
    return np.ascontiguousarray(np.pad(weights, ((0, 0), (0, -weights.shape[1] % ROWS))))


def _downs(rounding: Rounding, shifts: Codes) -> Codes:
    """The shifts that are left to do behind the sums: in float64 none."""
    return rounding.down if rounding.whole else np.zeros_like(shifts)


def _shift(rounding: Rounding, to: Format) -> Shift:
    """A rounding and the ends of what it gives, all as numbers of the one type."""
    number = np.int64 if rounding.whole else np.float64
    down = int(rounding.down) if rounding.whole else 0
    numbers = (number(each) for each in (rounding.scale, rounding.half, to.low, to.high))
    scale, half, low, high = numbers
    return Shift(scale, half, down, low, high)


def _short(unit: QuantizedSquash) -> bool:
    """Whether int32 holds its net inputs, counted from the lowest as well, and results."""
    return max(unit.high - unit.low, abs(unit.low), abs(unit.high)) < 1 << 31


def _squash(unit: QuantizedSquash, number: type) -> Squash:
    top = unit.high - unit.low
    limit = np.nextafter(top + 1.0, 0.0) if number is np.float64 else number(top)
    return Squash(limit, unit.low, np.uintp(unit.squash.linear))


@lru_cache(maxsize=32)
def _table(unit: QuantizedSquash, code: type) -> Codes:
    """Codes of the target for every net input from `unit.low` to `unit.high`; none if linear."""
    # of 27 bits at most: an argument has 24, and is at most 2 bits coarser than the target
    return np.zeros(1, code) if unit.squash.linear else unit.lookup().astype(code)

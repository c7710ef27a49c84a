"""A layer, or a dense stage, as the flat arrays that the compiled steps take."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from fixedpoint.arithmetic import Codes, Rounding, half
from fixedpoint.cell import QuantizedLayer
from fixedpoint.compiled.layout import (
    ROWS,
    SPLIT,
    Packed,
    Rows,
    Shift,
    Sizes,
    Stage,
    Unit,
    aligned,
)
from fixedpoint.dense import QuantizedDense
from fixedpoint.formats import Format
from fixedpoint.squash import GUARD, HALF, QuantizedSquash

INT16, INT32 = 1 << 15, 1 << 31
SPLIT_BITS = SPLIT.bit_length() - 1


@lru_cache(maxsize=16)
def pack(layer: QuantizedLayer) -> Packed:
    """The arrays of a layer: float64 and int32 where they are exact, else int64."""
    shape, forms, units = layer.shape, layer.formats, (layer.gate, layer.g, layer.h)
    dtype, code = np.int64, np.int64
    if layer.dtype is np.float64 and all(map(_short, units)):
        dtype, code = np.float64, np.int32
    to_h = Rounding(dtype, layer.h_shift)
    shifts = *map(layer.net_shift, "ig"), layer.h_shift
    gate, g, h = (
        _unit(unit, code, Rounding(dtype, by)) for unit, by in zip(units, shifts, strict=True)
    )
    sizes = Sizes(
        inputs=shape.inputs,
        blocks=shape.blocks,
        size=shape.block_size,
        cells=shape.cells,
        outputs=shape.outputs,
        gates=len(shape.gates),
        forgets="f" in shape.gates,
        coupled=shape.coupled,
        peepholes=shape.peepholes,
        recurrent=shape.gate_recurrence,
        projected=shape.projection is not None,
    )
    kinds = [layer.rows(kind) for kind in (*shape.gates[:-1], "g", shape.gates[-1])]
    nets = [(rows, shape.cells // rows.outputs, rows.squash.low) for rows in kinds]
    last = [] if layer.projection is None else [(layer.projection, 1, 0)]
    seen = [layer.peepholes[kind] for kind in shape.gates] if shape.peepholes else np.zeros((0, 0))
    return Packed(
        rows=_rows(nets, dtype),
        projection=_rows(last, dtype),
        peepholes=(np.array(seen) * Rounding(dtype, layer.net_shift("i")).scale).astype(dtype),
        sizes=Sizes(*map(np.uintp, sizes)),
        gate=gate,
        g=g,
        h=h,
        one=dtype(forms.gate.one),
        into_s=(
            _shift(Rounding(dtype, layer.input_shift), forms.s),
            _shift(Rounding(dtype, layer.keep_shift), forms.s),
        ),
        to_h=_shift(to_h, forms.s)._replace(half=dtype(to_h.offset(layer.h.low))),
        to_m=_shift(Rounding(dtype, layer.output_shift), forms.cell_output),
        to_y=_shift(Rounding(dtype, int(last[0][0].shifts[0]) if last else 0), forms.y),
        threshold=np.int64(layer.threshold),
    )


@lru_cache(maxsize=16)
def pack_dense(dense: QuantizedDense) -> Stage:
    """The same for a dense stage."""
    dtype, code = np.int64, np.int64
    if dense.dtype is np.float64 and _short(dense.squash):
        dtype, code = np.float64, np.int32
    rounding = Rounding(dtype, int(dense.shifts[0]))
    rows = _rows([(dense, 1, dense.squash.low)], dtype)
    return Stage(rows, _unit(dense.squash, code, rounding))


def _rows(parts: Sequence[tuple[QuantizedDense, int, int]], dtype: type) -> Rows:
    """Rows of sums; of each part how often a row comes, since cells of a block share their gates,
    and what its sums count from."""
    codes, by_row = list[Codes](), list[Codes]()
    for rows, times, low in parts:
        rounding = Rounding(dtype, int(rows.shifts[0]))
        coarser = np.array(rows.coarser or [0] * rows.outputs)
        scale = rounding.scale * (1 << coarser)
        ones = rows.biases * rounding.scale + rounding.offset(low)
        by_row.append(np.repeat([scale, ones], times, axis=1))
        codes.append(np.repeat(rows.codes, times, axis=0))
    every = np.concatenate(codes or [np.zeros((1, 1), np.int64)])
    sources = [form for rows, _, _ in parts for _, form in rows.formats.values()]
    paired = dtype is np.float64 and all(map(_word, sources)) and _exact(_halves(every))
    weights = _paired(every) if paired else _padded(every).astype(dtype)[None]
    halves, _, terms = weights.shape
    blocks = weights.reshape(halves, -1, ROWS, terms).transpose(1, 3, 0, 2)
    scale, ones = _padded(np.concatenate(by_row or [np.zeros((2, 1))], axis=1).T.astype(dtype)).T
    return Rows(*map(aligned, (blocks, scale, ones)))


def _padded(rows: Codes) -> Codes:
    """Rows up to a multiple of ROWS, those that are added zero."""
    return np.pad(rows, ((0, -len(rows) % ROWS), (0, 0)))


def _word(form: Format) -> bool:
    """Whether int16 holds the codes."""
    return form.low >= -INT16 and form.high < INT16


def _halves(codes: Codes) -> Codes:
    """Two numbers for each: SPLIT times the first, and the second."""
    first = codes + SPLIT // 2 >> SPLIT_BITS
    return np.array([first, codes - SPLIT * first])


def _exact(halves: Codes) -> bool:
    """Whether int32 holds every sum of their products with int16."""
    return int(np.abs(halves).sum(axis=2).max(initial=0)) * INT16 < INT32


def _paired(codes: Codes) -> Codes:
    """(2, rows, terms) int32, each two neighbouring numbers of int16."""
    halves = _halves(_padded(np.pad(codes, ((0, 0), (0, codes.shape[1] % 2)))))
    return np.ascontiguousarray(halves, "<i2").view("<i4")


def _shift(rounding: Rounding, to: Format) -> Shift:
    """A rounding and the ends of what it gives, all as numbers of the one type."""
    number = np.int64 if rounding.whole else np.float64
    numbers = (number(each) for each in (rounding.scale, rounding.half, to.low, to.high))
    scale, half, low, high = numbers
    return Shift(scale, half, _down(rounding), low, high)


def _down(rounding: Rounding) -> int:
    """The shift that is left to do behind a sum: in float64 none."""
    return int(rounding.down) if rounding.whole else 0


def _short(unit: QuantizedSquash) -> bool:
    """Whether int32 holds all numbers of a `Unit`."""
    words, codes = _line(unit)
    most = int(np.abs(words[:, 0] + words[:, 1] * (unit.high - unit.low & codes[2])).max())
    sigma = (most >> codes[3] << codes[4]) + abs(codes[5])
    return max(most, sigma, unit.high - unit.low + codes[0]) < INT32


@lru_cache(maxsize=32)
def _line(unit: QuantizedSquash) -> tuple[Codes, tuple[int, ...]]:
    """`Unit.words` and `Unit.codes`."""
    table, bits = unit.table, unit.table.low_bits
    if unit.squash.linear:
        return np.array([[unit.low, 1]]), (0, 63, -1, 0, 0, 0, 0)
    words = np.array([table.knots[:-1] + HALF << bits, np.diff(table.knots)]).T
    base, mask = unit.low - table.argument.low, (1 << bits) - 1
    constant = unit.constant + half(unit.shift)
    return words, (base, bits, mask, bits + GUARD, unit.gain_bits, constant, unit.shift)


def _unit(unit: QuantizedSquash, code: type, rounding: Rounding) -> Unit:
    words, codes = _line(unit)
    top, drop = unit.high - unit.low, np.int64(_down(rounding))
    limit = np.int64(top) if rounding.whole else np.nextafter(top + 1.0, 0.0)
    base, bits, *others = codes
    codes = base, min(bits, np.iinfo(code).bits - 1), *others
    return Unit(aligned(words.astype(code)), limit, drop, tuple(map(code, codes)))

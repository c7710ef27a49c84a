"""Weights' formats: the scale of every row, and how many fraction bits x and y leave to weights.

A weight that multiplies a value of f fraction bits, in a row whose sum has F, has F - f. So values
with more fraction bits leave their weights fewer, and one large weight its row's others. No weight
is clipped.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.calibration import Seen
from fixedpoint.formats import MOST_COARSER, DenseFormats, Format, LayerFormats
from fixedpoint.formats import WIDEST as WIDEST_CODE
from fixedpoint.given import read_fracs
from fixedpoint.widths import Widths
from golden.cell import Layer
from golden.dense import Dense
from golden.network import Network
from golden.squash import Array

BIAS_BITS = 52  # sign aside
GAIN = 1 / 16  # of the power of a net input's error on its way to y, about
ZERO = 1 << 10  # fraction bits of a weight of 0, which makes no row coarser


def align_layer(layer: Layer, forms: LayerFormats, x: Codes, widths: Widths) -> LayerFormats:
    """A layer's formats with those of its weights; x (D,) are the fraction bits of its input.

    Peepholes take as many bits as the scale of their sum needs: there is one multiplier for them,
    not one a lane, and states may be much coarser than other sources. They see the common scale of
    all rows, so that these do not differ.
    """
    bits = widths.weights
    rows = _rows(layer, forms, x, widths)
    top, coarser = int(rows.max()), {}
    for kind, cut in _kinds(layer).items():
        if np.any(by := top - rows[cut]):
            coarser[kind] = tuple(by.tolist())
    fracs = {"x": int(x.min()), "y": forms.y.frac, "gates": forms.gate.frac}
    weights = {source: Format(bits, top - fracs[source]) for source in layer.shape.columns}
    if layer.peepholes:
        seen = Format(bits, top - forms.s.frac)
        while not seen.holds(_largest_peephole(layer)):
            seen = replace(seen, width=seen.width + 1)
        weights["s"] = seen
    if layer.projection is not None:
        none, m = np.zeros(1), np.full(layer.projection.shape[1], forms.cell_output.frac)
        weights["m"], by = _alone(layer.projection, none, m, widths)
        coarser |= {"y": by} if by else {}
    return replace(forms, weights=weights, coarser=coarser)


def align_dense(stage: Dense, out: Format, widths: Widths, x: Codes) -> DenseFormats:
    """A dense stage's formats; x (D,) are the fraction bits of what it sees."""
    weights, by = _alone(stage.weights, stage.biases, x, widths)
    return DenseFormats(weights, out, by)


def share(
    net: Network,
    layers: Sequence[LayerFormats],
    inputs: Codes,
    outs: Sequence[Format],
    widths: Widths,
    seen: Seen,
) -> tuple[list[LayerFormats], Codes]:
    """Fewer fraction bits for elements of x and for y, where that makes the sums' error less.

    No row becomes coarser for it: they get what bits their weights have to spare. An input that
    others than the first layers read keeps its bits. `outs` are what dense stages give.
    """
    shared = list(layers)
    for place, stage in enumerate(net.stages):
        first = not place and not net.reads
        x = read_fracs(net, stage[0], inputs, [*(forms.y for forms in shared), *outs])
        x_lost, y_lost = 0.0, 0.0
        for k in stage:
            layer, forms, columns = net.layers[k], shared[k], net.layers[k].shape.columns
            rows, matrix = _rows(layer, forms, x, widths), _matrix(layer)
            y = np.full(layer.shape.outputs, forms.y.frac)
            typical = np.full(len(y), seen.layers[k]["y"] / 2)
            of_rows = _lost(matrix[:, columns["y"]], y, typical, rows, widths.weights).sum(axis=1)
            rounded = np.ldexp(float(len(y)), 2 * (np.arange(widths.weights) - forms.y.frac))
            y_lost += GAIN * of_rows + rounded
            if first:
                sizes = np.array(seen.sizes)
                x_lost += _lost(matrix[:, columns["x"]], x, sizes, rows, widths.weights)
        if first:
            inputs = x - np.argmin(x_lost, axis=0)
        for k in stage:
            y = shared[k].y
            shared[k] = replace(shared[k], y=replace(y, frac=y.frac - int(np.argmin(y_lost))))
    return shared, inputs


def _lost(weights: Array, fracs: Codes, sizes: Array, rows: Codes, bits: int) -> Array:
    """(bits, N) the error's power in all rows where the values of a column have 0, 1, ... bits
    fewer than `fracs`; infinite where its weights would no longer fit."""
    own = rows[:, None] - fracs  # of each weight
    spare = (_most(weights, bits) - own).min(axis=0)
    shares = []
    for k in range(bits):
        with np.errstate(over="ignore"):  # infinite is too much, too
            of_weights = np.where(weights != 0, np.ldexp(sizes, -own - k), 0.0) ** 2
            of_values = np.ldexp(np.abs(weights), k - fracs) ** 2
        shares.append(np.where(spare >= k, (of_weights + of_values).sum(axis=0), np.inf))
    return np.array(shares)


def _rows(layer: Layer, forms: LayerFormats, x: Codes, widths: Widths) -> Codes:
    """Fraction bits of the sums of a layer's rows, kind by kind."""
    shape = layer.shape
    sources = {
        "x": x,
        "y": np.full(shape.outputs, forms.y.frac),
        "gates": np.full(shape.state["gates"], forms.gate.frac),
    }
    fracs = np.concatenate([sources[name] for name in shape.columns])
    limit = _bias_limit(np.concatenate(list(layer.biases.values())))
    if layer.peepholes:
        seen = Format.fitting(WIDEST_CODE, _largest_peephole(layer)).frac + forms.s.frac
        limit = min(limit, seen)
    own = widths.scaled and not layer.peepholes
    return _fitting(_matrix(layer), fracs, widths.weights, limit, own)


def _alone(
    weights: Array, biases: Array, x: Codes, widths: Widths
) -> tuple[Format, tuple[int, ...]]:
    """The format of weights whose values have x (D,) fraction bits, and by how much each row is
    coarser."""
    rows = _fitting(weights, x, widths.weights, _bias_limit(biases), widths.scaled)
    by, frac = rows.max() - rows, int(rows.max() - x.min())
    return Format(widths.weights, frac), tuple(by.tolist()) if by.any() else ()


def _fitting(weights: Array, fracs: Codes, bits: int, limit: int, own: bool) -> Codes:
    """(R,) the most fraction bits of each row's sum for which its weights fit into so many bits.

    At most `limit`, and not too far from one another; the same for all unless each has its `own`.
    Rows of weights of 0 alone are as fine as the finest.
    """
    rows = (_most(weights, bits) + fracs).min(axis=1)
    weighty = rows[rows < ZERO // 2]
    if not len(weighty):
        weighty = np.array([bits - 2 + fracs.min()])  # as for a weight of 1
    top = min(limit, 2 * WIDEST_CODE + int(fracs.min()), int(weighty.max()))
    top = min(top, int(weighty.min()) + MOST_COARSER * own)
    return np.minimum(rows, top)


def _most(weights: Array, bits: int) -> Codes:
    """The most fraction bits with which each weight fits into so many bits."""
    size = np.abs(weights)
    fractions = bits - 1 - np.frexp(size)[1]
    fractions -= np.ldexp(size, fractions) > (1 << bits - 1) - 1
    return np.where(size > 0, np.minimum(fractions, 2 * WIDEST_CODE), ZERO)


def _bias_limit(biases: Array) -> int:
    """Fraction bits with which the largest bias has a code that `encode_biases` takes."""
    return BIAS_BITS - math.frexp(float(np.abs(biases).max()))[1]


def _largest_peephole(layer: Layer) -> float:
    return max(float(np.abs(values).max()) for values in layer.peepholes.values())


def _matrix(layer: Layer) -> Array:
    """All rows of a layer's gates and cell inputs."""
    return np.concatenate([layer.weights[kind] for kind in layer.shape.kinds])


def _kinds(layer: Layer) -> dict[str, slice]:
    """Where the rows of each kind are in `_matrix`."""
    rows, row = {}, 0
    for kind in layer.shape.kinds:
        rows[kind] = slice(row, row := row + layer.shape.rows(kind))
    return rows

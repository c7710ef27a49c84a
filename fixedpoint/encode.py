"""From a float layer and its formats to the integer layer; every combination that cannot work."""

from collections.abc import Mapping

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.cell import QuantizedLayer
from fixedpoint.dense import QuantizedDense
from fixedpoint.formats import Format, FormatError, LayerFormats
from fixedpoint.squash import QuantizedSquash, SigmaTable
from fixedpoint.sums import (
    check_coarser,
    coarsest,
    encode_biases,
    encode_rows,
    plan_sums,
    row_sources,
)
from golden.cell import Layer, LayerState
from golden.shape import Shape
from golden.squash import squash


def quantize_layer(
    where: str, layer: Layer, formats: LayerFormats, x: Format, table: SigmaTable
) -> tuple[QuantizedLayer, int]:
    """A layer's codes for these formats, checked, and how many weights saturated.

    Parameters
    ----------
    where : the layer's name in errors.
    x : the format of the layer's input.

    Raises
    ------
    FormatError : gates that cannot hold 1.0; a signed value in an unsigned format; an initial state
        outside its format; see also `QuantizedSquash.check`, `check_coarser`, `plan_sums` and
        `encode_biases`; products too wide for 63 bits.
    """
    shape = layer.shape
    _check_formats(where, shape, formats)
    units = _units(where, layer, formats, table)
    frac = formats.weights["x"].frac + x.frac
    biases = {
        kind: encode_biases(f"{where} {kind}", layer.biases[kind], frac) for kind in shape.kinds
    }
    every_bias = np.concatenate(list(biases.values()))
    sources = row_sources(shape, formats, x)
    codes = _Weights(formats)
    projection = None
    if layer.projection is not None:
        projection = _projection(where, codes.rows("y", {"m": layer.projection}), formats, table)
    built = QuantizedLayer(
        shape=shape,
        weights={
            kind: codes.rows(
                kind, {n: layer.weights[kind][:, cut] for n, cut in shape.columns.items()}
            )
            for kind in shape.kinds
        },
        biases=biases,
        formats=formats,
        input=x,
        sums=plan_sums(where, formats.weights, sources, every_bias, coarsest(shape, formats)),
        gate=units["gate"],
        g=units["g"],
        h=units["h"],
        peepholes={kind: codes.alone("s", values) for kind, values in layer.peepholes.items()},
        initial=_encode_initial(where, layer, formats),
        projection=projection,
    )
    built.check(where)
    return built, codes.saturated


class _Weights:
    """Encodes weights by the source that they multiply, and counts those that saturated."""

    def __init__(self, formats: LayerFormats):
        self.formats, self.saturated = formats, 0

    def alone(self, source: str, values: np.ndarray) -> Codes:
        """Weights of any shape on the common scale."""
        codes, lost = self.formats.weights[source].encode(values)
        self.saturated += lost
        return codes

    def rows(self, kind: str, parts: Mapping[str, np.ndarray]) -> Codes:
        """Rows of a kind, their weights by source."""
        coarser, found = self.formats.coarser.get(kind, ()), []
        for source, values in parts.items():
            codes, lost = encode_rows(values, self.formats.weights[source], coarser)
            self.saturated += lost
            found.append(codes)
        return np.hstack(found)


def _units(
    where: str, layer: Layer, formats: LayerFormats, table: SigmaTable
) -> dict[str, QuantizedSquash]:
    """The squashing functions of gates, g and h, checked."""
    units = {
        "gate": QuantizedSquash(squash(layer.gate), table, formats.gate, layer.clip.get("gate")),
        "g": QuantizedSquash(squash(layer.g), table, formats.g, layer.clip.get("g")),
        "h": QuantizedSquash(squash(layer.h), table, formats.h),
    }
    for name, unit in units.items():
        unit.check(f"{where} {name}")
    return units


def _projection(
    where: str, weights: Codes, formats: LayerFormats, table: SigmaTable
) -> QuantizedDense:
    """The rows that make y of m."""
    none = np.zeros(len(weights), np.int64)
    sources = {"m": (formats.cell_output, weights.shape[1])}
    rows = formats.coarser.get("y", ())
    sums = plan_sums(f"{where} projection", formats.weights, sources, none, max(rows, default=0))
    unit = QuantizedSquash(squash("identity"), table, formats.y)
    pair = formats.weights["m"], formats.cell_output
    return QuantizedDense(weights, none, {"m": pair}, sums, unit, rows)


def _encode_initial(where: str, layer: Layer, formats: LayerFormats) -> LayerState:
    """The codes of the state that a sequence starts from; one that does not fit is refused."""
    state = layer.initial_state(1)
    codes: dict[str, Codes] = {"gates": np.zeros(layer.shape.state["gates"], np.int64)}
    for name, form in (("s", formats.s), ("y", formats.y)):
        values = getattr(state, name)[0]
        codes[name], lost = form.encode(values)
        if lost:
            value = next(value for value in values if form.encode(value)[1])
            raise FormatError(
                f"{where} initial {name}: {value:g} is outside "
                f"{form.low * form.lsb:g}..{form.high * form.lsb:g} of format {form}"
            )
    return LayerState(**codes)


def _check_formats(where: str, shape: Shape, formats: LayerFormats) -> None:
    """A format for each of what the layer has and no other, signed but for the gates'."""
    gate = formats.gate
    if gate.signed or gate.width != gate.frac + 1:
        raise FormatError(f"{where} gate {gate}: must be unsigned with 1.0 as its highest bit")
    projected = shape.projection is not None
    needed = [*shape.columns, *(["s"] if shape.peepholes else []), *(["m"] if projected else [])]
    if set(formats.weights) != set(needed):
        have, need = (", ".join(names) or "none" for names in (formats.weights, needed))
        raise FormatError(f"{where} weights: formats for {have}; needed are {need}")
    if (formats.m is not None) != projected:
        have, need = ("a" if given else "no" for given in (formats.m is not None, projected))
        raise FormatError(f"{where}: {have} format for m, and {need} projection")
    for kind, bits in formats.coarser.items():
        kinds = [*shape.kinds, *(["y"] if projected else [])]
        if kind not in kinds:
            raise FormatError(f"{where} coarser {kind}: there are rows of {', '.join(kinds)}")
        check_coarser(f"{where} {kind}", bits, shape.outputs if kind == "y" else shape.rows(kind))
    weights = {f"weights of {source}": form for source, form in formats.weights.items()}
    signals = {"g": formats.g, "h": formats.h, "s": formats.s, "y": formats.y}
    if formats.m:
        signals["m"] = formats.m
    for name, form in {**weights, **signals}.items():
        if not form.signed:
            raise FormatError(f"{where} {name} {form}: must be signed")

"""One layer of memory cells in integers. The gateware equals it, code for code.

Every line of the cell, with its roundings (nearest, ties towards plus infinity):

    net   = sat(round(b + sum_u w u))      exact sum, one rounding, to the format of the squash's `net`
    i f o = sigma(net), g = g(net)         by the one sigma table
    s(t)  = sat(round(f s(t-1)) + round(i g))     without a forget gate: sat(s(t-1) + round(i g))
    y(t)  = sat(round(o h(sat(round(s(t))))))

With i = 0 and f = 1.0 (or no forget gate), round(f s) = s and round(i g) = 0: the state holds exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fixedpoint.arithmetic import EXACT_FLOAT, EXACT_INT, Codes, outside, round_shift, saturate
from fixedpoint.formats import Format, FormatError, LayerFormats
from fixedpoint.squash import QuantizedSquash, SigmaTable
from golden.cell import Layer, LayerState, Shape
from golden.squash import squash


@dataclass(frozen=True)
class Sums:
    """What a row of exact sums needs: one scale for every product, and a width that no codes overflow.

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

    @property
    def dtype(self) -> type:
        """float64 where every sum is exact in it (BLAS speed), else int64."""
        return np.float64 if self.bound < EXACT_FLOAT else np.int64


def plan_sums(where: str, weights: Mapping[str, Format], sources: Mapping[str, tuple[Format, int]], biases: Codes) -> Sums:
    """The accumulator for rows of `weights` over `sources` (format and number of columns by source).

    Raises
    ------
    FormatError : weights of different scales, or a sum beyond 63 bits.
    """
    fracs = {source: weights[source].frac + form.frac for source, (form, _) in sources.items()}
    if len(set(fracs.values())) != 1:
        raise FormatError(f"{where}: weight + source fraction bits {fracs} must be the same for every source")
    bound = int(np.abs(biases).max(initial=0))
    bound += sum(weights[source].magnitude * form.magnitude * count for source, (form, count) in sources.items())
    if bound >= EXACT_INT // 2:
        raise FormatError(f"{where}: a sum needs {bound.bit_length() + 1} bits, at most 63 are allowed; use narrower formats")
    return Sums(next(iter(fracs.values())), bound)


@dataclass(frozen=True)
class QuantizedLayer:
    """A layer with integer weights.

    Attributes
    ----------
    shape : sizes, as in the float layer.
    weights, biases : int64 codes by kind; a bias is in the scale of the sums.
    formats, input : the layer's formats, and the format of its x.
    sums : the accumulator.
    gate, g, h : the squashing functions of gates, cell input and cell output.
    """

    shape: Shape
    weights: Mapping[str, Codes]
    biases: Mapping[str, Codes]
    formats: LayerFormats
    input: Format
    sums: Sums
    gate: QuantizedSquash
    g: QuantizedSquash
    h: QuantizedSquash

    def squash(self, kind: str) -> QuantizedSquash:
        """The squashing function of a row kind: i, f, o or g."""
        return self.g if kind == "g" else self.gate

    @property
    def source_formats(self) -> dict[str, Format]:
        every = {"x": self.input, "y": self.formats.y, "gates": self.formats.gate}
        return {source: every[source] for source in self.shape.columns}

    @property
    def input_shift(self) -> int:
        """Fraction bits dropped from i * g."""
        return self.formats.gate.frac + self.formats.g.frac - self.formats.s.frac

    @property
    def keep_shift(self) -> int:
        """Fraction bits dropped from f * s."""
        return self.formats.gate.frac

    @property
    def h_shift(self) -> int:
        """Fraction bits dropped from s on its way into h."""
        return self.formats.s.frac - self.h.net.frac

    @property
    def output_shift(self) -> int:
        """Fraction bits dropped from o * h(s)."""
        return self.formats.gate.frac + self.formats.h.frac - self.formats.y.frac

    def net_shift(self, kind: str) -> int:
        """Fraction bits dropped from a sum."""
        return self.sums.frac - self.squash(kind).net.frac

    def zero_state(self, batch: int) -> LayerState:
        cells, gates = self.shape.cells, len(self.shape.gates) * self.shape.blocks
        return LayerState(*(np.zeros((batch, width), np.int64) for width in (cells, cells, gates)))

    def run(self, x: Codes, state: LayerState, saturated: dict[str, int]) -> tuple[dict[str, Codes], LayerState]:
        """Run T steps of a batch over codes x (T, N, D); see `golden.cell.Layer.run`.

        `saturated` gains the number of saturations: `i`, `f`, `o`, `g`, `h` of the net inputs, `s`, `y`.
        """
        shape, dtype, (steps, batch, _) = self.shape, self.sums.dtype, x.shape
        blocked, gate_rows = (batch, shape.blocks, shape.block_size), len(shape.gates) * shape.blocks
        weights = np.concatenate([self.weights[kind] for kind in shape.kinds]).astype(dtype)
        part = {source: np.ascontiguousarray(weights[:, cut].T) for source, cut in shape.columns.items()}
        net_x = x.astype(dtype) @ part["x"] + np.concatenate([self.biases[kind] for kind in shape.kinds]).astype(dtype)
        gate, g, h = (_Lookup(unit, dtype) for unit in (self.gate, self.g, self.h))
        s_low, s_high, y_form = self.formats.s.low, self.formats.s.high, self.formats.y
        shifts = self.net_shift("i"), self.net_shift("g")

        nets = np.empty((steps, batch, gate_rows + shape.cells), dtype)
        wide = {name: np.empty((steps, *blocked), dtype) for name in ("h", "s", "y")}
        trace = {name: np.empty((steps, batch, width), dtype) for name, width in shape.signals.items()}
        gates_trace = np.empty((steps, batch, gate_rows), dtype)
        s = state.s.reshape(blocked).astype(dtype)
        y, gates = state.y.astype(dtype), state.gates.astype(dtype)
        for t in range(steps):
            net = np.matmul(y, part["y"], out=nets[t])
            net += net_x[t]
            if shape.gate_recurrence:
                net += gates @ part["gates"]
            net[:, :gate_rows] = round_shift(net[:, :gate_rows], shifts[0])
            net[:, gate_rows:] = round_shift(net[:, gate_rows:], shifts[1])
            gates = gates_trace[t] = gate(net[:, :gate_rows])
            of = gates.reshape(batch, len(shape.gates), shape.blocks, 1)
            cell_input = g(net[:, gate_rows:]).reshape(blocked)
            if len(shape.gates) == 3:
                s = round_shift(of[:, 1] * s, self.keep_shift)
            wide["s"][t] = s + round_shift(of[:, 0] * cell_input, self.input_shift)
            s = saturate(wide["s"][t], s_low, s_high)
            wide["h"][t] = round_shift(s, self.h_shift)
            wide["y"][t] = round_shift(of[:, -1] * h(wide["h"][t]), self.output_shift)
            y = saturate(wide["y"][t], y_form.low, y_form.high).reshape(batch, -1)
            trace["g"][t], trace["s"][t], trace["y"][t] = cell_input.reshape(batch, -1), s.reshape(batch, -1), y
        for k, kind in enumerate(shape.gates):
            trace[kind] = gates_trace[:, :, k * shape.blocks : (k + 1) * shape.blocks]
            saturated[kind] = outside(nets[:, :, k * shape.blocks : (k + 1) * shape.blocks], gate.low, gate.high)
        saturated["g"] = outside(nets[:, :, gate_rows:], g.low, g.high)
        saturated["h"] = outside(wide["h"], h.low, h.high)
        saturated["s"] = outside(wide["s"], s_low, s_high)
        saturated["y"] = outside(wide["y"], y_form.low, y_form.high)
        signals = {name: values.astype(np.int64) for name, values in trace.items()}
        end = LayerState(*(np.array(v.reshape(batch, -1), np.int64) for v in (s, y, gates)))
        return signals, end


class _Lookup:
    """A squash as one table look-up: rounded net input in, saturated, codes of the target out."""

    def __init__(self, unit: QuantizedSquash, dtype: type):
        self.low, self.high, self.linear = unit.net.low, unit.net.high, unit.squash.linear
        self.table = np.zeros(1) if self.linear else unit.lookup().astype(dtype)

    def __call__(self, net: Codes) -> Codes:
        if self.linear:
            return saturate(net, self.low, self.high)
        return self.table.take((net - self.low).astype(np.intp), mode="clip")


def quantize_layer(where: str, layer: Layer, formats: LayerFormats, x: Format, table: SigmaTable) -> tuple[QuantizedLayer, int]:
    """A layer's codes for these formats, checked, and how many weights saturated.

    Raises
    ------
    FormatError : see `QuantizedSquash.check`, `plan_sums`; gates that cannot hold 1.0; too wide products.
    """
    shape = layer.shape
    units = {
        "gate": QuantizedSquash(squash("sigma"), table, formats.gate),
        "g": QuantizedSquash(squash(layer.g), table, formats.g),
        "h": QuantizedSquash(squash(layer.h), table, formats.h),
    }
    if formats.gate.signed or formats.gate.width != formats.gate.frac + 1:
        raise FormatError(f"{where} gates {formats.gate}: must be unsigned with 1.0 as the highest bit")
    for name, unit in units.items():
        unit.check(f"{where} {name}")
    for name, form in (("g", formats.g), ("h", formats.h), ("s", formats.s), ("y", formats.y)):
        if not form.signed:
            raise FormatError(f"{where} {name} {form}: must be signed")
    if set(formats.weights) != set(shape.columns):
        raise FormatError(f"{where} weights: formats for {', '.join(formats.weights)}; needed are {', '.join(shape.columns)}")
    counts = {source: cut.stop - cut.start for source, cut in shape.columns.items()}
    every = {"x": x, "y": formats.y, "gates": formats.gate}
    frac = formats.weights["x"].frac + x.frac
    weights, saturated = {}, 0
    for kind in shape.kinds:
        codes = np.empty(layer.weights[kind].shape, np.int64)
        for source, cut in shape.columns.items():
            codes[:, cut], lost = formats.weights[source].encode(layer.weights[kind][:, cut])
            saturated += lost
        weights[kind] = codes
    biases = {kind: np.floor(layer.biases[kind] * 2.0**frac + 0.5) for kind in shape.kinds}
    largest = max(np.abs(values).max() for values in biases.values())
    if largest >= EXACT_FLOAT:
        raise FormatError(f"{where} bias: needs {int(largest).bit_length() + 1} bits, at most 53 are allowed")
    codes = {kind: values.astype(np.int64) for kind, values in biases.items()}
    sources = {source: (every[source], count) for source, count in counts.items()}
    sums = plan_sums(where, formats.weights, sources, np.concatenate(list(codes.values())))
    if any(not form.signed for form in formats.weights.values()):
        raise FormatError(f"{where} weights: must be signed")
    return QuantizedLayer(shape, weights, codes, formats, x, sums, **units), saturated

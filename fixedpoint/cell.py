"""One layer of memory cells in integers. The gateware equals it, code for code.

Every line of the cell, with its roundings (nearest, ties towards plus infinity):

    net   = sat(round(b + sum_u w u [+ p s]))     exact sum, one rounding, to the squash's `net`
                                                  format, within the limits of `clip`; w = a lane's
                                                  code 2^coarser, on the scale of all rows
    i f o = sigma(net), g = g(net)                by the one sigma table; f = 1 - i where coupled
    s(t)  = sat(round(f s(t-1)) + round(i g))     or, without f, sat(s(t-1) + round(i g))
    y(t)  = sat(round(o h(sat(round(s(t))))))     with a projection: m(t), and
                                                  y(t) = sat(round(sum_c w m))

With i = 0 and f = 1.0 (or no forget gate), round(f s) = s and round(i g) = 0: the state holds
exactly. `fixedpoint.loop` does the steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fixedpoint.arithmetic import EXACT_FLOAT, EXACT_INT_BITS, Codes, room
from fixedpoint.dense import QuantizedDense
from fixedpoint.formats import Format, FormatError, LayerFormats
from fixedpoint.squash import QuantizedSquash
from fixedpoint.sums import Sums, row_sources
from golden.cell import LayerState
from golden.shape import Shape


@dataclass(frozen=True, eq=False)
class QuantizedLayer:
    """A layer with integer weights.

    Attributes
    ----------
    shape : sizes, as in the float layer.
    weights, biases : int64 codes by kind, in the common scale of the sums.
    formats, input : the layer's formats, and the format of its x.
    sums : the accumulator.
    gate, g, h : the squashing functions of gates, cell input and cell output.
    peepholes : gate -> (C,) codes, or none.
    initial : codes of the state that a sequence starts from: s (C,), y (outputs,), gates (G*B,).
    projection : the rows that make y of m, or None.
    threshold : by how much an output must be off the one that was used last to be used.
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
    peepholes: Mapping[str, Codes]
    initial: LayerState
    projection: QuantizedDense | None = None
    threshold: int = 0

    def __repr__(self) -> str:
        return f"QuantizedLayer({self.shape.inputs} -> {self.shape.brief}, s {self.formats.s})"

    def squash(self, kind: str) -> QuantizedSquash:
        """The squashing function of a row kind: i, f, o or g."""
        return self.g if kind == "g" else self.gate

    def rows(self, kind: str) -> QuantizedDense:
        """The rows of a kind: i, f, o or g, or y of a projection."""
        if kind == "y":
            assert self.projection is not None, "a layer without a projection"
            return self.projection
        formats = {name: (self.formats.weights[name], f) for name, f in self.source_formats.items()}
        numbers = self.weights[kind], self.biases[kind]
        coarser = self.formats.coarser.get(kind, ())
        return QuantizedDense(*numbers, formats, self.sums, self.squash(kind), coarser)

    @property
    def source_formats(self) -> dict[str, Format]:
        """The formats of the sources that have columns in the weights."""
        found = row_sources(self.shape, self.formats, self.input)
        return {source: found[source][0] for source in self.shape.columns}

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
        return self.formats.gate.frac + self.formats.h.frac - self.formats.cell_output.frac

    def net_shift(self, kind: str) -> int:
        """Fraction bits dropped from a sum."""
        return self.sums.frac - self.squash(kind).net.frac

    @property
    def dtype(self) -> type:
        """float64 where every number on the way is exact in it (BLAS speed), else int64."""
        return np.float64 if 1 << max(self.rooms.values()) <= EXACT_FLOAT else np.int64

    @property
    def rooms(self) -> dict[str, int]:
        """Bits, sign aside, that exact arithmetic needs on the way to each rounding."""
        forms, one = self.formats, self.formats.gate.one
        nets = {
            "net input of a gate": (self.sums.bound, self.gate, self.net_shift("i")),
            "net input of g": (self.sums.bound, self.g, self.net_shift("g")),
            "net input of h": (forms.s.magnitude, self.h, self.h_shift),
        }
        return {
            # a net input is counted from its lowest code
            **{
                name: room(most + (abs(unit.low) << max(by, 0)), by)
                for name, (most, unit, by) in nets.items()
            },
            **({"projection": self.projection.room} if self.projection else {}),
            "i g": room(one * forms.g.magnitude, self.input_shift),
            "f s": room(one * forms.s.magnitude, self.keep_shift),
            "o h(s)": room(one * forms.h.magnitude, self.output_shift),
        }

    def check(self, where: str) -> None:
        """`FormatError` unless int64 is wide enough for every rounding."""
        for name, bits in self.rooms.items():
            if bits > EXACT_INT_BITS:
                raise FormatError(
                    f"{where} {name}: needs {bits + 1} bits on its way, at most "
                    f"{EXACT_INT_BITS + 1} are allowed"
                )

    def initial_state(self, batch: int) -> LayerState:
        """The codes that a sequence starts from, shapes (batch, ...)."""
        parts = (self.initial.s, self.initial.y, self.initial.gates)
        return LayerState(*(np.repeat(part[None], batch, axis=0) for part in parts))

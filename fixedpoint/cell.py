"""One layer of memory cells in integers. The gateware equals it, code for code.

Every line of the cell, with its roundings (nearest, ties towards plus infinity):

    net   = sat(round(b + sum_u w u [+ p s]))     exact sum, one rounding, to the squash's `net`
                                                  format, within the limits of `clip`
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
from fixedpoint.formats import Format, FormatError, LayerFormats
from fixedpoint.loop import run_layer
from fixedpoint.squash import QuantizedSquash, SigmaTable
from golden.cell import Layer, LayerState, Shape
from golden.squash import squash


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
    peepholes : gate -> (C,) codes, or none.
    initial : codes of the state that a sequence starts from: s (C,), y (outputs,), gates (G*B,).
    projection : (P, C) codes, or None; projection_sums : its accumulator.
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
    projection: Codes | None = None
    projection_sums: Sums | None = None

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
        return self.formats.gate.frac + self.formats.h.frac - self.formats.cell_output.frac

    @property
    def projection_shift(self) -> int:
        """Fraction bits dropped from a sum of the projection."""
        assert self.projection_sums is not None, "a layer without a projection"
        return self.projection_sums.frac - self.formats.y.frac

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
        projected = self.projection_sums
        return {
            # a net input is counted from its lowest code
            **{
                name: room(most + (abs(unit.low) << max(by, 0)), by)
                for name, (most, unit, by) in nets.items()
            },
            **({"projection": room(projected.bound, self.projection_shift)} if projected else {}),
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

    def run(
        self, x: Codes, state: LayerState, saturated: dict[str, int]
    ) -> tuple[dict[str, Codes], LayerState]:
        """Run T steps of a batch.

        Parameters
        ----------
        x : (T, N, D) codes of the format `input`; they are not checked here.
        state : the codes before the first step, arrays (N, ...).
        saturated : gains the number of saturations: i, [f,] o, g, h of the net inputs, s, [m] and
            y of the values.

        Returns
        -------
        int64 codes: signals i, [f,] o (T, N, B), g, s, [m] (T, N, C) and y (T, N, outputs); the
        state after the last.
        """
        return run_layer(self, x, state, saturated)


def encode_biases(where: str, values: np.ndarray, frac: int) -> Codes:
    """Biases as int64 codes with `frac` fraction bits (nearest, ties up).

    Raises
    ------
    FormatError : a code that needs more than 53 bits.
    """
    codes = np.floor(values * 2.0**frac + 0.5)
    if np.abs(codes).max() >= EXACT_FLOAT:
        largest = float(np.abs(values).max())
        raise FormatError(
            f"{where} bias {largest:g}: with the {frac} fraction bits of its sum it needs "
            f"{int(np.abs(codes).max()).bit_length() + 1} bits, at most 53 are allowed"
        )
    return codes.astype(np.int64)


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
    FormatError : gates that cannot hold 1.0; a signed value in an unsigned format; see also
        `QuantizedSquash.check`, `plan_sums` and `encode_biases`; products too wide for 63 bits.
    """
    shape = layer.shape
    clip = {name: layer.clip.get(name) for name in ("gate", "g")}
    units = {
        "gate": QuantizedSquash(squash(layer.gate), table, formats.gate, clip["gate"]),
        "g": QuantizedSquash(squash(layer.g), table, formats.g, clip["g"]),
        "h": QuantizedSquash(squash(layer.h), table, formats.h),
    }
    _check_signs(where, shape, formats)
    for name, unit in units.items():
        unit.check(f"{where} {name}")
    every = {"x": x, "y": formats.y, "gates": formats.gate}
    sources = {name: (every[name], cut.stop - cut.start) for name, cut in shape.columns.items()}
    if shape.peepholes:
        sources["s"] = formats.s, 1
    frac = formats.weights["x"].frac + x.frac
    biases = {
        kind: encode_biases(f"{where} {kind}", layer.biases[kind], frac) for kind in shape.kinds
    }
    sums = plan_sums(where, formats.weights, sources, np.concatenate(list(biases.values())))
    weights, saturated = {}, 0

    def encode(source: str, values: np.ndarray) -> Codes:
        nonlocal saturated
        codes, lost = formats.weights[source].encode(values)
        saturated += lost
        return codes

    for kind in shape.kinds:
        weights[kind] = np.empty(layer.weights[kind].shape, np.int64)
        for source, cut in shape.columns.items():
            weights[kind][:, cut] = encode(source, layer.weights[kind][:, cut])
    projected = {}
    if layer.projection is not None:
        outputs = {"m": (formats.cell_output, shape.cells)}
        none = np.zeros(shape.outputs, np.int64)
        projected["projection"] = encode("m", layer.projection)
        projected["projection_sums"] = plan_sums(
            f"{where} projection", formats.weights, outputs, none
        )
    built = QuantizedLayer(
        shape=shape,
        weights=weights,
        biases=biases,
        formats=formats,
        input=x,
        sums=sums,
        peepholes={kind: encode("s", values) for kind, values in layer.peepholes.items()},
        initial=_encode_initial(where, layer, formats),
        **units,
        **projected,
    )
    built.check(where)
    return built, saturated


def _encode_initial(where: str, layer: Layer, formats: LayerFormats) -> LayerState:
    """The codes of the state that a sequence starts from; one that does not fit is refused."""
    state = layer.initial_state(1)
    codes: dict[str, Codes] = {"gates": np.zeros(layer.shape.state["gates"], np.int64)}
    for name, form in (("s", formats.s), ("y", formats.y)):
        values = getattr(state, name)[0]
        codes[name], lost = form.encode(values)
        if lost:
            raise FormatError(
                f"{where} initial {name}: {values[np.argmax(np.abs(values))]:g} is outside "
                f"{form.low * form.lsb:g}..{form.high * form.lsb:g} of format {form}"
            )
    return LayerState(**codes)


def _check_signs(where: str, shape: Shape, formats: LayerFormats) -> None:
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
    weights = {f"weights of {source}": form for source, form in formats.weights.items()}
    signals = {"g": formats.g, "h": formats.h, "s": formats.s, "y": formats.y}
    if formats.m:
        signals["m"] = formats.m
    for name, form in {**weights, **signals}.items():
        if not form.signed:
            raise FormatError(f"{where} {name} {form}: must be signed")

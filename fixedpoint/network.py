"""A network in integers: the truth that the gateware is compared with, code for code."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from fixedpoint.arithmetic import (
    EXACT_FLOAT,
    EXACT_INT_BITS,
    Codes,
    outside,
    room,
    round_shift,
    saturate,
)
from fixedpoint.cell import QuantizedLayer
from fixedpoint.encode import quantize_layer
from fixedpoint.formats import Format, FormatError, Formats, ReadoutFormats
from fixedpoint.loop import run_layer
from fixedpoint.squash import QuantizedSquash, SigmaTable, sigma_table
from fixedpoint.sums import Sums, encode_biases, plan_sums
from golden.cell import LayerState
from golden.errors import InputError
from golden.network import Network, Readout, check_input, run_layers
from golden.shape import first_reverse, stages
from golden.squash import squash
from golden.trace import Trace


@dataclass(frozen=True)
class QuantizedTrace(Trace):
    """A `Trace` of int64 codes, with what they mean.

    Attributes
    ----------
    formats : of every signal.
    saturations : by full name (`0.s`, `out`); i, f, o, g, h count net inputs, s, m, y the values.
    """

    formats: Formats
    saturations: dict[str, int]

    def format(self, name: str, layer: int = -1) -> Format:
        """The format of a signal."""
        if name == "out":
            return out_format(self.formats)
        return self.formats.layers[layer].signal(name)

    def value(self, name: str, layer: int = -1) -> np.ndarray:
        """The real values that a signal's codes stand for."""
        return self.format(name, layer).decode(self.get(name, layer))

    def real(self) -> Trace:
        """The whole trace as real values, to lay beside a float trace."""
        layers = tuple(
            {name: self.value(name, k) for name in layer} for k, layer in enumerate(self.layers)
        )
        return Trace(layers, self.value("out"), real_state(self.formats, self.state))


@dataclass(frozen=True)
class QuantizedReadout:
    """The dense readout in integers: out = squash(sat(round(b + sum w y)))."""

    weights: Codes
    biases: Codes
    formats: ReadoutFormats
    input: Format
    sums: Sums
    squash: QuantizedSquash

    @property
    def outputs(self) -> int:
        return len(self.weights)

    @property
    def net_shift(self) -> int:
        """Fraction bits dropped from a sum."""
        return self.sums.frac - self.squash.net.frac

    @property
    def room(self) -> int:
        """Bits, sign aside, that exact arithmetic needs on the way to the rounding."""
        return room(self.sums.bound, self.net_shift)

    def run(self, y: Codes, saturated: dict[str, int]) -> Codes:
        """y (T, N, C) -> out (T, N, K), int64; counts saturated net inputs as `out`."""
        dtype = np.float64 if 1 << self.room <= EXACT_FLOAT else np.int64
        net = y.astype(dtype) @ self.weights.T.astype(dtype) + self.biases.astype(dtype)
        net = round_shift(net, self.net_shift)
        low, high = self.squash.low, self.squash.high
        saturated["out"] = outside(net, low, high)
        return self.squash(saturate(net, low, high).astype(np.int64))


@dataclass(frozen=True)
class QuantizedNetwork:
    """A network of integer layers.

    Attributes
    ----------
    layers, readout : as in the float network; a part of one may have a readout only.
    formats, table : every format; the one sigma table.
    name : of the network.
    saturated_weights : how many weights lay outside their format.
    output : which outputs leave, as in the float network.
    """

    layers: tuple[QuantizedLayer, ...]
    readout: QuantizedReadout | None
    formats: Formats
    table: SigmaTable
    name: str
    saturated_weights: int
    output: str = "every"

    @property
    def stages(self) -> tuple[tuple[int, ...], ...]:
        """The layers by number in groups that run side by side, see `golden.shape.stages`."""
        return stages([layer.shape for layer in self.layers])

    @property
    def first_reverse(self) -> int | None:
        """The first layer that runs in reverse and so needs the whole sequence, or None."""
        return first_reverse(layer.shape for layer in self.layers)

    @property
    def inputs(self) -> int:
        if self.layers:
            return self.layers[0].shape.inputs
        assert self.readout is not None, "neither layers nor a readout"
        return self.readout.weights.shape[1]

    @property
    def outputs(self) -> int:
        if self.readout:
            return self.readout.outputs
        return sum(self.layers[k].shape.outputs for k in self.stages[-1])

    @property
    def out_format(self) -> Format:
        return out_format(self.formats)

    def initial_state(self, batch: int) -> tuple[LayerState, ...]:
        return tuple(layer.initial_state(batch) for layer in self.layers)

    def digest(self) -> str:
        """SHA-256 of all that decides the network's codes: formats, shapes, weights and biases."""
        found = hashlib.sha256(repr((self.formats, self.output)).encode())

        def add(codes: Codes) -> None:
            found.update(codes.astype("<i8").tobytes())

        for layer in self.layers:
            squashes = (layer.gate, layer.g, layer.h)
            units = [(unit.squash.name, unit.low, unit.high) for unit in squashes]
            found.update(repr((layer.shape, units)).encode())
            for kind in layer.shape.kinds:
                add(layer.weights[kind])
                add(layer.biases[kind])
            for codes in (*layer.peepholes.values(), layer.initial.s, layer.initial.y):
                add(codes)
            if layer.projection is not None:
                add(layer.projection)
        if self.readout:
            found.update(self.readout.squash.squash.name.encode())
            add(self.readout.weights)
            add(self.readout.biases)
        return found.hexdigest()

    def encode(self, x: np.ndarray) -> tuple[Codes, int]:
        """Real inputs (..., D) to codes, and how many of them saturated.

        Raises
        ------
        InputError : a value that is not a finite number.
        """
        x = np.asarray(x, dtype=np.float64)
        if not np.isfinite(x).all():
            bad = np.argwhere(~np.isfinite(x))[0]
            raise InputError(f"input{bad.tolist()}: {x[tuple(bad)]} is not a finite number")
        return self.formats.input.encode(x)

    def check_codes(self, codes: np.ndarray) -> Codes:
        """Refuse codes of the wrong shape, type or range; return them as int64."""
        codes = check_input(np.asarray(codes), self.inputs)
        if not np.issubdtype(codes.dtype, np.integer):
            raise InputError(f"input codes: type {codes.dtype}, must be integers")
        form = self.formats.input
        if codes.min() < form.low or codes.max() > form.high:
            bad = np.argwhere((codes < form.low) | (codes > form.high))
            where, value = bad[0].tolist(), int(codes[tuple(bad[0])])
            raise InputError(
                f"input code{where}: {value} is outside {form.low}..{form.high} of format {form}"
            )
        return codes.astype(np.int64)

    def check_state(self, state: tuple[LayerState, ...]) -> None:
        """Refuse a state of the wrong type or range (its shape is checked by the run)."""
        for k, (layer, have) in enumerate(zip(self.layers, state, strict=False)):
            gate = layer.formats.gate
            for name, form in (("s", layer.formats.s), ("y", layer.formats.y), ("gates", gate)):
                values = np.asarray(getattr(have, name))
                where = f"state of layer {k}, {name}"
                if not np.issubdtype(values.dtype, np.integer):
                    raise InputError(f"{where}: type {values.dtype}, must be integers")
                high = gate.one if name == "gates" else form.high
                bad = values[(values < form.low) | (values > high)]
                if len(bad):
                    raise InputError(
                        f"{where}: code {bad[0]} is outside {form.low}..{high} of {form}"
                    )

    def run(self, codes: np.ndarray, state: tuple[LayerState, ...] | None = None) -> QuantizedTrace:
        """Run over codes (T, D) or (N, T, D) from `state` (default: `initial_state`).

        Raises
        ------
        InputError : codes of the wrong shape, type or range; a state that does not fit.
        """
        codes = self.check_codes(codes)
        if state is not None:
            self.check_state(state)
        counts = [dict[str, int]() for _ in range(len(self.layers) + 1)]
        bound = replace(
            self,
            layers=tuple(
                _Counting(layer, count)
                for layer, count in zip(self.layers, counts[:-1], strict=True)
            ),
        )
        readout = self.readout
        trace = run_layers(
            bound, codes, state, (lambda y: readout.run(y, counts[-1])) if readout else None
        )
        named = {
            f"{k}.{name}": n for k, count in enumerate(counts[:-1]) for name, n in count.items()
        }
        return QuantizedTrace(
            trace.layers, trace.out, trace.state, self.formats, {**named, **counts[-1]}
        )


class _Counting:
    """A layer together with the place where it counts saturations."""

    def __init__(self, layer: QuantizedLayer, counts: dict[str, int]):
        self.shape, self.initial_state, self._layer, self._counts = (
            layer.shape,
            layer.initial_state,
            layer,
            counts,
        )

    def run(self, x: Codes, state: LayerState) -> tuple[dict[str, Codes], LayerState]:
        return run_layer(self._layer, x, state, self._counts)


def real_state(formats: Formats, state: tuple[LayerState, ...]) -> tuple[LayerState, ...]:
    """The real values that a state's codes stand for."""
    return tuple(
        LayerState(form.s.decode(st.s), form.y.decode(st.y), form.gate.decode(st.gates))
        for form, st in zip(formats.layers, state, strict=True)
    )


def out_format(formats: Formats) -> Format:
    """The format of what leaves a network."""
    return formats.readout.out if formats.readout else formats.layers[-1].y


def build(net: Network, formats: Formats) -> QuantizedNetwork:
    """The integer network for a float network and formats; `FormatError` where they cannot work."""
    if len(formats.layers) != len(net.layers):
        raise FormatError(
            f"formats: {len(formats.layers)} layers, the network has {len(net.layers)}"
        )
    if (formats.readout is None) != (net.readout is None):
        have, need = ("no " if part is None else "a " for part in (formats.readout, net.readout))
        raise FormatError(f"formats: {have}readout, the network has {need}readout")
    if not formats.input.signed:
        raise FormatError(f"input {formats.input}: must be signed")
    table = sigma_table(formats.argument, formats.sigma)
    layers, saturated, x = [], 0, formats.input
    for stage in net.stages:
        for k in stage:
            built, lost = quantize_layer(f"layer {k}", net.layers[k], formats.layers[k], x, table)
            layers.append(built)
            saturated += lost
        found = list(dict.fromkeys(formats.layers[k].y for k in stage))
        if len(found) > 1:
            raise FormatError(
                f"layers {' and '.join(map(str, stage))}: y of {' and '.join(map(str, found))}, "
                "must be the same format, because they are joined"
            )
        x = found.pop()
    readout = None
    if net.readout is not None and formats.readout is not None:
        readout, lost = _build_readout(net.readout, formats.readout, x, table)
        saturated += lost
    return QuantizedNetwork(tuple(layers), readout, formats, table, net.name, saturated, net.output)


def _build_readout(
    readout: Readout, formats: ReadoutFormats, y: Format, table: SigmaTable
) -> tuple[QuantizedReadout, int]:
    unit = QuantizedSquash(squash(readout.squash), table, formats.out)
    for name, form in (
        ("weights", formats.weights),
        *([] if unit.squash.gate else [("out", formats.out)]),
    ):
        if not form.signed:
            raise FormatError(f"readout {name} {form}: must be signed")
    unit.check("readout out")
    weights, lost = formats.weights.encode(readout.weights)
    biases = encode_biases("readout", readout.biases, formats.weights.frac + y.frac)
    sums = plan_sums(
        "readout", {"y": formats.weights}, {"y": (y, readout.weights.shape[1])}, biases
    )
    built = QuantizedReadout(weights, biases, formats, y, sums, unit)
    if built.room > EXACT_INT_BITS:
        raise FormatError(
            f"readout: a sum needs {built.room + 1} bits to be rounded to {formats.out}, "
            f"at most {EXACT_INT_BITS + 1} are allowed"
        )
    return built, lost

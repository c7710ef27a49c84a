"""A network in integers: the truth that the gateware is compared with, code for code."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.cell import QuantizedLayer
from fixedpoint.dense import QuantizedDense, quantize_dense
from fixedpoint.encode import quantize_layer
from fixedpoint.formats import Format, FormatError, Formats
from fixedpoint.given import Given
from fixedpoint.skipping import used
from fixedpoint.squash import SigmaTable, sigma_table
from fixedpoint.stepping import run_dense, run_layer
from golden.cell import LayerState
from golden.decision import decide
from golden.dense import Function
from golden.errors import InputError
from golden.network import Network, check_input, run_layers
from golden.shape import Stacked
from golden.trace import Trace
from golden.wiring import INPUT, labels

ROWS = 1 << 16  # steps of an input that are encoded at once


@dataclass(frozen=True, repr=False)
class QuantizedTrace(Trace):
    """A `Trace` of int64 codes, with what they mean.

    Attributes
    ----------
    formats : of every signal.
    saturations : by full name (`0.s`, `out`); i, f, o, g, h, dense and out count net inputs, s, m,
        y the values.
    decision : the format of out where it is a decision. The logits are then the last dense stage's,
        whose net inputs count as out all the same.
    """

    formats: Formats
    saturations: dict[str, int]
    decision: Format | None = None

    def format(self, name: str, layer: int = -1) -> Format:
        """The format of a signal."""
        if name == "out":
            return self.decision or out_format(self.formats)
        if name == "stem":
            return self.formats.stem[layer - len(self.layers) if layer >= 0 else layer].out
        if name == "dense":
            before, first = self.formats.head[: len(self.dense)], len(self.layers) + len(self.stem)
            return before[layer - first if layer >= 0 else layer].out
        return self.formats.layers[layer].signal(name)

    def value(self, name: str, layer: int = -1) -> np.ndarray:
        """The real values that a signal's codes stand for."""
        return self.format(name, layer).decode(self.get(name, layer))

    def real(self) -> Trace:
        """The whole trace as real values, to lay beside a float trace."""
        layers = tuple(
            {name: self.value(name, k) for name in layer} for k, layer in enumerate(self.layers)
        )
        first, behind = len(self.layers), len(self.layers) + len(self.stem)
        stem = (self.value("stem", k) for k, _ in enumerate(self.stem, first))
        dense = (self.value("dense", k) for k, _ in enumerate(self.dense, behind))
        state = real_state(self.formats, self.state)
        return Trace(layers, self.value("out"), state, stem=tuple(stem), dense=tuple(dense))


@dataclass(frozen=True, repr=False)
class QuantizedNetwork(Stacked):
    """A network of integer layers.

    Attributes
    ----------
    layers, head, stem, reads : as in the float network; a part of one may have a head only.
    formats, table : every format; the one sigma table.
    name : of the network.
    saturated_weights : how many weights lay outside their format.
    output : which outputs leave, as in the float network.
    decides : whether the index of the largest output leaves, in the place of all.
    threshold : by how much an input must be off the one that was used last to be used.
    """

    layers: tuple[QuantizedLayer, ...]
    head: tuple[QuantizedDense, ...]
    formats: Formats
    table: SigmaTable
    name: str
    saturated_weights: int
    output: str = "every"
    decides: bool = False
    stem: tuple[QuantizedDense, ...] = ()
    reads: tuple[tuple[int, ...], ...] = ()
    threshold: int = 0

    @property
    def outputs(self) -> int:
        return 1 if self.decides else self.logits

    @property
    def logits(self) -> int:
        """How many outputs there are, or values among which it decides."""
        if self.head:
            return self.head[-1].outputs
        return sum(self.layers[k].shape.outputs for k in self.stages[-1])

    @property
    def readout(self) -> QuantizedDense | None:
        """The last dense stage, if there is one."""
        return self.head[-1] if self.head else None

    @cached_property
    def rows(self) -> dict[tuple[int, str], QuantizedDense]:
        """All rows of weights by the number of their layer and what they yield.

        Those of a layer are its gates' and cell inputs' (i, [f,] o, g) and its projection's (y); of
        dense stages, which are numbered on from the layers, "stem", "dense" and of the last "out".
        """
        found = {
            (k, kind): layer.rows(kind)
            for k, layer in enumerate(self.layers)
            for kind in (*layer.shape.kinds, *(["y"] if layer.projection else []))
        }
        for k, stage in enumerate(self.dense, len(self.layers)):
            found[k, self.dense_kind(k)] = stage
        return found

    @property
    def out_format(self) -> Format:
        return self.decision or self.logit_format

    @property
    def logit_format(self) -> Format:
        """The format of the outputs, or of the values among which it decides."""
        return out_format(self.formats)

    @property
    def decision(self) -> Format | None:
        """The format of a decision, if it gives one."""
        width = max(2, (self.logits - 1).bit_length())
        return Format(width, 0, signed=False) if self.decides else None

    def deciding(self) -> "QuantizedNetwork":
        """The same network, which gives the index of the largest output, ties to the lowest."""
        return replace(self, decides=True)

    @property
    def thresholds(self) -> tuple[int, ...]:
        """That of the input, then that of each layer's outputs."""
        return (self.threshold, *(layer.threshold for layer in self.layers))

    def initial_state(self, batch: int) -> tuple[LayerState, ...]:
        return tuple(layer.initial_state(batch) for layer in self.layers)

    def digest(self) -> str:
        """SHA-256 of all that decides the network's codes: formats, shapes, weights and biases."""
        found = hashlib.sha256(f"({self.formats.text()}, {self.output!r})".encode())

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
                add(layer.projection.weights)
        for stage in (*self.head, *self.stem):
            found.update(stage.squash.squash.name.encode())
            add(stage.weights)
            add(stage.biases)
        if self.reads:
            found.update(repr(self.reads).encode())
        if self.decides:
            found.update(b"decides")
        if any(self.thresholds):
            found.update(repr(self.thresholds).encode())
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
        codes, lost = np.empty(x.shape, np.int64), 0
        rows, found = x.reshape(-1, x.shape[-1]), codes.reshape(-1, x.shape[-1])
        for first in range(0, len(rows), ROWS):  # so that what is between takes little memory
            cut = slice(first, first + ROWS)
            found[cut], more = self.formats.encode(rows[cut])
            lost += more
        return codes, lost

    def encode_state(self, state: tuple[LayerState, ...]) -> tuple[LayerState, ...]:
        """A real state to codes, saturated."""
        found = []
        for layer, have in zip(self.layers, state, strict=True):
            forms = layer.formats.state.items()
            codes = {part: form.encode(getattr(have, part))[0] for part, form in forms}
            found.append(LayerState(**codes))
        return tuple(found)

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
        return codes.astype(np.int64, copy=False)

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

    def run(
        self,
        codes: np.ndarray,
        state: tuple[LayerState, ...] | None = None,
        signals: bool = True,
    ) -> QuantizedTrace:
        """Run over codes (T, D) or (N, T, D) from `state` (default: `initial_state`).

        Parameters
        ----------
        signals : whether the trace holds all signals of the layers, or y alone, which is faster.

        Raises
        ------
        InputError : codes of the wrong shape, type or range; a state that does not fit.
        """
        codes = self.check_codes(codes)
        if state is not None:
            self.check_state(state)
        counts, clipped = [dict[str, int]() for _ in self.layers], dict[str, int]()
        pairs = zip(self.layers, counts, strict=True)
        bound = replace(self, layers=tuple(_Counting(*pair, signals) for pair in pairs))
        kinds = [(k, self.dense_kind(k)) for k, _ in enumerate(self.dense, len(self.layers))]
        names = [kind if kind == "out" else f"{k}.{kind}" for k, kind in kinds]

        def counting(name: str, stage: QuantizedDense) -> Function:
            def run(y: Codes) -> Codes:
                found, clipped[name] = run_dense(stage, y)
                return found

            return run

        dense = [counting(*each) for each in zip(names, self.dense, strict=True)]
        known = dict(enumerate(self.thresholds, INPUT))
        starts = dict(enumerate(st.y for st in state or self.initial_state(1)))
        trace = run_layers(
            bound,
            codes,
            state,
            dense,
            lambda k, values: used(values, known.get(k, 0), starts.get(k, 0)),
        )
        named = {f"{k}.{name}": n for k, count in enumerate(counts) for name, n in count.items()}
        found = QuantizedTrace(
            trace.layers,
            trace.out,
            trace.state,
            self.formats,
            {**named, **clipped},
            stem=trace.stem,
            dense=trace.dense,
        )
        return self._decided(found) if self.decides else found

    def _decided(self, trace: QuantizedTrace) -> QuantizedTrace:
        """The decision in the place of the outputs; those of a dense stage stay to be seen."""
        logits = (trace.out,) if self.head else ()
        dense = (*trace.dense, *logits)
        return replace(trace, out=decide(trace.out), dense=dense, decision=self.decision)


class _Counting:
    """A layer together with the place where it counts saturations, and what it gives."""

    def __init__(self, layer: QuantizedLayer, counts: dict[str, int], signals: bool):
        self.shape, self.initial_state = layer.shape, layer.initial_state
        self._layer, self._counts, self._signals = layer, counts, signals

    def run(self, x: Codes, state: LayerState) -> tuple[dict[str, Codes], LayerState]:
        return run_layer(self._layer, x, state, self._counts, self._signals)


def real_state(formats: Formats, state: tuple[LayerState, ...]) -> tuple[LayerState, ...]:
    """The real values that a state's codes stand for."""
    return tuple(
        LayerState(form.s.decode(st.s), form.y.decode(st.y), form.gate.decode(st.gates))
        for form, st in zip(formats.layers, state, strict=True)
    )


def out_format(formats: Formats) -> Format:
    """The format of what leaves a network."""
    return formats.head[-1].out if formats.head else formats.layers[-1].y


def build(net: Network, formats: Formats) -> QuantizedNetwork:
    """The integer network for a float network and formats; `FormatError` where they cannot work."""
    if len(formats.layers) != len(net.layers):
        raise FormatError(
            f"formats: {len(formats.layers)} layers, the network has {len(net.layers)}"
        )
    for what, have, need in (("dense", formats.head, net.head), ("stem", formats.stem, net.stem)):
        if len(have) != len(need):
            raise FormatError(f"formats: {len(have)} {what} stages, the network has {len(need)}")
    if not formats.input.signed:
        raise FormatError(f"input {formats.input}: must be signed")
    if formats.inputs and len(formats.inputs) != net.inputs:
        raise FormatError(
            f"inputs: fraction bits of {len(formats.inputs)} elements, the network has {net.inputs}"
        )
    table = sigma_table(formats.argument, formats.sigma)
    for stage in net.stages:
        found = list(dict.fromkeys(formats.layers[k].y for k in stage))
        if len(found) > 1:
            raise FormatError(
                f"layers {' and '.join(map(str, stage))}: y of {' and '.join(map(str, found))}, "
                "must be the same format, because they are joined"
            )
    layers, saturated = [], 0
    for k, (layer, forms) in enumerate(zip(net.layers, formats.layers, strict=True)):
        x = Given.by(net, k, formats)
        built, lost = quantize_layer(f"layer {k}", x.layer(layer), forms, x.form, table)
        layers.append(built)
        saturated += lost
    dense = []
    names, every = labels(len(net.head), len(net.stem)), (*formats.stem, *formats.head)
    for k, (label, stage, forms) in enumerate(zip(names, net.dense, every, strict=True)):
        x = Given.by(net, len(layers) + k, formats)
        built, lost = quantize_dense(label, x.dense(stage), forms, x.form, table)
        dense.append(built)
        saturated += lost
    return QuantizedNetwork(
        tuple(layers),
        tuple(dense[len(net.stem) :]),
        formats,
        table,
        net.name,
        saturated,
        net.output,
        stem=tuple(dense[: len(net.stem)]),
        reads=net.reads,
    )

"""Every place at which the integer model departs from real numbers, as a function of real numbers.

A quantiser rounds to a fraction (nearest, ties towards plus infinity) and limits to a range of
codes, on values and not on codes: q(v) = clip(floor(v 2^frac + 1/2), low, high) 2^-frac. What is
left out of a network that has them all is the float network (`fixedpoint.budget.mixed`). Their
names, k being the number of a layer:

    input                                   x of the first layer
    sigma table                             its knots and straight lines, and its value's rounding
    k.weights x i, k.weights y g, ...       weights by source (x, y, gates) and kind of row
    k.biases i, k.peepholes i, k.projection the others of a layer's numbers
    k.net i, k.net g, k.net h               net inputs on their way to the sigma table
    k.i, k.f, k.o, k.g, k.h                 squashed values
    k.i g, k.f s                            the two products that make up a state
    k.s                                     the state's limits; it is the sum of what was rounded
    k.initial s, k.initial y                what a sequence starts from, where it is said
    k.m, k.y                                cell output before a projection, output of the layer
    readout weights, readout biases, readout net, out
    dense n weights, dense n biases, dense n net, k.dense
                                            the same of the dense stage n before the readout
    input threshold, k.y threshold          what is used of a value that has hardly changed
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fixedpoint.arithmetic import Codes, nearest
from fixedpoint.cell import QuantizedLayer
from fixedpoint.dense import QuantizedDense
from fixedpoint.formats import Format
from fixedpoint.given import Given
from fixedpoint.network import QuantizedNetwork
from fixedpoint.skipping import step, used
from fixedpoint.squash import GUARD, QuantizedSquash, SigmaTable
from golden.network import Network
from golden.squash import Array
from golden.wiring import INPUT, labels

GROUPS: tuple[str, ...] = (
    "input",
    "weights",
    "biases",
    "pre-activation",
    "sigma table",
    "gates",
    "g and h",
    "state",
    "output",
    "thresholds",
)


@dataclass(frozen=True, kw_only=True)
class Quantiser:
    """Rounding and limits of one signal, or of the weights of one kind.

    Attributes
    ----------
    group : which of `GROUPS` it belongs to.
    frac : fraction bits of its codes, or an array of those of rows, columns or elements.
    limits : the lowest and the highest code, or None where nothing can be beyond them.
    rounds : whether it rounds; without, it has its limits only.
    """

    group: str
    frac: int | Codes
    limits: tuple[int, int] | None = None
    rounds: bool = True

    def __call__(self, values: Array) -> Array:
        """Real values, any shape, to those that the codes stand for."""
        if self.rounds:
            values = nearest(values * self._scale) * self._lsb
        if self._ends is None:
            return values
        low, high = self._ends
        return np.minimum(np.maximum(values, low), high)

    # looked up at every step
    @cached_property
    def _scale(self) -> float | Array:
        return np.ldexp(1.0, self.frac)

    @cached_property
    def _lsb(self) -> float | Array:
        return np.ldexp(1.0, np.negative(self.frac))

    @cached_property
    def _ends(self) -> tuple[float | Array, float | Array] | None:
        return self.limits and (self.limits[0] * self._lsb, self.limits[1] * self._lsb)


@dataclass(frozen=True, kw_only=True)
class TableQuantiser(Quantiser):
    """sigma by the table's knots and straight lines, rounded to the table's own value format.

    At an argument that is a code it gives the table's value; between two codes the same line.
    """

    table: SigmaTable

    def __call__(self, values: Array) -> Array:
        """Real arguments of sigma to what the table says of them."""
        return super().__call__(np.interp(values, *self._line))

    @cached_property
    def _line(self) -> tuple[Array, Array]:
        """The knots: arguments and sigma, as real numbers."""
        table = self.table
        at = table.argument.low + (np.arange(len(table.knots)) << table.low_bits)
        return table.argument.decode(at), table.knots * 2.0 ** -(table.value.frac + GUARD)


@dataclass(frozen=True, kw_only=True)
class Threshold(Quantiser):
    """What a core that skips uses of a signal: the value that it used last, until another is so
    many LSB off it (`fixedpoint.skipping`).

    Attributes
    ----------
    least : in LSB.
    """

    least: int

    def __call__(self, values: Array) -> Array:
        """What is used of values (T, ...), a sequence from its beginning."""
        return used(values, self._most)

    def behind(self, start: Array | int, values: Array) -> Array:
        """The same behind a start, which counts as the step before."""
        return used(values, self._most, start)

    def step(self, now: Array, last: Array) -> Array:
        """What is used of values of which `last` was used before."""
        return step(now, last, self._most)

    @cached_property
    def _most(self) -> float | Array:
        return self.least * self._lsb


Quantisers = Mapping[str, Callable[[Array], Array]]
"""Quantisers that are on, by name, or what does the same in their place."""


def quantisers(net: Network, qnet: QuantizedNetwork) -> dict[str, Quantiser]:
    """Every quantiser of the integer network `qnet`, which was made of `net`, by name."""
    scales = qnet.formats.scales
    named = {"input": _finer(_of("input", qnet.formats.input), scales)}
    units = [unit for layer in qnet.layers for unit in (layer.gate, layer.g, layer.h)]
    units += [stage.squash for stage in qnet.dense]
    if not all(unit.squash.linear for unit in units):
        form, table = qnet.table.value, qnet.table
        named["sigma table"] = TableQuantiser(
            group="sigma table", frac=form.frac, limits=(0, form.one), table=table
        )
    for k, layer in enumerate(qnet.layers):
        scales = Given.by(qnet, k, qnet.formats).scales
        named |= {f"{k}.{what}": quantiser for what, quantiser in _layer(layer, scales)}
        for part in net.layers[k].initial:
            named[f"{k}.initial {part}"] = _of("state", layer.formats.signal(part))
    for k, ((label, signal), stage) in enumerate(zip(dense_names(qnet), qnet.dense, strict=True)):
        scales = Given.by(qnet, len(qnet.layers) + k, qnet.formats).scales
        named |= dict(_dense(label, signal, stage, scales))
    return named | dict(_thresholds(qnet))


def threshold_name(k: int) -> str:
    """Of the threshold of the input or of layer k's y."""
    return "input threshold" if k == INPUT else f"{k}.y threshold"


def _thresholds(qnet: QuantizedNetwork) -> Iterator[tuple[str, Threshold]]:
    scales = qnet.formats.scales
    for k, least in enumerate(qnet.thresholds, INPUT):
        if least:
            form = qnet.formats.input if k == INPUT else qnet.layers[k].formats.y
            frac = form.frac + scales if k == INPUT and scales.any() else form.frac
            yield threshold_name(k), Threshold(group="thresholds", frac=frac, least=least)


def dense_names(qnet: QuantizedNetwork) -> list[tuple[str, str]]:
    """What each dense stage is called, and the full name of its signal in a trace."""
    kinds = ((k, qnet.dense_kind(k)) for k, _ in enumerate(qnet.dense, len(qnet.layers)))
    signals = (kind if kind == "out" else f"{k}.{kind}" for k, kind in kinds)
    return list(zip(labels(len(qnet.head), len(qnet.stem)), signals, strict=True))


def _of(group: str, form: Format) -> Quantiser:
    return Quantiser(group=group, frac=form.frac, limits=(form.low, form.high))


def _finer(quantiser: Quantiser, bits: Codes) -> Quantiser:
    """With so many more fraction bits, by row, column or element."""
    return replace(quantiser, frac=quantiser.frac + bits) if bits.any() else quantiser


def _rows(form: Format, coarser: tuple[int, ...]) -> Quantiser:
    """Of the weights of rows."""
    return _finer(_of("weights", form), -np.array(coarser or (0,)).reshape(-1, 1))


def _layer(layer: QuantizedLayer, scales: Codes) -> Iterator[tuple[str, Quantiser]]:
    shape, forms = layer.shape, layer.formats
    for kind in shape.kinds:
        coarser = forms.coarser.get(kind, ())
        for source in shape.columns:
            by = -scales if source == "x" else np.zeros(1, np.int64)
            yield f"weights {source} {kind}", _finer(_rows(forms.weights[source], coarser), by)
        yield f"biases {kind}", Quantiser(group="biases", frac=layer.sums.frac)
    for kind in shape.gates if shape.peepholes else ():
        yield f"peepholes {kind}", _of("weights", forms.weights["s"])
    for kind in shape.kinds:
        yield from _unit(kind, "g and h" if kind == "g" else "gates", layer.squash(kind))
    yield "i g", Quantiser(group="state", frac=forms.s.frac)
    if "f" in shape.gates or shape.coupled:
        yield "f s", Quantiser(group="state", frac=forms.s.frac)
    yield "s", replace(_of("state", forms.s), rounds=False)
    yield from _unit("h", "g and h", layer.h)
    if shape.projection is not None:
        yield "m", _of("output", forms.cell_output)
        yield "projection", _rows(forms.weights["m"], forms.coarser.get("y", ()))
    yield "y", _of("output", forms.y)


def _dense(
    label: str, signal: str, stage: QuantizedDense, scales: Codes
) -> Iterator[tuple[str, Quantiser]]:
    yield f"{label} weights", _finer(_rows(stage.formats["x"][0], stage.coarser), -scales)
    yield f"{label} biases", Quantiser(group="biases", frac=stage.sums.frac)
    yield from _unit(signal, "output", stage.squash, f"{label} net")


def _unit(
    name: str, group: str, unit: QuantizedSquash, net: str = ""
) -> Iterator[tuple[str, Quantiser]]:
    """The quantisers of a squashing function; the identity has one, which limits it too."""
    limits = (unit.low, unit.high)
    if unit.squash.linear:
        yield name, Quantiser(group=group, frac=unit.net.frac, limits=limits)
        return
    yield net or f"net {name}", Quantiser(group="pre-activation", frac=unit.net.frac, limits=limits)
    low, high = (round(end * unit.target.one) for end in unit.squash.ends)
    yield name, Quantiser(group=group, frac=unit.target.frac, limits=(low, high))

"""Weights rounded with typical input in view: the sums that they make are to change least.

A row's weights become codes one after the other, and the error that each leaves in the sum is
carried into those still to come, as far as what they multiply goes with what it multiplies. What is
left on average goes into the row's bias, which has bits enough.
Sources: Hassibi & Stork (1993), the optimal brain surgeon; Frantar et al. (2023), GPTQ.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fixedpoint.arithmetic import Codes, nearest, saturate
from fixedpoint.calibration import Part
from fixedpoint.formats import DenseFormats, Format, Formats, LayerFormats
from fixedpoint.given import Given
from golden.cell import Layer, LayerState
from golden.dense import Dense, Function
from golden.network import Network, check_values, run_layers
from golden.squash import Array

DAMPING = 0.03  # of the mean power of what columns multiply, each counted in its weights' LSBs


@dataclass(frozen=True)
class Moments:
    """What rows of weights multiply: the mean (N,) of each column, and their covariance (N, N)."""

    mean: Array
    covariance: Array


Statistics = Mapping[tuple[int, str], Moments]
"""By the number of a stage and "u", what its rows multiply, or "m", what a projection's do."""


def observe(net: Network, parts: Sequence[Part]) -> Statistics:
    """What the rows of the float network multiply over typical input.

    Raises
    ------
    InputError : input that does not fit the network.
    """
    sums: Mapping[tuple[int, str], _Sums] = defaultdict(_Sums)
    layers = [_Watched(layer, k, sums) for k, layer in enumerate(net.layers)]
    watched = replace(net, layers=tuple(layers))

    def watching(k: int, stage: Dense) -> Function:
        def run(u: Array) -> Array:
            sums[k, "u"].add(u)
            return stage.run(u)

        return run

    dense = [watching(k, stage) for k, stage in enumerate(net.dense, len(layers))]
    for part in parts:
        run_layers(watched, check_values(part.x, net.inputs), part.state, dense)
    return {place: found.moments() for place, found in sums.items()}


def rounded(net: Network, formats: Formats, seen: Statistics) -> Network:
    """The network with weights that these formats hold exactly, chosen for what was seen.

    A weight of 0 stays 0; a network that is rounded already stays as it is. Peepholes, which have
    wider formats, are left as they are.
    """
    layers = []
    for k, (layer, forms) in enumerate(zip(net.layers, formats.layers, strict=True)):
        own = _layer(layer, forms, Given.by(net, k, formats), seen[k, "u"])
        if layer.projection is not None:
            fracs = np.full(layer.shape.cells, forms.weights["m"].frac)
            grid = _Grid(fracs, forms.weights["m"], forms.coarser.get("y", ()))
            own = replace(own, projection=grid.round(layer.projection, seen[k, "m"].covariance))
        layers.append(own)
    dense = []
    every: tuple[DenseFormats, ...] = (*formats.stem, *formats.head)
    for k, (stage, forms) in enumerate(zip(net.dense, every, strict=True), len(layers)):
        fracs = forms.weights.frac - Given.by(net, k, formats).scales
        grid = _Grid(np.broadcast_to(fracs, stage.inputs), forms.weights, forms.coarser)
        weights, biases = grid.rows(stage.weights, stage.biases, seen[k, "u"])
        dense.append(replace(stage, weights=weights, biases=biases))
    stem = len(net.stem)
    return replace(net, layers=tuple(layers), stem=tuple(dense[:stem]), head=tuple(dense[stem:]))


def _layer(layer: Layer, forms: LayerFormats, x: Given, seen: Moments) -> Layer:
    """A layer with its gates' and cell inputs' rows rounded."""
    fracs = np.zeros(layer.shape.sources, np.int64)
    for source, cut in layer.shape.columns.items():
        fracs[cut] = forms.weights[source].frac - (x.scales if source == "x" else 0)
    weights, biases = {}, {}
    for kind in layer.shape.kinds:
        grid = _Grid(fracs, forms.weights["x"], forms.coarser.get(kind, ()))
        given = layer.weights[kind], layer.biases[kind], seen
        weights[kind], biases[kind] = grid.rows(*given)
    return replace(layer, weights=weights, biases=biases)


@dataclass(frozen=True)
class _Grid:
    """The values that the codes of some rows stand for.

    Attributes
    ----------
    fracs : (N,) fraction bits of each column, in a row that is not coarser.
    form : of the codes, for their ends.
    coarser : by how many bits each row is coarser; empty where none is.
    """

    fracs: Codes
    form: Format
    coarser: tuple[int, ...]

    def rows(self, weights: Array, biases: Array, seen: Moments) -> tuple[Array, Array]:
        """Weights (R, N) of the grid, and biases that keep the mean of every sum."""
        found = self.round(weights, seen.covariance)
        return found, biases + (weights - found) @ seen.mean

    def round(self, weights: Array, covariance: Array) -> Array:
        """Weights (R, N) of the grid that change sums of columns of this covariance least."""
        lsb = np.ldexp(1.0, np.array(self.coarser or 0).reshape(-1, 1) - self.fracs)
        unit = np.ldexp(1.0, -self.fracs)
        power = covariance * unit * unit[:, None]
        order = np.argsort(-power.diagonal(), kind="stable")
        damping = DAMPING * power.diagonal().mean() or 1.0
        damped = power[np.ix_(order, order)] + damping * np.eye(len(order))
        carry = np.linalg.cholesky(np.linalg.inv(damped)).T
        left, there = (weights / lsb)[:, order], (weights != 0)[:, order]
        for k, row in enumerate(carry):
            codes = saturate(nearest(left[:, k]), self.form.low, self.form.high) * there[:, k]
            left[:, k + 1 :] -= np.outer((left[:, k] - codes) / row[k], row[k + 1 :])
            left[:, k] = codes
        return left[:, np.argsort(order)] * lsb


class _Sums:
    """Adds up the moments of rows of values, about the mean of the first."""

    def __init__(self):
        self.count, self.origin, self.total, self.products = 0, 0.0, 0.0, 0.0

    def add(self, u: Array) -> None:
        """u (..., N)."""
        rows = u.reshape(-1, u.shape[-1])
        if not self.count:
            self.origin = rows.mean(axis=0)
        rows = rows - self.origin
        self.count += len(rows)
        self.total += rows.sum(axis=0)
        self.products += rows.T @ rows

    def moments(self) -> Moments:
        mean = np.asarray(self.total) / self.count
        return Moments(self.origin + mean, self.products / self.count - np.outer(mean, mean))


class _Watched:
    """A layer that tells the sums of what its rows multiply."""

    def __init__(self, layer: Layer, k: int, sums: Mapping[tuple[int, str], _Sums]):
        self.shape, self.initial_state = layer.shape, layer.initial_state
        self._layer, self._k, self._sums = layer, k, sums

    def run(self, x: Array, state: LayerState) -> tuple[dict[str, Array], LayerState]:
        signals, end = self._layer.run(x, state)
        sources = [x, _before(state.y, signals["y"])]
        if self.shape.gate_recurrence:
            gates = np.concatenate([signals[kind] for kind in self.shape.gates], axis=2)
            sources.append(_before(state.gates, gates))
        self._sums[self._k, "u"].add(np.concatenate(sources, axis=2))
        if "m" in signals:
            self._sums[self._k, "m"].add(signals["m"])
        return signals, end


def _before(first: Array, values: Array) -> Array:
    """Values (T, N, ...) of the step before, of the first step `first` (N, ...)."""
    return np.concatenate([first[None], values[:-1]])

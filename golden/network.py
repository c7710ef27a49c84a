"""Networks: layers of memory cells, one on the other, and an optional dense readout."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.cell import Layer, LayerState, check_array
from golden.errors import InputError, ModelError
from golden.squash import Array, squash
from golden.trace import Trace


@dataclass(frozen=True)
class Readout:
    """Dense output units that see the last layer's y(t) at the same step: out = squash(W y + b).

    Attributes
    ----------
    weights : (K, C).  biases : (K,).  squash : "identity" (linear) or "sigma".
    """

    weights: Array
    biases: Array
    squash: str = "identity"

    def __post_init__(self) -> None:
        if self.squash not in ("identity", "sigma"):
            raise ModelError(
                f"readout squashing function {self.squash!r}: allowed are identity, sigma"
            )
        if np.ndim(self.weights) != 2 or not np.size(self.weights):
            raise ModelError(
                f"readout weights: shape {np.shape(self.weights)}, must be (outputs, cells)"
            )
        check_array("readout weights", self.weights, np.shape(self.weights))
        check_array("readout biases", self.biases, (len(self.weights),))

    @property
    def outputs(self) -> int:
        return len(self.weights)

    def run(self, y: Array) -> Array:
        """y (..., C) -> out (..., K)."""
        return squash(self.squash)(y @ self.weights.T + self.biases)


@dataclass(frozen=True)
class Network:
    """Stacked layers and an optional readout.

    Attributes
    ----------
    layers : at least one; layer k + 1 takes layer k's y as its x.
    readout : or None, and then y of the last layer is the output.
    name : a short word for reports and file names: letters, digits, and after the first . _ -
    made_by : the command that made the weights, or ""; one line.
    """

    layers: tuple[Layer, ...]
    readout: Readout | None = None
    name: str = "network"
    made_by: str = ""

    def __post_init__(self) -> None:
        check_words(self.name, self.made_by)
        if not self.layers:
            raise ModelError("network: no layers, at least 1 is needed")
        for k in range(1, len(self.layers)):
            have, need = self.layers[k].shape.inputs, self.layers[k - 1].shape.cells
            if have != need:
                raise ModelError(f"layer {k}: {have} inputs, layer {k - 1} has {need} cells")
        cells = self.layers[-1].shape.cells
        if self.readout is not None and self.readout.weights.shape[1] != cells:
            have = self.readout.weights.shape[1]
            raise ModelError(
                f"readout weights: {have} columns, layer {len(self.layers) - 1} has {cells} cells"
            )

    @property
    def inputs(self) -> int:
        return self.layers[0].shape.inputs

    @property
    def outputs(self) -> int:
        return self.readout.outputs if self.readout else self.layers[-1].shape.cells

    def zero_state(self, batch: int) -> tuple[LayerState, ...]:
        return tuple(layer.zero_state(batch) for layer in self.layers)

    def run(self, x: Array, state: tuple[LayerState, ...] | None = None) -> Trace:
        """Run the network from `state` (default: zero) over one sequence or a batch.

        Parameters
        ----------
        x : (T, D) or (N, T, D) real numbers.
        state : what a former `Trace.state` held, for a batch of the same size.

        Raises
        ------
        InputError : a shape that does not fit, values that are not finite.
        """
        x = check_values(x, self.inputs)
        return run_layers(self, x, state, self.readout.run if self.readout else None)


def check_words(name: str, made_by: str) -> None:
    """Refuse a name that is no safe file name, and a `made_by` that is not one printable line."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", name):
        allowed = "up to 100 letters, digits, '.', '_', '-', the first no '.' or '-'"
        raise ModelError(f"name {name!r}: must be {allowed}")
    if not made_by.isprintable():
        raise ModelError(f"made_by {made_by!r}: must be one printable line")


def check_values(x: npt.ArrayLike, inputs: int) -> Array:
    """`x` as float64 (T, D) or (N, T, D); `InputError` unless finite real numbers of that shape."""
    try:
        x = np.asarray(x)
    except ValueError:
        raise InputError(
            "input: rows of different lengths, must be an array of real numbers"
        ) from None
    x = check_input(x, inputs)
    if not np.issubdtype(x.dtype, np.number) or np.issubdtype(x.dtype, np.complexfloating):
        raise InputError(f"input: type {x.dtype}, must be real numbers")
    x = x.astype(np.float64)
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        raise InputError(f"input{bad[0].tolist()}: {x[tuple(bad[0])]} is not a finite number")
    return x


def check_input(x: np.ndarray, inputs: int) -> np.ndarray:
    """Refuse an input that is not (T, D) or (N, T, D) with D = `inputs` and T, N at least 1."""
    if x.ndim not in (2, 3) or x.shape[-1] != inputs or 0 in x.shape:
        raise InputError(
            f"input: shape {x.shape}, must be (T, {inputs}) or (N, T, {inputs}), T and N at least 1"
        )
    return x


def run_layers(net, x, state, readout) -> Trace:
    """Run `net.layers` one after another over x (T, D) or (N, T, D), then `readout` on the last y.

    Serves the float and the integer network alike: a layer has `zero_state`, `run` and `shape`.
    """
    single = x.ndim == 2
    time_major = (x[None] if single else x).transpose(1, 0, 2)
    batch = time_major.shape[1]
    before = net.zero_state(batch) if state is None else _check_state(net, state, batch, single)
    signals, after = [], []
    y = time_major
    for layer, layer_state in zip(net.layers, before, strict=True):
        trace, end = layer.run(y, layer_state)
        y = trace["y"]
        signals.append({name: _batch_first(values, single) for name, values in trace.items()})
        after.append(LayerState(*(v[0] if single else v for v in (end.s, end.y, end.gates))))
    out = _batch_first(readout(y), single) if readout else signals[-1]["y"]
    return Trace(tuple(signals), out, tuple(after))


def _batch_first(values, single: bool):
    return values[:, 0] if single else values.transpose(1, 0, 2)


def _check_state(net, state, batch: int, single: bool) -> tuple[LayerState, ...]:
    zero = net.zero_state(batch)
    if not isinstance(state, tuple | list) or not all(isinstance(st, LayerState) for st in state):
        raise InputError(
            f"state: {type(state).__name__}, must be a tuple with a LayerState for each layer"
        )
    if len(state) != len(zero):
        raise InputError(f"state: {len(state)} layers, the network has {len(zero)}")
    for k, (have, need) in enumerate(zip(state, zero, strict=True)):
        for name in ("s", "y", "gates"):
            found = np.shape(getattr(have, name))
            want = getattr(need, name).shape[1 if single else 0 :]
            if found != want:
                raise InputError(f"state of layer {k}, {name}: shape {found}, must be {want}")
    if not single:
        return tuple(state)
    return tuple(LayerState(st.s[None], st.y[None], st.gates[None]) for st in state)

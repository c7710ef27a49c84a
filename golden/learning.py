"""Learning as in 1997: the truncated gradient, one sequence at a time, readable NumPy.

Errors that reach the net inputs of cells and gates change the weights there but go no further back;
only the state s carries error through time. What that needs is one partial derivative ds/dw for
each weight into a cell or its input and forget gate, carried forward: O(W) work a step, storage
independent of the length. It is the exact gradient of

    E = 1/2 sum_k (target_k - out_k)^2

with the recurrent sources y(t-1) and gates(t-1) held constant; the tests check it as that.

Sources: Hochreiter & Schmidhuber (1997), appendix A.1, equations (19)-(28); Gers, Schmidhuber &
Cummins (2000) for the factor that the forget gate adds. The paper's equations (16)-(18) taken
literally would give twice (19); learning rates belong to (19), as here. Sources of a hidden unit at
step t are x(t), the hidden units at t-1 and 1, and the outputs see y(t), as section 5 of the paper
says for its experiments.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from golden.cell import Layer, Shape
from golden.dense import Dense
from golden.errors import InputError, ModelError
from golden.network import Network
from golden.squash import Array, Squash, squash


@dataclass(frozen=True)
class Parameters:
    """A one-layer network with a readout as two matrices, which learning changes in place.

    Attributes
    ----------
    hidden : (R, N + 1); rows are the gates kind by kind (B each), then g (C); the last column is
        the bias.
    readout : (K, C + 1), with a shortcut (K, C + D + 1); columns are y, [x,] the bias.
    shape : of the layer.
    g, h, out : squashing functions of cell input, cell output and output units.
    shortcut : whether the output units see the inputs x(t) too.
    entropy : whether E is the cross-entropy of sigma output units, whose e_k = target_k - out_k has
        no factor f'(net_k), and not the square.
    learns : 1.0 where a weight is learnt and 0.0 where it is fixed, in the forms of `hidden` and
        `readout`; None where all are learnt.
    """

    hidden: Array
    readout: Array
    shape: Shape
    g: Squash
    h: Squash
    out: Squash
    shortcut: bool = False
    entropy: bool = False
    learns: tuple[Array, Array] | None = None

    def __post_init__(self) -> None:
        if self.entropy and not self.out.logistic:
            raise ModelError(
                f"learning: cross-entropy of {self.out.name!r} output units is not supported, must "
                "be 'sigma'"
            )

    @classmethod
    def of(cls, net: Network) -> "Parameters":
        """A copy of a network's weights; `ModelError` unless one plain layer and a readout."""
        if len(net.layers) != 1 or len(net.head) != 1 or net.reads:
            found = f"{len(net.layers)} layers and {len(net.dense)} dense stages"
            raise ModelError(f"learning: the network has {found}, must have 1 layer and a readout")
        if net.output != "every":
            raise ModelError(f"learning: output {net.output!r} is not supported, must be 'every'")
        layer, readout = net.layers[0], net.head[0]
        plain = Layer(
            layer.weights, layer.biases, layer.block_size, layer.gate_recurrence, layer.g, layer.h
        )
        if layer.shape != plain.shape or layer.clip or layer.initial:
            raise ModelError(
                "learning: peepholes, coupled gates, projection, clipping, reverse layers and "
                "initial states are not supported"
            )
        if not squash(layer.gate).logistic:
            raise ModelError(
                f"learning: gates of {layer.gate!r} are not supported, must be 'sigma'"
            )
        rows = [np.column_stack((layer.weights[k], layer.biases[k])) for k in layer.shape.kinds]
        outputs = np.column_stack((readout.weights, readout.biases))
        g, h, out = (squash(name) for name in (layer.g, layer.h, readout.squash))
        return cls(np.concatenate(rows), outputs, layer.shape, g, h, out)

    def rows(self, kind: str) -> slice:
        """The rows of `hidden` that belong to i, f, o or g."""
        start = self.shape.kinds.index(kind) * self.shape.blocks
        return slice(start, start + self.shape.rows(kind))

    def network(self, name: str, made_by: str = "") -> Network:
        """The network with these weights, copied; `ModelError` if not finite or with a shortcut."""
        if self.shortcut:
            raise ModelError("learning: a network has no weights from the inputs to the outputs")
        kinds = self.shape.kinds
        weights = {kind: self.hidden[self.rows(kind), :-1].copy() for kind in kinds}
        biases = {kind: self.hidden[self.rows(kind), -1].copy() for kind in kinds}
        options = self.shape.block_size, self.shape.gate_recurrence
        layer = Layer(weights, biases, *options, self.g.name, self.h.name)
        readout = Dense(self.readout[:, :-1].copy(), self.readout[:, -1].copy(), self.out.name)
        return Network((layer,), (readout,), name, made_by)


@dataclass(frozen=True)
class Gradient:
    """dE/dw in the form of `Parameters`, and the outputs in the shape of the target."""

    hidden: Array
    readout: Array
    out: Array


def gradient(p: Parameters, x: Array, target: Array) -> Gradient:
    """The truncated gradient of E over one sequence that starts from state zero.

    Parameters
    ----------
    x : (T, D) inputs.
    target : (K,) for the last step alone, or (T, K) for every step (E is then summed over the
        steps).

    Raises
    ------
    InputError : shapes that do not fit.
    """
    sums = Gradient(np.zeros_like(p.hidden), np.zeros_like(p.readout), np.empty_like(target))
    for t, part in enumerate(steps(p, x, target)):
        sums.hidden[:] += part.hidden
        sums.readout[:] += part.readout
        sums.out[t if target.ndim == 2 else ...] = part.out
    return sums


def steps(p: Parameters, x: Array, target: Array) -> Iterator[Gradient]:
    """The gradient of the error of each step that has a target, one after the other.

    `p` may change between two of them. Takes and raises what `gradient` does; `out` is (K,).
    """
    check_sequence(x, target, p.shape.inputs, len(p.readout))
    shape, sigma = p.shape, squash("sigma")
    partial = {
        kind: np.zeros((shape.cells, p.hidden.shape[1])) for kind in shape.kinds if kind != "o"
    }
    s, y = np.zeros(shape.cells), np.zeros(shape.cells)
    gates = np.zeros(len(shape.gates) * shape.blocks)
    for t in range(len(x)):
        u = np.concatenate((x[t], y, gates if shape.gate_recurrence else [], [1.0]))
        net = p.hidden @ u
        gates = sigma(net[: len(gates)])
        gate = {k: np.repeat(gates[p.rows(k)], shape.block_size) for k in shape.gates}  # a cell's
        slope = {k: sigma.derivative(gate[k]) for k in shape.gates}
        z = p.g(net[p.rows("g")])
        keep = gate["f"] if "f" in gate else np.ones(shape.cells)
        reaches = {"i": z * slope["i"], "g": gate["i"] * p.g.derivative(z)}  # (25), (27)
        if "f" in gate:
            reaches["f"] = s * slope["f"]
        for kind, factor in reaches.items():
            partial[kind] = keep[:, None] * partial[kind] + np.outer(factor, u)
        s = keep * s + gate["i"] * z  # (9)
        squashed = p.h(s)
        y = gate["o"] * squashed
        if target.ndim == 2 or t == len(x) - 1:
            seen = np.concatenate((y, x[t] if p.shortcut else [], [1.0]))
            out = p.out(p.readout @ seen)
            e_k = (target[t] if target.ndim == 2 else target) - out
            if not p.entropy:
                e_k = p.out.derivative(out) * e_k  # (19)
            e_y = e_k @ p.readout[:, : shape.cells]
            e_o = slope["o"] * squashed * e_y  # (21), before the sum over a block's cells
            e_s = gate["o"] * p.h.derivative(squashed) * e_y  # (23)
            changes = {"o": np.outer(e_o, u)}  # (22)
            changes |= {kind: e_s[:, None] * partial[kind] for kind in reaches}  # (26), (28)
            yield Gradient(_by_rows(changes, shape), -np.outer(e_k, seen), out)


def _by_rows(changes: dict[str, Array], shape: Shape) -> Array:
    """dE/dw (R, N + 1) from the changes of each cell (C, N + 1), which a block's gates add up."""
    per_block = (shape.blocks, shape.block_size, -1)
    rows = [
        changes[kind] if kind == "g" else changes[kind].reshape(per_block).sum(axis=1)
        for kind in shape.kinds
    ]
    return -np.concatenate(rows)


def train_sequence(
    p: Parameters, x: Array, target: Array, rate: float, each_step: bool = False
) -> Array:
    """On-line learning: change `p` by -rate * gradient; return the outputs from before it.

    The weights change once, after the sequence, or after `each_step` that has a target; the
    partial derivatives then go on as they were.
    """
    if not each_step:
        change = gradient(p, x, target)
        _change(p, change, rate)
        return change.out
    out = np.empty_like(target)
    for t, change in enumerate(steps(p, x, target)):
        _change(p, change, rate)
        out[t if target.ndim == 2 else ...] = change.out
    return out


def _change(p: Parameters, change: Gradient, rate: float) -> None:
    learns = p.learns or (1.0, 1.0)
    p.hidden[:] -= rate * change.hidden * learns[0]
    p.readout[:] -= rate * change.readout * learns[1]


def check_sequence(x: Array, target: Array, inputs: int, outputs: int) -> None:
    """Refuse x that is not (T, D), or a target that is neither (K,) nor (T, K): `InputError`."""
    if x.ndim != 2 or not len(x) or x.shape[1] != inputs:
        raise InputError(f"input: shape {x.shape}, must be (T, {inputs}) with T at least 1")
    if target.shape not in ((outputs,), (len(x), outputs)):
        raise InputError(
            f"target: shape {target.shape}, must be ({outputs},) or ({len(x)}, {outputs})"
        )

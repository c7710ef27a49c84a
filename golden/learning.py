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

from dataclasses import dataclass

import numpy as np

from golden.cell import Layer, Shape
from golden.errors import InputError, ModelError
from golden.network import Network, Readout
from golden.squash import Array, Squash, squash


@dataclass(frozen=True)
class Parameters:
    """A one-layer network with a readout as two matrices, which learning changes in place.

    Attributes
    ----------
    hidden : (R, N + 1); rows are the gates kind by kind (B each), then g (C); the last column is
        the bias.
    readout : (K, C + 1); the last column is the bias.
    shape : of the layer.
    g, h, out : squashing functions of cell input, cell output and output units.
    """

    hidden: Array
    readout: Array
    shape: Shape
    g: Squash
    h: Squash
    out: Squash

    @classmethod
    def of(cls, net: Network) -> "Parameters":
        """A copy of a network's weights; `ModelError` unless one plain layer and a readout."""
        if len(net.layers) != 1 or net.readout is None:
            found = f"{len(net.layers)} layers and {'a' if net.readout else 'no'} readout"
            raise ModelError(f"learning: the network has {found}, must have 1 layer and a readout")
        if net.output != "every":
            raise ModelError(f"learning: output {net.output!r} is not supported, must be 'every'")
        layer, readout = net.layers[0], net.readout
        plain = Layer(
            layer.weights, layer.biases, layer.block_size, layer.gate_recurrence, layer.g, layer.h
        )
        hard = "hard" in (layer.gate, layer.g, layer.h)
        if layer.shape != plain.shape or hard or layer.clip or layer.initial:
            raise ModelError(
                "learning: peepholes, coupled gates, projection, hard sigmoids, clipping, reverse "
                "layers and initial states are not supported"
            )
        rows = [np.column_stack((layer.weights[k], layer.biases[k])) for k in layer.shape.kinds]
        outputs = np.column_stack((readout.weights, readout.biases))
        functions = (squash(name) for name in (layer.g, layer.h, readout.squash))
        return cls(np.concatenate(rows), outputs, layer.shape, *functions)

    def rows(self, kind: str) -> slice:
        """The rows of `hidden` that belong to i, f, o or g."""
        start = self.shape.kinds.index(kind) * self.shape.blocks
        return slice(start, start + self.shape.rows(kind))

    def network(self, name: str, made_by: str = "") -> Network:
        """The network with these weights, copied; `ModelError` if they are not finite."""
        kinds = self.shape.kinds
        weights = {kind: self.hidden[self.rows(kind), :-1].copy() for kind in kinds}
        biases = {kind: self.hidden[self.rows(kind), -1].copy() for kind in kinds}
        options = self.shape.block_size, self.shape.gate_recurrence
        layer = Layer(weights, biases, *options, self.g.name, self.h.name)
        readout = Readout(self.readout[:, :-1].copy(), self.readout[:, -1].copy(), self.out.name)
        return Network((layer,), readout, name, made_by)


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
    check_sequence(x, target, p.shape.inputs, len(p.readout))
    shape, sigma = p.shape, squash("sigma")
    blocks, size = shape.blocks, shape.block_size
    found = Gradient(np.zeros_like(p.hidden), np.zeros_like(p.readout), np.zeros_like(target))
    partial = {
        kind: np.zeros((shape.cells, p.hidden.shape[1])) for kind in shape.kinds if kind != "o"
    }
    s, y, gates = np.zeros(shape.cells), np.zeros(shape.cells), np.zeros(len(shape.gates) * blocks)
    for t in range(len(x)):
        u = np.concatenate((x[t], y, gates if shape.gate_recurrence else [], [1.0]))
        net = p.hidden @ u
        gates = sigma(net[: len(gates)])
        gate = {k: np.repeat(gates[p.rows(k)], size) for k in shape.gates}  # one value a cell
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
            e_y = _outputs(p, y, target[t] if target.ndim == 2 else target, found, t)
            per_block = (blocks, size)
            e_o = (slope["o"] * squashed * e_y).reshape(per_block).sum(axis=1)  # (21)
            e_s = gate["o"] * p.h.derivative(squashed) * e_y  # (23)
            found.hidden[p.rows("o")] -= np.outer(e_o, u)
            for kind in reaches:  # (26), (28)
                change = e_s[:, None] * partial[kind]
                if kind != "g":
                    change = change.reshape(*per_block, -1).sum(axis=1)
                found.hidden[p.rows(kind)] -= change
    return found


def _outputs(p: Parameters, y: Array, target: Array, found: Gradient, t: int) -> Array:
    """Output units at step t: fill in their gradient and output, return the error at y (C,)."""
    seen = np.append(y, 1.0)
    out = p.out(p.readout @ seen)
    e_k = p.out.derivative(out) * (target - out)  # (19)
    found.readout[:] -= np.outer(e_k, seen)
    found.out[t if found.out.ndim == 2 else ...] = out
    return e_k @ p.readout[:, :-1]


def train_sequence(p: Parameters, x: Array, target: Array, rate: float) -> Array:
    """One on-line step: change `p` by -rate * gradient; return the outputs from before it."""
    found = gradient(p, x, target)
    p.hidden[:] -= rate * found.hidden
    p.readout[:] -= rate * found.readout
    return found.out


def check_sequence(x: Array, target: Array, inputs: int, outputs: int) -> None:
    """Refuse x that is not (T, D), or a target that is neither (K,) nor (T, K): `InputError`."""
    if x.ndim != 2 or not len(x) or x.shape[1] != inputs:
        raise InputError(f"input: shape {x.shape}, must be (T, {inputs}) with T at least 1")
    if target.shape not in ((outputs,), (len(x), outputs)):
        raise InputError(
            f"target: shape {target.shape}, must be ({outputs},) or ({len(x)}, {outputs})"
        )

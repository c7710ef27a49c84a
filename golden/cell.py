"""One layer of memory cells: the 1997 cell, the forget-gate cell and its relatives in one form.

A layer has B blocks of S cells; the cells of a block share its gates. Sources of a layer at step t
are u(t) = [x(t), y(t-1)] and, with gate recurrence, the gates' own outputs at t-1.

    i = sigma(W_i u + b_i [+ p_i s(t-1)])   input gate, one a block
    f = sigma(W_f u + b_f [+ p_f s(t-1)])   forget gate, one a block; 1997: f = 1 by wiring;
                                            coupled: f = 1 - i
    s(t) = f s(t-1) + i g(W_g u + b_g)      the constant error carousel, one a cell
    o = sigma(W_o u + b_o [+ p_o s(t)])     output gate, one a block
    y(t) = o h(s(t))                        cell output; with a projection it is called m, and
                                            y(t) = W_m m(t)

Sources: Hochreiter & Schmidhuber (1997), equations (7)-(9); Gers, Schmidhuber & Cummins (2000);
peepholes p: Gers, Schraudolph & Schmidhuber (2002); projection: Sak, Senior & Beaufays (2014).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from golden.errors import ModelError
from golden.shape import Shape
from golden.squash import Array, squash

GATES = ("sigma", "hard")


@dataclass(frozen=True)
class LayerState:
    """What a layer remembers between steps: s (..., C), y (..., outputs), gates (..., G*B)."""

    s: Array
    y: Array
    gates: Array


@dataclass(frozen=True)
class Layer:
    """A layer of memory blocks with its weights.

    Attributes
    ----------
    weights : kind -> (rows, N) for kinds i, [f,] o (B rows each) and g (C rows, block by block).
        Columns are x (D), y, then gates (see `Shape.columns`).
    biases : kind -> (rows,).
    block_size : S.
    gate_recurrence : whether u holds the gates' outputs of the step before.
    g, h : names of the squashing functions of cell input and cell output.
    gate : name of the squashing function of the gates, "sigma" or "hard".
    coupled : f = 1 - i; there is then no f among the weights.
    peepholes : gate -> (C,), for every gate; or none. For blocks of one cell, no gate recurrence.
    clip : "gate", "g" -> (lowest, highest) that their net inputs are clipped to; missing: not.
    projection : W_m (P, C), or None.
    initial : "s" (C,), "y" (outputs,): the state that a sequence starts from; missing: 0.
    reverse : the layer runs from the last step to the first.
    beside : it has the input of the layer before it, and their outputs are joined.

    Raises
    ------
    ModelError : shapes that do not agree, a missing kind, values that are not finite.
    """

    weights: Mapping[str, Array]
    biases: Mapping[str, Array]
    block_size: int = 1
    gate_recurrence: bool = False
    g: str = "tanh"
    h: str = "tanh"
    gate: str = "sigma"
    coupled: bool = False
    peepholes: Mapping[str, Array] = field(default_factory=dict)
    clip: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    projection: Array | None = None
    initial: Mapping[str, Array] = field(default_factory=dict)
    reverse: bool = False
    beside: bool = False
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        gates = ("i", "f", "o") if "f" in self.weights else ("i", "o")
        self._check_kinds(gates)
        self._check_options()
        if any(np.ndim(values) != 2 for values in self.weights.values()):
            raise ModelError("layer weights: every array must have two dimensions (rows, sources)")
        blocks, sources = np.shape(self.weights["i"])
        cells = blocks * self.block_size
        projected = None if self.projection is None else len(self.projection)
        inputs = sources - (cells if projected is None else projected)
        inputs -= len(gates) * blocks if self.gate_recurrence else 0
        if blocks < 1 or inputs < 1:
            raise ModelError(
                f"weights i: shape {(blocks, sources)} leaves {inputs} inputs, at least 1 is needed"
            )
        shape = Shape(
            inputs,
            blocks,
            self.block_size,
            gates,
            self.gate_recurrence,
            self.coupled,
            bool(self.peepholes),
            projected,
            self.reverse,
            self.beside,
        )
        object.__setattr__(self, "shape", shape)
        self._check_arrays(shape)

    def _check_kinds(self, gates: tuple[str, ...]) -> None:
        """Weights and biases for every row kind, and peepholes for every gate or for none."""
        for what, values in (("weights", self.weights), ("biases", self.biases)):
            for kind in (*gates, "g"):
                if kind not in values:
                    raise ModelError(
                        f"layer {what}: {kind!r} is missing, needed are {', '.join((*gates, 'g'))}"
                    )
            if set(values) != {*gates, "g"}:
                extra = next(kind for kind in values if kind not in (*gates, "g"))
                raise ModelError(f"layer {what}: {extra!r} is not known, allowed are i, f, o, g")
        if self.peepholes and set(self.peepholes) != set(gates):
            have = ", ".join(self.peepholes)
            raise ModelError(f"layer peepholes: {have}, must be those of {', '.join(gates)}")
        if self.coupled and "f" in gates:
            raise ModelError("layer weights: 'f' must not be there where f = 1 - i (coupled)")

    def _check_options(self) -> None:
        if type(self.block_size) is not int or self.block_size < 1:
            raise ModelError(f"block size {self.block_size!r}: must be a whole number, at least 1")
        for name in ("gate_recurrence", "coupled", "reverse", "beside"):
            if not isinstance(getattr(self, name), bool):
                what = name.replace("_", " ")
                raise ModelError(f"{what} {getattr(self, name)!r}: must be True or False")
        for name in (self.g, self.h):
            squash(name)
        if self.gate not in GATES:
            raise ModelError(f"squashing function of the gates {self.gate!r}: allowed are {GATES}")
        if self.peepholes and (self.block_size > 1 or self.gate_recurrence):
            raise ModelError("peepholes: only with blocks of one cell and without gate recurrence")
        for name, ends in self.clip.items():
            if name not in ("gate", "g"):
                raise ModelError(f"clip of {name!r}: allowed are 'gate', 'g'")
            if not (len(ends) == 2 and np.isfinite(ends).all() and ends[0] < ends[1]):
                raise ModelError(f"clip of {name} {ends}: must be two numbers, the lower one first")
        if self.beside and not self.reverse:
            raise ModelError("a layer beside another must run in reverse")

    def _check_arrays(self, shape: Shape) -> None:
        for kind in shape.kinds:
            check_array(f"weights {kind}", self.weights[kind], (shape.rows(kind), shape.sources))
            check_array(f"biases {kind}", self.biases[kind], (shape.rows(kind),))
        for kind, values in self.peepholes.items():
            check_array(f"peepholes {kind}", values, (shape.cells,))
        if self.projection is not None:
            check_array("projection", self.projection, (len(self.projection), shape.cells))
            if not len(self.projection):
                raise ModelError("projection: no rows, at least 1 is needed")
        for name, values in self.initial.items():
            if name not in ("s", "y"):
                raise ModelError(f"initial {name!r}: allowed are 's', 'y'")
            check_array(f"initial {name}", values, (shape.state[name],))

    def initial_state(self, batch: int) -> LayerState:
        """The state that a sequence starts from, shapes (batch, ...): `initial`, else zero."""
        zero = {name: np.zeros((batch, width)) for name, width in self.shape.state.items()}
        for name, values in self.initial.items():
            zero[name] += values
        return LayerState(**zero)

    def run(self, x: Array, state: LayerState) -> tuple[dict[str, Array], LayerState]:
        """Run T steps of a batch, in the order in which they are given.

        Parameters
        ----------
        x : (T, N, D) inputs.
        state : the state before the first step, arrays (N, ...).

        Returns
        -------
        Signals i, [f,] o (T, N, B), g, s, [m] (T, N, C) and y (T, N, outputs), and the state after
        the last step.
        """
        shape, (steps, batch, _) = self.shape, x.shape
        weights = np.concatenate([self.weights[kind] for kind in shape.kinds])
        part = {
            source: np.ascontiguousarray(weights[:, cut].T) for source, cut in shape.columns.items()
        }
        net_x = x @ part["x"] + np.concatenate([self.biases[kind] for kind in shape.kinds])
        trace = {name: np.empty((steps, batch, width)) for name, width in shape.signals.items()}
        s, y, gates = state.s, state.y, state.gates
        for t in range(steps):
            net = net_x[t] + y @ part["y"]
            if shape.gate_recurrence:
                net += gates @ part["gates"]
            signals = self.step(net, s)
            s, y = signals["s"], signals["y"]
            gates = np.concatenate([signals[kind] for kind in shape.gates], axis=1)
            for name, values in signals.items():
                trace[name][t] = values
        return trace, LayerState(s, y, gates)

    def step(self, net: Array, before: Array) -> dict[str, Array]:
        """One step of the cell.

        Parameters
        ----------
        net : (N, R) weighted sums and biases of all rows: gates kind by kind, then g.
        before : (N, C), s(t-1).

        Returns
        -------
        Every signal of the step, as in `run`.
        """
        shape, size = self.shape, self.shape.block_size
        rows = np.split(net, [shape.blocks * k for k in range(1, len(shape.kinds))], axis=1)
        sums = dict(zip(shape.kinds, rows, strict=True))
        found: dict[str, Array] = {}

        def gate(kind: str, state: Array) -> Array:
            """Fill in a gate, which sees `state`; return it once a cell."""
            seen = sums[kind] + state * self.peepholes[kind] if self.peepholes else sums[kind]
            found[kind] = squash(self.gate)(self._clipped("gate", seen))
            return np.repeat(found[kind], size, axis=1) if size > 1 else found[kind]

        i = gate("i", before)
        f = 1.0 - i if self.coupled else gate("f", before) if "f" in sums else None
        found["g"] = squash(self.g)(self._clipped("g", sums["g"]))
        found["s"] = s = (before if f is None else f * before) + i * found["g"]
        m = gate("o", s) * squash(self.h)(s)
        if self.projection is not None:
            found["m"], m = m, m @ self.projection.T
        return {**found, "y": m}

    def _clipped(self, what: str, net: Array) -> Array:
        return np.clip(net, *self.clip[what]) if what in self.clip else net


def check_array(name: str, values: Array, shape: tuple[int, ...]) -> None:
    if np.shape(values) != shape:
        raise ModelError(f"{name}: shape {np.shape(values)}, must be {shape}")
    if np.asarray(values).dtype != np.float64:
        raise ModelError(f"{name}: type {np.asarray(values).dtype}, must be float64")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        where = tuple(int(k) for k in bad[0])
        raise ModelError(f"{name}{list(where)}: {values[where]} is not a finite number")

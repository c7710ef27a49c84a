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

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from golden.errors import ModelError
from golden.shape import Shape
from golden.squash import SQUASHES, Array, Squash, squash

AT_ONCE = 1024  # vectors of input whose sums are worked out at a time


@dataclass(frozen=True)
class LayerState:
    """What a layer remembers between steps: s (..., C), y (..., outputs), gates (..., G*B)."""

    s: Array
    y: Array
    gates: Array

    def __repr__(self) -> str:
        return f"LayerState(s {self.s.shape}, y {self.y.shape}, gates {self.gates.shape})"


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
    gate : name of the squashing function of the gates, one with values from 0 to 1.
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

    def __repr__(self) -> str:
        return f"Layer({self.shape.inputs} -> {self.shape.brief})"

    def __post_init__(self) -> None:
        gates = ("i", "f", "o") if "f" in self.weights else ("i", "o")
        self._check_kinds(gates)
        self._check_options()
        object.__setattr__(self, "shape", self._find_shape(gates))
        self._check_arrays()

    def _check_kinds(self, gates: tuple[str, ...]) -> None:
        """Weights and biases for every row kind, and peepholes for every gate or for none."""
        kinds = (*gates, "g")
        for what, values in (("weights", self.weights), ("biases", self.biases)):
            for kind in kinds:
                if kind not in values:
                    needed = ", ".join(kinds)
                    raise ModelError(f"layer {what}: {kind!r} is missing, needed are {needed}")
            for kind in values:
                if kind not in kinds:
                    raise ModelError(f"layer {what}: {kind!r} is not known, allowed are i, f, o, g")
        if self.peepholes and set(self.peepholes) != set(gates):
            have = ", ".join(self.peepholes)
            raise ModelError(f"layer peepholes: {have}, must be those of {', '.join(gates)}")
        if self.coupled and "f" in gates:
            raise ModelError("layer weights: 'f' must not be there where f = 1 - i (coupled)")

    def _check_options(self) -> None:
        """Every option's type and range, and that those that are set go together."""
        if type(self.block_size) is not int or self.block_size < 1:
            raise ModelError(f"block size {self.block_size!r}: must be a whole number, at least 1")
        for name in ("gate_recurrence", "coupled", "reverse", "beside"):
            if not isinstance(getattr(self, name), bool):
                what = name.replace("_", " ")
                raise ModelError(f"{what} {getattr(self, name)!r}: must be True or False")
        for name in (self.g, self.h):
            squash(name)
        gates = [name for name, function in SQUASHES.items() if function.gate]
        if self.gate not in gates:
            allowed = ", ".join(gates)
            raise ModelError(
                f"squashing function of the gates {self.gate!r}: allowed are {allowed}"
            )
        for name, ends in self.clip.items():
            if name not in ("gate", "g"):
                raise ModelError(f"clip of {name!r}: allowed are 'gate', 'g'")
            if not (np.shape(ends) == (2,) and np.isfinite(ends).all() and ends[0] < ends[1]):
                raise ModelError(f"clip of {name} {ends}: must be two numbers, the lower one first")
        if self.peepholes and (self.block_size > 1 or self.gate_recurrence):
            raise ModelError("peepholes: only with blocks of one cell and without gate recurrence")
        if self.beside and not self.reverse:
            raise ModelError("a layer beside another must run in reverse")

    def _find_shape(self, gates: tuple[str, ...]) -> Shape:
        """The sizes, read off the arrays of the input gate and the projection."""
        if any(np.ndim(values) != 2 for values in self.weights.values()):
            raise ModelError("layer weights: every array must have two dimensions (rows, sources)")
        blocks, sources = np.shape(self.weights["i"])
        outputs, projected = blocks * self.block_size, None
        if self.projection is not None:
            if np.ndim(self.projection) != 2 or not np.size(self.projection):
                have = np.shape(self.projection)
                raise ModelError(f"projection: shape {have}, must be (outputs, cells)")
            outputs = projected = len(self.projection)
        inputs = sources - outputs - (len(gates) * blocks if self.gate_recurrence else 0)
        if blocks < 1 or inputs < 1:
            raise ModelError(
                f"weights i: shape {(blocks, sources)} leaves {inputs} inputs, at least 1 is needed"
            )
        return Shape(
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

    def _check_arrays(self) -> None:
        """Every array's shape and type, and that its numbers are finite."""
        shape = self.shape
        for kind in shape.kinds:
            check_array(f"weights {kind}", self.weights[kind], (shape.rows(kind), shape.sources))
            check_array(f"biases {kind}", self.biases[kind], (shape.rows(kind),))
        for kind, values in self.peepholes.items():
            check_array(f"peepholes {kind}", values, (shape.cells,))
        if self.projection is not None:
            check_array("projection", self.projection, (shape.outputs, shape.cells))
        for name, values in self.initial.items():
            if name not in ("s", "y"):
                raise ModelError(f"initial {name!r}: allowed are 's', 'y'")
            check_array(f"initial {name}", values, (shape.state[name],))

    def initial_state(self, batch: int) -> LayerState:
        """The state that a sequence starts from, shapes (batch, ...): `initial`, else zero."""
        parts = {name: np.zeros((batch, width)) for name, width in self.shape.state.items()}
        for name, values in self.initial.items():
            parts[name][:] = values
        return LayerState(**parts)

    def run(self, x: Array, state: LayerState) -> tuple[dict[str, Array], LayerState]:
        """Run T steps of a batch, in the order in which they are given.

        Parameters
        ----------
        x : (T, N, D) inputs, float64, or float32 and then all of the arithmetic is in float32.
        state : the state before the first step, arrays (N, ...).

        Returns
        -------
        Signals i, [f,] o (T, N, B), g, s, [m] (T, N, C) and y (T, N, outputs), and the state after
        the last step.
        """
        shape, (steps, batch, _), dtype = self.shape, x.shape, x.dtype
        step = _Step(self, dtype)
        weights = np.concatenate([self.weights[kind] for kind in shape.kinds], dtype=dtype)
        biases = np.concatenate([self.biases[kind] for kind in shape.kinds], dtype=dtype)
        part = {
            source: np.ascontiguousarray(weights[:, cut].T) for source, cut in shape.columns.items()
        }
        kept = {
            "gates": np.empty((steps, batch, len(shape.gates), shape.blocks, 1), dtype),
            **{
                name: np.empty((steps, batch, shape.blocks, shape.block_size), dtype)
                for name in "gsm"
            },
        }
        trace_y = kept["m"].reshape(steps, batch, -1)
        projection = None if self.projection is None else self.projection.T.astype(dtype)
        if projection is not None:
            trace_y = np.empty((steps, batch, shape.outputs), dtype)
        s, y, gates = (part.astype(dtype) for part in (state.s, state.y, state.gates))
        s = s.reshape(kept["s"].shape[1:])
        recurrent = np.empty((batch, len(biases)), dtype)
        given = _sums(x, part["x"], biases)
        for t, (net, *out) in enumerate(zip(given, *kept.values(), strict=True)):
            net += np.matmul(y, part["y"], out=recurrent)
            if shape.gate_recurrence:
                net += gates.reshape(batch, -1) @ part["gates"]
            step(net, s, *out)
            gates, _, s, m = out
            y = m.reshape(batch, -1)
            if projection is not None:
                y = np.matmul(y, projection, out=trace_y[t])
        found = {kind: kept["gates"][:, :, k, :, 0] for k, kind in enumerate(shape.gates)}
        found |= {name: kept[name].reshape(steps, batch, -1) for name in "gs"}
        if self.projection is not None:
            found["m"] = kept["m"].reshape(steps, batch, -1)
        end = LayerState(*(np.array(last.reshape(batch, -1)) for last in (s, y, gates)))
        return {**found, "y": trace_y}, end


def _sums(x: Array, weights: Array, biases: Array) -> Iterator[Array]:
    """x (T, N, D) by weights (D, R), and biases (R,), step by step: as many steps at a time as stay
    in a cache."""
    steps, batch, _ = x.shape
    many = max(1, AT_ONCE // max(1, batch))
    place = np.empty((min(many, steps), batch, len(biases)), x.dtype)
    for at in range(0, steps, many):
        found = np.matmul(x[at : at + many], weights, out=place[: min(many, steps - at)])
        found += biases
        yield from found


class _Step:
    """The equations of one step; what is the same in all steps is looked up once."""

    def __init__(self, layer: Layer, dtype: np.dtype):
        shape = layer.shape
        self.rows = len(shape.gates) * shape.blocks
        self.by_kind = (-1, len(shape.gates), shape.blocks, 1)
        self.forgets, self.coupled = "f" in shape.gates, shape.coupled
        self.gate = _clipped(squash(layer.gate), layer.clip.get("gate"))
        self.g = _clipped(squash(layer.g), layer.clip.get("g"))
        self.h = squash(layer.h)
        self.peepholes = None
        if layer.peepholes:
            held = [layer.peepholes[kind] for kind in shape.gates]
            self.peepholes = np.stack(held, dtype=dtype)[..., None]

    def __call__(
        self, net: Array, before: Array, gates: Array, g: Array, s: Array, m: Array
    ) -> None:
        """From weighted sums and biases (N, R) and s(t-1) what becomes of gates (N, G, B, 1), g, s
        and m.

        States, g and m are (N, B, S); peepholes come with blocks of one cell, S = 1.
        """
        nets = net[:, : self.rows].reshape(self.by_kind)
        if self.peepholes is None:
            self.gate(nets, gates)
        else:
            self.gate(nets[:, :-1] + before[:, None] * self.peepholes[:-1], gates[:, :-1])
        i = gates[:, 0]
        self.g(net[:, self.rows :].reshape(before.shape), g)
        if self.forgets:
            np.multiply(gates[:, 1], before, out=s)
            s += i * g
        else:
            np.add((1.0 - i) * before if self.coupled else before, i * g, out=s)
        if self.peepholes is not None:
            self.gate(nets[:, -1:] + s[:, None] * self.peepholes[-1:], gates[:, -1:])
        self.h(s, m)
        m *= gates[:, -1]


def _clipped(function: Squash, ends: tuple[float, float] | None) -> Callable[..., Array]:
    """`function` of its argument clipped to `ends`."""
    if ends is None:
        return function
    low, high = map(float, ends)  # of no type that would make float32 wider
    return lambda a, out: function(np.minimum(np.maximum(a, low), high), out)


def check_array(name: str, values: Array, shape: tuple[int, ...]) -> None:
    if np.shape(values) != shape:
        raise ModelError(f"{name}: shape {np.shape(values)}, must be {shape}")
    if np.asarray(values).dtype != np.float64:
        raise ModelError(f"{name}: type {np.asarray(values).dtype}, must be float64")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        where = tuple(int(k) for k in bad[0])
        raise ModelError(f"{name}{list(where)}: {values[where]} is not a finite number")

"""One layer of memory cells: the 1997 cell and the forget-gate cell in one form.

A layer has B blocks of S cells; the cells of a block share its gates. Sources of a layer at step t
are u(t) = [x(t), y(t-1)] and, with gate recurrence, the gates' own outputs at t-1.

    i = sigma(W_i u + b_i)              input gate, one a block
    f = sigma(W_f u + b_f)              forget gate, one a block; the 1997 cell has f = 1 by wiring
    o = sigma(W_o u + b_o)              output gate, one a block
    s(t) = f s(t-1) + i g(W_g u + b_g)  the constant error carousel, one a cell
    y(t) = o h(s(t))                    cell output

Sources: Hochreiter & Schmidhuber (1997), equations (7)-(9); Gers, Schmidhuber & Cummins (2000).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from golden.errors import ModelError
from golden.squash import Array, squash


@dataclass(frozen=True)
class LayerState:
    """What a layer remembers between steps: s, y (..., C) and the gates' outputs (..., G*B)."""

    s: Array
    y: Array
    gates: Array


@dataclass(frozen=True)
class Shape:
    """The sizes of a layer, shared by the float, the integer and the hardware view.

    Attributes
    ----------
    inputs : D, width of x.
    blocks, block_size : B and S; the layer has C = B * S cells.
    gates : gate kinds in row order, ("i", "o") or ("i", "f", "o").
    gate_recurrence : whether the gates' outputs at t-1 are sources too.
    """

    inputs: int
    blocks: int
    block_size: int
    gates: tuple[str, ...]
    gate_recurrence: bool

    @property
    def cells(self) -> int:
        return self.blocks * self.block_size

    @property
    def kinds(self) -> tuple[str, ...]:
        """Row kinds in order: the gates, then "g" (the cell inputs)."""
        return (*self.gates, "g")

    @property
    def rows_per_block(self) -> int:
        return len(self.gates) + self.block_size

    @property
    def columns(self) -> dict[str, slice]:
        """Columns of the weight matrices by source: x, y and, with gate recurrence, gates.

        The gate columns are gate-major: i of all blocks, then f, then o.
        """
        ends = [self.inputs, self.inputs + self.cells]
        found = {"x": slice(0, ends[0]), "y": slice(ends[0], ends[1])}
        if self.gate_recurrence:
            found["gates"] = slice(ends[1], ends[1] + len(self.gates) * self.blocks)
        return found

    @property
    def sources(self) -> int:
        """N, the number of columns."""
        return max(part.stop for part in self.columns.values())

    def rows(self, kind: str) -> int:
        """How many rows of this kind the layer has: C for "g", B for a gate."""
        return self.cells if kind == "g" else self.blocks

    @property
    def signals(self) -> dict[str, int]:
        """Width of every signal that a trace shows, by name."""
        return {
            **{gate: self.blocks for gate in self.gates},
            "g": self.cells,
            "s": self.cells,
            "y": self.cells,
        }


@dataclass(frozen=True)
class Layer:
    """A layer of memory blocks with its weights.

    Attributes
    ----------
    weights : kind -> (rows, N) for kinds i, [f,] o (B rows each) and g (C rows, block by block).
        Columns are x (D), y (C), then gates (see `Shape.columns`).
    biases : kind -> (rows,).
    block_size : S.
    gate_recurrence : whether u holds the gates' outputs of the step before.
    g, h : names of the squashing functions of cell input and cell output.

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
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        gates = ("i", "f", "o") if "f" in self.weights else ("i", "o")
        for what, values in (("weights", self.weights), ("biases", self.biases)):
            for kind in (*gates, "g"):
                if kind not in values:
                    raise ModelError(
                        f"layer {what}: {kind!r} is missing, needed are {', '.join((*gates, 'g'))}"
                    )
            if set(values) != {*gates, "g"}:
                extra = next(kind for kind in values if kind not in (*gates, "g"))
                raise ModelError(f"layer {what}: {extra!r} is not known, allowed are i, f, o, g")
        if type(self.block_size) is not int or self.block_size < 1:
            raise ModelError(f"block size {self.block_size!r}: must be a whole number, at least 1")
        if not isinstance(self.gate_recurrence, bool):
            raise ModelError(f"gate recurrence {self.gate_recurrence!r}: must be True or False")
        for name in (self.g, self.h):
            squash(name)
        if any(np.ndim(values) != 2 for values in self.weights.values()):
            raise ModelError("layer weights: every array must have two dimensions (rows, sources)")
        blocks, sources = np.shape(self.weights["i"])
        cells = blocks * self.block_size
        inputs = sources - cells - (len(gates) * blocks if self.gate_recurrence else 0)
        if blocks < 1 or inputs < 1:
            raise ModelError(
                f"weights i: shape {(blocks, sources)} leaves {inputs} inputs, at least 1 is needed"
            )
        shape = Shape(inputs, blocks, self.block_size, gates, self.gate_recurrence)
        object.__setattr__(self, "shape", shape)
        for kind in shape.kinds:
            check_array(f"weights {kind}", self.weights[kind], (shape.rows(kind), sources))
            check_array(f"biases {kind}", self.biases[kind], (shape.rows(kind),))

    def zero_state(self, batch: int) -> LayerState:
        """The state that a sequence starts from: all zero, shapes (batch, ...)."""
        shape = self.shape
        return LayerState(
            np.zeros((batch, shape.cells)),
            np.zeros((batch, shape.cells)),
            np.zeros((batch, len(shape.gates) * shape.blocks)),
        )

    def run(self, x: Array, state: LayerState) -> tuple[dict[str, Array], LayerState]:
        """Run T steps of a batch.

        Parameters
        ----------
        x : (T, N, D) inputs.
        state : the state before the first step, arrays (N, ...).

        Returns
        -------
        Signals i, [f,] o (T, N, B) and g, s, y (T, N, C), and the state after the last step.
        """
        shape, (steps, batch, _) = self.shape, x.shape
        blocked = (batch, shape.blocks, shape.block_size)
        weights = np.concatenate([self.weights[kind] for kind in shape.kinds])
        part = {
            source: np.ascontiguousarray(weights[:, cut].T) for source, cut in shape.columns.items()
        }
        net_x = x @ part["x"] + np.concatenate([self.biases[kind] for kind in shape.kinds])
        g, h, sigma = squash(self.g), squash(self.h), squash("sigma")
        gate_rows = len(shape.gates) * shape.blocks
        trace = {name: np.empty((steps, batch, width)) for name, width in shape.signals.items()}
        s, y, gates = state.s.reshape(blocked), state.y, state.gates
        for t in range(steps):
            net = net_x[t] + y @ part["y"]
            if shape.gate_recurrence:
                net += gates @ part["gates"]
            gates = sigma(net[:, :gate_rows])
            gate = {
                kind: gates[:, k * shape.blocks : (k + 1) * shape.blocks, None]
                for k, kind in enumerate(shape.gates)
            }
            cell_input = g(net[:, gate_rows:]).reshape(blocked)
            kept = gate["f"] * s if "f" in gate else s
            s = kept + gate["i"] * cell_input
            y = (gate["o"] * h(s)).reshape(batch, -1)
            for kind in shape.gates:
                trace[kind][t] = gate[kind][:, :, 0]
            trace["g"][t] = cell_input.reshape(batch, -1)
            trace["s"][t] = s.reshape(batch, -1)
            trace["y"][t] = y
        return trace, LayerState(s.reshape(batch, -1), y, gates)


def check_array(name: str, values: Array, shape: tuple[int, ...]) -> None:
    if np.shape(values) != shape:
        raise ModelError(f"{name}: shape {np.shape(values)}, must be {shape}")
    if np.asarray(values).dtype != np.float64:
        raise ModelError(f"{name}: type {np.asarray(values).dtype}, must be float64")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        where = tuple(int(k) for k in bad[0])
        raise ModelError(f"{name}{list(where)}: {values[where]} is not a finite number")

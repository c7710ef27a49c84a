"""The sizes and kinds of a layer: what the float, the integer and the hardware view share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from golden import wiring


@dataclass(frozen=True)
class Shape:
    """The sizes of a layer and what kind of cell it has.

    Attributes
    ----------
    inputs : D, width of x.
    blocks, block_size : B and S; the layer has C = B * S cells.
    gates : gate kinds with weights in row order, ("i", "o") or ("i", "f", "o").
    gate_recurrence : whether the gates' outputs at t-1 are sources too.
    coupled : whether f = 1 - i, without weights of its own.
    peepholes : whether the gates see their cell's state.
    projection : P, width of y where it is a projection of the cell outputs m; None where y is m.
    reverse : whether the layer runs from the last step to the first.
    beside : whether it has the input of the layer before it, and their outputs are joined.
    """

    inputs: int
    blocks: int
    block_size: int
    gates: tuple[str, ...]
    gate_recurrence: bool
    coupled: bool = False
    peepholes: bool = False
    projection: int | None = None
    reverse: bool = False
    beside: bool = False

    @property
    def brief(self) -> str:
        """What the layer is, in a few words."""
        cells = f"{self.cells} cells"
        blocks = f" in {self.blocks} blocks" if self.block_size > 1 else ""
        marks = {
            "coupled": self.coupled,
            "peepholes": self.peepholes,
            "gate recurrence": self.gate_recurrence,
            f"projected to {self.outputs}": self.projection is not None,
            "reverse": self.reverse,
        }
        names = ", ".join(("".join(self.gates), *(name for name, is_so in marks.items() if is_so)))
        return f"{cells}{blocks} ({names})"

    @property
    def cells(self) -> int:
        return self.blocks * self.block_size

    @property
    def outputs(self) -> int:
        """Width of y: P, or C without a projection."""
        return self.cells if self.projection is None else self.projection

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
        ends = [self.inputs, self.inputs + self.outputs]
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
        found = {
            **{gate: self.blocks for gate in self.gates},
            "g": self.cells,
            "s": self.cells,
            "m": self.cells,
            "y": self.outputs,
        }
        if self.projection is None:
            del found["m"]
        return found

    @property
    def state(self) -> dict[str, int]:
        """Width of every part of a `LayerState`."""
        return {"s": self.cells, "y": self.outputs, "gates": len(self.gates) * self.blocks}


def stages(shapes: Sequence[Shape]) -> tuple[tuple[int, ...], ...]:
    """The layers by number, grouped: those of a group have the same input, the group before's y.

    A group is one layer, or a forward one and a reverse one beside it (bidirectional).
    """
    found: list[tuple[int, ...]] = []
    for k, shape in enumerate(shapes):
        if shape.beside and found:
            found[-1] = (*found[-1], k)
        else:
            found.append((k,))
    return tuple(found)


def first_reverse(shapes: Iterable[Shape]) -> int | None:
    """The first layer that runs in reverse, by number: it needs the whole sequence."""
    return next((k for k, shape in enumerate(shapes) if shape.reverse), None)


class Stacked:
    """What a network's layers say of it, in the float and in the integer view.

    Attributes
    ----------
    name : of the network.
    layers : each with its `shape`.
    stem, head : the dense stages in front of and between them, and those behind.
    reads : for each layer, then each dense stage, the stages that it reads, see `golden.wiring`;
        () where each reads the one before it and there is no stem.
    """

    name: str
    layers: tuple[Any, ...]
    stem: tuple[Any, ...]
    head: tuple[Any, ...]
    reads: tuple[tuple[int, ...], ...]

    def __repr__(self) -> str:
        layers = [f"{layer.shape.inputs} -> {layer.shape.brief}" for layer in self.layers]
        dense = [f"{stage.inputs} -> {stage.outputs} dense" for stage in self.dense]
        parts = "; ".join((*layers, *dense))
        return f"{type(self).__name__}({self.name!r}: {parts})"

    @property
    def dense(self) -> tuple[Any, ...]:
        """All dense stages; they are numbered on from the layers."""
        return (*self.stem, *self.head)

    @property
    def first_head(self) -> int:
        """The number of the head's first stage."""
        return len(self.layers) + len(self.stem)

    @cached_property
    def sources(self) -> tuple[tuple[int, ...], ...]:
        """For each layer, then each dense stage, the stages that it reads; -1 is the input."""
        return self.reads or wiring.in_a_row(self.stages, len(self.head))

    @cached_property
    def order(self) -> tuple[tuple[int, ...], ...]:
        """All stages in the order in which they run, those side by side in a group."""
        return wiring.running(self.stages, len(self.stem), self.sources)

    def dense_kind(self, k: int) -> str:
        """What the rows of dense stage k yield: "out" of the readout, "dense" of others behind the
        layers, "stem" of those in front of and between them."""
        if k < self.first_head:
            return "stem"
        return "out" if k == len(self.layers) + len(self.dense) - 1 else "dense"

    @property
    def stored(self) -> tuple[int, ...]:
        """The dense stages whose values other stages read, by number in the order of running."""
        every = (k for group in self.order for k in group if k >= len(self.layers))
        return tuple(k for k in every if self.dense_kind(k) != "out")

    def width(self, k: int) -> int:
        """How many values stage k gives; the input, -1, has as many as what is first reads."""
        if k < 0:
            first = self.order[0][0]
            return (
                self.layers[first].shape.inputs
                if first < len(self.layers)
                else (self.dense[first - len(self.layers)].inputs)
            )
        if k < len(self.layers):
            return self.layers[k].shape.outputs
        return self.dense[k - len(self.layers)].outputs

    @property
    def inputs(self) -> int:
        """How many values a step of the network's input has."""
        return self.width(wiring.INPUT)

    @property
    def stages(self) -> tuple[tuple[int, ...], ...]:
        """The layers by number in groups that run side by side, see `stages`."""
        return stages([layer.shape for layer in self.layers])

    @property
    def first_reverse(self) -> int | None:
        """The first layer that runs in reverse and so needs the whole sequence, or None."""
        return first_reverse(layer.shape for layer in self.layers)

"""A `Network` of the stages of a file.

What is linear is folded into what reads it (`golden.importers.folding`). A softmax, its logarithm
or the index of the largest at the end is left to whoever reads the outputs, which are then logits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from golden import wiring
from golden.cell import Layer
from golden.decision import DECISIONS
from golden.dense import Dense as DenseUnits
from golden.errors import ModelError
from golden.importers.folding import Flow, Folding, Kept, moved
from golden.importers.over_time import alone
from golden.importers.stages import Cells, Dense, Stage
from golden.network import Network
from golden.reading import Reading
from golden.shape import stages as side_by_side
from golden.squash import Array
from golden.wiring import INPUT

TIMES = 16  # how many times the file's numbers folding may make,
ROOM = 1 << 17  # and numbers besides
LOGITS = "left to you: the outputs are its logits"


def network(
    stages: Sequence[Stage],
    name: str,
    made_by: str,
    output: str = "every",
    reading: Reading | None = None,
) -> Network:
    """The network of these stages.

    Parameters
    ----------
    reading : what the file says besides; its `stages` are filled in here.

    Raises
    ------
    ModelError : widths that do not fit, a stage that the network cannot say, by its name.
    """
    stages, behind = _decided(stages)
    if not any(isinstance(stage, Cells) for stage in stages):
        raise ModelError("no LSTM is in it")
    inputs = next((stage.inputs for stage in stages if stage.inputs is not None), None)
    folding = Folding(TIMES * sum(stage.size for stage in stages) + ROOM, inputs)
    made = _Numbered(folding, folding.of(stages))
    layers, dense = made.layers(), made.dense()
    if any(layer.peepholes for layer in layers):
        layers = tuple(map(alone, layers))
    stem, head = tuple(dense[: made.stem]), tuple(dense[made.stem :])
    reads = made.reads()
    if not stem and reads == wiring.in_a_row(
        side_by_side([layer.shape for layer in layers]), len(head)
    ):
        reads = ()
    reading = replace(
        reading or Reading(),
        stages=(*made.lines(), *((one.name, LOGITS) for one in behind)),
        behind=behind[-1].function if behind else "",
    )
    return Network(layers, head, name, made_by, output, reading, stem, reads)


def _decided(stages: Sequence[Stage]) -> tuple[Sequence[Stage], list[Dense]]:
    """The stages without the decisions at the end, and these."""
    behind = list[Dense]()
    while stages and isinstance(last := stages[-1], Dense) and last.function in DECISIONS:
        stages, behind = stages[:-1], [last, *behind]
    return stages, behind


@dataclass(frozen=True)
class _Numbered:
    """The stages that are left, with the numbers that they have in a `Network`.

    Attributes
    ----------
    folding : has the stages.
    flow : what the network gives.
    """

    folding: Folding
    flow: Flow

    @property
    def cells(self) -> dict[int, Cells]:
        kept = enumerate(self.folding.kept)
        return {k: one.stage for k, one in kept if isinstance(one.stage, Cells)}

    @property
    def units(self) -> list[int]:
        """The dense stages, but for a readout that is linear."""
        return [k for k, _ in enumerate(self.folding.kept) if k not in self.cells]

    @property
    def stem(self) -> int:
        """How many dense stages are in front of or between layers."""
        return sum(k < max(self.cells) for k in self.units)

    @property
    def linear(self) -> bool:
        """Whether the network's last stage is a linear one."""
        return self.flow.given != len(self.folding.kept) - 1

    @property
    def numbers(self) -> Mapping[int, tuple[int, ...]]:
        """By number of a stage that is left those that it has in the network."""
        found: dict[int, tuple[int, ...]] = {INPUT: (INPUT,)}
        layers = 0
        for k, stage in self.cells.items():
            found[k] = tuple(range(layers, layers := layers + len(stage.layers)))
        return found | {k: (number,) for number, k in enumerate(self.units, layers)}

    def layers(self) -> tuple[Layer, ...]:
        return tuple(
            self._layer(self.folding.kept[k], layer)
            for k, stage in self.cells.items()
            for layer in stage.layers
        )

    def _layer(self, kept: Kept, layer: Layer) -> Layer:
        """The layer, which sees what the kept stages give and not what the file's do."""
        if kept.read.given is not None:
            return layer
        inputs, weights, biases = layer.shape.inputs, {}, {}
        for kind, values in layer.weights.items():
            seen = values[:, :inputs]
            weights[kind] = np.hstack([self._columns(kept, seen), values[:, inputs:]])
            biases[kind] = layer.biases[kind] + moved(seen, kept.read.biases)
        return replace(layer, weights=weights, biases=biases)

    def dense(self) -> list[DenseUnits]:
        """The dense stages of the network."""
        kept = [self.folding.kept[k] for k in self.units]
        if self.linear:
            one = np.ones(())
            kept.append(Kept(Dense(self.flow.giver, one, np.zeros(())), self.flow))
        return [self._dense(one) for one in kept]

    def _dense(self, kept: Kept) -> DenseUnits:
        stage, read = kept.stage, kept.read
        assert isinstance(stage, Dense)
        weights = self._columns(kept, stage.weights)
        biases = moved(stage.weights, read.biases) + stage.biases
        return DenseUnits(weights, np.broadcast_to(biases, (len(weights),)) + 0.0, stage.function)

    def _columns(self, kept: Kept, weights: Array) -> Array:
        """Weights of what a stage reads as columns for all that it reads in the network."""
        parts, numbers = self.folding.reading(kept, weights), self.numbers
        return np.hstack([parts[k] for k in sorted(parts, key=lambda k: numbers[k])])

    def reads(self) -> tuple[tuple[int, ...], ...]:
        """For each stage of the network those that it reads."""
        numbers, kept = self.numbers, self.folding.kept
        flows = [kept[k].read for k, stage in self.cells.items() for _ in stage.layers]
        flows += [kept[k].read for k in self.units] + [self.flow] * self.linear
        return tuple(
            tuple(sorted(number for k in flow.maps for number in numbers[k])) for flow in flows
        )

    def lines(self) -> list[tuple[str, str]]:
        """For each stage of the file what became of it."""
        kept, numbers, found = self.folding.kept, self.numbers, []
        first = sum(len(stage.layers) for stage in self.cells.values())
        count = len(self.units) + self.linear
        labels = wiring.labels(count - self.stem, self.stem)
        for name, k in self.folding.lines:
            one = kept[k].stage
            if name != one.name:
                what = f"folded into {one.name}"
            elif isinstance(one, Cells):
                what = f"layer {' and '.join(map(str, numbers[k]))}"
            else:
                what = labels[numbers[k][0] - first]
            found.append((name, what))
        *folded, last = self.flow.pending or ("",)
        found += [(name, f"folded into {last}") for name in folded]
        return found + ([(last, "readout")] if last else [])

"""Networks as files have them: stages from the input to the output, folded into a `Network`.

    dense   f(W x + b) of every step; linear where f is the identity
    cells   a layer of memory cells, or a forward and a reverse one side by side
    skip    the network's input, added to what comes in

A linear stage is folded into the weights of the stage behind it, exactly and at no cost:

    W' (W x + b) + b' = (W' W) x + (W' b + b')

What is left is cells, then dense stages; anything else is refused by name, with the way out that
the file's reader knows. A softmax, its logarithm or the index of the largest at the end is left to
whoever reads the outputs, which are then logits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from golden import dense
from golden.cell import Layer
from golden.decision import DECISIONS
from golden.errors import ModelError
from golden.network import Network
from golden.reading import Reading
from golden.squash import SQUASHES, Array

TIMES = 16  # how many times the file's numbers folding may make,
ROOM = 1 << 17  # and numbers besides
LOGITS = "left to you: the outputs are its logits"


@dataclass(frozen=True)
class Cut:
    """What to do about a stage that cannot be read: how to keep what is before or behind it."""

    before: str = ""
    behind: str = ""


@dataclass(frozen=True)
class Dense:
    """A dense stage.

    Attributes
    ----------
    name : as the file calls it.
    weights : (K, D); (K,) where each value has only a factor; () where all have the same one.
    biases : (K,), or () where all have the same one.
    function : of `golden.squash`, or another one's name, which is refused if it is left.
    cut : the way out.
    """

    name: str
    weights: Array
    biases: Array
    function: str = "identity"
    cut: Cut = Cut()

    @property
    def linear(self) -> bool:
        return self.function == "identity"

    @property
    def size(self) -> int:
        return self.weights.size + self.biases.size

    @property
    def inputs(self) -> int | None:
        """None where any number will do."""
        return self.weights.shape[-1] if self.weights.ndim else self.outputs

    @property
    def outputs(self) -> int | None:
        for values in (self.weights, self.biases):
            if values.ndim:
                return len(values)
        return None


@dataclass(frozen=True)
class Cells:
    """One layer, or two side by side; `name` as the file calls it."""

    name: str
    layers: tuple[Layer, ...]

    @property
    def size(self) -> int:
        return sum(values.size for layer in self.layers for values in layer.weights.values())

    @property
    def inputs(self) -> int:
        return self.layers[0].shape.inputs

    @property
    def outputs(self) -> int:
        return sum(layer.shape.outputs for layer in self.layers)


@dataclass(frozen=True)
class Skip:
    """The network's input is added to what comes in."""

    name: str
    cut: Cut = Cut()
    size: int = 0
    inputs: int | None = None
    outputs: int | None = None


Stage = Dense | Cells | Skip


def normalisation(scale: Array, shift: Array, mean: Array, variance: Array) -> tuple[Array, Array]:
    """The factor and the shift of a normalisation at inference; `variance` with its epsilon."""
    factor = scale / np.sqrt(variance)
    return factor, shift - factor * mean


def alike(one: Stage, other: Stage) -> bool:
    """Whether two stages of a file are the same one."""
    if isinstance(one, Cells) and isinstance(other, Cells):
        return [id(layer.weights) for layer in one.layers] == [id(v.weights) for v in other.layers]
    return one is other


@dataclass(frozen=True)
class _Kept:
    """A stage that is left, and the names of those that went into it."""

    stage: Stage
    absorbed: tuple[str, ...] = ()


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
    kept = _folded(stages)
    found = [one.stage for one in kept]
    cells = [k for k, stage in enumerate(found) if isinstance(stage, Cells)]
    if not cells:
        raise ModelError("no LSTM is in it")
    for k, stage in enumerate(found):
        _check(stage, found, k, cells)
    layers = tuple(layer for stage in found if isinstance(stage, Cells) for layer in stage.layers)
    head, width = list[dense.Dense](), found[cells[-1]].outputs or 0
    for stage in found:
        if isinstance(stage, Dense):
            biases = _wide(stage.biases, stage.outputs or width)
            head.append(dense.Dense(_full(stage.weights, width), biases, stage.function))
            width = head[-1].outputs
    lines = (*_lines(kept, len(head)), *((one.name, LOGITS) for one in behind))
    reading = replace(reading or Reading(), stages=lines)
    reading = replace(reading, behind=behind[-1].function if behind else "")
    return Network(layers, tuple(head), name, made_by, output, reading)


def _decided(stages: Sequence[Stage]) -> tuple[Sequence[Stage], list[Dense]]:
    """The stages without the decisions at the end, and these."""
    behind = list[Dense]()
    while stages and isinstance(last := stages[-1], Dense) and last.function in DECISIONS:
        stages, behind = stages[:-1], [last, *behind]
    return stages, behind


def _check(stage: Stage, found: list[Stage], k: int, cells: list[int]) -> None:
    """Refuse a stage that the network cannot say, and say what to do."""
    if isinstance(stage, Cells):
        return
    if isinstance(stage, Skip):
        raise ModelError(f"{stage.name}: adds the network's input, not supported; {_before(stage)}")
    what = f"{stage.name}: {stage.function if not stage.linear else 'linear'}"
    if k < cells[-1]:
        where = f"in front of {found[k + 1].name}"
        behind = stage.cut.behind or "let what it gives be the input"
        raise ModelError(f"{what} {where} is not supported; {behind}")
    if stage.function not in SQUASHES:
        allowed = ", ".join(SQUASHES)
        raise ModelError(f"{what} is not supported, only {allowed}; {_before(stage)}")


def _before(stage: Dense | Skip) -> str:
    return stage.cut.before or "leave it out, and do what it does with the network's outputs"


def _folded(stages: Sequence[Stage]) -> list[_Kept]:
    """The stages without the linear ones that another one follows."""
    most = TIMES * sum(stage.size for stage in stages) + ROOM
    kept: list[_Kept] = []
    width, giver = None, ""
    for stage in stages:
        if None not in (width, stage.inputs) and width != stage.inputs:
            raise ModelError(f"{stage.name}: takes {stage.inputs} values, {giver} gives {width}")
        if stage.outputs is not None:
            width, giver = stage.outputs, stage.name
        one, last = _Kept(stage), kept[-1] if kept else None
        linear = last.stage if last else None
        if last and isinstance(linear, Dense) and linear.linear and not isinstance(stage, Skip):
            kept.pop()
            one = _Kept(_behind(linear, stage, most), (*last.absorbed, linear.name))
        kept.append(one)
    return kept


def _behind(linear: Dense, stage: Dense | Cells, most: int) -> Dense | Cells:
    """One stage that does what the two do one after the other."""
    if isinstance(stage, Dense):
        if stage.weights.ndim == 2:
            _check_size(linear, stage, len(stage.weights), most)
        weights, biases = _times(stage.weights, linear.weights), stage.biases
        return replace(stage, weights=weights, biases=_moved(stage.weights, linear) + biases)
    layers = []
    rows = sum(len(values) for layer in stage.layers for values in layer.weights.values())
    _check_size(linear, stage, rows, most)
    for layer in stage.layers:
        inputs, weights, biases = layer.shape.inputs, {}, {}
        for kind, values in layer.weights.items():
            seen = _times(values[:, :inputs], linear.weights)
            weights[kind] = np.hstack([seen, values[:, inputs:]])
            biases[kind] = layer.biases[kind] + _moved(values[:, :inputs], linear)
        layers.append(replace(layer, weights=weights, biases=biases))
    return replace(stage, layers=tuple(layers))


def _check_size(linear: Dense, stage: Stage, rows: int, most: int) -> None:
    """Refuse a product with a few rows' weights that is far larger than what the file holds."""
    count = rows * linear.weights.shape[1] if linear.weights.ndim == 2 else 0
    if count > most:
        raise ModelError(
            f"{linear.name}: folded into {stage.name} it makes {count} numbers, allowed are {most}"
        )


def _times(weights: Array, before: Array) -> Array:
    """The weights of two linear maps one after the other, `before` first."""
    with np.errstate(over="ignore", invalid="ignore"):  # refused by name by whoever takes them
        if weights.ndim == 2 and before.ndim == 2:
            return weights @ before
        if weights.ndim == 1 and before.ndim == 2:
            return weights[:, None] * before
        return weights * before


def _moved(weights: Array, linear: Dense) -> Array:
    """What a linear map's biases add behind `weights`."""
    with np.errstate(over="ignore", invalid="ignore"):
        if weights.ndim < 2:
            return weights * linear.biases
        return weights @ np.broadcast_to(linear.biases, (weights.shape[1],))


def _full(weights: Array, width: int) -> Array:
    """Weights as a matrix."""
    return weights if weights.ndim == 2 else np.diag(np.broadcast_to(weights, (width,)))


def _wide(biases: Array, width: int) -> Array:
    return biases if biases.ndim else np.full(width, float(biases))


def _lines(kept: list[_Kept], head: int) -> list[tuple[str, str]]:
    """For each stage of the file what became of it; `head` is the number of dense ones."""
    lines, layers, labels = [], 0, iter(dense.labels(head))
    for one in kept:
        stage = one.stage
        lines += [(name, f"folded into {stage.name}") for name in one.absorbed]
        if isinstance(stage, Cells):
            numbers = range(layers, layers + len(stage.layers))
            layers += len(stage.layers)
            what = f"layer {' and '.join(map(str, numbers))}"
        else:
            what = next(labels)
        lines.append((stage.name, what))
    return lines

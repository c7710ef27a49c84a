"""Stages of a file, without those that are linear: these are folded away, exactly and at no cost.

What flows through a file is an affine map of what some stages give, v = sum_k A_k v_k + b. A linear
stage makes another such map of it, an addition a sum of two, a concatenation a stack of two. What
is not linear reads it, with its own weights W and biases c:

    W v + c = sum_k (W A_k) v_k + (W b + c)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from golden.errors import ModelError
from golden.importers.stages import LEAKY, Cells, Dense, Skip, Stage
from golden.squash import SQUASHES, Array
from golden.wiring import INPUT

ONE, ZERO = np.ones(()), np.zeros(())


@dataclass(frozen=True)
class Flow:
    """An affine map of what stages give.

    Attributes
    ----------
    maps : by the number of the stage, or `INPUT`: (K, D); (K,) where each value has only a factor;
        () where all have the same one.
    biases : (K,), or () where all are the same.
    width : K; None as long as it is not known.
    giver : the name of what made it, for messages.
    pending : the names of linear stages that are in it.
    """

    maps: Mapping[int, Array]
    biases: Array
    width: int | None = None
    giver: str = "the input"
    pending: tuple[str, ...] = ()

    @property
    def given(self) -> int | None:
        """The stage that gives it as it is, if one does."""
        (number, weights), *others = self.maps.items()
        plain = not others and not self.pending and weights is ONE and self.biases is ZERO
        return number if plain else None


@dataclass(frozen=True)
class Kept:
    """A stage that is left.

    Attributes
    ----------
    stage : as the file has it.
    read : what it reads.
    """

    stage: Dense | Cells
    read: Flow


@dataclass
class Folding:
    """Stages one behind the other, each folded or kept.

    Attributes
    ----------
    most : how many numbers folding may make at once.
    inputs : how many values the network's input has, if that is known.
    kept : the stages that are left, numbered as they come.
    lines : for each stage of the file its name, and the number of the one that has it.
    """

    most: int
    inputs: int | None
    kept: list[Kept] = field(default_factory=list)
    lines: list[tuple[str, int]] = field(default_factory=list)
    _known: dict[tuple[int, object], tuple[int, Flow]] = field(default_factory=dict)

    def of(self, stages: Sequence[Stage]) -> Flow:
        """What comes out of these stages, the first of which reads the network's input.

        Raises
        ------
        ModelError : widths that do not fit; a function that no stage has; more numbers than `most`.
        """
        at, flow = 0, Flow({INPUT: ONE}, ZERO, self.inputs)
        for k, stage in enumerate(stages):
            step = at, identity(stage)
            if step not in self._known:
                found = self._behind(stage, flow, stages[k + 1 :])
                self._known[step] = len(self._known) + 1, found
            at, flow = self._known[step]
        return flow

    def _behind(self, stage: Stage, flow: Flow, rest: Sequence[Stage]) -> Flow:
        """What comes out of a stage that reads `flow`; `rest` are those behind it."""
        if None not in (flow.width, stage.inputs) and flow.width != stage.inputs:
            raise ModelError(
                f"{stage.name}: takes {stage.inputs} values, {flow.giver} gives {flow.width}"
            )
        if isinstance(stage, Skip):
            return (self._sum if stage.adds else self._stack)(stage, flow, self.of(stage.other))
        width = flow.width if stage.outputs is None else stage.outputs
        if isinstance(stage, Dense) and stage.linear:
            maps = {k: self._times(stage, stage.weights, flow, k) for k in flow.maps}
            biases = moved(stage.weights, flow.biases) + stage.biases
            return Flow(maps, biases, width, stage.name, (*flow.pending, stage.name))
        if isinstance(stage, Dense) and stage.function == LEAKY:
            return self._leaky(stage, flow)
        if isinstance(stage, Dense) and stage.function not in SQUASHES:
            raise ModelError(_refusal(stage, any(isinstance(each, Cells) for each in rest)))
        return Flow({self._keep(stage, flow): ONE}, ZERO, width, stage.name)

    def _keep(self, stage: Dense | Cells, flow: Flow) -> int:
        number = len(self.kept)
        self.kept.append(Kept(stage, flow))
        self.lines += [(name, number) for name in (*flow.pending, stage.name)]
        return number

    def _leaky(self, stage: Dense, flow: Flow) -> Flow:
        """relu(a) - slope relu(-a): twice as many units, and two columns for each behind it."""
        width = flow.width if stage.outputs is None else stage.outputs
        if width is None:
            raise ModelError(f"{stage.name}: of no known number of values")
        self._check_size(stage.name, 2 * width * max(width, stage.inputs or 0))
        weights = stage.weights
        if weights.ndim < 2:
            weights = np.diag(np.broadcast_to(weights, (width,)))
        biases = np.broadcast_to(stage.biases, (width,))
        parts = np.vstack([weights, -weights]), np.concatenate([biases, -biases])
        number = self._keep(
            replace(stage, weights=parts[0], biases=parts[1], function="relu"), flow
        )
        slope = np.broadcast_to(ZERO if stage.slope is None else stage.slope, (width,))
        return Flow({number: np.hstack([np.eye(width), -np.diag(slope)])}, ZERO, width, stage.name)

    def _sum(self, stage: Skip, flow: Flow, other: Flow) -> Flow:
        if other.width == 1 and flow.width is not None:  # the same one to all
            wide = np.ones((flow.width, 1))
            maps = {k: times(wide, self.full(stage.name, m, k)) for k, m in other.maps.items()}
            other = replace(other, maps=maps, width=flow.width)
        widths = {each for each in (flow.width, other.width) if each is not None}
        if len(widths) > 1:
            raise ModelError(
                f"{stage.name}: adds {other.width} values of {other.giver} to {flow.width}"
            )
        maps = dict(flow.maps)
        for k, weights in other.maps.items():
            here = maps.get(k, np.zeros(()))
            if here.ndim != weights.ndim and 2 in (here.ndim, weights.ndim):
                here, weights = (self.full(stage.name, each, k) for each in (here, weights))
            maps[k] = here + weights if k in maps else weights
        return self._joined(
            stage, Flow(maps, flow.biases + other.biases, next(iter(widths), None)), flow, other
        )

    def _stack(self, stage: Skip, flow: Flow, other: Flow) -> Flow:
        """Both, one after the other, in the order that the stage says."""
        first, second = (other, flow) if stage.before else (flow, other)
        if first.width is None or second.width is None:
            raise ModelError(f"{stage.name}: joins what has no known number of values")
        maps = {}
        for k in dict.fromkeys((*first.maps, *second.maps)):
            parts = [
                self.full(stage.name, each.maps[k], k)
                if k in each.maps
                else np.zeros((each.width or 0, self.width(k)))
                for each in (first, second)
            ]
            self._check_size(stage.name, sum(map(np.size, parts)))
            maps[k] = np.vstack(parts)
        biases = [np.broadcast_to(each.biases, (each.width or 0,)) for each in (first, second)]
        made = Flow(maps, np.concatenate(biases), first.width + second.width)
        return self._joined(stage, made, flow, other)

    def _joined(self, stage: Skip, made: Flow, flow: Flow, other: Flow) -> Flow:
        pending = dict.fromkeys((*flow.pending, *other.pending, stage.name))
        return replace(made, giver=stage.name, pending=tuple(pending))

    def width(self, number: int) -> int:
        """How many values a kept stage gives, or the input has."""
        if number == INPUT:
            return self.inputs or 0
        kept = self.kept[number]
        return kept.stage.outputs or kept.read.width or 0

    def full(self, name: str, weights: Array, number: int) -> Array:
        """Weights of what a stage gives as a matrix."""
        if weights.ndim == 2:
            return weights
        width = self.width(number)
        self._check_size(name, width * width)
        return np.diag(np.broadcast_to(weights, (width,)))

    def reading(self, kept: Kept, weights: Array) -> dict[int, Array]:
        """For each stage that a kept one reads, `weights` of what it reads as those of what that
        stage gives."""
        return {
            k: self.full(kept.stage.name, self._times(kept.stage, weights, kept.read, k), k)
            for k in kept.read.maps
        }

    def _times(self, stage: Stage, weights: Array, flow: Flow, number: int) -> Array:
        before = flow.maps[number]
        if weights.ndim == 2 and before.ndim == 2:
            count = len(weights) * before.shape[1]
            if count > self.most:
                raise ModelError(
                    f"{flow.giver}: folded into {stage.name} it makes {count} numbers, allowed are "
                    f"{self.most}"
                )
        return times(weights, before)

    def _check_size(self, name: str, count: int) -> None:
        if count > self.most:
            raise ModelError(f"{name}: makes {count} numbers, allowed are {self.most}")


def identity(stage: Stage) -> object:
    """The same for stages of a file that are the same one."""
    if isinstance(stage, Cells):
        return tuple(id(layer.weights) for layer in stage.layers)
    return id(stage)


def times(weights: Array, before: Array) -> Array:
    """The weights of two linear maps one after the other, `before` first."""
    with np.errstate(over="ignore", invalid="ignore"):  # refused by name by whoever takes them
        if weights.ndim == 2 and before.ndim == 2:
            return weights @ before
        if weights.ndim == 1 and before.ndim == 2:
            return weights[:, None] * before
        return weights if before is ONE else weights * before


def moved(weights: Array, biases: Array) -> Array:
    """What biases add behind `weights`."""
    with np.errstate(over="ignore", invalid="ignore"):
        if weights.ndim < 2:
            return weights * biases
        return weights @ np.broadcast_to(biases, (weights.shape[1],))


def _refusal(stage: Dense, in_front: bool) -> str:
    """Why a function is refused, and what to do."""
    allowed = ", ".join(SQUASHES)
    cut = stage.cut.before or "leave it out, and do what it does with the network's outputs"
    if in_front:
        cut = stage.cut.behind or "let what it gives be the input"
    return f"{stage.name}: {stage.function} is not supported, only {allowed}; {cut}"

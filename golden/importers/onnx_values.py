"""What a name of an ONNX graph may stand for while the file is read.

- a NumPy array: a constant. Sizes that depend on the input (`Shape`) are arrays of type object, in
  which a size that is not known is a `Size`.
- `Spread`: a constant along axes whose sizes depend on the input.
- `Signal`: an input of the graph, or what stages made of it. Each of its axes is a group of named
  axes, (): size 1. A Reshape may then group anew but never reorder, a Transpose reorders the
  groups, and whether an LSTM's time axis still is the input's is a comparison of names.
- `MadeOfInputs`: made of the graph's inputs in a way that is not followed; good as an initial
  state only.
- `FinalStates`: final states of several layers; one layer's can be picked, the rest is only an
  output.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from golden.cell import Layer
from golden.errors import ModelError
from golden.importers.stages import Cells, Dense, Skip, Stage
from golden.window import Window


@dataclass(frozen=True)
class Axis:
    """A named axis; `size` is None where the file leaves it open."""

    name: str
    size: int | None


Group = tuple[Axis, ...]


@dataclass(frozen=True)
class Size:
    """A size that depends on the input: `known` times the sizes of the open axes, in any order."""

    open_axes: Group
    known: int = 1


@dataclass(frozen=True)
class Spread:
    """A constant: `values`, whose axis k, of size 1, stands for `sizes[k]` unless that is None."""

    values: np.ndarray
    sizes: tuple[Size | None, ...]


@dataclass(frozen=True)
class LayerOutputs:
    """The outputs of one layer, group `cells`: of "every" step, or of the "first" or "last" one."""

    layer: Layer
    cells: Group
    name: str
    step: str = "every"

    @property
    def width(self) -> int:
        return self.layer.shape.outputs

    @property
    def final(self) -> bool:
        """Whether this is the layer's own last step."""
        return self.step == ("first" if self.layer.reverse else "last")


@dataclass(frozen=True)
class Signal:
    """What flows: `axes` one group an axis, and the stages that made it.

    Attributes
    ----------
    axes : groups of named axes; those of size 1 have no name.
    source : the graph input it comes from.
    before : the stages in front of the last layers of cells.
    parts : the outputs of these, in the order of `features`. None yet: the input itself.
    behind : dense stages behind these, or behind the input.
    time, batch : groups of the steps and the sequences, known once there are parts.
    features : the group of the values, () as long as it is not known.
    turned : the group whose order is reversed, or ().
    unfit : why a part of an input cannot be a sequence, or "".
    steps : of each sequence, where what is computed holds for so many only; 0 for any.
    kept : of the steps the last so many are left; 0 for all.
    picked : of an input the group whose last step was picked, or ().
    states : inputs of the graph that give initial states of its layers.
    whole : whether the input is of whole numbers; index : whether they pick rows of a table.
    window : what a step sees of the input; rolled : the name of the axis that it moves along.
    """

    axes: tuple[Group, ...]
    source: str
    before: tuple[Stage, ...] = ()
    parts: tuple[LayerOutputs, ...] = ()
    behind: tuple[Dense | Skip, ...] = ()
    time: Group = ()
    batch: Group = ()
    features: Group = ()
    turned: Group = ()
    unfit: str = ""
    picked: Group = ()
    steps: int = 0
    kept: int = 0
    states: tuple[str, ...] = ()
    whole: bool = False
    index: bool = False
    window: Window = Window()
    rolled: str = ""

    @property
    def width(self) -> int:
        """How many values the last stage's parts have at a step."""
        return sum(part.width for part in self.parts)

    @property
    def stages(self) -> tuple[Stage | LayerOutputs, ...]:
        """All that made it, in whatever order."""
        return (*self.before, *self.parts, *self.behind)

    @property
    def ordered(self) -> bool:
        """Whether the last axis has `features`, or the cells, with the directions before it."""
        if not self.features or self.axes[-1:] == (self.features,):
            return True
        ways, cells = self.features[:1], self.features[1:]
        apart = len(self.parts) == 2 and all(part.cells == cells for part in self.parts)
        return apart and ways in self.axes[:-1] and self.axes[-1] == cells

    @property
    def final(self) -> bool:
        """Whether this is a final state h; of one step each is one."""
        ends = all(part.final or not self.time for part in self.parts)
        return bool(self.parts) and not self.behind and ends

    def settled(self) -> tuple[tuple[Stage, ...], str]:
        """Every stage, and which steps are left, as `golden.Network` has it.

        Raises
        ------
        ModelError : the reason why parts or steps do not make a stage.
        """
        if not self.parts:
            return self.behind, "last" if self.picked else "every"
        layers = [replace(part.layer, beside=False) for part in self.parts]
        if len(layers) == 2:
            if [layer.reverse for layer in layers] != [False, True]:
                raise ModelError(
                    "joins outputs of LSTMs; supported is a forward one, then a reverse one"
                )
            layers[1] = replace(layers[1], beside=True)
        elif len(layers) != 1:
            raise ModelError(f"joins {len(layers)} outputs of LSTMs, supported are 2")
        steps = {part.step for part in self.parts}
        if all(part.final for part in self.parts):
            output = "final"
        elif len(steps) == 1 and steps <= {"every", "last"}:
            output = steps.pop()
        else:
            raise ModelError(
                "has other steps than every one, the last, or the last that each direction runs"
            )
        cells = Cells(" and ".join(once(part.name for part in self.parts)), tuple(layers))
        return (*self.before, cells, *self.behind), output


class CutError(ModelError):
    """An LSTM's X that cannot be read: `name`, made of the graph's inputs `gone`."""

    def __init__(self, why: str, name: str, gone: Sequence[str]) -> None:
        super().__init__(why)
        self.name, self.gone = name, gone


@dataclass(frozen=True)
class MadeOfInputs:
    """Made of the graph inputs `names`; `why` it is no `Signal`."""

    names: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class FinalStates:
    """Final states of layers; `parts`, where they are known, are the h joined along `axis`."""

    parts: tuple[Signal, ...] = ()
    axis: int = 0


Value = np.ndarray | Spread | Signal | MadeOfInputs | FinalStates | None


def named(name: str, size: int | None) -> Group:
    return () if size == 1 else (Axis(name, size),)


def size_of(group: Group) -> int | None:
    sizes = [axis.size for axis in group]
    return None if None in sizes else math.prod(size for size in sizes if size is not None)


def measure(group: Group) -> int | Size:
    """The size of a group, as an entry of an array of sizes."""
    known = math.prod(axis.size for axis in group if axis.size is not None)
    open_axes = [axis for axis in group if axis.size is None]
    return Size(tuple(sorted(open_axes, key=lambda axis: axis.name)), known) if open_axes else known


def once(names: Iterable[str]) -> tuple[str, ...]:
    """The names in order, without repetition."""
    return tuple(dict.fromkeys(names))

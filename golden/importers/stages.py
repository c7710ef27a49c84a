"""Stages of a network as files have them, from the input to the output.

    dense   f(W x + b) of every step; linear where f is the identity
    cells   a layer of memory cells, or a forward and a reverse one side by side
    skip    what other stages give, added to what comes in or joined to it

`golden.importers.assembly` makes a `Network` of them.
"""

from dataclasses import dataclass

import numpy as np

from golden.cell import Layer
from golden.squash import Array

LEAKY = "leaky_relu"


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
    function : of `golden.squash`; LEAKY, a with a factor `slope` below 0; or another one's name,
        which is refused unless it is a decision at the end.
    cut : the way out.
    slope : (K,), or () where all have the same one.
    """

    name: str
    weights: Array
    biases: Array
    function: str = "identity"
    cut: Cut = Cut()
    slope: Array | None = None

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
    """What other stages give, added to what comes in or joined to it.

    Attributes
    ----------
    name : as the file calls it.
    other : the other stages, the first of which reads the network's input; () for that itself.
    adds : it is added; else joined, `before` what comes in or after it.
    """

    name: str
    other: tuple["Stage", ...] = ()
    adds: bool = True
    before: bool = False
    size: int = 0
    inputs: int | None = None
    outputs: int | None = None


Stage = Dense | Cells | Skip


def normalisation(scale: Array, shift: Array, mean: Array, variance: Array) -> tuple[Array, Array]:
    """The factor and the shift of a normalisation at inference; `variance` with its epsilon."""
    factor = scale / np.sqrt(variance)
    return factor, shift - factor * mean

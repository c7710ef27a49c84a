"""Dense stages: rows of weights, a sum over all that the stage before gives, a squash.

The dense stages behind the cells are a network's head; the last of them is its readout.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from golden.cell import check_array
from golden.errors import ModelError
from golden.squash import Array, squash

Function = Callable[[Array], Array]


@dataclass(frozen=True)
class Dense:
    """Dense units that see the y(t) of the stage before at the same step: squash(W y + b).

    Attributes
    ----------
    weights : (K, C).  biases : (K,).  squash : name of the squashing function.
    """

    weights: Array
    biases: Array
    squash: str = "identity"

    def __post_init__(self) -> None:
        squash(self.squash)
        if np.ndim(self.weights) != 2 or not np.size(self.weights):
            raise ModelError(
                f"dense weights: shape {np.shape(self.weights)}, must be (outputs, inputs)"
            )
        check_array("dense weights", self.weights, np.shape(self.weights))
        check_array("dense biases", self.biases, (len(self.weights),))

    @property
    def inputs(self) -> int:
        return self.weights.shape[1]

    @property
    def outputs(self) -> int:
        return len(self.weights)

    def run(self, y: Array) -> Array:
        """y (..., C) -> (..., K)."""
        weights, biases = (values.astype(y.dtype) for values in (self.weights, self.biases))
        return squash(self.squash)(y @ weights.T + biases)


def labels(stages: int) -> tuple[str, ...]:
    """What the dense stages of a head are called, for people and in files."""
    return (*(f"dense {k}" for k in range(stages - 1)), "readout")[:stages]


def check_head(head: Sequence[Dense], width: int, giver: str) -> None:
    """Refuse a head whose first stage does not see `width` cells of `giver`, and so on."""
    if not isinstance(head, tuple) or not all(isinstance(stage, Dense) for stage in head):
        raise ModelError(f"head: {type(head).__name__}, must be a tuple of dense stages")
    gives = "cells"
    for label, stage in zip(labels(len(head)), head, strict=True):
        if stage.inputs != width:
            have = stage.inputs
            raise ModelError(f"{label} weights: {have} columns, {giver} has {width} {gives}")
        width, giver, gives = stage.outputs, label, "outputs"

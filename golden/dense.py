"""Dense stages: rows of weights, a sum over all that the stages before give, a squash.

The dense stages behind the cells are a network's head, of which the last is its readout; those in
front of and between layers of cells are its stem.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from golden.cell import check_array
from golden.errors import ModelError
from golden.squash import Array, squash

Function = Callable[[Array], Array]


@dataclass(frozen=True)
class Dense:
    """Dense units that see what the stages before give at the same step: squash(W y + b).

    Attributes
    ----------
    weights : (K, C).  biases : (K,).  squash : name of the squashing function.
    """

    weights: Array
    biases: Array
    squash: str = "identity"

    def __repr__(self) -> str:
        return f"Dense({self.inputs} inputs, {self.outputs} outputs, {self.squash})"

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

"""Squashing functions: all are affine images of the logistic sigma, so that one table serves.

    squash(a) = scale * sigma(slope * a) + offset          sigma(a) = 1 / (1 + exp(-a))

`g1997` and `h1997` are equations (5) and (4) of Hochreiter & Schmidhuber (1997), `sigma` is (3).
`hard` is the hard sigmoid, the identity clipped to [0, 1]: slope and offset of a file's own hard
sigmoid go into the weights and biases before it. `hardtanh`, `relu` and `relu6` are the identity
clipped to [-1, 1], from 0 and to [0, 6].
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.errors import ModelError

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Squash:
    """One squashing function; `scale` and `slope` are powers of two, `linear` means the identity.

    Attributes
    ----------
    name : the name that model files use.
    scale, slope, offset : the constants of the equation above (unused when `linear`).
    low, high : the identity is clipped to these; one of them alone may be finite.
    """

    name: str
    scale: int = 1
    slope: int = 1
    offset: int = 0
    linear: bool = False
    low: float = -math.inf
    high: float = math.inf

    @property
    def bounded(self) -> bool:
        """Whether both limits are finite."""
        return all(map(math.isfinite, self.ends))

    @property
    def gate(self) -> bool:
        """Whether gates may have it: its values lie from 0 to 1."""
        low, high = self.ends
        return low >= 0.0 and high <= 1.0

    @property
    def logistic(self) -> bool:
        """Whether it is sigma itself, whose derivative is f (1 - f): gates are learnt by that, and
        the cross-entropy."""
        return not self.linear and (self.scale, self.slope, self.offset) == (1, 1, 0)

    def __call__(self, a: Array, out: Array | None = None) -> Array:
        """The function's value at `a`, any shape, float64 or float32 as `a` is; in `out`, of the
        same shape and type, where that is given."""
        if out is None:
            return self(a, np.empty(np.shape(a), a.dtype))[()]
        if self.linear:
            np.maximum(a, self.low, out=out)
            return out if self.high == math.inf else np.minimum(out, self.high, out=out)
        if 2 * self.offset == -self.scale:  # odd: scale/2 * tanh(slope a / 2)
            np.tanh(a if self.slope == 2 else np.multiply(a, self.slope / 2, out=out), out=out)
            return out if self.scale == 2 else np.multiply(out, self.scale / 2, out=out)
        most = 88.0 if a.dtype == np.float32 else 709.0  # exp of more overflows
        if self.logistic:
            np.minimum(np.negative(a, out=out), most, out=out)
            np.exp(out, out=out)
        else:
            np.clip(np.negative(a, out=out), -most, most / self.slope, out=out)
            np.exp(np.multiply(out, self.slope, out=out), out=out)
        np.divide(1.0, np.add(out, 1.0, out=out), out=out)
        if self.logistic:
            return out
        return np.add(np.multiply(out, self.scale, out=out), self.offset, out=out)

    def derivative(self, value: Array) -> Array:
        """d squash / d a, written in terms of the function's own `value`."""
        if self.linear:
            return np.where((value > self.low) & (value < self.high), 1.0, 0.0)
        sigma = (value - self.offset) / self.scale
        return self.scale * self.slope * sigma * (1.0 - sigma)

    @property
    def ends(self) -> tuple[float, float]:
        """The limits at minus and plus infinity (infinite where the identity is not clipped)."""
        if self.linear:
            return (self.low, self.high)
        return (float(self.offset), float(self.scale + self.offset))


SQUASHES = {
    squash.name: squash
    for squash in (
        Squash("sigma"),
        Squash("tanh", scale=2, slope=2, offset=-1),
        Squash("g1997", scale=4, slope=1, offset=-2),
        Squash("h1997", scale=2, slope=1, offset=-1),
        Squash("identity", linear=True),
        Squash("hard", linear=True, low=0.0, high=1.0),
        Squash("hardtanh", linear=True, low=-1.0, high=1.0),
        Squash("relu", linear=True, low=0.0),
        Squash("relu6", linear=True, low=0.0, high=6.0),
    )
}


def squash(name: str) -> Squash:
    """Look a squashing function up by name; `ModelError` for a name that does not exist."""
    if name not in SQUASHES:
        raise ModelError(f"squashing function {name!r}: allowed are {', '.join(SQUASHES)}")
    return SQUASHES[name]

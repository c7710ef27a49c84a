"""Sequences side by side, with those inputs alone that are not zero: what tasks draw."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.squash import Array

Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """N sequences of up to T steps, of which a step has at most Z inputs that are not zero.

    Attributes
    ----------
    lengths : (N,) steps of each; what is behind a sequence's end has no meaning.
    index, value : (N, T, Z) which input, and what it is. A step has no index twice.
    target : (N, K) for the last steps alone, or (N, T, K) for every step.
    """

    lengths: Whole
    index: Whole
    value: Array
    target: Array

    @classmethod
    def of(cls, x: Array, target: Array) -> "Batch":
        """Of sequences of one length, x (N, T, D)."""
        count, steps, inputs = x.shape
        index = np.empty(x.shape, np.int64)
        index[:] = np.arange(inputs)
        value = np.ascontiguousarray(x, dtype=np.float64)
        return cls(np.full(count, steps), index, value, target)

    @property
    def every(self) -> bool:
        """Whether every step has a target."""
        return self.target.ndim == 3

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, part: slice | Whole) -> "Batch":
        return Batch(self.lengths[part], self.index[part], self.value[part], self.target[part])

    def asked(self, out: Array) -> Array:
        """Of outputs (N, T, K) of every step those that have a target, in the form of `target`."""
        return out if self.every else out[np.arange(len(self)), self.lengths - 1]

    def dense(self, inputs: int) -> Array:
        """x (N, T, D); zero behind a sequence's end."""
        count, steps, given = self.index.shape
        whole = given == inputs and (self.lengths == steps).all()
        if whole and (self.index == np.arange(inputs)).all():
            return self.value
        x = np.zeros((count, steps, inputs))
        inside = (np.arange(steps) < self.lengths[:, None])[..., None]
        np.put_along_axis(x, self.index, np.where(inside, self.value, 0.0), axis=2)
        return x

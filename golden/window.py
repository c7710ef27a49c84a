"""Windows of steps: what a convolution over time sees of a sequence.

    u(t) = [x(t stride - before + offset) for each offset], x = 0 outside of the sequence

A convolution is a dense stage over such windows. They are made of the input before it goes into
the network, whose step is then one window.
"""

from dataclasses import dataclass

import numpy as np

from golden.errors import InputError, ModelError
from golden.squash import Array

LARGEST = 1 << 20  # steps that a window may span or move on by


@dataclass(frozen=True)
class Window:
    """Which steps of the input one step of the network sees; by default the same one.

    Attributes
    ----------
    offsets : of the steps that it sees, rising, the first is 0.
    stride : by how many steps it moves on.
    before, after : steps of zeros in front of the sequence and behind it; below 0: steps of the
        sequence that are left out there.

    Raises
    ------
    ModelError : a window of more than `LARGEST` steps.
    """

    offsets: tuple[int, ...] = (0,)
    stride: int = 1
    before: int = 0
    after: int = 0

    def __post_init__(self) -> None:
        for what in (self.reach, self.stride, self.before, self.after):
            if abs(what) > LARGEST:
                raise ModelError(f"a window of {what} steps, allowed are {LARGEST}")

    @property
    def reach(self) -> int:
        """How many steps it spans."""
        return self.offsets[-1] + 1

    def steps(self, length: int) -> int:
        """How many windows a sequence has, below 1 if it is too short."""
        return (length + self.before + self.after - self.reach) // self.stride + 1

    def of(self, x: Array, inputs: int) -> Array:
        """The windows (..., T', inputs) of sequences (..., T, D), step by step.

        Raises
        ------
        InputError : another D than the network's `inputs` have room for; too few steps.
        """
        if self == Window():
            return x
        width = inputs // len(self.offsets)
        if x.ndim not in (2, 3) or x.shape[-1] != width:
            raise InputError(f"input: shape {x.shape}, must be (T, {width}) or (N, T, {width})")
        length, count = x.shape[-2], self.steps(x.shape[-2])
        if count < 1:
            raise InputError(
                f"input: {length} steps, a window of the file's convolution spans {self.reach}"
            )
        first = np.arange(count) * self.stride - self.before
        parts = []
        for offset in self.offsets:
            at = first + offset
            inside = (at >= 0) & (at < length)
            parts.append(x[..., np.where(inside, at, 0), :] * inside[:, None])
        return np.concatenate(parts, axis=-1)

    def within(self, other: "Window") -> "Window":
        """The window over windows of `other`, which has no zeros beyond those of `other`."""
        offsets = {other.stride * mine + its for mine in self.offsets for its in other.offsets}
        return Window(tuple(sorted(offsets)), self.stride * other.stride, other.before, other.after)

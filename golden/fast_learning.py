"""`golden.learning` compiled: the same function names, arguments and results, some hundred times
faster.

Needs numba, which is an optional dependency; everything else in golden does without it. Results
equal the reference to rounding (the order of sums differs), which the tests bound at 1e-12 over a
training run.
"""

from types import ModuleType

import numpy as np

from golden.errors import CarouselError
from golden.learning import Gradient, Parameters, check_sequence
from golden.squash import Array, Squash


def gradient(p: Parameters, x: Array, target: Array) -> Gradient:
    """As `golden.learning.gradient`; `CarouselError` if numba is not installed."""
    check_sequence(x, target, p.shape.inputs, len(p.readout))
    every = target.ndim == 2
    found = kernels().lstm_gradient(
        p.hidden,
        p.readout,
        p.shape.block_size,
        "f" in p.shape.gates,
        p.shape.gate_recurrence,
        (constants(p.g), constants(p.h), constants(p.out)),
        np.ascontiguousarray(x, dtype=np.float64),
        np.ascontiguousarray(target if every else target[None], dtype=np.float64),
        every,
    )
    return Gradient(found[0], found[1], found[2] if every else found[2][0])


def train_sequence(p: Parameters, x: Array, target: Array, rate: float) -> Array:
    """As `golden.learning.train_sequence`: changes `p` in place, returns the outputs before."""
    found = gradient(p, x, target)
    p.hidden[:] -= rate * found.hidden
    p.readout[:] -= rate * found.readout
    return found.out


def kernels() -> ModuleType:
    """The compiled loops; `CarouselError` that says how to install numba where it is missing."""
    try:
        from golden import kernels as module
    except ImportError as error:
        how = "numba is needed to train, install it by: pip install numba"
        raise CarouselError(f"training: {error}; {how}") from None
    return module


def constants(function: Squash) -> tuple[float, float, float, bool]:
    """A squashing function as the kernels take it."""
    return float(function.scale), float(function.slope), float(function.offset), function.linear

"""`golden.learning` compiled: the same function names, arguments and results, some hundred times
faster; and the same over many sequences in one call.

Needs numba, which is an optional dependency; everything else in golden does without it. Results
equal the reference to rounding (the order of sums differs), which the tests bound at 1e-12 over a
training run.
"""

from types import ModuleType

import numpy as np

from golden.batch import Batch, Whole
from golden.errors import CarouselError
from golden.learning import Gradient, Parameters, check_sequence
from golden.squash import Array, Squash
from golden.version import install


def gradient(p: Parameters, x: Array, target: Array) -> Gradient:
    """As `golden.learning.gradient`; `CarouselError` if numba is not installed."""
    check_sequence(x, target, p.shape.inputs, len(p.readout))
    batch = Batch.of(x[None], target[None])
    hidden, readout, out = kernels().lstm_gradient(
        *_matrices(p.hidden, p.readout),
        *_form(p),
        *(batch.lengths, batch.index, batch.value, _at_steps(batch.target), batch.every),
    )
    rows = len(p.hidden)
    return Gradient(hidden.T[:rows], readout.T, out[0] if batch.every else out[0, 0])


def train_sequence(
    p: Parameters, x: Array, target: Array, rate: float, each_step: bool = False
) -> Array:
    """As `golden.learning.train_sequence`: changes `p` in place, returns the outputs before."""
    check_sequence(x, target, p.shape.inputs, len(p.readout))
    out, _ = train(p, Batch.of(x[None], target[None]), rate, each_step)
    return out[0]


def train(p: Parameters, batch: Batch, rate: float, each_step: bool = False) -> tuple[Array, int]:
    """`train_sequence` with each sequence of a batch, one after the other.

    Returns
    -------
    The outputs, each from before its own sequence changed `p`, in the form of `batch.target`; and
    how many sequences there were before the first whose outputs are not finite (all: the count),
    which is the last that was presented.
    """
    hidden, readout = _matrices(p.hidden, p.readout)
    learns = p.learns or (np.ones_like(p.hidden), np.ones_like(p.readout))
    target = _at_steps(batch.target)
    out = np.zeros_like(target)
    done = kernels().lstm_train(
        hidden,
        readout,
        _matrices(*learns),
        *_form(p),
        *(*_sources(batch), target, batch.every),
        (rate, 0.0) if each_step else (0.0, rate),
        out,
    )
    p.hidden[:] = hidden.T[: len(p.hidden)]
    p.readout[:] = readout.T
    return out.reshape(batch.target.shape), done


def run(p: Parameters, batch: Batch) -> Array:
    """The outputs of a batch, in the form of `batch.target`; zero behind a sequence's end."""
    out = np.zeros_like(_at_steps(batch.target))
    hidden, readout = _matrices(p.hidden, p.readout)
    nothing = np.zeros((0, 0, len(p.readout)))
    kernels().lstm_train(
        *(hidden, readout, (hidden, readout)),
        *_form(p),
        *(*_sources(batch), nothing, batch.every, (0.0, 0.0), out),
    )
    return out.reshape(batch.target.shape)


def kernels() -> ModuleType:
    """The compiled loops; `CarouselError` that says how to install numba where it is missing."""
    try:
        from golden import kernels as module
    except ImportError as error:
        raise CarouselError(f"training needs numba: {error}; {install('train')}") from None
    return module


def constants(function: Squash) -> tuple[float, float, float, bool, float, float]:
    """A squashing function as the kernels take it."""
    affine = float(function.scale), float(function.slope), float(function.offset)
    return *affine, function.linear, float(function.low), float(function.high)


def _form(p: Parameters) -> tuple:
    """Sizes and squashing functions as the kernels take them."""
    shape, forget = p.shape, "f" in p.shape.gates
    sources, outputs = p.hidden.shape[1], len(p.readout)
    whole = shape.inputs, sources, outputs, shape.cells, shape.block_size, shape.blocks
    unsigned = map(np.uintp, (*whole, len(shape.gates) * shape.blocks))
    sizes = kernels().Sizes(*unsigned, forget, shape.gate_recurrence, p.shortcut, p.entropy)
    return sizes, (constants(p.g), constants(p.h), constants(p.out))


def _sources(batch: Batch) -> tuple[Whole, Whole, Array]:
    """Lengths, indices and values in one layout each, as kernels are compiled for each anew."""
    return batch.lengths, np.ascontiguousarray(batch.index), np.ascontiguousarray(batch.value)


def _matrices(hidden: Array, readout: Array) -> tuple[Array, Array]:
    """Copies as the kernels take them: transposed, the hidden rows padded to a multiple of 4."""
    sources = np.zeros((hidden.shape[1], -(-len(hidden) // 4) * 4))
    sources[:, : len(hidden)] = hidden.T
    return sources, readout.T.copy()


def _at_steps(target: Array) -> Array:
    """Targets (N, K) or (N, T, K) as (N, 1 or T, K)."""
    every = target if target.ndim == 3 else target[:, None]
    return np.ascontiguousarray(every, dtype=np.float64)

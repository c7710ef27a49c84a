"""Which loop over time runs a layer: the compiled one, or the one of `fixedpoint.loop`.

Both give the same codes. Loading the compiled one takes as long as some steps of the other, which
therefore runs the first ones of a process; it runs all of them where the other cannot be had.
"""

from importlib import import_module
from typing import Any

from fixedpoint import loop
from fixedpoint.arithmetic import Codes
from fixedpoint.cell import QuantizedLayer
from fixedpoint.dense import QuantizedDense
from golden.cell import LayerState
from golden.notes import line, note
from golden.version import install

LOADING = 50_000
"""Steps of `fixedpoint.loop` that take as long as loading the compiled one."""


class _Compiled:
    """The compiled loop.

    Attributes
    ----------
    steps : those that a process has run, in either loop, 128 sequences at most counted as one.
    available : whether nothing has spoken against it.
    """

    def __init__(self) -> None:
        self.steps, self.available = 0, True


_compiled = _Compiled()


def run_layer(
    layer: QuantizedLayer,
    x: Codes,
    state: LayerState,
    saturated: dict[str, int],
    signals: bool = True,
) -> tuple[dict[str, Codes], LayerState]:
    """As `fixedpoint.loop.run_layer`."""
    _compiled.steps += len(x) * -(-x.shape[1] // loop.GROUP)
    found = _try("run_layer", layer, x, state, saturated, signals)
    return found or loop.run_layer(layer, x, state, saturated, signals)


def run_dense(dense: QuantizedDense, u: Codes) -> tuple[Codes, int]:
    """As `QuantizedDense.run`."""
    return _try("run_dense", dense, u) or dense.run(u)


def _try(name: str, *args: Any) -> Any:
    """What a compiled function gives; None where it is not to be taken, or cannot be had."""
    if not _compiled.available or _compiled.steps <= LOADING:
        return None
    try:
        return getattr(import_module("fixedpoint.compiled.run"), name)(*args)
    except Exception as error:  # whatever numba or LLVM raises
        _compiled.available = False
        note(f"the integer model runs uncompiled, its codes are the same: {_why(error)}")
    return None


def _why(error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"{error}; {install('train')}"
    return f"numba failed with {type(error).__name__}: {line(error)}"

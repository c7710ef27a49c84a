"""A trace: every signal of a run, named the same in the float, integer and hardware view."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.cell import LayerState


@dataclass(frozen=True)
class Trace:
    """Signals of one run: (T, width) for one sequence, (N, T, width) for a batch.

    Attributes
    ----------
    layers : for each layer its signals i, [f,] o (width B), g, s, [m] (width C) and y, in the order
        of the sequence's steps, also for a reverse layer.
    out : the readout, or y of the last stage where there is none; one step long where the network
        gives its last output only.
    stem, dense : what each dense stage in front of or between layers gives, and what each one
        before the readout gives, in as many steps as out. They are numbered on from the layers.
    state : each layer's state after its last step (for a reverse layer: the sequence's first).
    """

    layers: tuple[dict[str, npt.NDArray[Any]], ...]
    out: npt.NDArray[Any]
    state: tuple[LayerState, ...]
    stem: tuple[npt.NDArray[Any], ...] = field(default=(), kw_only=True)
    dense: tuple[npt.NDArray[Any], ...] = field(default=(), kw_only=True)

    def __repr__(self) -> str:
        signals = ", ".join(f"{name} {values.shape}" for name, values in self.signals())
        return f"{type(self).__name__}({signals})"

    def get(self, name: str, layer: int = -1) -> npt.NDArray[Any]:
        """One signal: `out`, or a signal of a layer or dense stage (the last one unless said)."""
        if name == "out":
            return self.out
        if name in ("stem", "dense"):
            found = getattr(self, name)
            first = len(self.layers) + (len(self.stem) if name == "dense" else 0)
            return found[layer - first if layer >= 0 else layer]
        return self.layers[layer][name]

    def signals(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """Every signal with its full name: `0.i` ... `0.y` for layer 0, and so on, then `1.stem`
        for a dense stage in front of one layer, `1.dense` for one behind it, and so on, then
        `out`."""
        for k, layer in enumerate(self.layers):
            for name, values in layer.items():
                yield f"{k}.{name}", values
        for k, values in enumerate(self.stem, len(self.layers)):
            yield f"{k}.stem", values
        for k, values in enumerate(self.dense, len(self.layers) + len(self.stem)):
            yield f"{k}.dense", values
        yield "out", self.out


def mismatches(one: Trace, other: Trace) -> dict[str, int]:
    """How many values differ, by signal's full name; every signal of both traces must be in both.

    A signal that one trace lacks, or whose shape differs, counts as wholly different.
    """
    left, right = dict(one.signals()), dict(other.signals())
    found = {}
    for name in {**left, **right}:
        a, b = left.get(name), right.get(name)
        if a is None or b is None or a.shape != b.shape:
            found[name] = max(v.size for v in (a, b) if v is not None)
        else:
            found[name] = int(np.count_nonzero(a != b))
    return found

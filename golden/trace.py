"""A trace: every signal of a run, named the same in the float, integer and hardware view."""

from collections.abc import Iterator
from dataclasses import dataclass
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
    state : each layer's state after its last step (for a reverse layer: the sequence's first).
    """

    layers: tuple[dict[str, npt.NDArray[Any]], ...]
    out: npt.NDArray[Any]
    state: tuple[LayerState, ...]

    def get(self, name: str, layer: int = -1) -> npt.NDArray[Any]:
        """One signal: `out`, or a signal of a layer (the last one unless said)."""
        return self.out if name == "out" else self.layers[layer][name]

    def signals(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """Every signal with its full name: `0.i` ... `0.y` for layer 0, and so on, then `out`."""
        for k, layer in enumerate(self.layers):
            for name, values in layer.items():
                yield f"{k}.{name}", values
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

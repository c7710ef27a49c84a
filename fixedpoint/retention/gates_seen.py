"""What the gates of a run came to: how nearly they were shut, and what they did to the states then.

Shut is what keeps a state: i = 0, f = 1. `fixedpoint.retention.map` says what every net input would
do; this says which of them there were.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.cell import QuantizedLayer
from fixedpoint.network import QuantizedNetwork, QuantizedTrace
from fixedpoint.retention.map import retention
from golden import pieces


@dataclass(frozen=True)
class Met:
    """One kind of gate of one layer over all steps, sequences and blocks of a run.

    Attributes
    ----------
    layer : its number.
    gate : "i" or "f".
    low, high : the least and the greatest value, codes of the gates.
    shut : the part of all values that were exactly shut, 0 to 1.
    moves : LSB of the state that a step adds to one (i, with the g of largest magnitude) or takes
        from the largest one (f), at most, where the gate was most nearly shut.
    count : values.
    """

    layer: int
    gate: str
    low: int
    high: int
    shut: float
    moves: int
    count: int

    @property
    def best(self) -> int:
        """The code where the gate was most nearly shut."""
        return self.low if self.gate == "i" else self.high


def over(qnet: QuantizedNetwork, codes: Codes) -> list[Met]:
    """The gates in a run over codes (N, T, D), however long."""
    parts = (met(qnet.layers, trace) for trace in pieces.run(qnet, codes))
    return reduce(joined, parts)


def met(layers: Sequence[QuantizedLayer], trace: QuantizedTrace) -> list[Met]:
    """The input and forget gates of every layer in a run."""
    found = []
    for k, layer in enumerate(layers):
        for gate, end in (("i", 0), ("f", layer.formats.gate.one)):
            if gate in layer.shape.gates:
                codes = trace.get(gate, k)
                low, high = int(codes.min()), int(codes.max())
                step = moves(layer, gate, low if gate == "i" else high)
                found.append(
                    Met(k, gate, low, high, float(np.mean(codes == end)), step, codes.size)
                )
    return found


def joined(one: Sequence[Met], other: Sequence[Met]) -> list[Met]:
    """The gates of a run and of the piece behind it."""
    return [
        replace(
            a,
            low=min(a.low, b.low),
            high=max(a.high, b.high),
            shut=(a.count * a.shut + b.count * b.shut) / (a.count + b.count),
            moves=(a if a.best == (min if a.gate == "i" else max)(a.best, b.best) else b).moves,
            count=a.count + b.count,
        )
        for a, b in zip(one, other, strict=True)
    ]


def moves(layer: QuantizedLayer, gate: str, code: int) -> int:
    """LSB by which a gate of this code moves a state in a step, at most.

    i lets in the g of largest magnitude, f takes from the state of largest magnitude; where
    f = 1 - i, i does both. The code must be one that a net input gives.
    """
    whole = retention(layer)
    found = retention(layer, whole.net[np.searchsorted(whole.gate, [code])])
    form = layer.formats.s
    creep = max(abs(int(end[0])) for end in found.creep)
    leak = int(np.abs(found.leak(np.array([form.low, form.high]))).max()) if found.forgets else 0
    if gate == "f":
        return leak
    return creep + leak if layer.shape.coupled else creep


def best(layer: QuantizedLayer, gate: str) -> int:
    """The code of a gate that is as nearly shut as its net inputs allow; then 0, or 1.0, if any."""
    ends = layer.gate.lookup()[[0, -1]]
    return int(ends[0] if gate == "i" else ends[1])

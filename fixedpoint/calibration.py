"""What calibration saw: the largest magnitudes of a float network's signals."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from golden.cell import LayerState
from golden.network import Network

HEADROOM = 2.0


@dataclass(frozen=True)
class Seen:
    """The largest absolute values, real.

    Attributes
    ----------
    inputs, sizes : of each element of x; its root mean square.
    layers : by signal, of each layer; what sequences start from is counted too.
    out : of what leaves the network.
    dense : of what each dense stage before the readout gives.
    stem : of what each dense stage in front of or between layers gives.
    headroom : how many times what was seen there is room for, in inputs, states and linear values.
    """

    inputs: tuple[float, ...]
    sizes: tuple[float, ...]
    layers: tuple[Mapping[str, float], ...]
    out: float
    dense: tuple[float, ...] = ()
    headroom: float = HEADROOM
    stem: tuple[float, ...] = ()

    def room(self, largest: float) -> float:
        """What a format must hold of a signal that was seen to be as large as `largest`."""
        return self.headroom * largest

    @classmethod
    def measure(
        cls,
        net: Network,
        calibrate: np.ndarray,
        state: tuple[LayerState, ...] | None = None,
        headroom: float = HEADROOM,
    ) -> "Seen":
        """Run `net` over typical input (T, D) or (N, T, D), real, from `state` or its own start.

        Raises
        ------
        InputError : calibration data that do not fit the network.
        """
        trace = net.run(calibrate, state)
        layers = []
        for k, layer in enumerate(net.layers):
            found = {name: _largest(values) for name, values in trace.layers[k].items()}
            starts = [layer.initial, *([{"s": state[k].s, "y": state[k].y}] if state else [])]
            for name in ("s", "y"):
                found[name] = max(found[name], *(_largest(each.get(name, 0.0)) for each in starts))
            layers.append(found)
        dense = tuple(map(_largest, trace.dense))
        stem, out = tuple(map(_largest, trace.stem)), _largest(trace.out)
        x = np.reshape(calibrate, (-1, net.inputs))
        inputs = tuple(map(float, np.abs(x).max(axis=0)))
        sizes = tuple(map(float, np.sqrt(np.mean(np.square(x), axis=0))))
        return cls(inputs, sizes, tuple(layers), out, dense, headroom, stem)


def _largest(values: np.ndarray | float) -> float:
    return float(np.abs(values).max())

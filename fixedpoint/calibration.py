"""What calibration saw: the largest magnitudes of a float network's signals."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from golden.network import Network


@dataclass(frozen=True)
class Seen:
    """The largest absolute values, real.

    Attributes
    ----------
    input : of x.
    layers : by signal, of each layer; what a sequence starts from is counted too.
    out : of what leaves the network.
    dense : of what each dense stage before the readout gives.
    """

    input: float
    layers: tuple[Mapping[str, float], ...]
    out: float
    dense: tuple[float, ...] = ()

    @classmethod
    def measure(cls, net: Network, calibrate: np.ndarray) -> "Seen":
        """Run `net` over typical input (T, D) or (N, T, D), real.

        Raises
        ------
        InputError : calibration data that do not fit the network.
        """
        trace = net.run(calibrate)
        layers = tuple(
            {
                name: max(_largest(values), _largest(layer.initial.get(name, 0.0)))
                for name, values in seen.items()
            }
            for layer, seen in zip(net.layers, trace.layers, strict=True)
        )
        dense = tuple(map(_largest, trace.dense))
        return cls(_largest(calibrate), layers, _largest(trace.out), dense)


def _largest(values: np.ndarray | float) -> float:
    return float(np.abs(values).max())

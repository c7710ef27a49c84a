"""What calibration saw: the largest magnitudes of a float network's signals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from golden import pieces
from golden.cell import LayerState
from golden.network import Network, check_values
from golden.squash import Array

HEADROOM = 2.0
ROWS = 1 << 16  # steps of x that are looked at at once


@dataclass(frozen=True)
class Part:
    """Sequences of one length.

    Attributes
    ----------
    x : (T, D) or (N, T, D) real.
    state : what they start from, real, or None for the network's own start.
    """

    x: Array
    state: tuple[LayerState, ...] | None = None


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
        return cls.of(net, [Part(calibrate, state)], headroom)

    @classmethod
    def of(cls, net: Network, parts: Sequence[Part], headroom: float = HEADROOM) -> "Seen":
        """The same over sequences of several lengths."""
        signals = dict[str, float]()
        for part in parts:
            x = part.x if isinstance(part.x, np.ndarray) else check_values(part.x, net.inputs)
            for trace in pieces.run(net, x, part.state):
                for name, values in trace.signals():
                    signals[name] = max(signals.get(name, 0.0), _largest(values))

        layers = []
        for k, layer in enumerate(net.layers):
            own = {name: v for name, v in signals.items() if name.startswith(f"{k}.")}
            found = {name.partition(".")[2]: largest for name, largest in own.items()}
            given = [part.state[k] for part in parts if part.state is not None]
            starts = [layer.initial, *({"s": state.s, "y": state.y} for state in given)]
            for name in ("s", "y"):
                found[name] = max(found[name], *(_largest(each.get(name, 0.0)) for each in starts))
            layers.append(found)
        stem, dense = (
            tuple(largest for name, largest in signals.items() if name.endswith(kind))
            for kind in (".stem", ".dense")
        )
        inputs, sizes = _inputs([np.reshape(part.x, (-1, net.inputs)) for part in parts])
        return cls(inputs, sizes, tuple(layers), signals["out"], dense, headroom, stem)


def _inputs(parts: Sequence[Array]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The largest magnitude and the root mean square of each element of x (steps, D)."""
    largest, power = np.zeros(parts[0].shape[1]), np.zeros(parts[0].shape[1])
    for x in parts:
        for first in range(0, len(x), ROWS):
            some = x[first : first + ROWS]
            largest = np.maximum(largest, np.abs(some).max(axis=0))
            with np.errstate(over="ignore"):  # no format holds such values
                power += np.square(some).sum(axis=0)
    sizes = np.sqrt(power / sum(map(len, parts)))
    return tuple(map(float, largest)), tuple(map(float, sizes))


def _largest(values: np.ndarray | float) -> float:
    return float(np.abs(values).max())

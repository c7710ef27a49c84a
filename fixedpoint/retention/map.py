"""The retention map: what one step does to a state, for every net input of its gates.

From formats and tables alone. A forget gate whose code F is `short` = one - F below 1.0 takes

    s - round(F s / one)          of a float cell: (1 - sigma(a)) s

from a state of code s: *leak*. Where short s / one rounds to 0, with states up to one / (2 short)
LSB, it takes nothing: they *stick*, though they should decay, and larger states decay to there and
no further. An input gate of code I adds round(I G): *creep*, nothing while I times the largest G
rounds to 0. So a gate keeps a state in three ways: exactly shut (F = one, I = 0), shut in effect
(whatever it does is rounded away), or because the state sticks.

Net inputs are codes of the gates' `net` format, states and steps codes of the format of s.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fixedpoint.arithmetic import Codes, round_shift
from fixedpoint.cell import QuantizedLayer
from fixedpoint.retention.hold import NeverShutError, closing, keeping
from golden.squash import Array


@dataclass(frozen=True)
class Retention:
    """The map of one layer.

    Attributes
    ----------
    layer : the layer.
    net : every net input that a gate can have, codes (K,), rising.
    gate : the gate's code for each.
    """

    layer: QuantizedLayer
    net: Codes
    gate: Codes

    @property
    def real_net(self) -> Array:
        """The net inputs in real numbers."""
        return self.layer.gate.net.decode(self.net)

    @property
    def forgets(self) -> bool:
        """Whether there is a forget gate (f = 1 - i where coupled), and so leak."""
        return "f" in self.layer.shape.gates or self.layer.shape.coupled

    @property
    def short(self) -> Codes:
        """How far f is short of 1.0, in LSB of the gates, for each net input of f.

        Where f = 1 - i: for each net input of i.
        """
        return self.gate if self.layer.shape.coupled else self.layer.formats.gate.one - self.gate

    def leak(self, s: Codes) -> Codes:
        """LSB that a step takes from states s (...), for each net input: (..., K)."""
        s = np.asarray(s)[..., None]
        kept = (self.layer.formats.gate.one - self.short) * s
        return s - round_shift(kept, self.layer.keep_shift)

    def float_leak(self, s: Codes) -> Array:
        """The same of a float cell of the same state, in LSB."""
        gate = self.layer.gate.squash(self.real_net)
        lost = gate if self.layer.shape.coupled else 1.0 - gate
        return np.asarray(s, float)[..., None] * lost

    @property
    def sticks(self) -> tuple[Codes, Codes]:
        """How large the states are that a step leaves as they are, for each net input: (K,) each.

        The largest positive state and the largest magnitude of a negative one, in LSB and at most
        the format's own ends. Larger states decay to there. A tie is rounded up, so that a negative
        state exactly half an LSB from its place goes and a positive one stays.
        """
        one, form, twice = self.layer.formats.gate.one, self.layer.formats.s, 2 * self.short
        some = np.maximum(twice, 1)
        positive = np.where(twice > 0, np.minimum(one // some, form.high), form.high)
        negative = np.where(twice > 0, np.minimum((one - 1) // some, -form.low), -form.low)
        return positive, negative

    @property
    def cell_input(self) -> tuple[int, int]:
        """The lowest and the highest code of g."""
        values = self.layer.g(np.array([self.layer.g.low, self.layer.g.high]))
        return int(values[0]), int(values[1])

    @property
    def creep(self) -> tuple[Codes, Codes]:
        """LSB that a step adds with the lowest and with the highest g, for each net input of i."""
        low, high = (round_shift(self.gate * g, self.layer.input_shift) for g in self.cell_input)
        return low, high

    @property
    def float_creep(self) -> Array:
        """The same of a float cell with the g of largest magnitude, a magnitude in LSB."""
        largest = max(map(abs, self.cell_input)) * self.layer.formats.g.lsb
        gate = self.layer.gate.squash(self.real_net)
        return gate * largest / self.layer.formats.s.lsb

    @property
    def closed_in_effect(self) -> int | None:
        """The highest net input up to which i changes no state, whatever g; None: it always can.

        Never below `hold.closing`, where i is exactly 0. Where f = 1 - i it must not leak either.
        """
        low, high = self.creep
        return self._last((low == 0) & (high == 0) & (self._whole | (not self.layer.shape.coupled)))

    @property
    def kept_in_effect(self) -> int | None:
        """The lowest net input from which upwards f changes no state of the format; None: never.

        Never above `hold.keeping`, where f is exactly 1.
        """
        at = self._last(self._whole[::-1])
        return None if at is None else int(self.net[0] + self.net[-1] - at)

    @property
    def _whole(self) -> npt.NDArray[np.bool_]:
        """Where every state of the format sticks, f = 1 among it."""
        (positive, negative), form = self.sticks, self.layer.formats.s
        return (positive >= form.high) & (negative >= -form.low)

    def _last(self, holds: npt.NDArray[np.bool_]) -> int | None:
        """The last net input of the true values that the lowest one begins."""
        count = len(holds) if holds.all() else int(np.argmin(holds))
        return int(self.net[count - 1]) if count else None


def retention(layer: QuantizedLayer, net: Codes | None = None) -> Retention:
    """The map of a layer, at all net inputs of its gates or at these."""
    if net is None:
        net = np.arange(layer.gate.low, layer.gate.high + 1)
    return Retention(layer, net, layer.gate(net))


@dataclass(frozen=True)
class Thresholds:
    """The net inputs, real, that decide whether a layer's states are held; None: there is none.

    Attributes
    ----------
    closed : i is exactly 0 up to here.
    closed_in_effect : up to here i changes no state, whatever g.
    kept : f is exactly 1 from here; None also where f has no weights of its own.
    kept_in_effect : from here f changes no state; None likewise.
    stuck : the largest state, in LSB, that stays though f is below 1; None without leak.
    """

    closed: float | None
    closed_in_effect: float | None
    kept: float | None
    kept_in_effect: float | None
    stuck: int | None


def thresholds(layer: QuantizedLayer) -> Thresholds:
    """The thresholds of a layer."""
    kept, own = retention(layer), "f" in layer.shape.gates

    def real(code: int | None) -> float | None:
        return None if code is None else code * layer.gate.net.lsb

    def exact(limit: Callable[[QuantizedLayer], int]) -> float | None:
        try:
            return real(limit(layer))
        except NeverShutError:
            return None

    stuck = kept.sticks[0][kept.short > 0]
    return Thresholds(
        exact(closing),
        real(kept.closed_in_effect),
        exact(keeping) if own else None,
        real(kept.kept_in_effect) if own else None,
        int(stuck.max(initial=0)) if kept.forgets else None,
    )

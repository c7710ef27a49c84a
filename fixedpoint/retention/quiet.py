"""Whether the output comes to rest on constant input, as it does in float: no limit cycles.

Rounding in a loop can keep a state going round for ever where the float network is at rest, by a
few LSB or by far more. So both run on an input that does not change, zero and the mean of real
input, and are looked at after so many steps that float has settled where it ever does.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fixedpoint.network import QuantizedNetwork
from golden.network import Network
from golden.squash import Array

STEPS, PIECE, SEEN = 20_000, 2_000, 2  # steps, of a piece, and the last pieces, which are looked at
FEW = 4.0  # LSB of the output


@dataclass(frozen=True)
class Quiet:
    """What was seen on one constant input, over the last `SEEN` pieces.

    Attributes
    ----------
    input : "zero" or "the mean".
    swing, real_swing : of the output that swings most, from its lowest to its highest, and in
        float.
    off : the largest difference of an output from float.
    lsb : of the outputs.
    layer, cell, state_swing : the state that swings most, and by how many LSB.
    """

    input: str
    swing: float
    real_swing: float
    off: float
    lsb: float
    layer: int
    cell: int
    state_swing: float

    @property
    def rests(self) -> bool:
        """Whether no output swings by more than float's does and a few LSB."""
        return self.swing <= self.real_swing + FEW * self.lsb

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {**asdict(self), "rests": self.rests}


def quiet(net: Network, qnet: QuantizedNetwork, x: Array, steps: int = STEPS) -> tuple[Quiet, ...]:
    """On zero and on the mean of x (N, T, D); nothing for a network with reverse layers, which
    starts every sequence anew."""
    if net.first_reverse is not None:
        return ()
    mean = x.mean(axis=(0, 1))
    return tuple(
        _watch(name, net, qnet, value, steps)
        for name, value in (("zero", np.zeros_like(mean)), ("the mean", mean))
    )


def _watch(name: str, net: Network, qnet: QuantizedNetwork, value: Array, steps: int) -> Quiet:
    x = np.repeat(value[None], PIECE, axis=0)
    codes, state, real_state = qnet.encode(x)[0], None, None
    outs, reals, states = [], [], []
    for piece in range(max(SEEN, steps // PIECE)):
        fixed, real = qnet.run(codes, state), net.run(x, real_state)
        state, real_state = fixed.state, real.state
        if piece >= steps // PIECE - SEEN:
            outs.append(fixed.value("out"))
            reals.append(real.out)
            states.append([fixed.get("s", k) for k in range(len(net.layers))])
    out, want = np.concatenate(outs), np.concatenate(reals)
    swings = [np.ptp(np.concatenate(parts), axis=0) for parts in zip(*states, strict=True)]
    layer = max(range(len(swings)), key=lambda k: int(swings[k].max()))
    return Quiet(
        name,
        float(np.ptp(out, axis=0).max()),
        float(np.ptp(want, axis=0).max()),
        float(np.abs(out - want).max()),
        qnet.out_format.lsb,
        layer,
        int(swings[layer].argmax()),
        float(swings[layer].max()),
    )

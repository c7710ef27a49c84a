"""Where fixed point is poor: whether it is less so with less room for the input.

A bit less of range is a bit more of precision. Where fixed point is not good, the input's headroom
is given up for it, if that gains; where it is poor, more. Of spectra, for example, most values are
far below the peaks, and a few codes are all that 8 bits leave to them.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fixedpoint.budget.error import against
from fixedpoint.calibration import Part, Seen
from fixedpoint.fitting import formats_of
from fixedpoint.network import build
from fixedpoint.rounding import Statistics, rounded
from fixedpoint.widths import Widths
from golden.network import Network
from golden.squash import Array

GOOD = 40.0  # dB of the output: an error of a hundredth of its own spread
POOR = 30.0  # a thirtieth
GAIN = 2.0  # dB, the least for which a bit of range is given up
SURE = 1.5  # dB, the same with weights rounded by data, where it is less by chance what is gained
MOST = 4  # bits of range that are given up where it is poor
STEPS = 20_000  # that are run at most, of all sequences


def clipped(
    net: Network,
    widths: Widths,
    seen: Seen,
    parts: Sequence[Part],
    known: Statistics | None = None,
) -> Widths:
    """The widths with as much of the input's range given up as makes an output better that is not
    good; of one that is not poor no more than its headroom, so that nothing seen is clipped.

    Parameters
    ----------
    parts : typical input.
    known : by what weights are rounded, or None where each goes to the nearest.

    Raises
    ------
    FormatError : widths of which no formats can be made.
    """
    some = _some(parts)
    if not any(x.any() for x in some):
        return widths
    real = np.concatenate([net.run(x).out.ravel() for x in some])

    def decibels(widths: Widths) -> float:
        formats = formats_of(net, widths, seen)
        qnet = build(net if known is None else rounded(net, formats, known), formats)
        runs = (qnet.run(qnet.encode(x)[0], signals=False) for x in some)
        outputs = [run.value("out").ravel() for run in runs]
        return against(real, np.concatenate(outputs))[2]

    first, gain = decibels(widths), GAIN if known is None else SURE
    if first >= GOOD:
        return widths
    most = MOST if first < POOR else int(math.log2(seen.headroom))
    tried = [replace(widths, clip=bits) for bits in range(1, min(most, MOST) + 1)]
    gained = {0: first} | {each.clip: decibels(each) - gain * each.clip for each in tried}
    return replace(widths, clip=max(gained, key=lambda bits: gained[bits]))


def _some(parts: Sequence[Part]) -> list[Array]:
    """The first sequences (N, T, D) of all parts, and their first steps."""
    chosen, left = list[Array](), STEPS
    for part in parts:
        if not left:
            break
        x = part.x if part.x.ndim == 3 else part.x[None]
        x = x[: max(1, left // x.shape[1]), :left]
        chosen.append(x)
        left = max(0, left - x.shape[0] * x.shape[1])
    return chosen

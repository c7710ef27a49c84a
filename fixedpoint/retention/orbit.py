"""A cell's state under the same two maps step after step, a million steps in few jumps.

The lowest and the highest state that can follow a state s are

    L(s) = sat(min over cases of round(f s) + low end of round(i g))      U(s) likewise, the highest

with the end of f that pulls most. Both maps rise by 0 or 1 where s rises by 1 (f is at most 1, and
rounding, saturation and min keep that), so that what they add, L(s) - s, never rises with s: an
orbit moves one way, by steps that never grow, and a run of steps of one size is one jump.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fixedpoint.arithmetic import Codes, round_shift, saturate
from fixedpoint.formats import Format
from fixedpoint.retention.ranges import Range

NEVER = -1


@dataclass(frozen=True)
class StateMap:
    """What one step can do to the states of a layer, in M cases.

    Attributes
    ----------
    keep_shift : fraction bits of f.
    keep : f in codes, (M, C); None where there is none, f = 1.
    add : round(i g) in LSB of the state, (M, C).
    """

    keep_shift: int
    keep: Range | None
    add: Range

    def lowest(self, s: Codes) -> Codes:
        """The lowest state after a step from s (..., C), not saturated."""
        return self._kept(s, self.add.low, 1).min(axis=-2)

    def highest(self, s: Codes) -> Codes:
        """The highest state after a step from s (..., C), not saturated."""
        return self._kept(s, self.add.high, -1).max(axis=-2)

    def _kept(self, s: Codes, add: Codes, side: int) -> Codes:
        """round(f s) + add in every case, f at the end that takes s furthest to one side."""
        s = s[..., None, :]
        if self.keep is None:
            return s + add
        keep = np.where(s * side >= 0, self.keep.low, self.keep.high)
        return round_shift(keep * s, self.keep_shift) + add


def orbit(
    step: Callable[[Codes], Codes], start: Codes, count: int, form: Format
) -> tuple[Codes, Codes]:
    """`count` steps of a map as above, saturated to `form`, from codes of any shape.

    Returns
    -------
    The codes after the last step, and the first step (from 1) at which one saturates, or NEVER.
    """
    s, left, first = (
        start.astype(np.int64),
        np.full(start.shape, count),
        np.full(start.shape, NEVER),
    )
    while True:
        free = step(s)
        delta = saturate(free, form.low, form.high) - s
        lost = (free != s + delta) & (left > 0)
        first = np.where(lost & (first == NEVER), count - left + 1, first)
        moving = (delta != 0) & (left > 0)
        if not moving.any():
            return s, first
        jump = _run_length(step, s, delta, np.where(moving & ~lost, left, moving), form)
        s, left = s + jump * delta, left - jump


def _run_length(
    step: Callable[[Codes], Codes], s: Codes, delta: Codes, most: Codes, form: Format
) -> Codes:
    """A number of steps, up to `most`, that are all `delta`: 1 doubled as often as that holds."""
    room = (form.high - form.low) // np.maximum(np.abs(delta), 1) + 1
    most = np.minimum(most, room)
    jump = np.minimum(most, 1)
    growing = most > 1
    while growing.any():
        more = np.minimum(2 * jump, most)
        at = s + (more - 1) * delta
        inside = saturate(at, form.low, form.high)
        after = step(inside)
        same = (inside == at) & (after - at == delta)
        growing &= same & (saturate(after, form.low, form.high) == after)
        jump = np.where(growing, more, jump)
        growing &= jump < most
    return jump

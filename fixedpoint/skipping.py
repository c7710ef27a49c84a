"""Which values a core that skips works on: those that are not 0, or those that have changed.

With a threshold a value is used only when it is more than that away from the one that was used
last. That is remembered and not the last value, so that differences do not add up:

    used(t) = u(t)        where |u(t) - used(t-1)| > threshold, used = 0 before a sequence
            = used(t-1)   elsewhere

With threshold 0 that is u(t). Where a state is given, y of the state is the step before the first,
and used = 0 before it.
"""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from fixedpoint.arithmetic import Codes

Flags = npt.NDArray[np.bool_]
Values = TypeVar("Values", bound=npt.NDArray[Any])
"""Codes, or the real numbers that they stand for."""
Least = int | float | npt.NDArray[Any]
"""A threshold, or one for each of some values."""


def step(now: Values, last: Values | int, threshold: Least) -> Any:
    """What is used of values of which `last` was used before."""
    return np.where(np.abs(now - last) > threshold, now, last)


def used(u: Values, threshold: Least, start: Values | int = 0) -> Values:
    """What is used of u (T, ...), a sequence from its beginning, or behind `start`."""
    if not np.any(threshold):
        return u
    found, last = np.empty_like(u), step(np.broadcast_to(start, u[0].shape), 0, threshold)
    for now, out in zip(u, found, strict=True):
        out[...] = last = step(now, last, threshold)
    return found


def nonzero(u: Codes, threshold: int = 0) -> Flags:
    """Whether values are other than 0; there is no threshold."""
    return u != 0


def changed(u: Codes, threshold: int) -> Flags:
    """Whether what is used of u (T, ...), a sequence from its beginning, is another than before."""
    return np.diff(used(u, threshold), axis=0, prepend=0) != 0


LISTED = {"zero": nonzero, "unchanged": changed}
"""By what a core skips, which values of a sequence and a threshold it works on."""

"""What a core that skips lists, and which lists a phase reads."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Given(NamedTuple):
    """What is listed together.

    Attributes
    ----------
    stage : which gives the values, or INPUT.
    kind : they are its outputs ("y"), its cell outputs before a projection ("m") or, block by
        block, its "gates".
    stream : whose values they are.
    """

    stage: int
    kind: str = "y"
    stream: int = 0


Listed = Mapping[Given, Flags]
"""Whether each of the values is listed, (T, width)."""
Step = Mapping[Given, Flags]
"""The same of one step, (width,)."""
Loaded = Mapping[int, Step]
"""The same of states that are written, by the step that comes next."""


class Segment(NamedTuple):
    """A list that a phase reads.

    Attributes
    ----------
    given : of which values.
    before : they are those of the step before.
    offset : the place of the first of them among the phase's columns.
    """

    given: Given
    before: bool
    offset: int

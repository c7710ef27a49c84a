"""How a network was read from a file of another framework, and how its input is to be given."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.window import Window


@dataclass(frozen=True)
class Reading:
    """What the file says beyond the network's numbers.

    Attributes
    ----------
    stages : from the input to the output, what the file has and what became of it.
    assumed : what the file does not say and was assumed, a sentence; or "".
    axes : the order of the input's axes as the file declares it, of N sequences, T steps and D
        values: "NTD", "TND", ...; "" where it does not say.
    axes_out : the same of the output's.
    order : the names of its modules in the order that was told; () if none was.
    indices : the input is one whole number a step, which stands for a vector of zeros with a one at
        its place (`vectors`); `axes` has no D then.
    steps : of every sequence, where the file computes something of so many; 0 for any number.
    heads : the name and the number of values of each of a file's outputs, if it has several; the
        network's are these side by side.
    kept : of the outputs of every step the file gives so many of the last ones; 0 for all.
    window : what a step of the network sees of the input, whose D values are then fewer.
    behind : the name in `golden.decision.DECISIONS` of what the file has behind the network's
        outputs, which are then logits; "" for nothing.
    """

    stages: tuple[tuple[str, str], ...] = ()
    assumed: str = ""
    axes: str = ""
    axes_out: str = ""
    order: tuple[str, ...] = ()
    indices: bool = False
    behind: str = ""
    steps: int = 0
    window: Window = Window()
    heads: tuple[tuple[str, int], ...] = ()
    kept: int = 0


def vectors(x: npt.ArrayLike, inputs: int) -> npt.NDArray[np.float64]:
    """Numbers from 0 to `inputs` - 1 as vectors with a one at their place, on a further axis.

    Raises
    ------
    InputError : a value that is no such number, and where it is.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "iuf":
        raise InputError(
            f"input: type {x.dtype}, must be whole numbers, which pick rows of a table"
        )
    bad = np.argwhere(~((x >= 0) & (x < inputs) & (x == np.floor(x))))
    if len(bad):
        value = x[tuple(bad[0])]
        raise InputError(
            f"input{bad[0].tolist()}: {value}, must be a number from 0 to {inputs - 1}"
        )
    dense = np.zeros((*x.shape, inputs))
    np.put_along_axis(dense, x.astype(np.int64)[..., None], 1.0, -1)
    return dense

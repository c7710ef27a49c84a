"""The order of axes: N sequences, T steps, D values; as a file declares it, or as told."""

from itertools import permutations

import numpy as np

from golden import InputError, Network
from golden.reading import vectors
from golden.squash import Array

USUAL = "NTD"
ORDERS = tuple("".join(order) for order in permutations(USUAL))


def check(axes: str | None) -> None:
    """Refuse an order that is none."""
    if axes is not None and axes not in ORDERS:
        raise InputError(f"--axes {axes}: allowed are {', '.join(ORDERS)}")


def arranged(net: Network, values: np.ndarray, axes: str | None, what: str) -> np.ndarray:
    """An input as (T, D) or (N, T, D), D the network's inputs.

    Parameters
    ----------
    axes : the order that is told, or None for the file's own.
    what : the file, for a message.

    Raises
    ------
    InputError : several sequences of one step, if the order is not told: such an array is hardly
        ever meant so, and can be read otherwise.
    """
    check(axes)
    return net.reading.window.of(_turned(net, values, axes, what), net.inputs)


def _turned(net: Network, values: np.ndarray, axes: str | None, what: str) -> np.ndarray:
    reading = net.reading
    if reading.indices and values.ndim < 3:
        order = (axes or reading.axes or USUAL).replace("D", "")
        turned = values.T if order == "TN" and values.ndim == 2 else values
        values = vectors(turned[None] if turned.ndim == 1 else turned, net.inputs)
        _check_steps(values, axes, what, order)
        return values
    if values.ndim == 1 and net.inputs == len(reading.window.offsets):
        return values[:, None]
    if values.ndim == 2 and axes is not None and axes.index("D") < axes.index("T"):
        return values.T
    if values.ndim != 3:
        return values
    order = axes or (USUAL if reading.indices else reading.axes) or USUAL
    found = values.transpose([order.index(letter) for letter in USUAL])
    _check_steps(found, axes, what, order)
    return found


def _check_steps(values: np.ndarray, axes: str | None, what: str, order: str) -> None:
    sequences, steps, _ = values.shape
    if axes is None and steps == 1 and sequences > 1:
        other = order.translate(str.maketrans("NT", "TN"))
        both = [name if "D" in name else f"{name}D" for name in (order, other)]
        raise InputError(
            f"{what}: read as {sequences} sequences of 1 step, which may be meant as 1 sequence of "
            f"{sequences} steps; say which: --axes {both[0]} or --axes {both[1]}"
        )


def expected(net: Network, values: Array, axes: str | None) -> Array:
    """Outputs of every step with the sequences first; others as they are."""
    if values.ndim != 3 or net.output != "every":
        return values
    order = axes or net.reading.axes_out or USUAL
    return values.transpose([order.index(letter) for letter in USUAL])

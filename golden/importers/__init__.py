"""Networks that other frameworks trained, as `golden.Network`; loaded only when one is read.

A reader takes what the network computes and refuses, by name, whatever `Network` cannot say:
nothing is approximated in silence, and nothing that a file holds is ever executed.
"""

import re
from pathlib import Path

import numpy as np

from golden.cell import Layer
from golden.errors import ModelError
from golden.modelfile import LARGEST
from golden.squash import Array

WORD = 60  # characters of a name from a file that a message repeats


def shown(name: object) -> str:
    """A name from a file as a message may show it: one line, ASCII, not long."""
    text = ascii(name)
    return text if len(text) <= WORD else f"{text[:WORD]}..."


def network_name(path: Path) -> str:
    """The file's name as a network's name."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", path.stem).lstrip(".-")[:100] or "network"


def check_size(values: int) -> None:
    """Refuse more numbers than a model may have, before memory is asked for."""
    if values * 8 > LARGEST:
        raise ModelError(f"{values} numbers in all, allowed are {LARGEST // 8}")


def check_file(path: Path) -> int:
    """The size of a file; what is no file, or too large to be a model, is refused."""
    size = path.stat().st_size
    if not path.is_file():
        raise ModelError("is not a file")
    if size > LARGEST:
        raise ModelError(f"{size} bytes, allowed are {LARGEST}")
    return size


def check_finite(name: str, values: Array) -> Array:
    """Refuse a tensor with a value that is not a finite number, and say where it is."""
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        where = tuple(int(k) for k in bad[0])
        raise ModelError(f"{shown(name)}{list(where)}: {values[where]} is not a finite number")
    return values


def forget_layer(
    order: str,
    x: Array,
    y: Array,
    bias: Array,
    squash: str = "tanh",
    hard: tuple[float, float] | None = None,
    projection: Array | None = None,
    reverse: bool = False,
    beside: bool = False,
) -> Layer:
    """A forget-gate layer from matrices of stacked rows.

    Parameters
    ----------
    order : the kinds i, f, o, g in the order in which their rows are stacked.
    x, y, bias : (4 C, D), (4 C, C), or (4 C, P) with a projection, and (4 C,).
    squash : g and h.
    hard : slope and offset of the gates' hard sigmoid clip(slope a + offset, 0, 1); they go into
        the gates' rows. None: the gates are logistic.
    projection : (P, C), or None.
    reverse, beside : as in `Layer`.
    """
    weights, cells = np.hstack([x, y]), len(bias) // 4
    rows = {kind: slice(k * cells, (k + 1) * cells) for k, kind in enumerate(order)}
    affine = {kind: hard if hard and kind != "g" else (1.0, 0.0) for kind in order}
    return Layer(
        {kind: weights[cut] * affine[kind][0] for kind, cut in rows.items()},
        {kind: bias[cut] * affine[kind][0] + affine[kind][1] for kind, cut in rows.items()},
        g=squash,
        h=squash,
        gate="hard" if hard else "sigma",
        projection=projection,
        reverse=reverse,
        beside=beside,
    )

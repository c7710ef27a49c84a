"""Networks that other frameworks trained, as `golden.Network`; loaded only when one is read.

A reader takes what the network computes and refuses, by name, whatever `Network` cannot say:
nothing is approximated in silence, and nothing that a file holds is ever executed.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def stacked_layer(
    order: str,
    x: Array,
    y: Array,
    bias: Array,
    affine: Mapping[str, tuple[float, float]] | None = None,
    **options: Any,
) -> Layer:
    """A layer of blocks of one cell from matrices of stacked rows.

    Parameters
    ----------
    order : the kinds i, f, o, g in the order in which their rows are stacked.
    x, y, bias : (4 C, D), (4 C, C), or (4 C, P) with a projection, and (4 C,).
    affine : by kind the slope and the offset of what comes before its squashing function, which go
        into its rows; missing: 1, 0.
    options : the `Layer`'s. A coupled one has no rows of f, and those that there are are left out.
    """
    weights, cells = np.hstack([x, y]), len(bias) // 4
    rows = {kind: slice(k * cells, (k + 1) * cells) for k, kind in enumerate(order)}
    if options.get("coupled"):
        del rows["f"]
    before = {kind: (affine or {}).get(kind, (1.0, 0.0)) for kind in rows}
    return Layer(
        {kind: weights[cut] * before[kind][0] for kind, cut in rows.items()},
        {kind: bias[cut] * before[kind][0] + before[kind][1] for kind, cut in rows.items()},
        **options,
    )

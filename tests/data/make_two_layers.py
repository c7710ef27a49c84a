"""Two layers with formats of their own, as files: `python -m tests.data.make_two_layers FOLDER`.

Of 6 and 4 cells, with a readout. Then, in the folder:
`carousel prove two.npz --formats two.json --input two.npy --lanes 8`.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import golden
from fixedpoint import choose_formats
from fixedpoint.formats import Format
from golden import Dense, Network
from golden.cell import Layer


def layer(rng: np.random.Generator, inputs: int, cells: int) -> Layer:
    """One with forget gates."""
    weights = {kind: rng.normal(0, 0.8, (cells, inputs + cells)) for kind in "ifog"}
    return Layer(weights, {kind: rng.normal(0, 0.8, cells) for kind in "ifog"})


def narrowed(form: Format, bits: int) -> Format:
    """The same range with so many bits fewer."""
    return replace(form, width=form.width - bits, frac=form.frac - bits)


def write(folder: Path) -> None:
    """The network, formats of which the second layer's are narrower, and an input."""
    rng = np.random.default_rng(5)
    last = Dense(rng.normal(size=(2, 4)), rng.normal(size=2))
    net = Network((layer(rng, 3, 6), layer(rng, 6, 4)), (last,), "two")
    x = rng.normal(size=(4, 24, 3))
    formats = choose_formats(net, 16, x)
    first, second = formats.layers
    second = replace(
        second,
        gate=narrowed(second.gate, 2),
        s=narrowed(second.s, 1),
        g=narrowed(second.g, 2),
        h=narrowed(second.h, 1),
        weights={name: narrowed(form, 2) for name, form in second.weights.items()},
    )
    golden.save(net, folder / "two.npz")
    np.save(folder / "two.npy", x)
    replace(formats, layers=(first, second)).dump(folder / "two.json")


if __name__ == "__main__":
    write(Path(sys.argv[1]))

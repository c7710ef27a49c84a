"""One memory cell whose two doors are inputs: to be opened and shut by hand.

    i = sigma(SHUT + in)      s(t) = s(t-1) + i x      o = sigma(SHUT + out)      y(t) = o s(t)

The inputs are x, the value before the door, and one a door, 0 to shut it and 1 to open it. The
cell is that of 1997 with the identity for g and h, so that what is put in is what is kept. With a
forget gate, as the LSTM of today has it, f = sigma(-SHUT): what is kept is never quite all.
"""

import numpy as np

from golden.cell import Layer
from golden.network import Network
from golden.squash import Array

SHUT = -12.0
"""Net input of a shut gate; an open one has as much to the other side."""
MOST = 3.9
"""What the cell is to hold at most."""
FILLING = 8  # steps


def doors(leaky: bool = False) -> Network:
    """The cell; `leaky` with a forget gate."""
    rows = {"i": (0.0, -2 * SHUT, 0.0), "o": (0.0, 0.0, -2 * SHUT), "g": (1.0, 0.0, 0.0)}
    biases = {"i": SHUT, "o": SHUT, "g": 0.0}
    if leaky:
        rows |= {"f": (0.0, 0.0, 0.0)}
        biases |= {"f": -SHUT}
    layer = Layer(
        {kind: np.array([[*row, 0.0]]) for kind, row in rows.items()},  # y is not read
        {kind: np.array([bias]) for kind, bias in biases.items()},
        g="identity",
        h="identity",
    )
    return Network((layer,), (), name="doors", made_by="golden.doors")


def playing(rng: np.random.Generator, steps: int) -> Array:
    """Somebody at the doors: x (steps, 3), the doors now open and now shut, the state never above
    `MOST`, and at the end there."""
    x = np.zeros((steps, 3))
    x[:, 0] = rng.uniform(-1.0, 1.0, steps)
    x[:, 1:] = rng.random((steps, 2)) < (0.1, 0.3)
    state = 0.0
    for step in x[:-FILLING]:
        if step[1]:
            step[0] = np.clip(step[0], -MOST - state, MOST - state)
            state += step[0]
    x[-FILLING:] = ((MOST - state) / FILLING, 1.0, 1.0)
    return x

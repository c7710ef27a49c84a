"""A learnt network as a `Network`, which has no weights from the inputs to the outputs.

Where there are such weights and a step's input is a symbol, one input at 1 and the others at 0, a
cell for each symbol does the same: a forget gate that is shut and an input gate that the symbol
alone opens make its state 1 while the symbol is there and 0 in the next step. The outputs see it
with the weight that they had from the input.
"""

import numpy as np

from golden.cell import Layer
from golden.dense import Dense
from golden.experiments.wiring import NO_GATE
from golden.learning import Parameters
from golden.network import Network


def as_network(p: Parameters, name: str, made_by: str = "") -> Network:
    """The network with these weights; with a shortcut, for inputs that are symbols.

    A shortcut's network has forget gates: the cells of `p`, whose gate is open for good, then D
    more. Gates are open or shut to the last bit of float64 but for the input gate of an absent
    symbol, which is sigma(-40), 4e-18.
    """
    if not p.shortcut:
        return p.network(name, made_by)
    inputs, cells = p.shape.inputs, p.shape.cells
    each = np.repeat(np.arange(p.shape.blocks), p.shape.block_size)
    inner = {
        "i": p.hidden[p.rows("i")][each],
        "o": p.hidden[p.rows("o")][each],
        "g": p.hidden[p.rows("g")],
    }
    weights, biases = {}, {}
    for kind in "ifog":
        weights[kind] = np.zeros((cells + inputs, inputs + cells + inputs))
        biases[kind] = np.full(cells + inputs, NO_GATE)
        if kind in inner:
            weights[kind][:cells, :inputs] = inner[kind][:, :inputs]
            biases[kind][:cells] = inner[kind][:, -1]
    weights["i"][cells:, :inputs] = 2.0 * NO_GATE * np.eye(inputs)
    biases["i"][cells:] = -NO_GATE
    biases["f"][cells:] = -SHUT
    layer = Layer(weights, biases, 1, False, p.g.name, p.h.name)
    readout = Dense(p.readout[:, :-1].copy(), p.readout[:, -1].copy(), p.out.name)
    return Network((layer,), (readout,), name, made_by)


SHUT = 700.0  # sigma of minus this is 1e-304

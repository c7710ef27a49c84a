"""Random networks of every shape that the golden tests use."""

import numpy as np

from golden import Layer, Network, Readout, RecurrentNetwork


def layer(rng, inputs, blocks, size=1, forget=True, recurrent=False, g="tanh", h="tanh", scale=0.7):
    """One layer with weights and biases uniform in [-scale, scale]."""
    gates = ("i", "f", "o") if forget else ("i", "o")
    sources = inputs + blocks * size + (len(gates) * blocks if recurrent else 0)
    rows = {kind: blocks * size if kind == "g" else blocks for kind in (*gates, "g")}
    weights = {kind: rng.uniform(-scale, scale, (n, sources)) for kind, n in rows.items()}
    biases = {kind: rng.uniform(-scale, scale, n) for kind, n in rows.items()}
    return Layer(weights, biases, size, recurrent, g, h)


def readout(rng, cells, outputs, squash="sigma", scale=0.7):
    weights = rng.uniform(-scale, scale, (outputs, cells))
    return Readout(weights, rng.uniform(-scale, scale, outputs), squash)


def paper_1997(rng, inputs=3, outputs=2, blocks=2, size=2, squash="sigma"):
    """The 1997 cell: no forget gate, gate recurrence, g and h of 1997."""
    hidden = layer(rng, inputs, blocks, size, False, True, "g1997", "h1997")
    return Network((hidden,), readout(rng, blocks * size, outputs, squash))


def forget(rng, inputs=3, outputs=2, cells=3, squash="sigma"):
    """The modern cell: forget gate, blocks of one, tanh."""
    return Network((layer(rng, inputs, cells),), readout(rng, cells, outputs, squash))


def mixed(rng, inputs=3, outputs=2, squash="identity"):
    """What neither paper has: forget gates, blocks of three, gate recurrence, other functions."""
    hidden = layer(rng, inputs, 2, 3, True, True, "sigma", "identity", 0.3)
    return Network((hidden,), readout(rng, 6, outputs, squash))


def deep(rng):
    """Three layers of different kinds, no readout."""
    return Network(
        (layer(rng, 3, 2, 2, False, True, "g1997", "h1997"), layer(rng, 4, 5), layer(rng, 5, 1))
    )


def plain_rnn(rng, units=4, inputs=3, squash="sigma", scale=0.8, out="sigma"):
    """The plain recurrent network, two outputs."""
    weights = rng.uniform(-scale, scale, (units, inputs + units))
    biases = rng.uniform(-scale, scale, units)
    return RecurrentNetwork(weights, biases, readout(rng, units, 2, out), squash)


KINDS = {"1997": paper_1997, "forget": forget, "mixed": mixed}


def same(one: Network, other: Network) -> bool:
    """Whether every number and option of two networks is the same."""
    words = [(net.name, net.made_by, net.output) for net in (one, other)]
    if len(one.layers) != len(other.layers) or words[0] != words[1]:
        return False
    for a, b in zip(one.layers, other.layers, strict=True):
        if (a.shape, a.g, a.h, a.gate, a.clip) != (b.shape, b.g, b.h, b.gate, b.clip):
            return False
        if not all(
            set(one) == set(two) and all(np.array_equal(one[key], two[key]) for key in one)
            for one, two in ((a.peepholes, b.peepholes), (a.initial, b.initial))
        ):
            return False
        if a.projection is not None and not np.array_equal(a.projection, b.projection):
            return False
        for kind in a.shape.kinds:
            if not np.array_equal(a.weights[kind], b.weights[kind]):
                return False
            if not np.array_equal(a.biases[kind], b.biases[kind]):
                return False
    return same_readout(one.readout, other.readout)


def same_readout(one: Readout | None, other: Readout | None) -> bool:
    if one is None or other is None:
        return one is other
    same_weights = np.array_equal(one.weights, other.weights)
    return same_weights and np.array_equal(one.biases, other.biases) and one.squash == other.squash

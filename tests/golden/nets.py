"""Random networks of every shape that the golden tests use."""

import itertools

import numpy as np

from golden import Dense, Layer, Network, RecurrentNetwork
from golden.squash import Squash


def layer(
    rng,
    inputs,
    blocks,
    size=1,
    forget=True,
    recurrent=False,
    g="tanh",
    h="tanh",
    scale=0.7,
    *,
    peepholes=False,
    projection=None,
    initial=(),
    **options,
):
    """One layer with weights and biases uniform in [-scale, scale]; `options` are the `Layer`'s.

    `peepholes` for every gate, `projection` rows of W_m, `initial` parts (s, y): all as random.
    """
    gates = ("i", "f", "o") if forget and not options.get("coupled") else ("i", "o")
    cells = blocks * size
    outputs = projection or cells
    sources = inputs + outputs + (len(gates) * blocks if recurrent else 0)
    rows = {kind: cells if kind == "g" else blocks for kind in (*gates, "g")}
    weights = {kind: rng.uniform(-scale, scale, (n, sources)) for kind, n in rows.items()}
    biases = {kind: rng.uniform(-scale, scale, n) for kind, n in rows.items()}
    if peepholes:
        options["peepholes"] = {kind: rng.uniform(-scale, scale, cells) for kind in gates}
    if projection:
        options["projection"] = rng.uniform(-scale, scale, (projection, cells))
    widths = {"s": cells, "y": outputs}
    options["initial"] = {part: rng.uniform(-scale, scale, widths[part]) for part in initial}
    return Layer(weights, biases, size, recurrent, g, h, **options)


def readout(rng, cells, outputs, squash="sigma", scale=0.7):
    weights = rng.uniform(-scale, scale, (outputs, cells))
    return (Dense(weights, rng.uniform(-scale, scale, outputs), squash),)


def paper_1997(rng, inputs=3, outputs=2, blocks=2, size=2, squash="sigma"):
    """The 1997 cell: no forget gate, gate recurrence, g and h of 1997."""
    hidden = layer(rng, inputs, blocks, size, False, True, "g1997", "h1997")
    return Network((hidden,), readout(rng, blocks * size, outputs, squash))


def every_option(rng):
    """Peepholes, hard gates, clipping, projection and initial states in one layer, then coupled."""
    first = layer(rng, 3, 4, peepholes=True, **EVERY)
    return Network((first, layer(rng, 2, 3, coupled=True)), readout(rng, 3, 2), output="last")


def forget(rng, inputs=3, outputs=2, cells=3, squash="sigma"):
    """The modern cell: forget gate, blocks of one, tanh."""
    return Network((layer(rng, inputs, cells),), readout(rng, cells, outputs, squash))


def mixed(rng, inputs=3, outputs=2, squash="identity"):
    """What neither paper has: forget gates, blocks of three, gate recurrence, other functions."""
    hidden = layer(rng, inputs, 2, 3, True, True, "sigma", "identity", 0.3)
    return Network((hidden,), readout(rng, 6, outputs, squash))


def dense(rng, width, *stages):
    """A head of stages of so many outputs and these squashes."""
    head = ()
    for outputs, squash in stages:
        head += readout(rng, head[-1].outputs if head else width, outputs, squash)
    return head


def headed(rng):
    """Three dense stages of different squashes behind a layer."""
    return Network((layer(rng, 2, 3),), dense(rng, 3, (4, "tanh"), (2, "identity"), (3, "sigma")))


def deep(rng):
    """Three layers of different kinds, no readout."""
    return Network(
        (layer(rng, 3, 2, 2, False, True, "g1997", "h1997"), layer(rng, 4, 5), layer(rng, 5, 1))
    )


ONE_ENDED = {  # functions that no model file has; tests make them known where they are needed
    "floored": Squash("floored", linear=True, low=0.0),
    "capped": Squash("capped", linear=True, high=0.75),
}
CLIP = {"gate": (-0.6, 0.4), "g": (-0.3, 0.9)}  # so narrow that ordinary net inputs meet it
EVERY = dict(h="identity", gate="hard", clip=CLIP, projection=2, initial=("s", "y"))


def crossed():
    """Keyword arguments of `layer` for every option crossed with every other that it goes with."""
    kinds = ({"forget": True}, {"forget": False}, {"coupled": True})
    forms = [dict(size=1, peepholes=True)]
    forms += [dict(size=s, recurrent=r) for s, r in itertools.product((1, 3), (False, True))]
    gates = ("sigma", "hard")
    clips = ({}, CLIP)
    starts = ((), ("s", "y"))
    for kind, form, gate, clip, rows, initial in itertools.product(
        kinds, forms, gates, clips, (None, 2), starts
    ):
        yield {**kind, **form, "gate": gate, "clip": clip, "projection": rows, "initial": initial}


def bidirectional(rng, inputs=3, cells=3, output="every", squash="identity", **options):
    """A forward and a reverse layer side by side, and a readout of both."""
    pair = (
        layer(rng, inputs, cells, **options),
        layer(rng, inputs, cells, reverse=True, beside=True, **options),
    )
    width = sum(part.shape.outputs for part in pair)
    return Network(pair, readout(rng, width, 2, squash), output=output)


def both_ways(rng):
    """A pair, a reverse layer alone, another pair, no readout: nothing is like its neighbour."""
    return Network(
        (
            layer(rng, 3, 2, projection=1),
            layer(rng, 3, 3, coupled=True, reverse=True, beside=True),
            layer(rng, 4, 2, 2, False, True, "g1997", "h1997", reverse=True),
            layer(rng, 4, 2, peepholes=True, gate="hard"),
            layer(rng, 4, 3, initial=("s",), clip=CLIP, reverse=True, beside=True),
        )
    )


def plain_rnn(rng, units=4, inputs=3, squash="sigma", scale=0.8, out="sigma"):
    """The plain recurrent network, two outputs."""
    weights = rng.uniform(-scale, scale, (units, inputs + units))
    biases = rng.uniform(-scale, scale, units)
    return RecurrentNetwork(weights, biases, *readout(rng, units, 2, out), squash)


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
    same = (same_dense(*stages) for stages in zip(one.head, other.head, strict=False))
    return len(one.head) == len(other.head) and all(same)


def same_dense(one: Dense, other: Dense) -> bool:
    same_weights = np.array_equal(one.weights, other.weights)
    return same_weights and np.array_equal(one.biases, other.biases) and one.squash == other.squash

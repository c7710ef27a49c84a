"""Random networks, formats and codes for the tests of the integer model."""

from dataclasses import replace

import numpy as np

from fixedpoint import Format, Formats, LayerFormats, quantize
from fixedpoint.calibration import Seen
from fixedpoint.fitting import formats_of
from fixedpoint.rule import Rule
from fixedpoint.widths import Widths
from golden import Dense, Layer, Network


def layer(
    rng,
    inputs,
    blocks=2,
    size=1,
    kinds="ifo",
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
    """One layer with normal weights and biases of standard deviation `scale`.

    `peepholes` for every gate, `projection` rows of W_m, `initial` parts (s, y): all as random;
    `options` are the `Layer`'s.
    """
    cells = blocks * size
    outputs = projection or cells
    columns = inputs + outputs + (len(kinds) * blocks if recurrent else 0)
    rows = {**dict.fromkeys(kinds, blocks), "g": cells}
    weights = {kind: rng.normal(0, scale, (count, columns)) for kind, count in rows.items()}
    biases = {kind: rng.normal(0, scale, count) for kind, count in rows.items()}
    if peepholes:
        options["peepholes"] = {kind: rng.normal(0, scale, cells) for kind in kinds}
    if projection:
        options["projection"] = rng.normal(0, min(scale, 1) / cells, (projection, cells))
    widths = {"s": cells, "y": outputs}
    options["initial"] = {part: rng.normal(0, scale, widths[part]) for part in initial}
    return Layer(weights, biases, size, recurrent, g, h, **options)


def random_options(rng, kinds, size, recurrent, cells):
    """Any options of `layer` that go with these, each about as often there as not."""
    found = {"gate": str(rng.choice(["sigma", "hard"]))}
    found["coupled"] = kinds == "io" and bool(rng.integers(2))
    found["peepholes"] = size == 1 and not recurrent and bool(rng.integers(4))
    if rng.integers(2):
        found["clip"] = {
            what: tuple(map(float, sorted(rng.normal(0, 2, 2))))
            for what in (("gate",), ("g",), ("gate", "g"))[rng.integers(3)]
        }
    if rng.integers(2):
        found["projection"] = int(rng.integers(1, cells + 1))
    found["initial"] = [(), ("s",), ("s", "y")][rng.integers(3)]
    return found


def random_layer(rng, inputs, optional):
    """Any layer: every kind of cell, blocks of 1-3, every g and h; options if `optional`."""
    blocks, size = (int(n) for n in rng.integers(1, 4, 2))
    kinds, recurrent = ("ifo", "io")[rng.integers(2)], bool(rng.integers(2))
    g = str(rng.choice(["tanh", "g1997", "sigma", "identity"]))
    h = str(rng.choice(["tanh", "h1997", "identity"]))
    scale = float(rng.choice([0.3, 1.0, 4.0]))
    if g == h == "identity":
        scale = min(scale, 1.0)  # or y grows beyond every format
    options = {}
    if optional:
        size = 1 if rng.integers(2) else size  # what peepholes need
        g, h = (str(rng.choice([name, "hard"], p=[0.8, 0.2])) for name in (g, h))
        options = random_options(rng, kinds, size, recurrent, blocks * size)
    return layer(rng, inputs, blocks, size, kinds, recurrent, g, h, scale, **options)


def random_network(rng):
    """Any network of 1-2 stages and up to two dense ones.

    A third is of plain cells; another of cells with options; in the last, layers may run in
    reverse or side by side too, and the last output only may leave.
    """
    inputs = width = int(rng.integers(1, 4))
    how, layers = rng.integers(3), []
    for _ in range(rng.integers(1, 3)):
        turn = ("forward", "reverse", "both")[rng.integers(3)] if how == 2 else "forward"
        found = [random_layer(rng, width, how > 0)]
        if turn == "reverse":
            found = [replace(found[0], reverse=True)]
        if turn == "both":
            found.append(replace(random_layer(rng, width, True), reverse=True, beside=True))
        layers += found
        width = sum(part.shape.outputs for part in found)
    output = str(rng.choice(["every", "last", "final"])) if how == 2 else "every"
    squash, head = [None, "identity", "sigma"][rng.integers(3)], []
    if squash:
        (inner,) = rng.spawn(1)
        if inner.random() < 0.4:
            weights, biases = inner.normal(0, 1, (width, width)), inner.normal(0, 1, width)
            head = [Dense(weights, biases, str(inner.choice(["identity", "sigma", "tanh"])))]
        head.append(Dense(rng.normal(0, 1, (2, width)), rng.normal(0, 1, 2), squash))
    return Network(tuple(layers), tuple(head), "random", output=output), inputs


def random_quantized(rng, bits):
    """A random network and its integer twin, calibrated on input maybe milder than its range.

    Every other one has rows and elements of x on scales of their own, and states of any width.
    """
    net, inputs = random_network(rng)
    x = rng.normal(0, 1, (2, 20, inputs)) * rng.choice([0.1, 1.0])
    (own,) = rng.spawn(1)
    if own.integers(2):
        return net, quantize(net, bits=bits, calibrate=x)
    return net, quantize(net, scattered(own, net, bits, x))


def scattered(rng, net, bits, x):
    """Formats with rows and elements of x on scales of their own, and states of any width."""
    state = [None, bits, bits, 32][rng.integers(4)]
    seen = Seen.measure(net, x, headroom=1.0)
    formats = Rule(bits, state).formats(net, seen)

    def coarser(rows):
        return tuple(map(int, rng.integers(0, 4, rows)))

    layers = []
    for real, forms in zip(net.layers, formats.layers, strict=True):
        rows = {kind: real.shape.rows(kind) for kind in real.shape.kinds}
        rows |= {} if real.projection is None else {"y": real.shape.outputs}
        found = {kind: coarser(count) for kind, count in rows.items() if rng.integers(4)}
        layers.append(replace(forms, coarser=found))
    head = (
        replace(forms, coarser=coarser(real.outputs))
        for real, forms in zip(net.head, formats.head, strict=True)
    )
    inputs = formats.input.frac + rng.integers(0, 3, net.inputs)
    found = replace(formats, layers=tuple(layers), head=tuple(head))
    return replace(found, inputs=tuple(map(int, inputs)))


def random_codes(rng, qnet, *shape):
    """Input codes (*shape, D) over the whole range, corners among them."""
    form = qnet.formats.input
    codes = rng.integers(form.low, form.high, (*shape, qnet.inputs), endpoint=True)
    corner = rng.random(codes.shape) < 0.1
    codes[corner] = rng.choice([form.low, form.high, 0, -1], corner.sum())
    return codes


def forget_network(seed=0, inputs=4, cells=6):
    """The modern cell, with its calibration input (3, 40, D)."""
    rng = np.random.default_rng(seed)
    return Network((layer(rng, inputs, cells),)), rng.normal(0, 1, (3, 40, inputs))


def paper_network(seed=0, inputs=3, blocks=2, size=2):
    """The 1997 cell with gate recurrence and a sigma readout, with its calibration input."""
    rng = np.random.default_rng(seed)
    hidden = layer(rng, inputs, blocks, size, "io", True, "g1997", "h1997")
    head = (Dense(rng.normal(0, 1, (2, blocks * size)), rng.normal(0, 1, 2), "sigma"),)
    return Network((hidden,), head), rng.normal(0, 1, (3, 40, inputs))


def shared(net, bits, calibrate):
    """Formats by the rule, but on scales that all rows and all elements of x share."""
    seen = Seen.measure(net, calibrate)
    return formats_of(net, replace(Rule(bits).widths(net, seen), scaled=False), seen)


def uniform(net, bits, calibrate):
    """Formats of so many bits for every kind of code."""
    return formats_of(net, Widths.uniform(bits), Seen.measure(net, calibrate))


def formats(net, calibrate, bits=12):
    return uniform(net, bits, calibrate)


def wide_quantized(rng, gates="ifo"):
    """30-bit weights, inputs and outputs: sums far beyond what float64 holds exactly."""
    net = Network((layer(rng, 2, 2, 2, gates, False, "tanh", "identity"),))
    wide = LayerFormats(
        {"x": Format(30, 24), "y": Format(30, 26)},
        Format(16, 15, signed=False),
        Format(17, 15),
        Format(32, 24),
        Format(32, 24),
        Format(30, 24),
    )
    forms = Formats(Format(30, 26), Format(19, 14), Format(17, 16, signed=False), (wide,))
    return net, quantize(net, forms)

"""Random networks, formats and codes for the tests of the integer model."""

import numpy as np

from fixedpoint import Format, Formats, LayerFormats, choose_formats, quantize
from golden import Layer, Network, Readout


def layer(
    rng, inputs, blocks=2, size=1, kinds="ifo", recurrent=False, g="tanh", h="tanh", scale=0.7
):
    """One layer with normal weights and biases of standard deviation `scale`."""
    columns = inputs + blocks * size + (len(kinds) * blocks if recurrent else 0)
    rows = {**dict.fromkeys(kinds, blocks), "g": blocks * size}
    weights = {kind: rng.normal(0, scale, (count, columns)) for kind, count in rows.items()}
    biases = {kind: rng.normal(0, scale, count) for kind, count in rows.items()}
    return Layer(weights, biases, size, recurrent, g, h)


def random_network(rng):
    """Any network: both kinds of cell, 1-2 layers, blocks of 1-3, every g, h and readout."""
    inputs = width = int(rng.integers(1, 4))
    layers = []
    for _ in range(rng.integers(1, 3)):
        blocks, size = (int(n) for n in rng.integers(1, 4, 2))
        kinds, recurrent = ("ifo", "io")[rng.integers(2)], bool(rng.integers(2))
        g = str(rng.choice(["tanh", "g1997", "sigma", "identity"]))
        h = str(rng.choice(["tanh", "h1997", "identity"]))
        scale = float(rng.choice([0.3, 1.0, 4.0]))
        layers.append(layer(rng, width, blocks, size, kinds, recurrent, g, h, scale))
        width = blocks * size
    squash = [None, "identity", "sigma"][rng.integers(3)]
    readout = squash and Readout(rng.normal(0, 1, (2, width)), rng.normal(0, 1, 2), squash)
    return Network(tuple(layers), readout, "random"), inputs


def random_quantized(rng, bits):
    """A random network at `bits` bits, calibrated on input that may be milder than its range."""
    net, inputs = random_network(rng)
    x = rng.normal(0, 1, (2, 20, inputs)) * rng.choice([0.1, 1.0])
    return quantize(net, bits=bits, calibrate=x)


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
    readout = Readout(rng.normal(0, 1, (2, blocks * size)), rng.normal(0, 1, 2), "sigma")
    return Network((hidden,), readout), rng.normal(0, 1, (3, 40, inputs))


def formats(net, calibrate, bits=12):
    return choose_formats(net, bits, calibrate)


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
    return quantize(net, forms)

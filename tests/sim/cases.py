"""Networks and codes for the tests of the simulation."""

from dataclasses import dataclass

import numpy as np

from fixedpoint.network import QuantizedNetwork
from fixedpoint.quantize import quantize
from golden.cell import Layer
from golden.network import Network, Readout
from rtl.schedule import allowed_lanes


@dataclass(frozen=True)
class Case:
    """A configuration and what to run on it, see `random_case`."""

    qnet: QuantizedNetwork
    codes: np.ndarray
    lanes: int
    idle: float
    back_pressure: float
    seed: int

    def __str__(self) -> str:
        shapes = [layer.shape for layer in self.qnet.layers]
        return f"seed {self.seed}: {shapes}, readout {self.qnet.readout is not None}, {self.lanes}"


def random_layer(rng: np.random.Generator, inputs: int, forget: bool, linear: bool) -> Layer:
    """A layer of 1-12 blocks of 1-3 cells, of either kind, with or without gate recurrence."""
    blocks, size = int(rng.integers(1, 13)), int(rng.integers(1, 4))
    recurrence = bool(rng.integers(2))
    kinds = "ifog" if forget else "iog"
    sources = inputs + blocks * size + recurrence * (len(kinds) - 1) * blocks
    rows = {kind: blocks * size if kind == "g" else blocks for kind in kinds}
    scale = float(rng.choice([0.3, 1.0, 3.0]))
    g, h = ("tanh", "tanh") if forget else ("g1997", "h1997")
    if linear:
        g, h = (("identity", h), (g, "identity"), ("sigma", "identity"))[rng.integers(3)]
    return Layer(
        {kind: scale * rng.normal(size=(n, sources)) for kind, n in rows.items()},
        {kind: scale * rng.normal(size=n) for kind, n in rows.items()},
        size,
        recurrence,
        g,
        h,
    )


def random_case(seed: int, steps: int | None = None) -> Case:
    """Any configuration: kind, layers, sizes, squashes, readout, bits, lanes, idle, back-pressure.

    Lanes go from the least to all with the seed, so that a run of seeds has both ends. Input codes
    come from the whole range, one in five from its corners.
    """
    rng = np.random.default_rng((1997, seed))
    forget, linear = bool(rng.integers(2)), rng.random() < 0.25
    inputs = width = int(rng.integers(1, 10))
    layers = []
    for _ in range(rng.integers(1, 3)):
        layers.append(random_layer(rng, width, forget, linear))
        width = layers[-1].shape.cells
    squash = (None, "identity", "sigma")[rng.integers(3)]
    outputs = int(rng.integers(1, 6))
    readout = squash and Readout(
        rng.normal(size=(outputs, width)), rng.normal(size=outputs), squash
    )
    mild = rng.choice([0.2, 1.0]) * rng.normal(size=(2, 12, inputs))
    qnet = quantize(Network(tuple(layers), readout), bits=int(rng.integers(6, 21)), calibrate=mild)
    allowed = allowed_lanes(qnet)
    lanes = (allowed[0], allowed[-1], int(rng.choice(allowed)))[seed % 3]
    sequences = int(rng.integers(1, 4))
    shape = (sequences, steps or int(rng.integers(5, 40)))
    idle, back_pressure = rng.choice([0.1, 0.5, 0.9], 2)
    return Case(qnet, any_codes(rng, qnet, *shape), lanes, float(idle), float(back_pressure), seed)


def any_codes(rng: np.random.Generator, qnet: QuantizedNetwork, *shape: int) -> np.ndarray:
    """Codes (*shape, D) from the whole range of the input's format, one in five a corner."""
    form = qnet.formats.input
    codes = rng.integers(form.low, form.high, (*shape, qnet.inputs), endpoint=True)
    corners = rng.choice([form.low, form.high, 0, -1], codes.shape)
    return np.where(rng.random(codes.shape) < 0.2, corners, codes)


def small_network(blind: bool = False) -> QuantizedNetwork:
    """Three forget-gate cells, 4 inputs, 2 linear outputs; `blind` to its first input if asked."""
    rng = np.random.default_rng(42)
    weights = {kind: rng.normal(size=(3, 7)) for kind in "ifog"}
    if blind:
        for values in weights.values():
            values[:, 0] = 0
    layer = Layer(weights, {kind: rng.normal(size=3) for kind in "ifog"})
    net = Network((layer,), Readout(rng.normal(size=(2, 3)), np.zeros(2)), "small")
    return quantize(net, calibrate=rng.normal(size=(2, 20, 4)))

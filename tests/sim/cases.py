"""Networks and codes for the tests of the simulation."""

from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np

from fixedpoint.network import QuantizedNetwork
from fixedpoint.quantization import quantize
from golden.cell import Layer
from golden.dense import Dense
from golden.network import Network
from rtl.schedule.schedule import allowed_lanes
from sim import HardwareTrace, Pattern, Verdict, check, simulate
from tests.fixedpoint.nets import scattered

WIDE = 18  # bits of a state that a multiplier takes
CLIP = {"gate": (-2.5, 1.75), "g": (-0.7, 1.3)}


@dataclass(frozen=True)
class Case:
    """A configuration and what to run on it, see `random_case`."""

    net: Network
    qnet: QuantizedNetwork
    codes: np.ndarray
    lanes: int
    idle: float
    back_pressure: float
    seed: int

    @property
    def pattern(self) -> Pattern:
        return Pattern(self.idle, self.back_pressure, self.seed)

    def __str__(self) -> str:
        shapes = [layer.shape for layer in self.net.layers]
        traits = ", ".join(sorted(self.traits))
        return f"seed {self.seed}: {shapes}, {traits}, {self.lanes} lanes"

    @property
    def traits(self) -> set[str]:
        """What is special about the network and its formats."""
        forms = self.qnet.formats
        chosen = {
            "scales of rows": forms.aligned,
            "scales of inputs": forms.inputs,
            "wide states": any(layer.s.width > WIDE for layer in forms.layers),
        }
        found = {name for name, is_there in chosen.items() if is_there}
        for layer in self.net.layers:
            there = {
                "peepholes": layer.peepholes,
                "coupled": layer.coupled,
                "projection": layer.projection is not None,
                "hard gates": layer.gate == "hard",
                "hard g or h": "hard" in (layer.g, layer.h),
                "clip": layer.clip,
                "initial": layer.initial,
                "gate recurrence": layer.gate_recurrence,
                "blocks": layer.block_size > 1,
                "reverse": layer.reverse and not layer.beside,
                "bidirectional": layer.beside,
            }
            found |= {name for name, is_there in there.items() if is_there}
        found |= {f"{self.net.output} output"}
        found |= {"dense stages"} if len(self.net.head) > 1 else set()
        return found | {f"readout {self.net.readout.squash}" if self.net.readout else "no readout"}


def random_layer(
    rng: np.random.Generator, inputs: int, forget: bool, linear: bool, **options: Any
) -> Layer:
    """A layer of 1-12 blocks of 1-3 cells, of either kind, with or without gate recurrence; with
    options of one cell a block and without."""
    alone = bool(options)
    blocks, size = int(rng.integers(1, 13)), 1 if alone else int(rng.integers(1, 4))
    recurrence = bool(rng.integers(2)) and not alone
    kinds = "iog" if options.get("coupled") or not forget else "ifog"
    outputs = options.pop("projection", None) or blocks * size
    sources = inputs + outputs + recurrence * (len(kinds) - 1) * blocks
    rows = {kind: blocks * size if kind == "g" else blocks for kind in kinds}
    scale = float(rng.choice([0.3, 1.0, 3.0]))
    g, h = ("tanh", "tanh") if forget else ("g1997", "h1997")
    if linear:
        g, h = (("identity", h), (g, "identity"), ("sigma", "identity"))[rng.integers(3)]
    if outputs != blocks * size:
        options["projection"] = rng.normal(size=(outputs, blocks))
    if options.pop("peepholes", False):
        options["peepholes"] = {kind: scale * rng.normal(size=blocks) for kind in kinds[:-1]}
    if options.pop("start", False):
        options["initial"] = {
            "s": rng.uniform(-0.9, 0.9, blocks),
            "y": rng.uniform(-0.9, 0.9, outputs),
        }
    return Layer(
        {kind: scale * rng.normal(size=(n, sources)) for kind, n in rows.items()},
        {kind: scale * rng.normal(size=n) for kind, n in rows.items()},
        size,
        recurrence,
        **{"g": g, "h": h, **options},
    )


def random_options(rng: np.random.Generator) -> dict[str, Any]:
    """Some of the options of a layer of blocks of one cell, for `random_layer`."""
    found: dict[str, Any] = {
        "peepholes": True,
        "coupled": True,
        "projection": int(rng.integers(1, 9)),
        "gate": "hard",
        "g": "hard",
        "h": "hard",
        "clip": CLIP,
        "start": True,
    }
    return {name: value for name, value in found.items() if rng.random() < 0.35}


def random_layers(
    rng: np.random.Generator, inputs: int, forget: bool, linear: bool, special: bool
) -> list[Layer]:
    """One or two stages; where they are `special`, of cells with options, and in two of five
    networks some of them in reverse or in both directions."""
    layers: list[Layer] = []
    turned = special and rng.random() < 0.4
    for _ in range(rng.integers(1, 3)):
        # where any layer has peepholes, the others must have blocks of one cell too
        options = random_options(rng) or {"gate": "sigma"} if special else {}
        way = rng.integers(3) if turned else 0
        reverse = {"reverse": True} if way == 1 else {}
        layers.append(random_layer(rng, inputs, forget, linear, **options, **reverse))
        width = layers[-1].shape.outputs
        if way == 2:
            options = random_options(rng)
            turn = {"reverse": True, "beside": True}
            layers.append(random_layer(rng, inputs, forget, linear, **options, **turn))
            width += layers[-1].shape.outputs
        inputs = width
    return layers


def random_case(seed: int, steps: int | None = None) -> Case:
    """Any configuration: kind, layers, options, directions, sizes, squashes, head, output, bits,
    lanes, idle, back-pressure; two of five have plain cells and give every output.

    Lanes go from the least to all with the seed, so that a run of seeds has both ends. Input codes
    come from the whole range, one in five from its corners.
    """
    rng = np.random.default_rng((1997, seed))
    forget, linear, special = bool(rng.integers(2)), rng.random() < 0.25, rng.random() < 0.6
    inputs = int(rng.integers(1, 10))
    layers = random_layers(rng, inputs, forget, linear, special)
    width = sum(layer.shape.outputs for layer in layers[-2 if layers[-1].beside else -1 :])
    squash = (None, "identity", "sigma")[rng.integers(3)]
    outputs = int(rng.integers(1, 6))
    head = (
        (Dense(rng.normal(size=(outputs, width)), rng.normal(size=outputs), squash),)
        if squash
        else ()
    )
    (inner,) = rng.spawn(1)
    if head and inner.random() < 0.4:
        weights, biases = inner.normal(size=(width, width)), inner.normal(size=width)
        head = (Dense(weights, biases, str(inner.choice(["identity", "sigma", "tanh"]))), *head)
    output = str(rng.choice(["every", "every", "last", "final"])) if special else "every"
    net = Network(tuple(layers), head, output=output)
    mild = rng.choice([0.2, 1.0]) * rng.normal(size=(2, 12, inputs))
    bits = int(rng.integers(6, 21))
    qnet = quantize(net, bits=bits, calibrate=mild)
    if seed % 2:
        qnet = quantize(net, scattered(np.random.default_rng(seed), net, bits, mild))
    allowed = allowed_lanes(qnet)
    lanes = (allowed[0], allowed[-1], int(rng.choice(allowed)))[seed % 3]
    sequences = int(rng.integers(1, 4))
    shape = (sequences, steps or int(rng.integers(5, 40)))
    idle, back_pressure = rng.choice([0.1, 0.5, 0.9], 2)
    codes = any_codes(rng, qnet, *shape)
    return Case(net, qnet, codes, lanes, float(idle), float(back_pressure), seed)


def forward_case(number: int) -> Case:
    """The random configurations without reverse layers, counted from 0."""
    seeds = (seed for seed in count() if random_case(seed).qnet.first_reverse is None)
    return random_case(next(islice(seeds, number, None)))


def play(
    case: Case, codes: np.ndarray, build_dir: Path, **options: Any
) -> tuple[HardwareTrace, Verdict]:
    """Simulate a configuration as it says; the trace, and how it compares."""
    hw = simulate(
        case.qnet,
        codes,
        lanes=case.lanes,
        pattern=case.pattern,
        build_dir=build_dir,
        **options,
    )
    return hw, check(case.qnet, codes, hw)


def any_codes(rng: np.random.Generator, qnet: QuantizedNetwork, *shape: int) -> np.ndarray:
    """Codes (*shape, D) from the whole range of the input's format, one in five a corner."""
    form = qnet.formats.input
    codes = rng.integers(form.low, form.high, (*shape, qnet.inputs), endpoint=True)
    corners = rng.choice([form.low, form.high, 0, -1], codes.shape)
    return np.where(rng.random(codes.shape) < 0.2, corners, codes)


def small_network(blind: bool = False, **options: Any) -> QuantizedNetwork:
    """Three forget-gate cells, 4 inputs, 2 linear outputs; `blind` to its first input if asked.

    With options of `Network` or, for a reverse layer beside the first one, `both=True`.
    """
    rng, both = np.random.default_rng(42), options.pop("both", False)
    layers = []
    for turn in ({}, {"reverse": True, "beside": True})[: 1 + both]:
        weights = {kind: rng.normal(size=(3, 7)) for kind in "ifog"}
        if blind:
            for values in weights.values():
                values[:, 0] = 0
        layers.append(Layer(weights, {kind: rng.normal(size=3) for kind in "ifog"}, **turn))
    head = (Dense(rng.normal(size=(2, 3 * len(layers))), np.zeros(2)),)
    net = Network(tuple(layers), head, "small", **options)
    return quantize(net, calibrate=rng.normal(size=(2, 20, 4)))

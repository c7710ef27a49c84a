"""Random networks of every kind that the command line is to take: 3 inputs, 2 outputs."""

from typing import Any

import numpy as np

from golden import Dense, Layer, Network

INPUTS = 3


def layer(
    rng: np.random.Generator,
    inputs: int,
    cells: int = 4,
    gates: str = "ifo",
    size: int = 1,
    projection: int | None = None,
    peepholes: bool = False,
    **options: Any,
) -> Layer:
    """A layer with weights and biases uniform in [-0.8, 0.8]."""
    blocks = cells // size
    rows = {kind: blocks for kind in gates} | {"g": cells}
    columns = inputs + (projection or cells)
    columns += len(gates) * blocks if options.get("gate_recurrence") else 0

    def draw(*shape: int) -> np.ndarray:
        return rng.uniform(-0.8, 0.8, shape)

    return Layer(
        {kind: draw(count, columns) for kind, count in rows.items()},
        {kind: draw(count) for kind, count in rows.items()},
        size,
        peepholes={gate: draw(cells) for gate in gates} if peepholes else {},
        projection=None if projection is None else draw(projection, cells),
        **options,
    )


def network(name: str, *layers: Layer, output: str = "every") -> Network:
    """The layers with a linear readout of two outputs."""
    rng = np.random.default_rng(99)
    width = sum(
        part.shape.outputs for part in layers[-2:] if part is layers[-1] or layers[-1].beside
    )
    head = (Dense(rng.uniform(-0.8, 0.8, (2, width)), rng.uniform(-0.8, 0.8, 2)),)
    return Network(layers, head, name, output=output)


def every(seed: int = 5) -> dict[str, Network]:
    """A network of each kind by name."""
    rng = np.random.default_rng(seed)
    both = {"reverse": True, "beside": True}
    initial = {"s": rng.uniform(-0.5, 0.5, 4), "y": rng.uniform(-0.5, 0.5, 4)}
    nets = (
        network("paper", layer(rng, 3, 4, "io", 2, gate_recurrence=True, g="g1997", h="h1997")),
        network("deep", layer(rng, 3), layer(rng, 4, 3)),
        network("peepholes", layer(rng, 3, peepholes=True, projection=2)),
        network("coupled", layer(rng, 3, gates="io", coupled=True, initial=initial)),
        network("hard", layer(rng, 3, gate="hard", clip={"g": (-1.0, 1.0)})),
        network("last", layer(rng, 3), output="last"),
        network("reverse", layer(rng, 3, reverse=True)),
        network(
            "both", layer(rng, 3), layer(rng, 3, 2, **both), layer(rng, 6), layer(rng, 6, **both)
        ),
        network("ends", layer(rng, 3), layer(rng, 3, 4, **both), output="final"),
        network("clipped", layer(rng, 3, clip={"gate": (-1.0, 1.0)})),
    )
    return {net.name: net for net in nets}


FORWARD = ("paper", "deep", "peepholes", "coupled", "hard", "last", "clipped")
REVERSE = ("reverse", "both", "ends")


def sequences(count: int = 2, steps: int = 20, seed: int = 8) -> np.ndarray:
    """Input (N, T, 3)."""
    return np.random.default_rng(seed).uniform(-1, 1, (count, steps, INPUTS))


def mixed() -> Network:
    """A network that no core can run: peepholes beside blocks of several cells."""
    rng = np.random.default_rng(2)
    seeing = layer(rng, 3, peepholes=True)
    return network("mixed", seeing, layer(rng, 4, 4, "io", 2, gate_recurrence=True))

"""Networks of sizes alone, for what asks a network for nothing else: schedules."""

from dataclasses import dataclass

import numpy as np

from golden.shape import Shape


@dataclass(frozen=True)
class ShapedLayer:
    shape: Shape


@dataclass(frozen=True)
class Shaped:
    """What a schedule wants of a `QuantizedNetwork`."""

    inputs: int
    layers: tuple[ShapedLayer, ...]
    head_widths: tuple[int, ...]
    outputs: int


def shaped(inputs: int, *shapes: Shape, head: tuple[int, ...] = ()) -> Shaped:
    """Layers of these shapes, and dense stages of these widths."""
    width = head[-1] if head else shapes[-1].outputs
    return Shaped(inputs, tuple(map(ShapedLayer, shapes)), head, width)


def forget(*sizes: int, head: tuple[int, ...] = ()) -> Shaped:
    """Forget-gate layers of these sizes, the first number being the inputs, and a head."""
    shapes = (
        Shape(d, c, 1, ("i", "f", "o"), False) for d, c in zip(sizes, sizes[1:], strict=False)
    )
    return shaped(sizes[0], *shapes, head=head)


def any_shapes(rng: np.random.Generator, most: int = 12) -> Shaped:
    """Up to three layers of any kind of up to `most` blocks, with or without a head of up to three
    dense stages; now and then a head alone."""
    inputs = int(rng.integers(1, 2 * most))
    stages = int(rng.integers(1, 4)) if rng.random() < 0.5 else 0
    head = tuple(rng.integers(1, 2 * most, stages).tolist())
    if rng.random() < 0.05:
        return shaped(inputs, head=head or (1,))
    peepholes, shapes, width = rng.random() < 0.25, [], inputs
    for _ in range(int(rng.integers(1, 4))):
        coupled = rng.random() < 0.2
        gates = ("i", "o") if coupled or rng.random() < 0.2 else ("i", "f", "o")
        blocks = int(rng.integers(1, most + 1))
        shapes.append(
            Shape(
                width,
                blocks,
                1 if peepholes else int(rng.integers(1, 4)),
                gates,
                not peepholes and rng.random() < 0.3,
                coupled,
                peepholes and rng.random() < 0.8,
                int(rng.integers(1, most + 1)) if rng.random() < 0.3 else None,
            )
        )
        width = shapes[-1].outputs
    return shaped(inputs, *shapes, head=head)

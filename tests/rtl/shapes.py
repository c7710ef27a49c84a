"""Networks of sizes alone, for what asks a network for nothing else: schedules."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from golden.shape import Shape, Stacked


@dataclass(frozen=True)
class ShapedLayer:
    shape: Shape


@dataclass(frozen=True)
class ShapedDense:
    inputs: int
    outputs: int


@dataclass(frozen=True)
class ShapedRows:
    """Weights of rows, each 0 or 1."""

    codes: np.ndarray


@dataclass(frozen=True)
class Shaped(Stacked):
    """What a schedule wants of a `QuantizedNetwork`; a share `zeros` of its weights are 0."""

    layers: tuple[ShapedLayer, ...]
    head: tuple[ShapedDense, ...]
    outputs: int
    stem: tuple[ShapedDense, ...] = ()
    reads: tuple[tuple[int, ...], ...] = ()
    zeros: float = 0.0

    @cached_property
    def rows(self) -> dict[tuple[int, str], ShapedRows]:
        sizes = {}
        for k, layer in enumerate(self.layers):
            shape = layer.shape
            columns = max(cut.stop for cut in shape.columns.values())
            gates = dict.fromkeys(shape.gates, shape.blocks)
            sizes |= {(k, kind): (n, columns) for kind, n in {**gates, "g": shape.cells}.items()}
            sizes |= {(k, "y"): (shape.projection, shape.cells)} if shape.projection else {}
        for k, stage in enumerate((*self.stem, *self.head), len(self.layers)):
            sizes[k, self.dense_kind(k)] = stage.outputs, stage.inputs
        rng = np.random.default_rng(len(sizes))
        return {key: ShapedRows(rng.random(size) >= self.zeros) for key, size in sizes.items()}


def shaped(inputs: int, *shapes: Shape, head: tuple[int, ...] = ()) -> Shaped:
    """Layers of these shapes, and dense stages of these widths."""
    widths = [shapes[-1].outputs if shapes else inputs, *head]
    stages = tuple(map(ShapedDense, widths, head))
    return Shaped(tuple(map(ShapedLayer, shapes)), stages, widths[-1])


def forget(*sizes: int, head: tuple[int, ...] = ()) -> Shaped:
    """Forget-gate layers of these sizes, the first number being the inputs, and a head."""
    shapes = (
        Shape(d, c, 1, ("i", "f", "o"), False) for d, c in zip(sizes, sizes[1:], strict=False)
    )
    return shaped(sizes[0], *shapes, head=head)


def any_shapes(rng: np.random.Generator, most: int = 12) -> Shaped:
    """Up to three layers of any kind of up to `most` blocks, with or without a head of up to three
    dense stages; now and then a head alone. In three of ten there is a stem, and stages read more
    than the one before."""
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
    (inner,) = rng.spawn(1)
    if inner.random() < 0.3:
        return wired(inner, inputs, shapes, head)
    return shaped(inputs, *shapes, head=head)


def wired(
    rng: np.random.Generator, inputs: int, shapes: list[Shape], head: tuple[int, ...] = ()
) -> Shaped:
    """Dense stages in front of some layers; every stage reads the one before, and others too."""
    layers, stem, behind = [], list[ShapedDense](), list[ShapedDense]()
    widths, reads, last = {-1: inputs}, dict[int, tuple[int, ...]](), -1

    def read(k: int) -> int:
        """Let stage k read; how many values that is."""
        nonlocal last
        reads[k] = tuple(sorted({last, *(j for j in widths if rng.random() < 0.25)}))
        last = k
        return sum(widths[j] for j in reads[k])

    for k, shape in enumerate(shapes):
        if rng.random() < 0.5:
            number, width = len(shapes) + len(stem), int(rng.integers(1, 9))
            stem.append(ShapedDense(read(number), width))
            widths[number] = width
        layers.append(ShapedLayer(replace(shape, inputs=read(k))))
        widths[k] = shape.outputs
    for k, width in enumerate(head, len(shapes) + len(stem)):
        behind.append(ShapedDense(read(k), width))
        widths[k] = width
    order = tuple(reads[k] for k in range(len(reads)))
    return Shaped(tuple(layers), tuple(behind), widths[last], tuple(stem), order)

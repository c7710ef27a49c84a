"""The LSTM operator: one layer, or a forward and a reverse one, of `golden.Network`.

    i, o, f = gate(clip(X W' + H R' + Wb + Rb [+ P C]))     c = g(clip(...))
    C(t) = f C(t-1) + i c                                   H(t) = o h(C(t))

Rows of W, R and B are i, o, f, c, those of P are i, o, f; the peephole of o sees C(t). With
`input_forget` f is 1 - i, and its own rows are ignored. `clip` bounds every net input before its
activation, but not what h sees. Initial states that are constant, and the same for every sequence,
become the layer's own; those that are given at run time leave it to start from zero.

Source: https://onnx.ai/onnx/operators/onnx__LSTM.html, versions 7, 14 and 22; where it leaves room,
what onnxruntime computes.
"""

from dataclasses import dataclass, replace

import numpy as np

from golden.cell import Layer
from golden.errors import ModelError
from golden.importers import shown, stacked_layer
from golden.importers.onnx_activations import Activations, ScaledSquash, activations
from golden.importers.onnx_graph import Node
from golden.importers.onnx_refusals import PACKED
from golden.importers.onnx_values import (
    Axis,
    CutError,
    FinalStates,
    Group,
    LayerOutputs,
    MadeOfInputs,
    Signal,
    Spread,
    Value,
    measure,
    named,
    once,
    size_of,
)
from golden.squash import Array

ORDER = "iofg"  # row blocks of W, R and B; ONNX calls g "c"
DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
STATES = (("initial_h", 5, "y"), ("initial_c", 6, "s"))


@dataclass(frozen=True)
class Numbers:
    """Inputs of the operator, first axis the directions: w (., 4C, D), r (., 4C, C), b (., 8C),
    p (., 3C) or None."""

    w: np.ndarray
    r: np.ndarray
    b: np.ndarray
    p: np.ndarray | None

    @property
    def cells(self) -> int:
        return self.r.shape[2]


def lstm(node: Node) -> list[Value]:
    """The outputs Y, Y_h and Y_c of an LSTM node."""
    x, lengths = node.value(0), node.value(4)
    if lengths is not None and not isinstance(lengths, np.ndarray | Spread):
        node.refuse(PACKED)
    if isinstance(x, MadeOfInputs):
        raise CutError(x.why, node.names[0][0], x.names)
    if isinstance(x, Signal) and x.unfit:
        raise CutError(x.unfit, node.names[0][0], [x.source])
    if not isinstance(x, Signal):
        node.refuse("X comes neither from the graph's input nor from the layer before")
    direction, layout = node.take("direction", 3, "forward"), node.take("layout", 2, 0)
    if direction not in DIRECTIONS:
        node.refuse(
            f"direction {shown(direction)} is not supported; supported: {', '.join(DIRECTIONS)}"
        )
    if layout not in (0, 1) or (layout and node.opset < 14):
        node.refuse(f"layout {layout} is not supported in opset {node.opset}")
    backward = DIRECTIONS[direction]
    numbers = _numbers(node, len(backward))
    cells = numbers.cells
    signal = _sequence(node, x, layout, numbers.w.shape[2])
    _check_whole(node, lengths, signal.time)
    if x.rolled and [axis.name for axis in signal.time] != [x.rolled]:
        node.refuse("X is a convolution over another axis than that of the steps; not supported")
    initial, given = _initial(node, layout, len(backward), cells)
    layers = _layers(node, numbers, backward, initial, turned=bool(signal.turned))
    group = named(f"cells of {node.label}", cells)
    ways = (Axis(f"directions of {node.label}", 2),) if len(layers) == 2 else ()
    time, batch = signal.time, signal.batch
    every = replace(
        signal,
        axes=(batch, time, ways, group) if layout else (time, ways, batch, group),
        parts=tuple(LayerOutputs(layer, group, node.label) for layer in layers),
        features=ways + group,
        states=once((*signal.states, *given)),
    )
    last = replace(
        every,
        axes=(batch, ways, group) if layout else (ways, batch, group),
        parts=tuple(
            LayerOutputs(v, group, node.label, "first" if v.reverse else "last") for v in layers
        ),
        turned=(),
    )
    return [every, last, FinalStates()]


def _sequence(node: Node, x: Signal, layout: int, inputs: int) -> Signal:
    """X as a sequence of vectors: a `Signal` whose last stage, if there is one, is finished."""
    if len(x.axes) != 3:
        node.refuse(f"X has {len(x.axes)} axes, must have 3")
    batch, time, features = x.axes if layout else (x.axes[1], x.axes[0], x.axes[2])
    if x.turned not in ((), time):
        node.refuse("X is reversed along an axis other than that of the steps; not supported")
    try:
        before, steps = x.settled()
    except ModelError as error:
        node.refuse(f"X {error}")
    if not x.parts:
        if max(len(time), len(batch), len(features)) > 1:
            node.refuse("X has axes that were joined by a Reshape; not supported")
        if size_of(features) not in (None, inputs):
            node.refuse(f"W has {inputs} inputs, X has {size_of(features)} values")
        if x.features not in ((), features):
            node.refuse("X is scaled along another axis than that of its values; not supported")
        if x.whole:
            node.refuse("X is of whole numbers, which pick no rows of a table; not supported")
        return replace(x, time=time, batch=batch, before=before, behind=())
    if steps != "every" or x.kept or (time, batch, features) != (x.time, x.batch, x.features):
        node.refuse("X is not every step of the layer before, in the order that layout says")
    if size_of(features) != inputs:
        node.refuse(f"W has {inputs} inputs, the layer before has {size_of(features)} outputs")
    return replace(x, before=before, behind=())


def _check_whole(node: Node, lengths: np.ndarray | Spread | None, time: Group) -> None:
    """Refuse lengths of sequences that are not all those of the whole input."""
    values = lengths.values if isinstance(lengths, Spread) else lengths
    if values is not None and any(n != measure(time) for n in values.reshape(-1).tolist()):
        node.refuse(PACKED)


def _numbers(node: Node, directions: int) -> Numbers:
    """W, R, B and P, whose shapes and types are checked."""
    w, r = node.constant(1, "W"), node.constant(2, "R")
    if w.ndim != 3 or len(w) != directions or w.shape[1] % 4 or not w.size:
        node.refuse(f"W of shape {w.shape}, must be ({directions}, 4 * cells, inputs)")
    cells = w.shape[1] // 4
    if node.take("hidden_size", 2, cells) != cells:
        node.refuse(f"hidden_size does not fit W of shape {w.shape}")
    b = np.zeros((directions, 8 * cells))
    if node.value(3) is not None:
        b = node.constant(3, "B")
    p = None if node.value(7) is None else node.constant(7, "P")
    for name, values, shape in (
        ("R", r, (directions, 4 * cells, cells)),
        ("B", b, (directions, 8 * cells)),
        ("P", p, (directions, 3 * cells)),
    ):
        if values is not None and values.shape != shape:
            node.refuse(f"{name} of shape {values.shape}, must be {shape}")
    if any(values is not None and values.dtype.kind != "f" for values in (w, r, b, p)):
        node.refuse("W, R, B and P must be floats")
    return Numbers(w, r, b, p)


def _initial(
    node: Node, layout: int, directions: int, cells: int
) -> tuple[list[dict[str, Array]], list[str]]:
    """`Layer.initial` of each direction, and the graph's inputs that give states at run time."""
    found: list[dict[str, Array]] = [{} for _ in range(directions)]
    given: list[str] = []
    for name, k, key in STATES:
        value = node.value(k)
        if isinstance(value, MadeOfInputs):
            given += value.names
        elif isinstance(value, Signal) and not value.parts:
            sizes = [size_of(group) for group in value.axes]
            if len(sizes) != 3 or sizes[2] not in (None, cells):
                node.refuse(f"{name} has sizes {sizes}, the last must be {cells}")
            given.append(value.source)
        elif value is not None:
            rows = _rows(node, name, value, layout, directions, cells)
            for k, row in enumerate(rows):
                if row.any():
                    found[k][key] = row
    return found, given


def _rows(
    node: Node, name: str, value: Value, layout: int, directions: int, cells: int
) -> list[Array]:
    """A constant initial state, (C,) of each direction."""
    if isinstance(value, Spread):
        values, sizes = value.values, value.sizes
    elif isinstance(value, np.ndarray):
        values, sizes = value, (None,) * value.ndim
    else:
        node.refuse(f"{name} is computed by other layers; supported are constants and graph inputs")
    across = 0 if layout else 1  # the axis of the sequences
    if values.ndim == 3 and layout:
        values = values.transpose(1, 0, 2)
    if (
        values.ndim != 3
        or (len(values), values.shape[2]) != (directions, cells)
        or any(size is not None for k, size in enumerate(sizes) if k != across)
    ):
        order = ("sequences", directions) if layout else (directions, "sequences")
        node.refuse(f"{name} of shape {_shape(value)}, must be ({order[0]}, {order[1]}, {cells})")
    if values.dtype.kind != "f":
        node.refuse(f"{name} must be floats")
    if (values != values[:, :1]).any():
        node.refuse(f"{name} differs between sequences; supported is one for all of them")
    return list(values[:, 0].astype(np.float64))


def _shape(value: Spread | np.ndarray) -> str:
    """A shape as a message shows it, "sequences" where it is open."""
    if isinstance(value, np.ndarray):
        return str(value.shape)
    sizes = zip(value.sizes, value.values.shape, strict=True)
    return f"({', '.join(str(known) if size is None else 'open' for size, known in sizes)})"


def _layers(
    node: Node,
    numbers: Numbers,
    backward: tuple[bool, ...],
    initial: list[dict[str, Array]],
    turned: bool,
) -> list[Layer]:
    clip, coupled = node.take("clip", 1, 0.0), bool(node.take("input_forget", 2, 0))
    if clip < 0:
        node.refuse(f"clip {clip:g}, must be above 0")
    kinds = activations(node, len(backward))
    layers = []
    for k, reverse in enumerate(backward):
        try:
            layer = _layer(numbers, k, kinds[k], clip, coupled)
            layers.append(replace(layer, initial=initial[k], reverse=reverse != turned))
        except ModelError as error:
            node.refuse(str(error))
    return layers


def _layer(numbers: Numbers, k: int, kinds: Activations, clip: float, coupled: bool) -> Layer:
    """The forward layer of direction k."""
    gate, g = kinds.gate, kinds.g
    peepholes = {}
    if numbers.p is not None:
        seen = numbers.p[k].astype(np.float64) * gate.slope
        parts = zip(ORDER, np.split(seen, 3), strict=False)
        peepholes = {kind: part for kind, part in parts if not (coupled and kind == "f")}
    return stacked_layer(
        ORDER,
        numbers.w[k].astype(np.float64),
        numbers.r[k].astype(np.float64),
        numbers.b[k].astype(np.float64).reshape(2, -1).sum(axis=0),
        {kind: (g.slope, g.offset) if kind == "g" else (gate.slope, gate.offset) for kind in ORDER},
        gate=gate.squash,
        g=g.squash,
        h=kinds.h,
        coupled=coupled,
        peepholes=peepholes,
        clip={"gate": _limits(gate, clip), "g": _limits(g, clip)} if clip else {},
    )


def _limits(kind: ScaledSquash, clip: float) -> tuple[float, float]:
    """What -clip and clip are behind the slope and the offset that the rows absorb."""
    low, high = sorted(kind.slope * end + kind.offset for end in (-clip, clip))
    return low, high

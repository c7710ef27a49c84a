"""A network as a graph of ONNX operators: nodes and stored arrays, without the `onnx` package.

    x (N, T, D) -> Transpose -> LSTM, Squeeze -> ... -> MatMul, Add[, Sigmoid] -> Transpose -> y

The operator LSTM has an input, a forget and an output gate for each cell. The gates of a block are
therefore repeated for each of its cells, and a forget gate that is absent becomes one whose bias
holds it at exactly 1, in float32 too. Layers side by side are two operators, forward and reverse,
whose outputs a Concat joins: they need not agree in anything. Time comes first inside (layout 0),
which is all that onnxruntime runs.

Source: https://onnx.ai/onnx/operators/onnx__LSTM.html, version 14.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.cell import Layer
from golden.dense import Dense
from golden.errors import ModelError
from golden.network import Network
from golden.squash import SQUASHES, squash
from golden.wiring import INPUT, labels

DTYPE = np.dtype(np.float32)
ORDER = "iofg"  # row blocks of W, R and B; of P without g. ONNX calls g "c"
OPEN = {"sigma": 100.0, "hard": 1.0}  # gate's squashing function -> bias that holds it at exactly 1
DENSE = {"sigma": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}  # the operator behind a dense stage
ACTIVATIONS: dict[str, tuple[str, tuple[float, ...]]] = {  # ONNX's name; alpha and beta
    "sigma": ("Sigmoid", ()),
    "tanh": ("Tanh", ()),
    "g1997": ("ScaledTanh", (2.0, 0.5)),
    "h1997": ("ScaledTanh", (1.0, 0.5)),
    "identity": ("Affine", (1.0, 0.0)),
    "hard": ("HardSigmoid", (1.0, 0.0)),
    "relu": ("Relu", ()),
}


class FileRounding:
    """Rounds a network's numbers to the file's type, and remembers by how much.

    Attributes
    ----------
    absolute, relative : the largest change so far, and the largest in proportion to the number.
    """

    def __init__(self) -> None:
        self.absolute = self.relative = 0.0

    def __call__(self, name: str, values: npt.ArrayLike) -> np.ndarray:
        """`values` rounded; `ModelError` names the first that is too large for the type."""
        values = np.asarray(values, np.float64)
        with np.errstate(over="ignore", under="ignore"):
            rounded = values.astype(DTYPE)
        infinite = np.isinf(rounded)
        if infinite.any():
            raise ModelError(f"{name}: {values[infinite][0]:g} is too large for {DTYPE}")
        change, there = np.abs(rounded - values), values != 0
        share = change[there] / np.abs(values[there])
        self.absolute = max(self.absolute, float(change.max()))
        self.relative = max(self.relative, float(share.max(initial=0.0)))
        return rounded


@dataclass(frozen=True)
class Operator:
    """One operator; its inputs and outputs by name, "" is an input that is absent."""

    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]


@dataclass
class Graph:
    """A graph that grows from its input "x" on.

    Attributes
    ----------
    nodes : in the order in which they run.
    stored : constants by name, of float32 or int64.
    rounding : what makes the network's numbers float32.
    """

    nodes: list[Operator] = field(default_factory=list)
    stored: dict[str, np.ndarray] = field(default_factory=dict)
    rounding: FileRounding = field(default_factory=FileRounding)

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """A node with one output, whose name is returned."""
        return self.add_many(1, op, *inputs, **attributes)[0]

    def add_many(self, outputs: int, op: str, *inputs: str, **attributes: Any) -> list[str]:
        names = [f"{op.lower()}{len(self.nodes)}.{k}" for k in range(outputs)]
        self.nodes.append(Operator(op, list(inputs), names, attributes))
        return names

    def store(self, name: str, values: np.ndarray) -> str:
        self.stored[name] = values
        return name

    def whole(self, value: int) -> str:
        """A constant whole number, (1,)."""
        return self.store(f"whole{value}", np.array([value], np.int64))


def build(net: Network) -> Graph:
    """The graph of `net`, whose layers the operator can say; its last node makes the output.

    That is (N, T, K), or (N, K) where the output of one step leaves.

    Raises
    ------
    ModelError : a number that is too large for the file's type, a clip that becomes 0 in it, a
        dense stage's squashing function that it cannot have.
    """
    graph = Graph()
    sequences = _sequences(graph) if any(layer.initial for layer in net.layers) else ""
    flows = {INPUT: graph.add("Transpose", "x", perm=[1, 0, 2])}
    names = labels(len(net.head), len(net.stem))
    for group in net.order:
        flow, stage = _read(graph, net, flows, group[0]), group[0] - len(net.layers)
        if stage >= 0:
            flows[group[0]] = _dense(graph, names[stage], net.dense[stage], flow)
            continue
        ends = net.output == "final" and group == net.stages[-1]
        for k in group:
            y, y_h = _lstm(graph, k, net.layers[k], flow, sequences)
            value, axis = (y_h, 0) if ends else (y, 1)
            flows[k] = graph.add("Squeeze", value, graph.whole(axis))
    flow = _joined(graph, [flows[k] for k in net.order[-1]])
    if net.output == "last" and not net.head:
        flow = _last(graph, flow)
    if net.output == "every":
        graph.add("Transpose", flow, perm=[1, 0, 2])
    return graph


def _read(graph: Graph, net: Network, flows: dict[int, str], k: int) -> str:
    """What stage k reads; a head only the last step, where that is all that leaves."""
    inner = [flows[j] for j in net.sources[k] if j < net.first_head]
    if inner and k >= net.first_head and net.output == "last":
        inner = [_last(graph, _joined(graph, inner))]
    return _joined(graph, [*inner, *(flows[j] for j in net.sources[k] if j >= net.first_head)])


def _joined(graph: Graph, flows: list[str]) -> str:
    return flows[0] if len(flows) == 1 else graph.add("Concat", *flows, axis=-1)


def _last(graph: Graph, flow: str) -> str:
    return graph.add("Gather", flow, graph.store("last", np.array(-1, np.int64)), axis=0)


def _dense(graph: Graph, label: str, dense: Dense, flow: str) -> str:
    """A dense stage on what `flow` gives."""
    name = label.replace(" ", "")
    weights = graph.store(f"{name}.weights", graph.rounding(f"{label} weights", dense.weights.T))
    biases = graph.store(f"{name}.biases", graph.rounding(f"{label} biases", dense.biases))
    flow = graph.add("Add", graph.add("MatMul", flow, weights), biases)
    return _squashed(graph, label, dense.squash, flow)


def _squashed(graph: Graph, label: str, name: str, flow: str) -> str:
    """A squashing function: an operator, or a clip."""
    function = squash(name)
    if name in DENSE:
        return graph.add(DENSE[name], flow)
    if not function.linear:
        allowed = ", ".join((*DENSE, *(each.name for each in SQUASHES.values() if each.linear)))
        raise ModelError(f"{label} {name!r}: ONNX files may have {allowed}")
    if not any(map(math.isfinite, function.ends)):
        return flow
    ends = (
        graph.store(f"{label.replace(' ', '')}.{side}", np.array(end, DTYPE))
        if math.isfinite(end)
        else ""
        for side, end in zip(("low", "high"), function.ends, strict=True)
    )
    return graph.add("Clip", flow, *ends)


def always_open(layer: Layer) -> bool:
    """Whether a layer has no forget gate, so that what is written in its place stays at 1."""
    return "f" not in layer.weights and not layer.coupled


def _sequences(graph: Graph) -> str:
    """The shape (1, N, 1), to which initial states are expanded."""
    one = graph.whole(1)
    count = graph.add("Gather", graph.add("Shape", "x"), graph.whole(0), axis=0)
    return graph.add("Concat", one, count, one, axis=0)


def _lstm(graph: Graph, k: int, layer: Layer, x: str, sequences: str) -> list[str]:
    """Layer k on x (T, N, D): Y (T, 1, N, C) and Y_h (1, N, C)."""
    w, r, b, *p = (
        graph.store(f"layer{k}.{name}", values)
        for name, values in _numbers(k, layer, graph.rounding).items()
    )
    states = ["", ""]
    for at, part in enumerate(("y", "s")):
        if part in layer.initial:
            values = graph.rounding(f"layer {k} initial {part}", layer.initial[part])
            name = graph.store(f"layer{k}.initial.{part}", values[None, None])
            states[at] = graph.add("Expand", name, sequences)
    attributes = _attributes(k, layer, graph.rounding)
    return graph.add_many(2, "LSTM", x, w, r, b, "", *states, *p, **attributes)


def _attributes(k: int, layer: Layer, rounding: FileRounding) -> dict[str, Any]:
    for name in (layer.gate, layer.g, layer.h):
        if name not in ACTIVATIONS:
            raise ModelError(f"layer {k} {name!r}: ONNX files may have {', '.join(ACTIVATIONS)}")
    kinds = [ACTIVATIONS[name] for name in (layer.gate, layer.g, layer.h)]
    attributes: dict[str, Any] = {
        "hidden_size": layer.shape.cells,
        "direction": "reverse" if layer.reverse else "forward",
        "activations": [name for name, _ in kinds],
    }
    if constants := [pair for _, pair in kinds if pair]:
        attributes["activation_alpha"] = [alpha for alpha, _ in constants]
        attributes["activation_beta"] = [beta for _, beta in constants]
    if layer.coupled:
        attributes["input_forget"] = 1
    if layer.clip:
        limit = layer.clip["g"][1]
        attributes["clip"] = float(rounding(f"layer {k} clip", limit))
        if not attributes["clip"]:  # which would mean: not clipped
            raise ModelError(f"layer {k} clip: {limit:g} is 0 in {DTYPE}")
    return attributes


def _numbers(k: int, layer: Layer, rounding: FileRounding) -> dict[str, np.ndarray]:
    """W (1, 4C, D), R (1, 4C, C), B (1, 8C) and, with peepholes, P (1, 3C), rounded."""
    shape = layer.shape
    rows, biases = {}, {}
    for kind in shape.kinds:
        copies = 1 if kind == "g" else shape.block_size
        rows[kind] = rounding(f"layer {k} weights {kind}", layer.weights[kind]).repeat(copies, 0)
        biases[kind] = rounding(f"layer {k} biases {kind}", layer.biases[kind]).repeat(copies)
    if "f" not in rows:  # coupled: the operator ignores them
        rows["f"] = np.zeros_like(rows["i"])
        biases["f"] = np.full_like(biases["i"], OPEN[layer.gate] if always_open(layer) else 0.0)
    stacked = np.concatenate([rows[kind] for kind in ORDER])
    bias = np.concatenate([biases[kind] for kind in ORDER])
    arrays = {
        name: stacked[None, :, shape.columns[part]] for name, part in (("W", "x"), ("R", "y"))
    }
    arrays["B"] = np.concatenate([bias, np.zeros_like(bias)])[None]
    if layer.peepholes:
        seen = [
            rounding(f"layer {k} peepholes {kind}", layer.peepholes[kind])
            if kind in layer.peepholes
            else np.zeros(shape.cells, DTYPE)
            for kind in "iof"
        ]
        arrays["P"] = np.concatenate(seen)[None]
    return arrays

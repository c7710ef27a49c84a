"""ONNX files: LSTM operators in a row, then optionally one dense readout, as a `golden.Network`.

    i, o, f = sigma(X W' + H R' + Wb + Rb),  c = g(...)     rows of W, R and B: i, o, f, c
    C(t) = f C(t-1) + i c                                   H(t) = o h(C(t))

Read are opset 7 to 22; `LSTM` (layout 0 and 1, with and without B); `Gemm`, `MatMul` and `Add` of
constants, `Sigmoid`; what exporters put around them (`onnx_graph`) and between a weight and its
operator (`onnx_fold`). The states start from zero, as the network's own do: initial states must be
constants, and zero. A graph input is refused as an initial state unless an initializer says zero.

The network's output at every step is what the file computes. Where the file keeps the last step
only (`Y_h`, or a `Gather` or `Slice` of the last), its output is the network's last. Outputs after
the first may only be final states; `Trace.state` has them. Everything else is refused by name.

Source: https://onnx.ai/onnx/operators/onnx__LSTM.html, versions 7, 14 and 22.
"""

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from golden.cell import Layer
from golden.errors import ModelError
from golden.importers import check_file, network_name, shown
from golden.importers.onnx_fold import Budget, fold, join
from golden.importers.onnx_graph import (
    Ends,
    Filled,
    Node,
    Signal,
    Value,
    arrange,
    label,
    named,
    size_of,
    tensor,
)
from golden.network import Network, Readout

OPSETS = range(7, 23)
DOMAINS = ("", "ai.onnx")
ORDER = "iofg"  # row blocks of W, R and B; ONNX calls g "c"
PLAIN = {"sigmoid": "sigma", "tanh": "tanh"}
SCALED = {  # activation, alpha, beta -> squashing function
    ("scaledtanh", 1.0, 1.0): "tanh",
    ("scaledtanh", 2.0, 0.5): "g1997",
    ("scaledtanh", 1.0, 0.5): "h1997",
    ("affine", 1.0, 0.0): "identity",
}
SCALABLE = ("scaledtanh", "affine")  # take an alpha and a beta
KNOWN = "Sigmoid, Tanh, ScaledTanh with alpha, beta 1, 1 or 2, 0.5 or 1, 0.5, and Affine with 1, 0"
BROKEN = (
    OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError,
    MemoryError, RuntimeError, struct.error,
)  # fmt: skip


def load_onnx(path: str | Path) -> Network:
    """Read the LSTM network of an ONNX file.

    Raises
    ------
    ModelError : one line. The `onnx` package is missing; the file cannot be read or is broken; it
        holds something that the network cannot say, which is named.
    """
    path = Path(path)
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise ModelError("reading .onnx needs onnx: pip install 'carousel[import]'") from None
    try:
        size = check_file(path)
        with np.errstate(all="ignore"):
            return _network(onnx.ModelProto.FromString(path.read_bytes()), path, Budget(size))
    except ModelError:
        raise
    except FileNotFoundError:
        raise ModelError("no such file") from None
    except DecodeError:
        raise ModelError("not a readable ONNX file") from None
    except BROKEN as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"not a readable ONNX file ({reason})") from None


def _network(model: Any, path: Path, budget: Budget) -> Network:
    opset = _opset(model)
    graph = model.graph
    values = _stored(graph)
    for proto in graph.node:
        inputs = [_lookup(proto, name, values) for name in proto.input]
        node = Node(proto, inputs, opset)
        if proto.domain not in DOMAINS:
            node.refuse(f"domain {shown(proto.domain)} is not supported")
        try:
            results = _results(node, budget)
        except ModelError:
            raise
        except BROKEN as error:
            node.refuse((str(error).splitlines() or [type(error).__name__])[0])
        node.done()
        for name, value in zip(proto.output, results, strict=False):
            if name and name in values:
                node.refuse(f"output {shown(name)} is there already")
            if name:
                values[name] = value
    signal = _output(graph, values)
    made_by = "imported from " + "".join(c if c.isprintable() else "_" for c in path.name)
    readout = None
    if signal.dense is not None:
        readout = Readout(*signal.dense, "sigma" if signal.sigma else "identity")
    return Network(signal.layers, readout, network_name(path), made_by)


def _opset(model: Any) -> int:
    found = [entry.version for entry in model.opset_import if entry.domain in DOMAINS]
    if len(found) != 1:
        raise ModelError(f"not an ONNX model: {len(found)} opset versions are named, must be one")
    if found[0] not in OPSETS:
        raise ModelError(f"opset {found[0]}: supported are {OPSETS[0]} to {OPSETS[-1]}")
    return found[0]


def _stored(graph: Any) -> dict[str, Value]:
    """Initializers and inputs by name."""
    if len(graph.sparse_initializer):
        raise ModelError("sparse initializers are not supported")
    values: dict[str, Value] = {}
    for proto in graph.initializer:
        if proto.name in values:
            raise ModelError(f"initializer {shown(proto.name)} is there twice")
        values[proto.name] = tensor(proto, f"initializer {shown(proto.name)}")
    for entry in graph.input:
        if isinstance(values.get(entry.name), np.ndarray):
            continue  # an input with a stored default
        if entry.name in values:
            raise ModelError(f"input {shown(entry.name)} is there twice")
        kind = entry.type.tensor_type
        sizes: list[int | None] = [None] * 3
        if kind.HasField("shape"):
            sizes = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
        if any(size is not None and size < 1 for size in sizes):
            raise ModelError(f"input {shown(entry.name)}: sizes {sizes}, must be at least 1")
        axes = tuple(named(f"{entry.name}[{k}]", size) for k, size in enumerate(sizes))
        values[entry.name] = Signal(axes)
    return values


def _lookup(proto: Any, name: str, values: dict[str, Value]) -> Value:
    if not name:
        return None
    if name not in values:
        raise ModelError(
            f"{label(proto)}: input {shown(name)} is made by nothing before it that is supported"
        )
    return values[name]


def _results(node: Node, budget: Budget) -> list[Value]:
    """What a node makes, output by output."""
    if node.op == "LSTM":
        return _lstm(node)
    if node.op == "Concat":
        return [join(node, budget)]
    signals = [k for k, value in enumerate(node.values) if isinstance(value, Signal)]
    if not signals:
        return [fold(node, budget)]
    if node.op in ("Gemm", "MatMul", "Add", "Sigmoid"):
        return [_dense(node)]
    first = node.value(0)
    if len(signals) > 1 or not isinstance(first, Signal):
        node.refuse("not supported on what flows through the network")
    return [arrange(node, first)]


def _output(graph: Any, values: dict[str, Value]) -> Signal:
    """The first output; those after it may only be final states."""
    if not graph.output:
        raise ModelError("the graph has no output")
    found = []
    for entry in graph.output:
        if entry.name not in values:
            raise ModelError(f"output {shown(entry.name)} is made by no node that is supported")
        found.append(values[entry.name])
    first, where = found[0], f"output {shown(graph.output[0].name)}"
    if not isinstance(first, Signal) or not first.layers:
        raise ModelError(f"{where}: made by no LSTM whose outputs it could be")
    if first.features and (not first.axes or first.axes[-1] != first.features):
        raise ModelError(f"{where}: its last axis must be that of the cells or readout units")
    for entry, value in zip(graph.output[1:], found[1:], strict=True):
        ends = isinstance(value, Ends) or (
            isinstance(value, Signal) and value.last and value.dense is None
        )
        if not ends:
            raise ModelError(f"output {shown(entry.name)}: a second output is not supported")
    return first


def _lstm(node: Node) -> list[Value]:
    """LSTM: one layer more; Y, Y_h and Y_c."""
    x = node.value(0)
    if not isinstance(x, Signal):
        node.refuse("X comes neither from the graph's input nor from the layer before")
    direction, layout = node.take("direction", 3, "forward"), node.take("layout", 2, 0)
    if direction != "forward":
        node.refuse(f"direction {shown(direction)} is not supported; supported: 'forward'")
    if layout not in (0, 1) or (layout and node.opset < 14):
        node.refuse(f"layout {layout} is not supported in opset {node.opset}")
    if node.take("input_forget", 2, 0):
        node.refuse("coupled gates (input_forget=1) are not supported")
    if node.take("clip", 1, 0.0):
        node.refuse("clip is not supported")
    if node.value(7) is not None:
        node.refuse("peepholes (input P) are not supported")
    if node.value(4) is not None:
        node.refuse("sequences of different lengths (input sequence_lens) are not supported")
    w, r = node.constant(1, "W"), node.constant(2, "R")
    if w.ndim != 3 or len(w) != 1 or w.shape[1] % 4 or not w.size:
        node.refuse(f"W of shape {w.shape}, must be (1, 4 * cells, inputs)")
    cells, inputs = w.shape[1] // 4, w.shape[2]
    if node.take("hidden_size", 2, cells) != cells:
        node.refuse(f"hidden_size does not fit W of shape {w.shape}")
    b = node.constant(3, "B") if node.value(3) is not None else np.zeros((1, 8 * cells))
    for name, values, shape in (("R", r, (1, 4 * cells, cells)), ("B", b, (1, 8 * cells))):
        if values.shape != shape:
            node.refuse(f"{name} of shape {values.shape}, must be {shape}")
    if any(values.dtype.kind != "f" for values in (w, r, b)):
        node.refuse("W, R and B must be floats")
    for k, name in ((5, "initial_h"), (6, "initial_c")):
        _zero(node, k, name, cells)
    g, h = _squashes(node)
    signal = _sequence(node, x, layout, inputs)
    rows = {kind: slice(k * cells, (k + 1) * cells) for k, kind in enumerate(ORDER)}
    weights = np.concatenate([w[0], r[0]], axis=1, dtype=np.float64)
    biases = b[0].astype(np.float64).reshape(2, -1).sum(axis=0)
    try:
        layer = Layer(
            {kind: weights[rows[kind]] for kind in "ifog"},
            {kind: biases[rows[kind]] for kind in "ifog"},
            g=g,
            h=h,
        )
    except ModelError as error:
        node.refuse(str(error))
    made = named(f"cells of {node.label}", cells)
    time, batch = signal.time, signal.batch
    signal = replace(signal, layers=(*signal.layers, layer), features=made)
    every = (batch, time, (), made) if layout else (time, (), batch, made)
    last = (batch, (), made) if layout else ((), batch, made)
    return [replace(signal, axes=every), replace(signal, axes=last, last=True), Ends()]


def _zero(node: Node, k: int, name: str, cells: int) -> None:
    """Refuse an initial state that is not a constant zero."""
    value = node.value(k)
    if value is None:
        return
    if isinstance(value, Signal | Ends):
        node.refuse(f"{name} is an input of the graph or computed; supported is only zero")
    if isinstance(value, np.ndarray) and (value.ndim != 3 or value.shape[2] != cells):
        node.refuse(f"{name} of shape {value.shape}, must be (1, sequences, {cells})")
    if value.value if isinstance(value, Filled) else value.any():
        node.refuse(f"{name} is not zero; supported is only zero")


def _squashes(node: Node) -> tuple[str, str]:
    """Names of g and h; refuses gates that are not Sigmoid. Alphas and betas go in order of use."""
    names = node.take("activations", 8, []) or ["Sigmoid", "Tanh", "Tanh"]
    alphas, betas = node.take("activation_alpha", 6, []), node.take("activation_beta", 6, [])
    if len(names) != 3:
        node.refuse(f"{len(names)} activations, must be 3")
    low = [name.lower() for name in names]
    for name, word in zip(names, low, strict=True):
        if word not in PLAIN and word not in SCALABLE:
            node.refuse(f"activation {shown(name)[1:-1]} is not supported; supported: {KNOWN}")
    takes = sum(word in SCALABLE for word in low)
    if takes and not takes == len(alphas) == len(betas):
        node.refuse(
            f"{len(alphas)} values of activation_alpha and {len(betas)} of activation_beta, "
            f"{', '.join(names)} take {takes} of each"
        )
    found, scales = [], zip(alphas, betas, strict=False)
    for name, word in zip(names, low, strict=True):
        if word in PLAIN:
            found.append(PLAIN[word])
            continue
        alpha, beta = next(scales)
        if (word, alpha, beta) not in SCALED:
            node.refuse(
                f"activation {name} with alpha {alpha:g}, beta {beta:g} is not supported; "
                f"supported: {KNOWN}"
            )
        found.append(SCALED[word, alpha, beta])
    if found[0] != "sigma":
        node.refuse(f"activation {names[0]} of the gates is not supported; supported: Sigmoid")
    return found[1], found[2]


def _sequence(node: Node, x: Signal, layout: int, inputs: int) -> Signal:
    """X as a sequence of vectors: `Signal` with its time, batch and features."""
    if x.dense is not None:
        node.refuse("an LSTM after a dense layer is not supported")
    if len(x.axes) != 3:
        node.refuse(f"X has {len(x.axes)} axes, must have 3")
    batch, time, features = x.axes if layout else (x.axes[1], x.axes[0], x.axes[2])
    if not x.layers:
        if max(len(time), len(batch), len(features)) > 1:
            node.refuse("X has axes that were joined by a Reshape; not supported")
        if size_of(features) not in (None, inputs):
            node.refuse(f"W has {inputs} inputs, X has {size_of(features)} values")
        return replace(x, time=time, batch=batch)
    if x.last or (time, batch, features) != (x.time, x.batch, x.features):
        node.refuse("X is not every step of the layer before, in the order that layout says")
    if x.layers[-1].shape.cells != inputs:
        node.refuse(f"W has {inputs} inputs, the layer before has {x.layers[-1].shape.cells} cells")
    return x


def _dense(node: Node) -> Signal:
    """Gemm, MatMul, Add and Sigmoid: the readout, or a part of it."""
    at = 0 if isinstance(node.value(0), Signal) or node.op != "Add" else 1
    signal = node.value(at)
    if not isinstance(signal, Signal) or sum(isinstance(v, Signal) for v in node.values) > 1:
        node.refuse("supported is only what flows and a constant, in this order")
    if not signal.layers or (signal.axes[-1:] or ((),))[0] != signal.features:
        node.refuse("not behind an LSTM, or not on the axis of its cells")
    if signal.sigma:
        node.refuse("not supported behind Sigmoid, which must be the last")
    if node.op in ("Add", "Sigmoid") and signal.dense is None:
        node.refuse("not supported without a Gemm or MatMul before it")
    if node.op == "Sigmoid":
        return replace(signal, sigma=True)
    if node.op == "Add":
        assert signal.dense is not None
        weights, biases = signal.dense
        added = _bias(node, node.constant(1 - at, "the bias"), len(biases), len(signal.axes))
        return replace(signal, dense=(weights, biases + added))
    if signal.dense is not None:
        node.refuse("a second dense layer is not supported")
    weights, scale = node.constant(1, "the weights").astype(np.float64), 1.0
    if node.op == "Gemm":
        if node.take("transA", 2, 0) or len(signal.axes) != 2:
            node.refuse("its first input must have two axes and transA=0")
        weights = weights.T if node.take("transB", 2, 0) else weights
        weights, scale = weights * node.take("alpha", 1, 1.0), node.take("beta", 1, 1.0)
    cells = signal.layers[-1].shape.cells
    if weights.ndim != 2 or weights.shape[0] != cells or not weights.size:
        node.refuse(f"weights of shape {weights.shape}, must be ({cells}, units)")
    biases = np.zeros(weights.shape[1])
    if node.op == "Gemm" and node.value(2) is not None:
        biases = scale * _bias(node, node.constant(2, "the bias"), len(biases), 2)
    made = named(f"units of {node.label}", len(biases))
    dense = (np.ascontiguousarray(weights.T), biases)
    return replace(signal, axes=(*signal.axes[:-1], made), features=made, dense=dense)


def _bias(node: Node, values: np.ndarray, units: int, rank: int) -> np.ndarray:
    """A bias as (units,) float64; it may differ only along its last axis."""
    last = values.shape[-1] if values.ndim else 1
    if values.size != last or last not in (1, units) or values.ndim > rank:
        node.refuse(f"bias of shape {values.shape}, must be ({units},)")
    return np.broadcast_to(values.reshape(-1).astype(np.float64), (units,)).copy()

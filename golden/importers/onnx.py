"""ONNX files as a `golden.Network`: LSTM operators in a row, and what is linear around them.

Read are opset 7 to 22: `LSTM` with all its options (`onnx_lstm`); linear maps by constants, and
functions (`onnx_dense`); what exporters put around them (`onnx_arrange`, `onnx_pick`) and between a
weight and its operator (`onnx_fold`, `onnx_spread`); weights in files of their own
(`onnx_external`).

The network's outputs are those of the file: of every step, of the last one, or what each direction
ends with (`Y_h`). Several are joined. Outputs after the first that are final states are none of
them; `Trace.state` has them. Everything else is refused by what it is.
Source: https://onnx.ai/onnx/operators/.
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from golden.errors import ModelError
from golden.importers import check_file, network_name, onnx_refusals, shown
from golden.importers.assembly import network
from golden.importers.onnx_arrange import arrange
from golden.importers.onnx_cells import joined_cells, ours
from golden.importers.onnx_dense import dense, takes
from golden.importers.onnx_external import embed
from golden.importers.onnx_fold import fold
from golden.importers.onnx_graph import ByteBudget, Node, extract, label, tensor
from golden.importers.onnx_join import joined
from golden.importers.onnx_lstm import lstm
from golden.importers.onnx_over_time import OVER_TIME, accumulated
from golden.importers.onnx_pick import gathered, join, of_ends, sliced, split
from golden.importers.onnx_refusals import DOMAINS, UNROLLED
from golden.importers.onnx_values import (
    CutError,
    FinalStates,
    MadeOfInputs,
    Signal,
    Value,
    named,
    once,
    size_of,
)
from golden.network import Network
from golden.reading import Reading
from golden.version import install

OPSETS = range(7, 23)
LINE = 400  # characters of a message: a broken file may have shapes of any length
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
        raise ModelError(f"reading .onnx needs onnx: {install('import')}") from None
    try:
        size = check_file(path)
        with np.errstate(all="ignore"):
            model = onnx.ModelProto.FromString(path.read_bytes())
            size += embed(model, path.parent)
            return _network(model, path, ByteBudget(size))
    except ModelError as error:
        text = str(error)
        raise ModelError(text if len(text) <= LINE else f"{text[:LINE]}...") from None
    except FileNotFoundError:
        raise ModelError("no such file") from None
    except DecodeError:
        raise ModelError("not a readable ONNX file") from None
    except BROKEN as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"not a readable ONNX file ({reason})") from None


def _network(model: Any, path: Path, budget: ByteBudget) -> Network:
    opset, graph = _opset(model), model.graph
    for proto in graph.node:
        onnx_refusals.check(label(proto), proto.op_type, proto.domain)
    cells = joined_cells(graph, opset)
    values = _stored(graph)
    flows = [entry.name for entry in graph.input if isinstance(values[entry.name], Signal)]
    ends = flows, [entry.name for entry in graph.output]
    for proto in graph.node:
        try:
            values |= _made(proto, values, opset, ends, budget)
        except CutError as error:
            at = cells.get(error.name, error.name), 2 if error.name in cells else 3
            raise ModelError(f"{error}; {_cut(graph, at, error.gone, opset, ends)}") from None
    signal, heads = _outputs(graph, values, opset, ends)
    try:
        stages, output = signal.settled()
    except ModelError as error:
        raise ModelError(f"output {shown(graph.output[0].name)} {error}") from None
    return network(
        stages, network_name(path), _made_by(path, signal), output, _reading(graph, signal, heads)
    )


def _made(
    proto: Any, values: dict[str, Value], opset: int, ends: tuple[list[str], list[str]],
    budget: ByteBudget,
) -> dict[str, Value]:  # fmt: skip
    """What a node gives, by name."""
    inputs = [_lookup(proto, name, values) for name in proto.input]
    node = Node(proto, inputs, opset, ends)
    try:
        results = _results(node, budget)
    except ModelError:
        raise
    except BROKEN as error:
        node.refuse((str(error).splitlines() or [type(error).__name__])[0])
    node.done()
    found = {name: v for name, v in zip(proto.output, results, strict=False) if name}
    for name in found:
        if name in values:
            node.refuse(f"output {shown(name)} is there already")
    return found


def _cut(
    graph: Any, at: tuple[str, int], gone: Sequence[str], opset: int,
    ends: tuple[list[str], list[str]],
) -> str:  # fmt: skip
    """How to keep an LSTM whose X, a name and its number of axes, is given; the graph's inputs
    `gone` are not: up to the last one behind it that can be read."""
    (name, rank), budget = at, ByteBudget(graph.ByteSize())
    values = _stored(graph)
    inputs = [value for key in gone if isinstance(value := values.pop(key), Signal)]
    one = all(not group for value in inputs for group in value.axes[:-1])
    sizes = [1 if one else None] * (rank - 1) + [None]
    axes = tuple(named(f"{name}[{k}]", size) for k, size in enumerate(sizes))
    values[name] = Signal(axes, name)
    best, most = "", 0
    for proto in graph.node:
        if name in proto.output:
            continue
        try:
            made = _made(proto, values, opset, ends, budget)
        except ModelError:
            continue
        values |= made
        for key, value in list(made.items())[: 1 if proto.op_type == "LSTM" else None]:
            if not isinstance(value, Signal) or not value.parts or ours(key):
                continue
            if value.ordered and not value.turned and len(value.stages) >= most:
                best, most = key, len(value.stages)
    if not best:
        return "nothing behind it can be read alone"
    signal = values[best]
    states = [key for key in ends[1] if _final(values.get(key))]
    assert isinstance(signal, Signal)
    return extract([name, *signal.states], [best, *(key for key in states if key != best)])


def _reading(graph: Any, signal: Signal, heads: tuple[tuple[str, int], ...]) -> Reading:
    """The order of the input's axes and of the output's."""
    source = next(entry for entry in graph.input if entry.name == signal.source)
    names = [f"{source.name}[{k}]" for k in range(len(source.type.tensor_type.shape.dim))]
    made = [group[0].name if len(group) == 1 else "" for group in signal.axes]
    return Reading(
        axes=_order(names, signal, "NT" if signal.index else "NTD"),
        axes_out=_order(made, signal, "NTD"),
        indices=signal.index,
        steps=signal.steps,
        window=signal.window,
        heads=heads,
        kept=signal.kept,
    )


def _order(names: list[str], signal: Signal, letters: str) -> str:
    """The axes, by name, as letters; those without a name, of size 1, in the usual order."""
    if len(names) != len(letters) or not (signal.time or signal.batch):
        return ""
    known = {signal.time[0].name: "T"} if signal.time else {}
    known |= {signal.batch[0].name: "N"} if signal.batch else {}
    left = iter([letter for letter in letters if letter not in known.values()])
    return "".join(known[name] if name in known else next(left, "") for name in names)


def _made_by(path: Path, signal: Signal) -> str:
    """Where the network comes from, and which states the file leaves to its user."""
    text = f"imported from {path.name}"
    if signal.states:
        text += f"; initial states {', '.join(signal.states)} are given at run time"
    return "".join(c if c.isprintable() else "_" for c in text)


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
        values[entry.name] = Signal(axes, entry.name, whole=kind.elem_type in (6, 7))
    return values


def _lookup(proto: Any, name: str, values: dict[str, Value]) -> Value:
    if not name:
        return None
    if name not in values:
        raise ModelError(
            f"{label(proto)}: input {shown(name)} is made by nothing before it that is supported"
        )
    return values[name]


def _results(node: Node, budget: ByteBudget) -> list[Value]:
    """What a node makes, output by output."""
    if node.op == "LSTM":
        return lstm(node)
    flows = [
        value for value in node.values if isinstance(value, Signal | MadeOfInputs | FinalStates)
    ]
    if not flows:
        if node.op in ("MatMul", "Gemm"):
            node.refuse(UNROLLED)
        return fold(node, budget)
    if all(isinstance(v, MadeOfInputs) or (isinstance(v, Signal) and not v.parts) for v in flows):
        return _of_inputs(node, flows)
    if node.op == "Concat":  # of final states of whatever, too
        return [join(node, node.values)]
    return _of_flow(node, flows)


def _of_flow(node: Node, flows: list[Any]) -> list[Value]:
    """What a node makes of what flows."""
    if any(isinstance(value, MadeOfInputs) for value in flows):
        node.refuse(UNROLLED)
    if node.op == "Concat":
        return [join(node, node.values)]
    if takes(node):
        return [dense(node)]
    first = node.value(0)
    if len(flows) > 1 or first is not flows[0]:
        node.refuse("not supported on what flows through the network")
    if isinstance(first, FinalStates):
        return [of_ends(node, first)] * node.outputs
    return _of_signal(node, first) if isinstance(first, Signal) else node.refuse("not supported")


def _of_signal(node: Node, signal: Signal) -> list[Value]:
    if node.op == "Split":
        return split(node, signal)
    if node.op in OVER_TIME and signal.parts:
        return [accumulated(node, signal)]
    if node.op in ("Slice", "Gather"):
        return [sliced(node, signal) if node.op == "Slice" else gathered(node, signal)]
    return [arrange(node, signal)]


def _of_inputs(node: Node, flows: list[Any]) -> list[Value]:
    """What a node makes of graph inputs: what an LSTM could have as X, or only a state."""
    try:
        return _of_flow(node, flows)
    except ModelError as error:
        node.attributes.clear()
        names = once(
            n for v in flows for n in (v.names if isinstance(v, MadeOfInputs) else (v.source,))
        )
        why = next((v.why for v in flows if isinstance(v, MadeOfInputs)), str(error))
        return [MadeOfInputs(names, why)] * node.outputs


def _final(value: Value) -> bool:
    """Whether these are final states."""
    return isinstance(value, FinalStates) or (isinstance(value, Signal) and value.final)


def _outputs(
    graph: Any, values: dict[str, Value], opset: int, ends: tuple[list[str], list[str]]
) -> tuple[Signal, tuple[tuple[str, int], ...]]:
    """The outputs that are no final states, joined; of several the name and width of each."""
    if not graph.output:
        raise ModelError("the graph has no output")
    named_values: dict[str, Value] = {}
    for k, entry in enumerate(graph.output):
        if entry.name in named_values:
            raise ModelError(f"output {shown(entry.name)} is there twice")
        if entry.name not in values:
            raise ModelError(f"output {shown(entry.name)} is made by no node that is supported")
        if not k or not _final(values[entry.name]):
            named_values[entry.name] = values[entry.name]
    signals = [_output(name, value) for name, value in named_values.items()]
    if signals[0].source in signals[0].states:
        raise ModelError(
            f"input {shown(signals[0].source)} is both a sequence and an initial state"
        )
    if len(signals) == 1:
        return signals[0], ()
    for name, signal in zip(named_values, signals, strict=True):
        if signal.axes[-1:] != (signal.features,):
            raise ModelError(f"output {shown(name)}: a second output of this form is not supported")
    proto = type(graph.node[0])(op_type="Concat", name="outputs", input=list(named_values))
    found = joined(Node(proto, signals, opset, ends), signals)
    widths = [size_of(signal.features) or 0 for signal in signals]
    return found, tuple(zip(named_values, widths, strict=True))


def _output(name: str, value: Value) -> Signal:
    """An output, which must be of LSTMs and have its steps and values in order."""
    where = f"output {shown(name)}"
    if isinstance(value, MadeOfInputs):
        raise ModelError(f"{where}: made by no LSTM operator ({value.why})")
    if not isinstance(value, Signal) or not value.parts:
        raise ModelError(f"{where}: made by no LSTM whose outputs it could be")
    if not value.ordered:
        raise ModelError(f"{where}: its last axis must be that of the cells or readout units")
    if value.turned:
        raise ModelError(f"{where}: its steps are in reversed order; not supported")
    return value

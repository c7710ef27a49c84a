"""ONNX files: what of a `golden.Network` the operator LSTM can say, exactly but for float32.

`clip` bounds the net inputs of the gates and of g, not what h sees: that is how onnxruntime
computes, and `golden`. The operators are those of opset 14; the graph is built by `onnx_graph`.
"""

from dataclasses import dataclass
from pathlib import Path

from golden.cell import Layer
from golden.errors import ModelError
from golden.exporters.onnx_graph import DTYPE, OPEN, Graph, always_open, build
from golden.files import replacing
from golden.network import Network
from golden.version import install

OPSET, IR_VERSION = 14, 7  # both of ONNX 1.9; onnxruntime knows them since 1.8
CANNOT = "cannot be said by the ONNX operator LSTM"


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    opset : version of the operators.
    dtype : type of the numbers.
    absolute, relative : the largest rounding of one of the network's numbers to that type, and the
        largest in proportion to the number (1: a number became 0).
    notes : what the file says in other terms than the network, a sentence each.
    """

    opset: int
    dtype: str
    absolute: float
    relative: float
    notes: tuple[str, ...]


def save_onnx(net: Network, path: str | Path) -> Exported:
    """Write `net` to `path` (to a file next to it, which is then renamed, so that no half file is
    ever seen).

    The file takes "x" (N, T, D), N and T open, and gives "y": (N, T, K), or (N, K) where the output
    of one step leaves; both float32. Every sequence starts from the layers' own initial states.

    Raises
    ------
    ModelError : a suffix other than .onnx; recurrent connections from gates, a projection, clipping
        that the operator cannot say; a number too large for float32; the `onnx` package is missing;
        a place that cannot be written.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise ModelError(f"{path}: suffix {path.suffix!r}, must be '.onnx'")
    for k, layer in enumerate(net.layers):
        _check(k, layer)
    graph = build(net)
    try:
        data = _serialized(net, graph)
    except ModuleNotFoundError as error:
        raise ModelError(f"{path}: writing .onnx needs {error.name}: {install('import')}") from None
    with replacing(path, ModelError) as other:
        other.write_bytes(data)
    rounding = graph.rounding
    return Exported(OPSET, DTYPE.name, rounding.absolute, rounding.relative, _notes(net))


def _check(k: int, layer: Layer) -> None:
    """Refuse what the operator cannot say."""
    if layer.gate_recurrence:
        raise ModelError(f"layer {k}: recurrent connections from gates {CANNOT}")
    if layer.projection is not None:
        raise ModelError(f"layer {k}: a projection of the cell outputs {CANNOT}")
    if not layer.clip:
        return
    if always_open(layer):
        raise ModelError(f"layer {k}: clipping without a forget gate {CANNOT}")
    gate, g = (layer.clip.get(what) for what in ("gate", "g"))
    if gate is None or g is None or len({-gate[0], gate[1], -g[0], g[1]}) > 1:
        limits = (f"of {what} to {low:g}, {high:g}" for what, (low, high) in layer.clip.items())
        raise ModelError(
            f"layer {k}: clipping {' and '.join(limits)} {CANNOT}: must be the same of gate and g, "
            "and symmetric"
        )


def _notes(net: Network) -> tuple[str, ...]:
    """What is said in other terms, layer by layer."""
    notes = []
    for k, layer in enumerate(net.layers):
        if always_open(layer):
            notes.append(
                f"layer {k}: the absent forget gate is written as one of bias "
                f"{OPEN[layer.gate]:g}, at which it is exactly 1"
            )
        if layer.block_size > 1:
            notes.append(
                f"layer {k}: the gates of a block are written for each of its "
                f"{layer.block_size} cells"
            )
        if layer.beside:
            notes.append(
                f"layers {k - 1} and {k}: written as two operators whose outputs are joined"
            )
    return tuple(notes)


def _serialized(net: Network, graph: Graph) -> bytes:
    """The file's bytes; `ModuleNotFoundError` where the `onnx` package is missing."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node(
            node.op, node.inputs, node.outputs, name=node.outputs[0], **node.attributes
        )
        for node in graph.nodes
    ]
    nodes[-1].output[0] = "y"
    steps = ["T"] if net.output == "every" else []
    made = helper.make_graph(
        nodes,
        net.name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", "T", net.inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", *steps, net.outputs])],
        [numpy_helper.from_array(values, name) for name, values in graph.stored.items()],
        doc_string=net.made_by,
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(
        made, producer_name="carousel", ir_version=IR_VERSION, opset_imports=[opset]
    )
    return model.SerializeToString()

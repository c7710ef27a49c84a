"""Gemm, MatMul, Add and Sigmoid behind the LSTMs: the readout."""

from dataclasses import replace

import numpy as np

from golden.importers.onnx_graph import Node
from golden.importers.onnx_values import Signal, named

DENSE = ("Gemm", "MatMul", "Add", "Sigmoid")


def dense(node: Node) -> Signal:
    """The signal behind one node of the readout."""
    at = 0 if isinstance(node.value(0), Signal) or node.op != "Add" else 1
    signal = node.value(at)
    if not isinstance(signal, Signal) or sum(isinstance(v, Signal) for v in node.values) > 1:
        node.refuse("supported is only what flows and a constant, in this order")
    if not signal.parts or (signal.axes[-1:] or ((),))[0] != signal.features:
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
    return _product(node, signal)


def _product(node: Node, signal: Signal) -> Signal:
    """Gemm and MatMul."""
    if signal.dense is not None:
        node.refuse("a second dense layer is not supported")
    weights, scale = node.constant(1, "the weights").astype(np.float64), 1.0
    if node.op == "Gemm":
        if node.take("transA", 2, 0) or len(signal.axes) != 2:
            node.refuse("its first input must have two axes and transA=0")
        weights = weights.T if node.take("transB", 2, 0) else weights
        weights, scale = weights * node.take("alpha", 1, 1.0), node.take("beta", 1, 1.0)
    if weights.ndim != 2 or weights.shape[0] != signal.width or not weights.size:
        node.refuse(f"weights of shape {weights.shape}, must be ({signal.width}, units)")
    biases = np.zeros(weights.shape[1])
    if node.op == "Gemm" and node.value(2) is not None:
        biases = scale * _bias(node, node.constant(2, "the bias"), len(biases), 2)
    made = named(f"units of {node.label}", len(biases))
    found = (np.ascontiguousarray(weights.T), biases)
    return replace(signal, axes=(*signal.axes[:-1], made), features=made, dense=found)


def _bias(node: Node, values: np.ndarray, units: int, rank: int) -> np.ndarray:
    """A bias as (units,) float64; it may differ only along its last axis."""
    last = values.shape[-1] if values.ndim else 1
    if values.size != last or last not in (1, units) or values.ndim > rank:
        node.refuse(f"bias of shape {values.shape}, must be ({units},)")
    return np.broadcast_to(values.reshape(-1).astype(np.float64), (units,)).copy()

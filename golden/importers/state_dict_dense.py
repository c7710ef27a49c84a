"""The modules of a PyTorch state_dict that are no LSTMs, each as a dense stage.

nn.Linear, nn.Conv1d   weight (K, D), or (K, D, 1), and bias (K,)
nn.BatchNorm1d         weight, bias, running_mean, running_var (D,)
nn.Embedding           weight (numbers, D), of a module with "emb" in its name
"""

import numpy as np

from golden.errors import ModelError
from golden.importers import shown
from golden.importers.stages import Cut, Dense, normalisation
from golden.squash import Array

EPSILON = 1e-5  # nn.BatchNorm1d's own
CUT = Cut("give ONNX (torch.onnx.export), which can be cut", "give ONNX (torch.onnx.export)")


def dense(prefix: str, parts: dict[str, Array]) -> tuple[str, Dense]:
    """The kind of the module, and its stage."""
    key = shown(f"{prefix}weight")
    if "running_mean" in parts or "running_var" in parts:
        return _stage("nn.BatchNorm1d", prefix, *_normalised(prefix, parts))
    if "weight" not in parts:
        raise ModelError(f"{shown(f'{prefix}bias')}: is no tensor of an nn.LSTM or an nn.Linear")
    weights = parts["weight"]
    if weights.ndim == 1 and weights.size:
        raise ModelError(
            f"{key}: shape {weights.shape} is that of an nn.LayerNorm, which is not supported"
        )
    if "bias" not in parts and "emb" in prefix.lower() and weights.ndim == 2:
        return _stage("nn.Embedding", prefix, np.ascontiguousarray(weights.T), np.zeros(()))
    kind = "nn.Linear" if weights.ndim == 2 else "nn.Conv1d"
    if weights.ndim == 3 and weights.shape[2] != 1:
        raise ModelError(
            f"{key}: shape {weights.shape} is that of an nn.Conv1d, supported is width 1 only"
        )
    if weights.ndim not in (2, 3) or 0 in weights.shape:
        raise ModelError(f"{key}: shape {weights.shape} is not that of an nn.Linear")
    biases = parts.get("bias", np.zeros(len(weights)))
    if biases.shape != (len(weights),):
        raise ModelError(
            f"{shown(f'{prefix}bias')}: shape {biases.shape}, must be ({len(weights)},)"
        )
    return _stage(kind, prefix, weights.reshape(weights.shape[:2]), biases)


def _stage(kind: str, prefix: str, weights: Array, biases: Array) -> tuple[str, Dense]:
    name = prefix.rstrip(".")
    return kind, Dense(f"{kind} {shown(name)}" if name else kind, weights, biases, cut=CUT)


def _normalised(prefix: str, parts: dict[str, Array]) -> tuple[Array, Array]:
    """Factor and shift of each value."""
    width = parts.get("running_mean", parts.get("running_var", np.zeros(1))).shape[:1]
    found = {"weight": np.ones(width), "bias": np.zeros(width)} | parts
    for name in ("weight", "bias", "running_mean", "running_var"):
        if name not in found:
            raise ModelError(f"{shown(prefix + name)} is missing")
        if found[name].shape != width or not width or not found[name].size:
            raise ModelError(f"{shown(prefix + name)}: shape {found[name].shape}, must be {width}")
    variance = found["running_var"] + EPSILON
    if (variance <= 0).any():
        raise ModelError(f"{shown(prefix + 'running_var')}: a variance below 0")
    return normalisation(found["weight"], found["bias"], found["running_mean"], variance)

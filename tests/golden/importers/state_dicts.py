"""Tensors by name, as state_dicts of PyTorch hold them."""

from typing import Any

import numpy as np


def tensors(**changes: Any) -> dict[str, np.ndarray]:
    """An nn.LSTM(3, 4) with an nn.Linear(4, 2), changed; None takes a tensor away."""
    rng = np.random.default_rng(5)
    shapes = {
        "lstm.weight_ih_l0": (16, 3),
        "lstm.weight_hh_l0": (16, 4),
        "lstm.bias_ih_l0": (16,),
        "lstm.bias_hh_l0": (16,),
        "fc.weight": (2, 4),
        "fc.bias": (2,),
    }
    found: dict[str, Any] = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    for name, value in changes.items():
        found[name] = np.zeros(value) if isinstance(value, tuple) else value
    return {name: value for name, value in found.items() if value is not None}


def lstm(prefix: str, inputs: int, cells: int) -> dict[str, tuple[int, ...]]:
    """Shapes of a bias-free nn.LSTM."""
    return {
        f"{prefix}weight_ih_l0": (4 * cells, inputs),
        f"{prefix}weight_hh_l0": (4 * cells, cells),
    }


def wide(prefix: str, inputs: int, cells: int, outputs: int) -> dict[str, tuple[int, ...]]:
    """Shapes of a bias-free bidirectional nn.LSTM with proj_size."""
    one = {
        "weight_ih_l0": (4 * cells, inputs),
        "weight_hh_l0": (4 * cells, outputs),
        "weight_hr_l0": (outputs, cells),
    }
    ends = ("", "_reverse")
    return {f"{prefix}{name}{end}": shape for name, shape in one.items() for end in ends}

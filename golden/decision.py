"""Decisions: the outputs of a network are the logits of classes, of which the largest decides.

    softmax(a)_k = exp(a_k) / sum_j exp(a_j)          decision = the first k at which a_k is largest

Neither function changes which one that is, so that a core need not compute them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.squash import Array


def decide(logits: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(..., K) real numbers or codes to the index of the largest, (..., 1), ties to the lowest."""
    return np.argmax(logits, axis=-1, keepdims=True).astype(logits.dtype)


def log_softmax(logits: Array) -> Array:
    """(..., K) to the logarithms of the classes' probabilities."""
    less = logits - logits.max(axis=-1, keepdims=True)
    return less - np.log(np.exp(less).sum(axis=-1, keepdims=True))


def softmax(logits: Array) -> Array:
    """(..., K) to the classes' probabilities."""
    return np.exp(log_softmax(logits))


DECISIONS: dict[str, Callable[[Array], Array]] = {
    "softmax": softmax,
    "log_softmax": log_softmax,
    "argmax": decide,
}
"""What files have behind their logits."""

"""A small network of causal self-attention, for contrast: it keeps all that it has heard.

With the input, a constant and the step's place side by side, u(t) = [x(t), 1, t, t t], of each head

    q(t) = Q u(t)        k(t) = K u(t)        v(t) = V u(t)
    a(t) = sum over j = 0 .. t of p_j v(j),   p = softmax over j of q(t) . k(j)

and out(t) = squash(W a(t) + b), a(t) of all heads side by side. Every step can be connected with
any before it, and so every k(j) and v(j) is kept: the memory grows with each step. The weights of
the two networks here are not trained but written down.
Source: Vaswani et al. (2017), section 3.2; scores that rise with the distance: Press et al. (2021).
"""

from dataclasses import dataclass

import numpy as np

from golden.dense import Dense
from golden.errors import InputError, ModelError
from golden.network import check_input
from golden.squash import Array
from golden.tasks import CLASSES, SYMBOLS

PLACES = 3  # 1, t and t t
SHARP = 20.0  # a score that is lower by this has no weight to speak of: exp(-20) is 2e-9


@dataclass(frozen=True)
class Memory:
    """What is kept of all steps so far: keys (N, H, T, K) and values (N, H, T, V)."""

    keys: Array
    values: Array

    @property
    def steps(self) -> int:
        return self.keys.shape[2]

    @property
    def size(self) -> int:
        """Numbers kept for one sequence."""
        return (self.keys.size + self.values.size) // len(self.keys)


@dataclass(frozen=True)
class AttentionNetwork:
    """One layer of H heads, and a readout.

    Attributes
    ----------
    query, key : (H, K, D + 3), columns x, 1, t, t t.  value : (H, V, D + 3).
    readout : on what the heads give, side by side.

    Raises
    ------
    ModelError : shapes that do not agree.
    """

    query: Array
    key: Array
    value: Array
    readout: Dense

    def __post_init__(self) -> None:
        heads, width, sources = self.key.shape
        same = self.query.shape == self.key.shape
        if not same or self.value.shape[::2] != (heads, sources) or sources <= PLACES:
            shapes = ", ".join(str(some.shape) for some in (self.query, self.key, self.value))
            raise ModelError(f"attention weights: shapes {shapes} do not agree")
        if self.readout.inputs != heads * self.value.shape[1]:
            have, need = self.readout.inputs, heads * self.value.shape[1]
            raise ModelError(f"readout weights: {have} columns, the heads give {need}")

    @property
    def inputs(self) -> int:
        return self.key.shape[2] - PLACES

    def hear(self, x: Array, memory: Memory | None = None) -> Memory:
        """What is kept after x (N, T, D), behind `memory`."""
        u = self._sources(x, memory.steps if memory else 0)
        keys, values = (_of_heads(some, u) for some in (self.key, self.value))
        if memory:
            keys = np.concatenate((memory.keys, keys), axis=2)
            values = np.concatenate((memory.values, values), axis=2)
        return Memory(keys, values)

    def answer(self, x: Array, memory: Memory) -> Array:
        """The output (N, O) for the input x (N, D) of the last step in `memory`."""
        q = _of_heads(self.query, self._sources(x[:, None], memory.steps - 1))  # (N, H, 1, K)
        scores = q @ memory.keys.swapaxes(2, 3)
        weights = np.exp(scores - scores.max(axis=3, keepdims=True))
        given = (weights @ memory.values) / weights.sum(axis=3, keepdims=True)
        return self.readout.run(given.reshape(len(x), -1))

    def run(self, x: Array) -> Array:
        """Outputs (N, T, O) of every step of x (N, T, D)."""
        memory = self.hear(x)
        seen = (Memory(memory.keys[:, :, :t], memory.values[:, :, :t]) for t in _counts(x))
        return np.stack([self.answer(x[:, t], some) for t, some in enumerate(seen)], axis=1)

    def products(self, steps: int) -> int:
        """Multiplications of numbers in step number `steps`, counted from 1, its answer included.

        Those of t t and of the scores' softmax are not among them.
        """
        heard = self.query.size + self.key.size + self.value.size
        heads, width, _ = self.key.shape
        return heard + steps * heads * (width + self.value.shape[1]) + self.readout.weights.size

    def _sources(self, x: Array, first: int) -> Array:
        """u (N, T, D + 3) of inputs from the step `first` on."""
        check_input(x, self.inputs)
        if x.ndim != 3:
            raise InputError(f"input: shape {x.shape}, must be (N, T, {self.inputs})")
        t = np.arange(first, first + x.shape[1], dtype=x.dtype)
        places = np.stack((t**0, t, t**2), axis=1)
        return np.concatenate((x, np.broadcast_to(places, (len(x), *places.shape))), axis=2)


def _counts(x: Array) -> range:
    return range(1, x.shape[1] + 1)


def _of_heads(weights: Array, u: Array) -> Array:
    """W u of each head: (H, K, D) and (N, T, D) to (N, H, T, K)."""
    return u[:, None] @ weights.swapaxes(1, 2)


def temporal_order(longest: int) -> AttentionNetwork:
    """Which of X and Y came first, and which second, asked after at most `longest` steps.

    The score of an X or Y is higher by `longest` than that of any other symbol can be. Beside that,
    the one head's scores fall with t and the other's rise, by 1 a step: the first looks at the
    earlier of the two, the second at the later. The value of X is -1, of Y 1; an output is the sum
    of the two in its own class's signs.
    """
    x, y, one, t, sources = *map(SYMBOLS.index, "XY"), 8, 9, 8 + PLACES
    query, key, value = (
        np.zeros((2, 2, sources)),
        np.zeros((2, 2, sources)),
        np.zeros((2, 1, sources)),
    )
    key[:, 0, [x, y]], key[:, 1, t] = 1.0, 1.0
    query[:, 0, one], query[:, 1, one] = longest + SHARP, (-1.0, 1.0)
    value[:, 0, [x, y]] = -1.0, 1.0
    signs = np.array([[-1.0 if symbol == "X" else 1.0 for symbol in name] for name in CLASSES])
    readout = Dense(SHARP / 2 * signs, np.full(len(CLASSES), -SHARP / 2), "sigma")
    return AttentionNetwork(query, key, value, readout)


def symbol_at(kinds: int) -> AttentionNetwork:
    """Which of so many symbols came at step n; the last of kinds + 1 inputs says n.

    The score of step j is SHARP (2 n j - j j), highest at j = n, and lower by SHARP at its
    neighbours. The value is the symbol itself.
    """
    n, one, t, sources = kinds, kinds + 1, kinds + 2, kinds + 1 + PLACES
    query, key, value = (np.zeros((1, width, sources)) for width in (2, 2, kinds))
    key[0, 0, t], key[0, 1, t + 1] = 1.0, 1.0
    query[0, 0, n], query[0, 1, one] = 2 * SHARP, -SHARP
    value[0, :, :kinds] = np.eye(kinds)
    return AttentionNetwork(query, key, value, Dense(np.eye(kinds), np.zeros(kinds)))

"""The closing pressure: where nothing is to be learnt, gates come to be wholly shut.

While x(t) lies in a box of distractors, whatever cells and gates put out a step before, the net
input of a gate is at most

    sum over its sources m of max(w_m low_m, w_m high_m)

with x_m in the box, y_m = o h(s) between the ends of h (and 0), gates in [0, 1], and 1 for the
bias. An input gate is shut where that is -NET or less; a forget gate, turned round, where its net
input is NET at least. There a gate of 16 bits is exactly 0, or exactly 1, and a state keeps its
value to the last bit, with any y and any gates.

The pressure changes the weights of a gate that is not shut by the gradient of that sum over the
boxes, each source's part of it divided by what it would be if the gate were open in all boxes: so a
symbol's own weight, which is in one box of many, moves as fast as the bias, which is in all of
them. It is added to the gradient of the task's error, which takes back what the task needs.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from golden.errors import ModelError
from golden.learning import Parameters
from golden.squash import Array
from golden.tasks.task import Boxes

NET = 12.0  # in formats of 16 bits a gate is exactly 0 up to about -11, exactly 1 from about 10
SIDES = {"i": 1.0, "f": -1.0}  # what turns a net input so that shut is low


@dataclass(frozen=True)
class Closing:
    """The pressure on the gates of a network that is being trained.

    Attributes
    ----------
    p : its weights, which `press` changes in place.
    boxes : where nothing is to be learnt.
    strength : how far a weight moves at most, for a learning rate of 1.

    Raises
    ------
    ModelError : h has no end, so that nothing is known of y.
    """

    p: Parameters
    boxes: Boxes
    strength: float

    def __post_init__(self) -> None:
        if not self.p.h.bounded:
            raise ModelError(f"closing: cell outputs by {self.p.h.name!r} have no end")

    @property
    def gap(self) -> float:
        """How far beyond NET the worst gate can come; 0 or less: all are shut."""
        return max(float(np.max(self._reach(kind))) for kind in self._kinds)

    def press(self, rate: float) -> None:
        """Move every gate that is open in a box a bit towards being shut."""
        low, high = self._sources
        for kind in self._kinds:
            open_in = (self._reach(kind) > 0.0).astype(np.float64)
            rows = self.p.rows(kind)
            up = SIDES[kind] * self.p.hidden[rows] > 0.0
            gradient = np.where(up, open_in @ high, open_in @ low)
            most = np.where(up, np.abs(high).sum(axis=0), np.abs(low).sum(axis=0))
            part = np.divide(gradient, most, out=np.zeros_like(most), where=most > 0.0)
            learns = 1.0 if self.p.learns is None else self.p.learns[0][rows]
            self.p.hidden[rows] -= SIDES[kind] * rate * self.strength * part * learns

    def begin(self, mark: int) -> None:
        """Shut all gates at once, but where the input `mark` is 1: there they stay what they were.

        For a network that has learnt nothing yet, and an input that is 0 in all boxes: gates that
        are pressed shut before a mark has learnt to open them learn nothing any more.
        """
        for kind in self._kinds:
            beyond = np.maximum(np.max(self._reach(kind), axis=1), 0.0)
            rows = self.p.rows(kind)
            self.p.hidden[rows, -1] -= SIDES[kind] * beyond
            self.p.hidden[rows, mark] += SIDES[kind] * beyond

    @property
    def _kinds(self) -> list[str]:
        return [kind for kind in SIDES if kind in self.p.shape.gates]

    def _reach(self, kind: str) -> Array:
        """How far beyond NET gates can come in each box, (B, M)."""
        weights = SIDES[kind] * self.p.hidden[self.p.rows(kind)]
        low, high = self._sources
        return np.maximum(weights, 0.0) @ high.T + np.minimum(weights, 0.0) @ low.T + NET

    @cached_property
    def _sources(self) -> tuple[Array, Array]:
        """The ends of u(t) and of the bias in each box, (M, N + 1) each."""
        shape, boxes = self.p.shape, self.boxes
        gates = len(shape.gates) * shape.blocks if shape.gate_recurrence else 0
        own = [(min(self.p.h.ends[0], 0.0), 0.0), (max(self.p.h.ends[1], 0.0), 1.0)]
        low, high = (
            np.concatenate([np.full(shape.cells, y), np.full(gates, gate), [1.0]])
            for y, gate in own
        )
        count = len(boxes.low)
        return (
            np.column_stack((boxes.low, np.tile(low, (count, 1)))),
            np.column_stack((boxes.high, np.tile(high, (count, 1)))),
        )

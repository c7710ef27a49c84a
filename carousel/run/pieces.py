"""A run of the three views, piece by piece where it is long, so that only figures are kept of it.

Each piece goes on from the state in which the one before left off; the core then has its state
port, through which it is told that state. Of the signals inside there stays what is counted over
all steps, and a curve of the states; of the input and the outputs there stays all.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from carousel.cli.inputs import Inputs
from carousel.cli.subject import Subject
from carousel.measure import accuracy, gateware
from carousel.measure.accuracy import Measured
from carousel.measure.gateware import Gateware
from fixedpoint.retention import gates_seen
from fixedpoint.retention.gates_seen import Met
from golden.squash import Array
from golden.trace import Trace
from rtl import CoreOptions

POINTS = 2_000  # of a curve
VIEWS = ("float", "fixed point", "gateware")


@dataclass(frozen=True)
class View:
    """What stays of the states in one view.

    Attributes
    ----------
    change : the largest change of a state of the last layer over the task's lag, or None.
    steps : some of all steps (P,).
    states : by layer of the last stage the states after these, real (N, P, C).
    """

    change: float | None
    steps: Array
    states: Mapping[int, Array]


@dataclass(frozen=True)
class Whole:
    """A run of all steps.

    Attributes
    ----------
    measured, gateware : as of one piece; of signals inside the traces have those of the last.
    views : by name.
    met : what the gates came to in fixed point.
    """

    measured: Measured
    gateware: Gateware
    views: Mapping[str, View]
    met: Sequence[Met]


class Watch:
    """Gathers a view from real traces of pieces in order."""

    def __init__(self, inputs: Inputs, layers: Sequence[int]):
        self.lag, self.every = inputs.lag, math.ceil(inputs.length / POINTS)
        self.change, self.start = 0.0, np.zeros(0)
        self.steps = list[Array]()
        self.states: dict[int, list[Array]] = {layer: [] for layer in layers}

    def take(self, trace: Trace, first: int) -> None:
        """`first` : the step with which the piece begins."""
        s = trace.get("s")
        some = np.arange(-first % self.every, s.shape[1], self.every)
        self.steps.append(some + first)
        for layer, kept in self.states.items():
            kept.append(trace.get("s", layer)[:, some])
        if self.lag is None:
            return
        begin, end = (step - first for step in self.lag)
        if 0 <= begin < s.shape[1]:
            self.start = s[:, begin : begin + 1].copy()
        within = s[:, max(0, begin) : max(0, end + 1)]
        if within.size:
            self.change = max(self.change, float(np.abs(within - self.start).max()))

    def view(self) -> View:
        states = {layer: np.concatenate(kept, axis=1) for layer, kept in self.states.items()}
        change = None if self.lag is None else self.change
        return View(change, np.concatenate(self.steps), states)


def run(subject: Subject, lanes: int | None) -> Whole:
    """Run all three views and compare them.

    Raises
    ------
    CarouselError : what `gateware.play` raises.
    """
    watches = {name: Watch(subject.inputs, subject.net.stages[-1]) for name in VIEWS}
    block = accuracy.block_of(subject.inputs.length)
    whole: Whole | None = None
    for first, last in pairwise(accuracy.bounds(subject)):
        piece = accuracy.piece(subject, first, last, whole and whole.measured)
        measured = accuracy.once(piece, block)
        played = gateware.play(piece, CoreOptions(lanes))
        for watch, trace in zip(
            watches.values(),
            (measured.floating, measured.fixed.real(), played.real),
            strict=True,
        ):
            watch.take(trace, first)
        met = gates_seen.met(subject.qnet.layers, measured.fixed)
        if whole is not None:
            measured = accuracy.joined(whole.measured, measured, first)
            played = gateware.joined(whole.gateware, played, first)
            met = gates_seen.joined(whole.met, met)
        whole = Whole(measured, played, {}, met)
    assert whole is not None  # there is a first piece
    return replace(whole, views={name: watch.view() for name, watch in watches.items()})

"""A run of the three views, piece by piece where it is long, so that only figures are kept of it.

Many sequences run group by group. Each piece of steps goes on from the state in which the one
before left off; the core then has its state port, through which it is told that state. Of the
signals inside there stays what is counted over all steps, and a curve of the states; of the input
and the outputs there stays all.
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
    measured : without signals inside.
    gateware : as of one piece; of signals inside the traces have those of the last.
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
    groups, steps = accuracy.cuts(subject)
    parts = (subject.some(slice(begin, end)) for begin, end in pairwise(groups))
    found = [_group(part, steps, lanes) for part in parts]
    played, met = found[0].gateware, found[0].met
    for each, first in zip(found[1:], groups[1:], strict=False):
        played = gateware.joined(played, each.gateware, sequences=first)
        met = gates_seen.joined(met, each.met)
    views = {name: _beside([each.views[name] for each in found]) for name in VIEWS}
    measured = [each.measured for each in found]
    return Whole(accuracy.beside(measured, groups), played, views, met)


def _group(subject: Subject, steps: Sequence[int], lanes: int | None) -> Whole:
    """The same of sequences that run side by side, in pieces that begin with these steps."""
    watches = {name: Watch(subject.inputs, subject.net.stages[-1]) for name in VIEWS}
    block = accuracy.block_of(subject.inputs.length)
    runs, played, met = list[Measured](), None, None
    for first, last in pairwise(steps):
        piece = accuracy.piece(subject, first, last, runs[-1] if runs else None)
        measured = accuracy.once(piece, block)
        now = gateware.play(piece, CoreOptions(lanes))
        for watch, trace in zip(
            watches.values(), (measured.floating, measured.fixed.real(), now.real), strict=True
        ):
            watch.take(trace, first)
        gates = gates_seen.met(subject.qnet.layers, measured.fixed)
        runs.append(accuracy.bare(measured, keep=True))
        played = gateware.joined(played, now, steps=first) if played else now
        met = gates_seen.joined(met, gates) if met else gates
    assert played is not None and met is not None  # there is a first piece
    views = {name: watch.view() for name, watch in watches.items()}
    return Whole(accuracy.behind(runs, steps, keep=True), played, views, met)


def _beside(views: Sequence[View]) -> View:
    """One view of groups of sequences."""
    changes = [view.change for view in views if view.change is not None]
    layers = views[0].states
    states = {k: np.concatenate([view.states[k] for view in views]) for k in layers}
    return replace(views[0], change=max(changes, default=None), states=states)

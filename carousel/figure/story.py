"""What is left of a symbol after a thousand steps, or a million: what the project is about.

Two sequences of the temporal-order task differ in one symbol alone. The distance between the two
runs' states tells what a network still knows of it: a plain recurrent network forgets, memory cells
do not. From the last symbol that matters on, each run's own states are followed too: those of the
gateware do not move by one LSB where the network's gates are wholly shut.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import golden
from carousel.cli.choice import Choice
from carousel.cli.subject import Given, Subject, prepare
from carousel.measure import gateware
from carousel.report.tables import Table
from golden.errors import InputError
from golden.squash import Array
from golden.tasks import SYMBOLS, TEMPORAL_ORDER
from rtl import CoreOptions

X, Y = SYMBOLS.index("X"), SYMBOLS.index("Y")
LAST = TEMPORAL_ORDER.told  # the last step at which the second symbol can come
PIECE = 50_000  # steps that are simulated at once


@dataclass(frozen=True)
class Pair:
    """Two sequences that differ in their first relevant symbol.

    Attributes
    ----------
    x : (2, T, 8).
    first : the step of that symbol.
    """

    x: Array
    first: int


def pair(length: int, seed: int) -> Pair:
    """A sequence of temporal order and its twin with X for Y, or Y for X, in the first place."""
    x, _ = TEMPORAL_ORDER.batch(np.random.default_rng(seed), 1, length)
    first = int(np.flatnonzero(x[0, :, [X, Y]].any(axis=0))[0])
    twin = x[0].copy()
    twin[first, [X, Y]] = twin[first, [Y, X]]
    return Pair(np.stack((x[0], twin)), first)


def distance(states: Array, first: int) -> Array:
    """|a(t) - b(t)| of two runs' states (2, T, C), relative to that at the step `first`."""
    apart = np.linalg.norm(states[0] - states[1], axis=-1)
    if not apart[first] > 0:
        raise InputError("the two runs do not differ just after the symbol: nothing to follow")
    return apart / apart[first]


@dataclass(frozen=True)
class Story:
    """The pair, followed in three networks.

    Attributes
    ----------
    distances : label -> (T,), relative to that just after the symbol.
    moves : label -> (T,), the largest change of any state since the last symbol that matters.
    first, last : the steps of the symbol, and of the last one that matters.
    """

    distances: dict[str, Array]
    moves: dict[str, Array]
    first: int
    last: int

    @property
    def left(self) -> dict[str, float]:
        """What is left before the last step, by label."""
        return {label: float(values[-2]) for label, values in self.distances.items()}

    @property
    def lag(self) -> int:
        """Steps from the symbol to there."""
        return len(next(iter(self.distances.values()))) - 2 - self.first


def follow(model: Path, rnn: Path, bits: int, length: int, seed: int) -> Story:
    """Run the pair through a recurrent network, a network of memory cells, and its gateware.

    Raises
    ------
    InputError : a code of the gateware differs, or the runs do not differ after the symbol.
    """
    twins = pair(length, seed)
    plain = golden.load_rnn(rnn)
    subject = prepare(model, Choice(bits), Given(length=min(length, PIECE), seed=seed))
    states = {
        "plain recurrent network": plain.run(twins.x).get("y"),
        "memory cells, float": subject.net.run(twins.x).get("s"),
        "memory cells, gateware": in_gateware(subject, twins.x),
    }
    distances = {label: distance(values, twins.first) for label, values in states.items()}
    cells = [label for label in states if label.startswith("memory cells")]
    moves = {label: moved(states[label], LAST) for label in cells}
    return Story(distances, moves, twins.first, LAST)


def in_gateware(subject: Subject, x: Array) -> Array:
    """The states (2, T, C) of the two runs side by side in the simulated core, real; every code of
    it compared with the integer model. A piece after the other, so that little is held."""
    found, state = [], None
    for start in range(0, x.shape[1], PIECE):
        inputs = replace(subject.inputs, x=x[:, start : start + PIECE])
        piece = replace(subject, inputs=inputs, state_codes=state)
        played = gateware.play(piece, CoreOptions(streams=len(x)))
        if not played.ok:
            raise InputError(f"gateware: {played.verdict}")
        found.append(played.real.get("s"))
        state = played.trace.state
    return np.concatenate(found, axis=1)


def moved(states: Array, since: int) -> Array:
    """The largest |s(t) - s(since)| of any state of runs (2, T, C), for each t (T,)."""
    return np.abs(states - states[:, since : since + 1]).max(axis=(0, 2))


def table(found: Story) -> Table:
    """What is left at the end, for people."""
    ends = {label: f"{values[-2]:.4g}" for label, values in found.moves.items()}
    rows = ((label, f"{left:.3g}", ends.get(label, "-")) for label, left in found.left.items())
    title = f"Left of a symbol after {found.lag:,} steps (1: as just after it)"
    steps = len(next(iter(found.moves.values()))) - 2 - found.last
    return Table.of(title, ("in", "left", f"largest change of a state over {steps:,} steps"), rows)

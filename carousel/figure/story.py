"""What is left of a symbol after a thousand steps: the figure that the project is about.

Two sequences of the temporal-order task differ in one symbol alone. The distance between the two
runs' states tells what a network still knows of it: a plain recurrent network forgets, memory cells
do not.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import golden
from carousel.cli.inputs import encode
from carousel.cli.subject import prepare
from carousel.measure import gateware
from carousel.report.tables import Table
from golden.errors import InputError
from golden.squash import Array
from golden.tasks import SYMBOLS, TEMPORAL_ORDER

X, Y = SYMBOLS.index("X"), SYMBOLS.index("Y")


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
    first : the step of the symbol.
    """

    distances: dict[str, Array]
    first: int

    @property
    def left(self) -> dict[str, float]:
        """What is left before the last step, by label."""
        return {label: float(values[-2]) for label, values in self.distances.items()}

    @property
    def lag(self) -> int:
        """Steps from the symbol to there."""
        return len(next(iter(self.distances.values()))) - 2 - self.first


def follow(model: Path, rnn: Path, bits: int, length: int, seed: int) -> Story:
    """Run the pair through a recurrent network, a network of memory cells, and its gateware."""
    twins = pair(length, seed)
    plain = golden.load_rnn(rnn)
    subject = prepare(model, bits, None, length=length, seed=seed)
    subject = replace(subject, codes=encode(subject.qnet, twins.x))
    states = {
        "plain recurrent network": plain.run(twins.x).get("y"),
        "memory cells, float": subject.net.run(twins.x).get("s"),
        "memory cells, gateware": gateware.play(subject, None).real.get("s"),
    }
    distances = {label: distance(values, twins.first) for label, values in states.items()}
    return Story(distances, twins.first)


def table(found: Story) -> Table:
    """What is left at the end, for people."""
    rows = ((label, f"{left:.3g}") for label, left in found.left.items())
    title = f"Left of a symbol after {found.lag} steps (1: as just after it)"
    return Table.of(title, ("in", "left"), rows)

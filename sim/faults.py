"""What a recording must keep to apart from codes: its amounts, the rules of streams, the marks."""

from collections.abc import Iterator

import numpy as np

from sim.asked import Asked
from sim.errors import SimulationError
from sim.job import Ints, Recording
from sim.signals import Signals

COUNTER = 1 << 32  # the hardware's counters wrap around here


def check_complete(asked: Asked, recording: Recording) -> None:
    """Refuse a recording with clocks or beats missing.

    Raises
    ------
    SimulationError : one line that counts them.
    """
    if recording.counted != recording.clocks:
        raise SimulationError(
            f"test bench: saw {recording.clocks} of {recording.counted} clocks, must see all"
        )
    found = _found(asked, recording)
    missing = [
        f"{found[name]} of {count} {name} beats"
        for name, count in asked.wanted.items()
        if found[name] < count
    ]
    if missing:
        raise SimulationError(
            f"core: only {' and '.join(missing)} after {recording.clocks} clocks; it is stuck"
        )


def faults(asked: Asked, recording: Recording, shown: Signals, out: Ints) -> Iterator[str]:
    """Whatever else is wrong, a sentence each."""
    yield from _stream(asked, recording)
    yield from _counters(asked, recording)
    if recording.too_long:
        yield "core: `too_long` was set, as if a sequence were longer than it can hold"
    found = _found(asked, recording)
    for name, count in asked.wanted.items():
        if found[name] > count:
            yield f"{name}: {found[name] - count} beats too many"
    if (None, "out") in shown:
        yield from _readout(asked, shown[None, "out"], out)


def _counters(asked: Asked, recording: Recording) -> Iterator[str]:
    """The steps that the core counted, and the clocks in which it was at one."""
    steps = asked.steps // asked.beside
    wanted = {"steps": steps, "cycles": steps * asked.pace}
    for name, count in recording.counters.items():
        if count != wanted[name] % COUNTER:
            yield f"counter `{name}`: {count}, must be {wanted[name] % COUNTER}"


def _found(asked: Asked, recording: Recording) -> dict[str, int]:
    """What came, as `Asked.wanted` counts it."""
    probe = {f"probe {stream.name}": len(recording.probe[stream.name]) for stream in asked.streams}
    ends = {"in": len(recording.in_clocks), "out": len(recording.out_clocks)}
    return ends | probe | {"state": len(recording.state)}


def _readout(asked: Asked, shown: Ints, out: Ints) -> Iterator[str]:
    """The output as the probe saw it must be what left the core, in the steps where it leaves."""
    # final, and shown in every step: a reverse layer's own last step is the sequence's first
    leaving = slice(0, 1) if asked.qnet.output == "final" else slice(-asked.leaving[-1], None)
    differ = np.count_nonzero(shown[..., leaving, :] != out)
    if differ:
        yield f"output stream: {differ} codes differ from the readout that the probe shows"


def _stream(asked: Asked, recording: Recording) -> Iterator[str]:
    if len(recording.unstable):
        yield (
            f"output stream: a beat changed or was withdrawn before it was taken, "
            f"{len(recording.unstable)} times, first in clock {recording.unstable[0]}"
        )
    # a sequence that goes on from a written state goes in without `first`, and so it comes out
    unmarked = asked.state_words and asked.qnet.output == "every"
    shape = (asked.sequences, asked.leaving[-1], asked.qnet.outputs)
    marks = {"first": np.zeros(shape, int), "last": np.zeros(shape, int)}
    marks["first"][:, 0, 0], marks["last"][:, -1, -1] = not unmarked, 1
    for name, values in marks.items():
        right = asked.unfold(values)
        wrong = np.flatnonzero(getattr(recording, f"out_{name}")[: len(right)] != right)
        if len(wrong):
            must = int(right[wrong[0]])
            yield (
                f"output stream: `{name}` is wrong {len(wrong)} times, first on beat {wrong[0]}, "
                f"where it is {1 - must} and must be {must}"
            )

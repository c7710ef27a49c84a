"""Checks of a recording apart from its codes: counts of beats, rules of the streams, marks, and the
clocks in which counters rise."""

from collections.abc import Iterator, Sequence

import numpy as np

from golden.decision import decide
from sim.clocks import must_end
from sim.errors import SimulationError
from sim.job import Ints, Recording
from sim.request import Request
from sim.signals import Signals, leaving


def check_complete(acts: Sequence[Request], recording: Recording) -> None:
    """Refuse a recording with clocks or beats missing.

    Raises
    ------
    SimulationError : one line that counts them.
    """
    if recording.counted != recording.clocks:
        raise SimulationError(
            f"test bench: saw {recording.clocks} of {recording.counted} clocks, must see all"
        )
    found = _found(acts, recording)
    missing = [
        f"{found[name]} of {count} {name} beats"
        for name, count in _wanted(acts).items()
        if found[name] < count
    ]
    if missing or recording.stuck:
        told = f"only {' and '.join(missing)}" if missing else "all beats, and it does not rest,"
        why = f" ({recording.stuck})" if recording.stuck else ""
        raise SimulationError(f"core: {told} after {recording.clocks} clocks; it is stuck{why}")


def run_faults(acts: Sequence[Request], recording: Recording) -> Iterator[str]:
    """Whatever else is wrong with a round, a sentence each."""
    if len(recording.unstable):
        yield (
            f"output stream: a beat changed or was withdrawn before it was taken, "
            f"{len(recording.unstable)} times, first in clock {recording.unstable[0]}"
        )
    if recording.leaps:
        yield (
            f"counters: in {recording.leaps} clocks one fell, or rose by more than it can in a "
            "clock"
        )
    if "steps" in recording.rises:
        yield from _steps(acts, recording)
    if recording.too_long:
        yield "core: `too_long` was set, as if a sequence were longer than it can hold"
    found = _found(acts, recording)
    for name, count in _wanted(acts).items():
        if found[name] > count:
            yield f"{name}: {found[name] - count} beats too many"


def act_faults(request: Request, recording: Recording, shown: Signals, out: Ints) -> Iterator[str]:
    """What is wrong with the marks of an act, and with its output against the probe."""
    shape = (request.sequences, request.leaving[-1], request.qnet.outputs)
    marks = {"first": np.zeros(shape, int), "last": np.zeros(shape, int)}
    marks["first"][:, 0, 0], marks["last"][:, -1, -1] = request.opens, 1
    for name, values in marks.items():
        right = request.unfold(values)
        wrong = np.flatnonzero(getattr(recording, f"out_{name}")[: len(right)] != right)
        if len(wrong):
            must = int(right[wrong[0]])
            yield (
                f"output stream: `{name}` is wrong {len(wrong)} times, first on beat {wrong[0]}, "
                f"where it is {1 - must} and must be {must}"
            )
    readout = request.qnet.first_head + len(request.qnet.head) - 1, "out"
    if readout in shown:
        yield from _readout(request, shown[readout], out)


def _steps(acts: Sequence[Request], recording: Recording) -> Iterator[str]:
    """The steps that the core counted, and the clocks in which one ran.

    A step counts as begun after its input is taken and before its last output leaves, and from then
    on `cycles` rises in each of the schedule's clocks and in no other.
    """
    streams, begun = acts[0].streams, recording.rises["steps"]
    steps = sum(each.steps for each in acts) // streams
    spans = recording.running
    spans = np.append(spans, recording.clocks) if len(spans) % 2 else spans
    if len(begun) != steps:
        yield f"counter `steps`: {len(begun)}, must be {steps}"
        return
    ends = must_end(acts, begun)
    count, must = int(np.sum(spans[1::2] - spans[::2])), int(np.sum(ends - begun))
    if count != must:
        yield f"counter `cycles`: {count}, must be {must}"
    elements = recording.in_clocks[: steps * streams * acts[0].vector]
    early = begun <= elements.reshape(steps, -1)[:, -1]
    late = np.zeros(steps, bool)
    if acts[0].qnet.output == "every":
        beats = recording.out_clocks[: steps * streams * acts[0].qnet.outputs]
        late = begun >= beats.reshape(steps, -1)[:, -1]
    for what, where in (("before its input was taken", early), ("after its output left", late)):
        if where.any():
            step = int(np.argmax(where))
            yield f"counter `steps`: step {step} was counted in clock {begun[step]}, {what}"
    follows = np.isin(begun, ends), np.isin(ends, begun)
    right = np.stack([begun[~follows[0]], ends[~follows[1]]], axis=1).reshape(-1)
    if len(right) != len(spans) or (right != spans).any():
        yield "counter `cycles`: does not rise in just those clocks in which a step runs"


def _wanted(acts: Sequence[Request]) -> dict[str, int]:
    """How many beats or codes of each kind all acts must give."""
    total: dict[str, int] = {}
    for request in acts:
        for name, count in request.wanted.items():
            total[name] = total.get(name, 0) + count
    return total


def _found(acts: Sequence[Request], recording: Recording) -> dict[str, int]:
    """What came, as `Request.wanted` counts it."""
    streams = acts[0].probe
    probe = {f"probe {stream.name}": len(recording.probe[stream.name]) for stream in streams}
    ends = {"in": len(recording.in_clocks), "out": len(recording.out_clocks)}
    return ends | probe | {"state": len(recording.state)}


def _readout(request: Request, shown: Ints, out: Ints) -> Iterator[str]:
    """The output as the probe saw it must be what left the core, in the steps where it leaves."""
    seen = leaving(request, shown)
    differ = np.count_nonzero((decide(seen) if request.qnet.decides else seen) != out)
    if differ:
        yield f"output stream: {differ} codes differ from the readout that the probe shows"

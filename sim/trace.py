"""The hardware's trace: from a recording to the same arrays that the integer model gives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from fixedpoint.network import QuantizedNetwork
from golden.cell import LayerState
from golden.trace import Trace
from sim.errors import SimulationError
from sim.job import Ints, Recording


class Row(Protocol):
    """What is asked of a row of a schedule, see `rtl.schedule.Row`."""

    @property
    def layer(self) -> int | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def index(self) -> int: ...


@dataclass(frozen=True)
class HardwareTrace(Trace):
    """A `Trace` of int64 codes as the simulated gateware showed them, and how long it took.

    Without a probe only `out` is known: `layers` and `state` are then empty.

    Attributes
    ----------
    saturations : by kind, summed over layers (`i`, `s`, `out`, ...), as the hardware counted them.
    faults : what was wrong apart from codes, one sentence each: stream rules, flags, extra beats.
    step_cycles : (T,) or (N, T), the clock of each step's last output beat, from the first beat in.
    cycles : clocks from the first beat in to the last beat out, both counted.
    latency : clocks from the last element of the first vector to the first output beat.
    waits : clocks of `idle` (source paused), `input` (core not ready), `output` (sink not ready).
    clocks : all that were simulated.
    seconds : that it took, start and end of the simulator included, its build not.
    """

    saturations: dict[str, int]
    faults: tuple[str, ...]
    step_cycles: Ints
    cycles: int
    latency: int
    waits: dict[str, int]
    clocks: int
    seconds: float

    @property
    def probed(self) -> bool:
        """Whether the signals inside were seen, and not `out` alone."""
        return bool(self.layers)

    @property
    def cycles_per_step(self) -> float:
        """Clocks a step in the steady state: the mean over the last half of the last sequence.

        NaN for fewer than 4 steps; idle and back-pressure count as they come.
        """
        ends = self.step_cycles[-1] if self.step_cycles.ndim == 2 else self.step_cycles
        late = ends[len(ends) // 2 :]
        return float(late[-1] - late[0]) / (len(late) - 1) if len(ends) >= 4 else float("nan")

    @property
    def cycles_per_second(self) -> float:
        """Speed of the simulation."""
        return self.clocks / self.seconds


@dataclass(frozen=True)
class Run:
    """What was asked of a run: the network, the order of the probe's rows, the input's shape."""

    qnet: QuantizedNetwork
    rows: tuple[Row, ...]
    shape: tuple[int, ...]
    probe: bool

    @property
    def times(self) -> tuple[int, ...]:
        """(T,) or (N, T)."""
        return self.shape[:-1]

    @property
    def steps(self) -> int:
        """Steps of all sequences."""
        return int(np.prod(self.times))

    @property
    def probe_lengths(self) -> dict[str, int]:
        """Codes a step on each part of the probe."""
        cells = sum(layer.shape.cells for layer in self.qnet.layers)
        return {"act": len(self.rows), "s": cells, "y": cells} if self.probe else {}

    def fold(self, values: Ints) -> Ints:
        """Values in order of arrival, step by step, to (..., values a step)."""
        return values.reshape(*self.times, -1)


def assemble(run: Run, recording: Recording, seconds: float) -> HardwareTrace:
    """The trace of a run.

    Raises
    ------
    SimulationError : fewer beats than the run must give.
    """
    wanted = {"in": run.steps * run.qnet.inputs, "out": run.steps * run.qnet.outputs}
    wanted |= {name: length * run.steps for name, length in run.probe_lengths.items()}
    found = {"in": len(recording.in_clocks), "out": len(recording.out_clocks)}
    found |= {name: len(getattr(recording, name)) for name in run.probe_lengths}
    _check_complete(wanted, found, recording)
    out = run.fold(recording.out_data[: wanted["out"]])
    layers, state, faults = (), (), []
    if run.probe:
        act, s, y = (run.fold(getattr(recording, k)[: wanted[k]]) for k in ("act", "s", "y"))
        layers, state = _layers(run, act, s, y)
        faults += _readout_faults(run, act, out)
    start, first_vector = recording.in_clocks[0], recording.in_clocks[run.qnet.inputs - 1]
    ends = run.fold(recording.out_clocks[: wanted["out"]])[..., -1] - start
    idle = int(recording.in_clocks[-1]) - wanted["in"] - recording.in_waits  # none in clock 0
    return HardwareTrace(
        layers=layers,
        out=out,
        state=state,
        saturations=recording.saturations,
        faults=(*_stream_faults(run, recording), *_surplus(wanted, found), *faults),
        step_cycles=ends,
        cycles=int(ends.max()) + 1,
        latency=int(recording.out_clocks[0] - first_vector),
        waits={"idle": idle, "input": recording.in_waits, "output": recording.out_waits},
        clocks=recording.clocks,
        seconds=seconds,
    )


def _check_complete(wanted: dict[str, int], found: dict[str, int], recording: Recording) -> None:
    if recording.counted != recording.clocks:
        raise SimulationError(
            f"test bench: saw {recording.clocks} of {recording.counted} clocks, must see all"
        )
    missing = [
        f"{found[name]} of {count} {name} beats"
        for name, count in wanted.items()
        if found[name] < count
    ]
    if missing:
        raise SimulationError(
            f"core: only {' and '.join(missing)} after {recording.clocks} clocks; it is stuck"
        )


def _layers(
    run: Run, act: Ints, s: Ints, y: Ints
) -> tuple[tuple[dict[str, Any], ...], tuple[LayerState, ...]]:
    """Signals by layer and name, and the state after the last step."""
    places = {(row.layer, row.kind, row.index): k for k, row in enumerate(run.rows)}
    layers, states, start = [], [], 0
    for k, layer in enumerate(run.qnet.layers):
        shape = layer.shape
        found = {
            kind: act[..., [places[k, kind, n] for n in range(shape.rows(kind))]]
            for kind in shape.kinds
        }
        cut = slice(start, start + shape.cells)
        found |= {"s": s[..., cut], "y": y[..., cut]}
        start = cut.stop
        gates = np.concatenate([found[kind][..., -1, :] for kind in shape.gates], axis=-1)
        layers.append({name: found[name] for name in shape.signals})
        states.append(LayerState(found["s"][..., -1, :], found["y"][..., -1, :], gates))
    return tuple(layers), tuple(states)


def _readout_faults(run: Run, act: Ints, out: Ints) -> Iterator[str]:
    """The output as the probe saw it must be what left the core."""
    if run.qnet.readout is None:
        return
    places = {row.index: k for k, row in enumerate(run.rows) if row.layer is None}
    differ = np.count_nonzero(act[..., [places[n] for n in range(run.qnet.outputs)]] != out)
    if differ:
        yield f"output stream: {differ} codes differ from the readout that the probe shows"


def _stream_faults(run: Run, recording: Recording) -> Iterator[str]:
    if len(recording.unstable):
        yield (
            f"output stream: a beat changed or was withdrawn before it was taken, "
            f"{len(recording.unstable)} times, first in clock {recording.unstable[0]}"
        )
    beats = run.shape[-2] * run.qnet.outputs  # of one sequence
    place = np.arange(run.steps * run.qnet.outputs) % beats
    for name, right in (("first", place == 0), ("last", place == beats - 1)):
        wrong = np.flatnonzero(getattr(recording, f"out_{name}")[: len(place)] != right)
        if len(wrong):
            must = int(right[wrong[0]])
            yield (
                f"output stream: `{name}` is wrong {len(wrong)} times, first on beat {wrong[0]}, "
                f"where it is {1 - must} and must be {must}"
            )


def _surplus(wanted: dict[str, int], found: dict[str, int]) -> Sequence[str]:
    return [
        f"{name}: {found[name] - count} beats too many"
        for name, count in wanted.items()
        if found[name] > count
    ]

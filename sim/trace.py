"""The hardware's trace: from a recording to the same arrays that the integer model gives."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from golden.trace import Trace
from sim.faults import act_faults, check_complete, run_faults
from sim.harness import SATURATED, UPSETS
from sim.job import Ints, Recording
from sim.request import Request
from sim.signals import by_layer, dense, final_state, signals, stem


@dataclass(frozen=True, repr=False)
class ShownTrace(Trace):
    """A `Trace` of int64 codes as the simulated gateware showed them.

    Without a probe only `out` is known: `layers` is then empty, and so is `state`, unless it was
    read through the state port. Gates that the port lacks, because no step reads them of the one
    before, are then 0.

    Attributes
    ----------
    saturations : by kind, summed over layers (`i`, `s`, `out`, ...), as the hardware counted them.
    upsets : of a protected core: clocks in which a flipped bit was mended (`corrected`), and in
        which a word was read that cannot be mended (`uncorrectable`); of others nothing.
    faults : what was wrong apart from codes, one sentence each: stream rules, flags, counters,
        extra beats.
    """

    saturations: dict[str, int]
    upsets: dict[str, int]
    faults: tuple[str, ...]

    @property
    def probed(self) -> bool:
        """Whether the signals inside were seen, and not `out` alone."""
        return bool(self.layers)


@dataclass(frozen=True, repr=False)
class HardwareTrace(ShownTrace):
    """What a core showed, and how long it took.

    Attributes
    ----------
    step_cycles : (T,) or (N, T), the clock of each step's last output beat, from the first beat in;
        (1,) or (N, 1) where only the last output of a sequence leaves.
    cycles : clocks from the first beat in to the last beat out, both counted.
    latency : clocks from the last element of the first step's input to the first output beat.
    waits : clocks of `idle` (source paused, the time between sequences with a state port included),
        `input` (core not ready), `output` (sink not ready).
    clocks : all that were simulated.
    seconds : that it took, start and end of the simulator included, its build not.
    paced, apart : clocks that tell the core's pace where `step_cycles` do not, and how many steps
        lie between two of them. With the last output only, (T,) or (N, T), those in which each
        vector's last element was taken; of a core that holds whole sequences, (N,), those of the
        sequences' ends.
    begun : the clocks in which steps began, of a core that takes step after step; else None.
    """

    step_cycles: Ints
    cycles: int
    latency: int
    waits: dict[str, int]
    clocks: int
    seconds: float
    paced: Ints | None = None
    apart: int = 1
    begun: Ints | None = None

    @property
    def cycles_per_step(self) -> float:
        """Clocks a step in the steady state: the mean over the last half of the last sequence.

        Measured on the outputs. Where only the last one leaves, it is measured on the input: the
        core takes a vector when it has done with one. A core that holds whole sequences gives its
        pace from sequence to sequence: then it is the mean over the last half of the sequences.
        NaN for fewer than 4 of what is measured. Idle and back-pressure count as they come.
        """
        ends = self.step_cycles if self.paced is None else self.paced
        ends = ends[-1] if ends.ndim == 2 else ends
        late = ends[len(ends) // 2 :]
        if len(ends) < 4:
            return float("nan")
        return float(late[-1] - late[0]) / ((len(late) - 1) * self.apart)

    @property
    def cycles_per_second(self) -> float:
        """Speed of the simulation."""
        return self.clocks / self.seconds


def assemble(request: Request, recording: Recording, seconds: float) -> HardwareTrace:
    """The trace of a run.

    Raises
    ------
    SimulationError : fewer beats than the run must give; a run that does not end.
    """
    check_complete([request], recording)
    counts = {name: len(clocks) for name, clocks in saturations(recording).items()}
    shown = show(request, recording, counts, run_faults([request], recording))
    elements, first = request.wanted["in"], request.vector * request.streams
    taken = request.fold(recording.in_clocks[:elements], request.times)[..., -1]
    start = recording.in_clocks[0]
    ends = request.fold(recording.out_clocks[: request.beats], request.leaving)[..., -1] - start
    idle = int(recording.in_clocks[-1]) - elements - recording.in_waits  # none in clock 0
    return HardwareTrace(
        **{field.name: getattr(shown, field.name) for field in fields(ShownTrace)},
        step_cycles=ends,
        cycles=int(ends.max()) + 1,
        latency=int(recording.out_clocks[0] - recording.in_clocks[first - 1]),
        waits={"idle": idle, "input": recording.in_waits, "output": recording.out_waits},
        clocks=recording.clocks,
        seconds=seconds,
        **_pace(request, ends, taken - start),
        begun=recording.rises.get("steps"),
    )


def show(
    request: Request, recording: Recording, counts: dict[str, int], faults: Iterable[str]
) -> ShownTrace:
    """The trace of an act, of which a recording has all beats, with these saturations, and these
    faults in addition to its own."""
    shown = signals(request, recording)
    layers = by_layer(request, shown)
    out = request.fold(recording.out_data[: request.beats], request.leaving)
    own = act_faults(request, recording, shown, out)
    state = final_state(request, layers, recording)
    inner = {"stem": stem(request, shown), "dense": dense(request, shown)}
    return ShownTrace(layers, out, state, counts, upsets(recording), (*own, *faults), **inner)


def saturations(recording: Recording) -> dict[str, Ints]:
    """The clocks in which the counters of saturations rose, by kind."""
    return {
        name.removeprefix(SATURATED): clocks
        for name, clocks in recording.rises.items()
        if name.startswith(SATURATED)
    }


def upsets(recording: Recording) -> dict[str, int]:
    """What a protected core counted of flipped bits."""
    return {name: len(recording.rises[name]) for name in UPSETS if name in recording.rises}


def _pace(request: Request, ends: Ints, taken: Ints) -> dict[str, Any]:
    """`HardwareTrace.paced` and `apart`."""
    if request.offline:
        return {"paced": ends[..., -1].reshape(-1), "apart": request.times[-1]}
    return {} if request.qnet.output == "every" else {"paced": taken}

"""The gateware in simulation, and what it says for itself: same codes, same cycles."""

import math
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sim
from carousel import output, steps
from carousel.tables import Table
from fixedpoint import QuantizedTrace
from golden.trace import Trace
from rtl import Schedule, make_core
from rtl.offline import OfflineSchedule
from sim import HardwareTrace, Verdict


@dataclass(frozen=True)
class Gateware:
    """One simulation, compared.

    Attributes
    ----------
    trace : what the gateware gave, in codes.
    real : the same in real values.
    verdict : the comparison with the integer model.
    schedule : what was predicted; an `OfflineSchedule` where the network has reverse layers.
    freely : whether input and output never paused, so that the cycles can be the predicted ones.
    length : steps of a sequence.
    """

    trace: HardwareTrace
    real: Trace
    verdict: Verdict
    schedule: Schedule | OfflineSchedule
    freely: bool
    length: int

    @property
    def measured(self) -> float | None:
        """Cycles a step, or None where too few steps (or sequences) were run to tell."""
        cycles = self.trace.cycles_per_step
        return None if math.isnan(cycles) else cycles

    @property
    def timed(self) -> bool:
        """Whether the measured cycles must be the predicted ones.

        Not where the streams pause, and not of a core that holds whole sequences: its prediction is
        the pace of long runs of them.
        """
        whole = isinstance(self.schedule, OfflineSchedule)
        return self.freely and self.measured is not None and not whole

    @property
    def on_time(self) -> bool:
        """Measured cycles are the predicted ones, wherever they must be."""
        return not self.timed or self.measured == self.schedule.cycles_per_step

    @property
    def lanes(self) -> int:
        """The number of lanes to ask for to get this core again: the most of one part."""
        return max(part.lanes for part in _parts(self.schedule))

    @property
    def ok(self) -> bool:
        return self.verdict.ok and self.on_time


def play(
    subject: steps.Subject,
    lanes: int | None,
    idle: float = 0.0,
    back_pressure: float = 0.0,
    seed: int = 0,
    waves: Path | None = None,
    streams: int = 1,
    nonzeros: int | None = None,
) -> Gateware:
    """Build the simulator, run the sequences through the gateware, compare every code."""
    qnet, codes = subject.qnet, subject.codes
    start: dict[str, Any] = {} if subject.state_codes is None else {"state": subject.state_codes}
    room: dict[str, Any] = {} if subject.max_length is None else {"max_length": subject.max_length}
    if streams > 1:
        room["streams"] = streams
    if nonzeros is not None:
        room["nonzeros"] = nonzeros
    core = make_core(qnet, lanes, max_length=subject.max_length, streams=streams, nonzeros=nonzeros)
    schedule = core.schedule
    with (
        steps.progress("Gateware: build, then simulate") as report,
        output.beside(waves) if waves else nullcontext() as file,
    ):
        trace = sim.simulate(
            qnet,
            codes,
            lanes=lanes,
            idle=idle,
            back_pressure=back_pressure,
            seed=seed,
            waves=file,
            progress=report,
            **start,
            **room,
        )
    verdict = sim.check(qnet, codes, trace, **start)
    real = QuantizedTrace(trace.layers, trace.out, trace.state, qnet.formats, {}).real()
    freely = not idle and not back_pressure
    return Gateware(trace, real, verdict, schedule, freely, codes.shape[-2])


def _parts(schedule: Schedule | OfflineSchedule) -> tuple[Schedule, ...]:
    return schedule.parts if isinstance(schedule, OfflineSchedule) else (schedule,)


def measured(found: Gateware, steps: int = 1) -> str:
    """Cycles of this many steps, for people."""
    if found.measured is not None:
        return f"{found.measured * steps:g}"
    whole = isinstance(found.schedule, OfflineSchedule)
    return "too few sequences" if whole else "too few steps"


def table(found: Gateware) -> Table:
    """For people."""
    schedule, trace, verdict = found.schedule, found.trace, found.verdict
    differ = sum(hardware != model for model, hardware in verdict.saturations.values())
    clipped = [f"{kind} {count:,}" for kind, count in trace.saturations.items() if count]
    rows: list[tuple[str, object]] = [
        ("codes compared with fixed point", f"{verdict.codes:,}"),
        ("codes that differ", f"{verdict.wrong:,}"),
        ("values clipped, by signal", ", ".join(clipped) or "none"),
        ("saturation counters that differ", differ),
        ("lanes (multipliers)", schedule.lanes),
        ("cycles a step, measured", measured(found)),
        ("cycles a step, predicted", schedule.cycles_per_step),
        ("of these, waiting for a result", schedule.stall_per_step),
        ("multipliers in use", f"{100 * schedule.utilisation:.1f} %"),
        ("latency of the first output, cycles", trace.latency),
        *_whole(found),
        ("clocks simulated", f"{trace.clocks:,}"),
        ("simulated clocks a second", f"{trace.cycles_per_second:,.0f}"),
    ]
    if verdict.first:
        rows.append(("first difference", verdict.first))
    rows += [("fault", fault) for fault in verdict.faults]
    return Table.of("Gateware", ("", "found"), rows)


def _whole(found: Gateware) -> list[tuple[str, object]]:
    """What only a core that holds whole sequences has."""
    schedule = found.schedule
    if not isinstance(schedule, OfflineSchedule):
        return []
    return [
        ("lanes of its parts", ", ".join(str(part.lanes) for part in schedule.parts)),
        ("cycles a step of its parts", ", ".join(str(p.cycles_per_step) for p in schedule.parts)),
        ("cycles a sequence, measured", measured(found, found.length)),
        ("memory that holds sequences, bits", f"{schedule.buffer_bits:,}"),
    ]


def plain(found: Gateware) -> dict[str, Any]:
    """For programs."""
    schedule, trace, verdict = found.schedule, found.trace, found.verdict
    return {
        "compared": verdict.codes,
        "mismatches": verdict.wrong,
        "mismatches_by_signal": verdict.mismatches,
        "first_mismatch": str(verdict.first) if verdict.first else None,
        "saturations": trace.saturations,
        "saturations_equal": verdict.saturations_equal,
        "faults": list(verdict.faults),
        "lanes": schedule.lanes,
        "cycles_per_step": {
            "measured": found.measured,
            "predicted": schedule.cycles_per_step,
            "ideal": schedule.ideal_cycles,
            "stall": schedule.stall_per_step,
        },
        "utilisation": schedule.utilisation,
        "latency": trace.latency,
        "clocks": trace.clocks,
        "clocks_per_second": trace.cycles_per_second,
        **_plain_whole(found),
    }


def _plain_whole(found: Gateware) -> dict[str, Any]:
    """What only a core that holds whole sequences has."""
    if not isinstance(found.schedule, OfflineSchedule):
        return {}
    return {
        "parts": [
            {"lanes": part.lanes, "cycles_per_step": part.cycles_per_step}
            for part in found.schedule.parts
        ],
        "cycles_per_sequence": found.measured and found.measured * found.length,
        "sequence_memory_bits": found.schedule.buffer_bits,
    }

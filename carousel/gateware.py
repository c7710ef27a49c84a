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
from golden import InputError
from golden.trace import Trace
from rtl.schedule import Schedule, plan
from sim import HardwareTrace, Verdict


@dataclass(frozen=True)
class Gateware:
    """One simulation, compared.

    Attributes
    ----------
    trace : what the gateware gave, in codes.
    real : the same in real values.
    verdict : the comparison with the integer model.
    schedule : what was predicted.
    freely : whether input and output never paused, so that the cycles can be the predicted ones.
    """

    trace: HardwareTrace
    real: Trace
    verdict: Verdict
    schedule: Schedule
    freely: bool

    @property
    def measured(self) -> float | None:
        """Cycles a step, or None where too few steps were run to tell."""
        cycles = self.trace.cycles_per_step
        return None if math.isnan(cycles) else cycles

    @property
    def on_time(self) -> bool:
        """Measured cycles are the predicted ones, wherever the streams let them be."""
        return not self.freely or self.measured in (None, self.schedule.cycles_per_step)

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
) -> Gateware:
    """Build the simulator, run the sequences through the gateware, compare every code.

    Raises
    ------
    InputError : a state to start from, which simulations do not take.
    """
    qnet, codes = subject.qnet, subject.codes
    if subject.state_codes is not None:
        raise InputError(
            "--state: gateware is simulated from the network's own initial state; allowed is "
            "`carousel compare` without --gateware"
        )
    schedule = plan(qnet, lanes)
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
        )
    verdict = sim.check(qnet, codes, trace)
    real = QuantizedTrace(trace.layers, trace.out, trace.state, qnet.formats, {}).real()
    return Gateware(trace, real, verdict, schedule, freely=not idle and not back_pressure)


def measured(found: Gateware) -> str:
    """Cycles a step, for people."""
    return "too few steps" if found.measured is None else f"{found.measured:g}"


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
        ("clocks simulated", f"{trace.clocks:,}"),
        ("simulated clocks a second", f"{trace.cycles_per_second:,.0f}"),
    ]
    if verdict.first:
        rows.append(("first difference", verdict.first))
    rows += [("fault", fault) for fault in verdict.faults]
    return Table.of("Gateware", ("", "found"), rows)


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
    }

"""The gateware in simulation, and what it says for itself: same codes, same cycles."""

import math
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import sim
from carousel.cli import output, progress
from carousel.cli.subject import Subject
from carousel.measure import skipped
from carousel.measure.skipped import Skipped
from carousel.report.tables import Table
from fixedpoint import QuantizedNetwork, QuantizedTrace
from golden import pieces
from golden.trace import Trace
from rtl import CoreOptions, CorePlan, plan
from rtl.options import USUAL
from sim import HardwareTrace, Pattern, Verdict, scoreboard
from sim.scenario import UNDISTURBED


@dataclass(frozen=True)
class Gateware:
    """One simulation, compared.

    Attributes
    ----------
    trace : what the gateware gave, in codes.
    real : the same in real values; the outputs are logits where the core decides among them.
    verdict : the comparison with the integer model.
    plan : of the core: what was predicted.
    freely : whether input and output never paused, so that the cycles can be the predicted ones.
    length : steps of a sequence.
    skipped : of a core that skips, what it skipped; else None.
    """

    trace: HardwareTrace
    real: Trace
    verdict: Verdict
    plan: CorePlan
    freely: bool
    length: int
    skipped: Skipped | None = None

    @property
    def measured(self) -> float | None:
        """Cycles a step, or None where too few steps (or sequences) were run to tell."""
        if self.skipped is not None and not self.plan.holds_sequences:
            return float(self.skipped.cycles.mean()) if len(self.skipped.cycles) else None
        cycles = self.trace.cycles_per_step
        return None if math.isnan(cycles) else cycles

    @property
    def timed(self) -> bool:
        """Whether the measured cycles must be the predicted ones.

        Not where the streams pause, and not of a core that holds whole sequences: its prediction is
        the pace of long runs of them.
        """
        return self.freely and self.measured is not None and not self.plan.holds_sequences

    @property
    def on_time(self) -> bool:
        """Measured cycles are the predicted ones, wherever they must be."""
        if self.skipped is not None:
            return not self.timed or self.skipped.on_time
        return not self.timed or self.measured == self.plan.cycles_per_step

    @property
    def ok(self) -> bool:
        return self.verdict.ok and self.on_time


def play(
    subject: Subject,
    options: CoreOptions = USUAL,
    pattern: Pattern = UNDISTURBED,
    waves: Path | None = None,
) -> Gateware:
    """Build the simulator, run the sequences through the gateware, compare every code."""
    qnet, codes = subject.core, subject.codes
    start: dict[str, Any] = {} if subject.state_codes is None else {"state": subject.state_codes}
    held, skip = subject.max_length, subject.skipping.skip
    core = plan(qnet, replace(options, max_length=held, probe=True, skip=skip))
    with (
        progress.bar("Gateware: build, then simulate") as report,
        output.file(waves) if waves else nullcontext() as file,
    ):
        trace = sim.simulate(
            core,
            codes,
            pattern=pattern,
            waves=file,
            progress=report,
            **start,
        )
    verdict = sim.check(qnet, codes, trace, **start)
    parts = trace.layers, trace.out, trace.state
    shown = QuantizedTrace(
        *parts, qnet.formats, {}, qnet.decision, stem=trace.stem, dense=trace.dense
    )
    real = _logits(qnet, shown.real()) if qnet.decides else shown.real()
    freely = not pattern.idle and not pattern.back_pressure
    left_out = skipped.look(core, codes, trace, subject.state_codes)
    return Gateware(trace, real, verdict, core, freely, codes.shape[-2], left_out)


def _logits(qnet: QuantizedNetwork, real: Trace) -> Trace:
    """The trace of a core that decides, with the values among which it does as its outputs."""
    if real.dense:
        return replace(real, out=real.dense[-1], dense=real.dense[:-1])
    ways = qnet.stages[-1]
    if qnet.output == "final":
        parts = [real.state[k].y[..., None, :] for k in ways]
    else:
        parts = [real.layers[k]["y"][..., -real.out.shape[-2] :, :] for k in ways]
    return replace(real, out=np.concatenate(parts, axis=-1))


def joined(one: Gateware, other: Gateware, sequences: int = 0, steps: int = 0) -> Gateware:
    """A run and a piece that begins with that sequence or step; of signals inside, and of the
    clocks of steps, the traces have those of the piece alone."""
    clipped = {name: n + one.trace.saturations[name] for name, n in other.trace.saturations.items()}
    upsets = {name: n + one.trace.upsets[name] for name, n in other.trace.upsets.items()}
    axis, ends = (0, (one, other)) if sequences else (-2, (other,))
    trace = replace(
        other.trace,
        out=np.concatenate((one.trace.out, other.trace.out), axis=axis),
        state=pieces.together([each.trace.state for each in ends]),
        saturations=clipped,
        upsets=upsets,
        latency=one.trace.latency,
        clocks=one.trace.clocks + other.trace.clocks,
        seconds=one.trace.seconds + other.trace.seconds,
    )
    real = replace(
        other.real,
        out=np.concatenate((one.real.out, other.real.out), axis=axis),
        state=pieces.together([each.real.state for each in ends]),
    )
    return replace(
        other,
        trace=trace,
        real=real,
        verdict=scoreboard.joined(one.verdict, other.verdict, sequences, steps),
        length=one.length if sequences else one.length + other.length,
    )


def predicted(found: Gateware) -> object:
    """Cycles a step, as they were planned: of a core that skips the mean of those of its input."""
    if found.skipped is None:
        return found.plan.cycles_per_step
    clocks = found.skipped.predicted
    if found.plan.holds_sequences:
        return f"at most {found.plan.cycles_per_step}"
    return f"{clocks.mean():g}" if len(clocks) else "too few steps"


def measured(found: Gateware, steps: int = 1) -> str:
    """Cycles of this many steps, for people."""
    if found.measured is not None:
        return f"{found.measured * steps:g}"
    return "too few sequences" if found.plan.holds_sequences else "too few steps"


def table(found: Gateware) -> Table:
    """For people."""
    core, trace, verdict = found.plan, found.trace, found.verdict
    differ = sum(hardware != model for model, hardware in verdict.saturations.values())
    clipped = [f"{kind} {count:,}" for kind, count in trace.saturations.items() if count]
    rows: list[tuple[str, object]] = [
        ("codes compared with fixed point", f"{verdict.codes:,}"),
        ("codes that differ", f"{verdict.wrong:,}"),
        ("values clipped, by signal", ", ".join(clipped) or "none"),
        ("saturation counters that differ", differ),
        ("lanes (multipliers)", core.lanes),
        *_paces(found),
        ("latency of the first output, cycles", trace.latency),
        *_whole(found),
        *((f"bits flipped, {name}", count) for name, count in trace.upsets.items()),
        ("clocks simulated", f"{trace.clocks:,}"),
        ("simulated clocks a second", f"{trace.cycles_per_second:,.0f}"),
    ]
    if verdict.first:
        rows.append(("first difference", verdict.first))
    rows += [("fault", fault) for fault in verdict.faults]
    return Table.of("Gateware", ("", "found"), rows)


def _paces(found: Gateware) -> list[tuple[str, object]]:
    """How long a step takes."""
    core = found.plan
    if found.skipped is not None:
        most = ("cycles a step, at most", core.cycles_per_step)
        held = [("cycles a step, measured", measured(found))] if core.holds_sequences else []
        return [*skipped.rows(found.skipped), *held, most]
    return [
        ("cycles a step, measured", measured(found)),
        ("cycles a step, predicted", core.cycles_per_step),
        ("of these, waiting for a result", core.stall_per_step),
        ("multipliers in use", f"{100 * core.utilisation:.1f} %"),
    ]


def skips(found: Gateware) -> list[tuple[str, object]]:
    """Of a core that skips, the share of active columns and the clocks of steps."""
    return [] if found.skipped is None else skipped.rows(found.skipped)[:2]


def _whole(found: Gateware) -> list[tuple[str, object]]:
    """What only a core that holds whole sequences has."""
    core = found.plan
    if not core.holds_sequences:
        return []
    return [
        ("lanes of its parts", ", ".join(str(part.lanes) for part in core.schedules)),
        (
            "cycles a step of its parts",
            ", ".join(str(part.cycles_per_step) for part in core.schedules),
        ),
        ("cycles a sequence, measured", measured(found, found.length)),
        ("memory that holds sequences, bits", f"{core.buffer_bits:,}"),
    ]


def plain(found: Gateware) -> dict[str, Any]:
    """For programs."""
    core, trace, verdict = found.plan, found.trace, found.verdict
    return {
        "compared": verdict.codes,
        "mismatches": verdict.wrong,
        "mismatches_by_signal": verdict.mismatches,
        "first_mismatch": str(verdict.first) if verdict.first else None,
        "saturations": trace.saturations,
        "saturations_equal": verdict.saturations_equal,
        **({"upsets": trace.upsets} if trace.upsets else {}),
        "faults": list(verdict.faults),
        "lanes": core.lanes,
        "cycles_per_step": {
            "measured": found.measured,
            "predicted": core.cycles_per_step,
            "ideal": core.ideal_cycles,
            "stall": core.stall_per_step,
        },
        "utilisation": core.utilisation,
        "latency": trace.latency,
        "clocks": trace.clocks,
        "clocks_per_second": trace.cycles_per_second,
        **_plain_whole(found),
        **skipped.plain(found.skipped),
    }


def _plain_whole(found: Gateware) -> dict[str, Any]:
    """What only a core that holds whole sequences has."""
    if not found.plan.holds_sequences:
        return {}
    return {
        "parts": [
            {"lanes": part.lanes, "cycles_per_step": part.cycles_per_step}
            for part in found.plan.schedules
        ],
        "cycles_per_sequence": found.measured and found.measured * found.length,
        "sequence_memory_bits": found.plan.buffer_bits,
    }

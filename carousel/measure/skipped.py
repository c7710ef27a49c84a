"""Of a core that skips: how many columns were active in each step, and how long steps took."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fixedpoint.arithmetic import Codes
from rtl import CorePlan
from rtl.activity import State, activity
from rtl.schedule.skipping import SkipSchedule
from sim import HardwareTrace

HEAD = "mean, 99th percentile, most"


@dataclass(frozen=True)
class Skipped:
    """What a core skipped in steps one after the other.

    Attributes
    ----------
    shares : of each step, the share of the columns of all groups that were active.
    predicted : clocks from each step to the next, where the streams never pause; but not to one
        before which a state is written, and none of a core that holds sequences.
    measured : the same in simulation; None where nothing was simulated.
    """

    shares: np.ndarray
    predicted: Codes
    measured: Codes | None

    @property
    def on_time(self) -> bool:
        """Whether every step took the clocks that were predicted."""
        return self.measured is not None and np.array_equal(self.measured, self.predicted)

    @property
    def cycles(self) -> Codes:
        """The measured clocks; the predicted ones where there are none."""
        return self.predicted if self.measured is None else self.measured


def look(
    core: CorePlan, codes: Codes, trace: HardwareTrace | None, state: State | None = None
) -> Skipped | None:
    """What the core skips of codes (T, D) or (N, T, D), sequence by sequence, each from its state
    where there is one; None for a core that skips nothing."""
    schedule = core.parts[0].schedule
    if not isinstance(schedule, SkipSchedule):
        return None
    if core.holds_sequences:
        return Skipped(_of_parts(core, codes), np.zeros(0, np.int64), None)
    steps = activity(core.qnet, schedule, codes, state)
    shares = schedule.active(*steps) / schedule.ideal_cycles
    follows = [t not in steps.loaded for t in range(1, len(shares))]
    predicted = np.diff(schedule.begins(*steps))[follows]
    begun = None if trace is None or trace.begun is None else np.diff(trace.begun)[follows]
    return Skipped(shares, predicted, begun)


def _of_parts(core: CorePlan, codes: Codes) -> np.ndarray:
    """The shares of each step, of all parts of a core that holds sequences; each sees its input in
    its own direction."""
    x, plans = codes.reshape(-1, *codes.shape[-2:]), iter(core.parts)
    active, whole = np.zeros(x.shape[:2]), 0
    for group in core.groups:
        given = []
        for part in group:
            schedule, turn = next(plans).schedule, slice(None, None, -1 if part.reverse else 1)
            whole += schedule.ideal_cycles
            found = np.full(active.shape, schedule.ideal_cycles)
            if isinstance(schedule, SkipSchedule):
                steps = activity(part.qnet, schedule, x[:, turn])
                found = schedule.active(*steps).reshape(active.shape)
            active += found[:, turn]
            every = replace(part.qnet, output="every", decides=False)
            given.append(every.run(x[:, turn]).out[:, turn])
        x = np.concatenate(given, axis=-1)
    return active.reshape(-1) / whole


def three(values: np.ndarray) -> tuple[float, ...]:
    """Mean, 99th percentile and most; nothing of nothing."""
    if not len(values):
        return (float("nan"),) * 3
    return float(values.mean()), float(np.percentile(values, 99)), float(values.max())


def cycles(values: np.ndarray) -> str:
    """Clocks a step, for people."""
    return ", ".join(f"{each:,.0f}" for each in three(values)) if len(values) else "too few steps"


def rows(found: Skipped) -> list[tuple[str, object]]:
    """For people."""
    shares = ", ".join(f"{100 * each:.1f} %" for each in three(found.shares))
    said: list[tuple[str, object]] = [(f"active columns: {HEAD}", shares)]
    if found.measured is None and not len(found.predicted):
        return said
    return [
        *said,
        (f"cycles a step, measured: {HEAD}", cycles(found.cycles)),
        (f"cycles a step, predicted: {HEAD}", cycles(found.predicted)),
    ]


def plain(found: Skipped | None) -> dict[str, Any]:
    """For programs; nothing of a core that skips nothing."""
    if found is None:
        return {}
    names = ("mean", "percentile_99", "most")
    values = {
        "active_share": found.shares,
        "cycles": found.cycles,
        "predicted_cycles": found.predicted,
    }
    return {
        "skipped": {
            what: dict(zip(names, three(each), strict=True))
            for what, each in values.items()
            if len(each)
        }
    }

"""Which columns of a core that skips are active on given input, by the integer model."""

from dataclasses import replace

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.network import QuantizedNetwork
from fixedpoint.skipping import LISTED
from golden.cell import LayerState
from golden.wiring import INPUT
from rtl.schedule.skipping import Flags, Given, Listed, SkipSchedule, thresholds_of

State = tuple[LayerState, ...]


def given(
    qnet: QuantizedNetwork, codes: Codes, state: State | None = None
) -> tuple[dict[Given, Codes], State]:
    """What the input has and each stage gives in every step, each (N T, width), sequence by
    sequence; and the state after them. Codes are (T, D) or (N, T, D)."""
    trace = replace(qnet, output="every", decides=False).run(codes, state)
    found = {Given(INPUT): codes}
    for k, (layer, signals) in enumerate(zip(qnet.layers, trace.layers, strict=True)):
        found |= {Given(k, kind): signals[kind] for kind in ("m", "y") if kind in signals}
        # block by block, as they are computed
        found[Given(k, "gates")] = np.stack([signals[g] for g in layer.shape.gates], axis=-1)
    found |= {Given(k): values for k, values in enumerate(trace.dense, qnet.first_head)}
    steps = codes.size // codes.shape[-1]
    return {k: values.reshape(steps, -1) for k, values in found.items()}, trace.state


def listed(
    qnet: QuantizedNetwork, schedule: SkipSchedule, values: dict[Given, Codes], first: Flags
) -> Listed:
    """Which of the values of steps (T, width) a core lists; `first` are those steps that begin a
    sequence."""
    known = thresholds_of(qnet)
    cuts = np.flatnonzero(first)[1:] if first[0] else np.flatnonzero(first)
    find = LISTED[schedule.skip]
    return {
        k: np.concatenate([find(part, known.get(k, 0)) for part in np.split(values[k], cuts)])
        for k in schedule.widths
    }


def activity(qnet: QuantizedNetwork, schedule: SkipSchedule, codes: Codes) -> tuple[Listed, Flags]:
    """For `schedule.spans` and `schedule.active`: what is listed of each step of sequences (T, D)
    or (N, T, D), one after the other, and which steps begin one."""
    steps = codes.shape[-2]
    first = np.arange(codes.size // codes.shape[-1]) % steps == 0
    return listed(qnet, schedule, given(qnet, codes)[0], first), first

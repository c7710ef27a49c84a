"""Which columns of a core that skips are active on given input, by the integer model."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from fixedpoint.arithmetic import Codes
from fixedpoint.network import QuantizedNetwork
from fixedpoint.skipping import LISTED
from golden.cell import LayerState
from golden.wiring import INPUT
from rtl.schedule.listing import Flags, Given, Listed, Loaded
from rtl.schedule.skipping import SkipSchedule, threshold_of

State = tuple[LayerState, ...]
Values = Mapping[Given, Codes]


class Activity(NamedTuple):
    """Steps, as `SkipSchedule.spans` and `SkipSchedule.active` take them.

    Attributes
    ----------
    listed : which values are.
    first : (T,), of each step whether it begins a sequence.
    loaded : which values are of states that are written.
    """

    listed: Listed
    first: Flags
    loaded: Loaded


def given(
    qnet: QuantizedNetwork, schedule: SkipSchedule, codes: Codes, state: State | None = None
) -> tuple[dict[Given, Codes], State]:
    """What the input has and each stage gives in every step, each (N T, width), sequence by
    sequence, of each stream its own; and the state after them. Codes are (T, D) or (N, T, D)."""
    trace = replace(qnet, output="every", decides=False).run(codes, state)
    found = {Given(INPUT): codes}
    for k, (layer, signals) in enumerate(zip(qnet.layers, trace.layers, strict=True)):
        found |= {Given(k, kind): signals[kind] for kind in ("m", "y") if kind in signals}
        # block by block, as they are computed
        found[Given(k, "gates")] = np.stack([signals[g] for g in layer.shape.gates], axis=-1)
    found |= {Given(k): y for k, y in enumerate((*trace.stem, *trace.dense), len(qnet.layers))}
    turns = -1, schedule.streams, codes.shape[-2]
    count = codes.size // codes.shape[-1]
    whole = {k: values.reshape(*turns, values.size // count) for k, values in found.items()}
    return {
        k._replace(stream=stream): values[:, stream].reshape(-1, values.shape[-1])
        for k, values in whole.items()
        for stream in range(schedule.streams)
    }, trace.state


def several(state: State) -> State:
    """A state of one sequence, or of several, as that of several (N, ...)."""
    return tuple(
        LayerState(*(np.atleast_2d(part) for part in (have.s, have.y, have.gates)))
        for have in state
    )


def of_state(qnet: QuantizedNetwork, schedule: SkipSchedule, state: State) -> list[Values]:
    """What a core lists of states (N, ...) that are written, of each turn of its streams: what a
    step before gave."""
    found = {}
    for k, (layer, have) in enumerate(zip(qnet.layers, state, strict=True)):
        found[Given(k)] = have.y
        blocks = have.gates.reshape(len(have.gates), -1, layer.shape.blocks)
        found[Given(k, "gates")] = blocks.swapaxes(1, 2).reshape(have.gates.shape)
    none = {k: np.zeros(width, np.int64) for k, width in schedule.widths.items()}
    return [
        {
            k: found[k._replace(stream=0)][turn + k.stream]
            if k._replace(stream=0) in found
            else zeros
            for k, zeros in none.items()
        }
        for turn in range(0, len(state[0].s), schedule.streams)
    ]


def listed(
    qnet: QuantizedNetwork,
    schedule: SkipSchedule,
    values: Values,
    first: Flags,
    states: Mapping[int, Values],
) -> Activity:
    """What a core lists of the values of steps (T, width), of which those begin a sequence that
    `first` says, and of states that are written before steps."""
    find = LISTED[schedule.skip]
    cuts = sorted({0, *np.flatnonzero(first).tolist(), *states})
    found: dict[Given, list[Flags]] = {k: [] for k in schedule.widths}
    loaded = {t: dict[Given, Flags]() for t in states}
    for t, end in zip(cuts, [*cuts[1:], len(first)], strict=True):
        for k, parts in found.items():
            part, start = values[k][t:end], states.get(t)
            if start is not None:
                part = np.concatenate([start[k][None], part])
            flags = find(part, threshold_of(qnet, k))
            if start is not None:
                loaded[t][k], flags = flags[0], flags[1:]
            parts.append(flags)
    return Activity({k: np.concatenate(parts) for k, parts in found.items()}, first, loaded)


def activity(
    qnet: QuantizedNetwork, schedule: SkipSchedule, codes: Codes, state: State | None = None
) -> Activity:
    """What is listed of each step of sequences (T, D) or (N, T, D), one after the other, which
    begin anew or, where there is one, each from its state."""
    steps, count = codes.shape[-2], codes.size // codes.shape[-1] // schedule.streams
    begins = np.arange(count) % steps == 0
    values, states = given(qnet, schedule, codes, state)[0], {}
    if state is not None:
        each = of_state(qnet, schedule, several(state))
        states = dict(zip(range(0, count, steps), each, strict=True))
    return listed(qnet, schedule, values, begins & (state is None), states)

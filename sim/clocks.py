"""When the steps of a recording must end, by the schedule."""

from collections.abc import Sequence

import numpy as np

from rtl import activity
from rtl.activity import Activity
from rtl.schedule.listing import Flags
from sim.job import Ints
from sim.request import Request
from sim.state import last_turn


def must_end(acts: Sequence[Request], begun: Ints) -> Ints:
    """The clock in which each step must end, from that in which it was seen to begin."""
    schedule = acts[0].skipping
    if schedule is None:
        return begun + acts[0].pace
    return schedule.spans(*activity_of(acts), begun)[1]


def activity_of(acts: Sequence[Request]) -> Activity:
    """What a core that skips lists in the steps of all acts, which of them begin a sequence, and
    what it lists of states that are written."""
    schedule, qnet = acts[0].skipping, acts[0].qnet
    assert schedule is not None
    parts, firsts, states, end, count = [], list[Flags](), {}, None, 0
    for act in acts:
        start = act.state
        if start is None and act.goes_on and end is not None:
            start = last_turn(end, act.streams, act.codes.ndim == 3)
        values, end = activity.given(qnet, schedule, act.codes, start)
        parts.append(values)
        begins = np.arange(act.steps // act.streams) % act.times[-1] == 0
        firsts.append(begins & (act.state is None) & (not act.goes_on))
        if act.state is not None:
            found = activity.of_state(qnet, schedule, act.state)
            states |= dict(zip((count + np.flatnonzero(begins)).tolist(), found, strict=True))
        count += len(begins)
    first = np.concatenate(firsts)
    first[0] |= 0 not in states  # after a reset
    values = {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}
    return activity.listed(qnet, schedule, values, first, states)

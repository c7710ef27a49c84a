"""When the steps of a recording must end, by the schedule."""

from collections.abc import Sequence

import numpy as np

from rtl import activity
from rtl.schedule.skipping import Flags, Listed
from sim.job import Ints
from sim.request import Request


def must_end(acts: Sequence[Request], begun: Ints) -> Ints:
    """The clock in which each step must end, from that in which it was seen to begin."""
    schedule = acts[0].skipping
    if schedule is None:
        return begun + acts[0].pace
    return schedule.spans(*activity_of(acts), begun)[1]


def activity_of(acts: Sequence[Request]) -> tuple[Listed, Flags]:
    """What a core that skips lists in the steps of all acts, and which of them begin a sequence."""
    schedule, qnet = acts[0].skipping, acts[0].qnet
    assert schedule is not None
    parts, firsts, state = [], list[Flags](), None
    for act in acts:
        values, state = activity.given(qnet, act.codes, state if act.goes_on else None)
        parts.append(values)
        firsts.append((np.arange(act.steps) % act.times[-1] == 0) & (not act.goes_on))
    first = np.concatenate(firsts)
    first[0] = True  # after a reset
    values = {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}
    return activity.listed(qnet, schedule, values, first), first

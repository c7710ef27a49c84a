"""What the simulated gateware keeps of stored values, as far as a simulation goes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

import sim
from carousel.cli import progress
from fixedpoint import QuantizedNetwork
from fixedpoint.network import real_state
from fixedpoint.retention.lags import KeptOfGroup, RunGroup, joined, kept
from rtl import CoreOptions, plan

CLOCKS = 2_500_000  # that a simulation may take


@dataclass(frozen=True)
class PlayedGroups:
    """A simulation of some groups, compared with the integer model.

    Attributes
    ----------
    kept : what each group kept, up to the longest lag that was simulated.
    longest : that lag.
    compared, wrong : codes, and how many of them differ.
    ok : whether nothing at all differs.
    """

    kept: tuple[KeptOfGroup, ...]
    longest: int
    compared: int
    wrong: int
    ok: bool


def play(
    qnet: QuantizedNetwork, groups: Sequence[RunGroup], lags: Sequence[int]
) -> PlayedGroups | None:
    """Run the groups through a core that has the runs of a group side by side.

    As many of the lags are simulated as CLOCKS allow, the first one always; of a network with
    reverse layers none, as its core has no state to start from.

    Raises
    ------
    CarouselError : what `sim.simulate` raises.
    """
    if qnet.first_reverse is not None:
        return None
    streams = groups[0].count
    clocks = plan(qnet, CoreOptions(streams=streams)).cycles_per_step * len(groups)
    some = [lags[0], *(lag for lag in lags[1:] if lag * clocks <= CLOCKS)]
    codes = np.concatenate([group.codes(0, some[-1]) for group in groups])
    start = joined(groups)
    with progress.bar("Gateware: build, then simulate") as report:
        trace = sim.simulate(qnet, codes, state=start, streams=streams, progress=report)
    verdict = sim.check(qnet, codes, trace, start)
    states = [start]
    for lag in some:
        at = (trace.get("s", k)[:, lag - 1] for k in range(len(start)))
        states.append(tuple(replace(st, s=s) for st, s in zip(start, at, strict=True)))
    found = kept(groups, [real_state(qnet.formats, state) for state in states])
    return PlayedGroups(found, some[-1], verdict.codes, verdict.wrong, verdict.ok)

"""How many lanes a core has where nobody has said: enough, and not more."""

from collections.abc import Callable
from dataclasses import replace

from fixedpoint.network import QuantizedNetwork
from rtl.options import USUAL, CoreOptions
from rtl.planning import CorePlan, plan
from rtl.schedule.schedule import allowed_lanes

MOST = 32
"""Lanes that are not exceeded unasked: of more, most devices have no multipliers."""
LONGER = 0.1
"""By which share a step may be longer than the shortest with as many lanes as are looked at."""


def _any(core: CorePlan) -> bool:
    return True


def usual_lanes(
    qnet: QuantizedNetwork,
    options: CoreOptions = USUAL,
    fits: Callable[[CorePlan], bool] = _any,
) -> int:
    """The fewest lanes, of up to `MOST` that fit, with which a step is hardly longer than with all.

    Of a network whose blocks need more lanes than that, or where none fit, the fewest that it can
    have.

    Parameters
    ----------
    options : of the core, whatever lanes they say.
    fits : whether a core could be had.

    Raises
    ------
    CarouselError : see `rtl.plan`.
    """
    allowed = allowed_lanes(qnet)
    tried = {n: plan(qnet, replace(options, lanes=n)) for n in allowed if n <= MOST}
    clocks = {n: core.cycles_per_step for n, core in tried.items() if fits(core)}
    if not clocks:
        return allowed[0]
    most = (1 + LONGER) * min(clocks.values())
    return next(n for n, count in clocks.items() if count <= most)

"""What the candidates of a search are tried on, and what the best one is confirmed on."""

from dataclasses import replace

from carousel.cli.inputs import Inputs, State, choose, starts
from carousel.cli.lanes import usual
from fixedpoint.calibration import Part, Seen
from fixedpoint.fitting import formats_of
from fixedpoint.network import build
from fixedpoint.rounding import observe
from fixedpoint.search.evaluation import Problem, RightOutputs
from fixedpoint.widths import NARROWEST, Widths
from golden import InputError, Network
from rtl import CoreOptions, plan


def problems(
    net: Network,
    inputs: Inputs,
    start: State | None,
    seed: int,
    lanes: int | None,
    *,
    by_data: bool = False,
) -> tuple[Problem, Problem]:
    """What candidates are tried on, and what the best one is confirmed on.

    Of a task the sequences of the next seed; of files the last quarter of the sequences, or of the
    steps of a single one. Fraction bits follow from the ranges of all of the input; where weights
    are rounded `by_data`, it is by what candidates are tried on.
    """
    seen = Seen.of(net, inputs.parts(start))
    count = _lanes(net, seen, lanes)
    if inputs.task is not None:
        others = choose(net, (), inputs.count, inputs.length, seed + 1)
        halves = (inputs, inputs.parts(start)), (others, others.parts(start))
    else:
        halves = _split(inputs, start)
    found = observe(net, halves[0][1]) if by_data else None
    first, second = (
        replace(Problem.of(net, seen, count, parts, _answers(each)), statistics=found)
        for each, parts in halves
    )
    return first, second


def _lanes(net: Network, seen: Seen, lanes: int | None) -> int:
    """The number of lanes of the core; `LaneError` for one that it cannot have."""
    qnet = build(net, formats_of(net, Widths.uniform(NARROWEST), seen))
    return plan(qnet, usual(qnet, CoreOptions(lanes))).lanes


def _split(inputs: Inputs, start: State | None) -> list[tuple[Inputs, list[Part]]]:
    """The first three quarters of a file's sequences, or of a single one's steps, and the rest."""
    if inputs.count > 1:
        kept = inputs.count - max(1, inputs.count // 4)
        cuts = slice(kept), slice(kept, None)
        return [(inputs, inputs.some(cut).parts(start and starts(start, cut))) for cut in cuts]
    if inputs.length < 2:
        raise InputError(
            f"{inputs.source}: one sequence of one step, at least 2 of either are needed, as some "
            "are held out"
        )
    kept = inputs.length - max(1, inputs.length // 4)
    return [(inputs, [Part(x, start)]) for x in (inputs.x[:, :kept], inputs.x[:, kept:])]


def _answers(inputs: Inputs) -> RightOutputs | None:
    if inputs.task is None or inputs.target is None:
        return None
    return RightOutputs(inputs.target, inputs.task)

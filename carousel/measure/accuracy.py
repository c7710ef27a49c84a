"""What fixed point costs: the float and the integer run of the same sequences side by side."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from carousel.cli import progress
from carousel.cli.inputs import Inputs
from carousel.cli.subject import Subject
from carousel.report.tables import Table, every_format
from fixedpoint import QuantizedTrace
from fixedpoint.budget import error
from fixedpoint.budget.error import BlockError, ErrorReport, compare, merged
from golden import Network, pieces
from golden.squash import Array
from golden.trace import Trace

POINTS = 250  # of a curve over time
SPANS = 8  # of steps in a table over time


AnyTrace = TypeVar("AnyTrace", bound=Trace)


@dataclass(frozen=True)
class Measured:
    """One comparison.

    Attributes
    ----------
    floating, fixed : the two traces.
    errors : by signal, and over time.
    """

    floating: Trace
    fixed: QuantizedTrace
    errors: ErrorReport


def measure(subject: Subject, keep: bool = False) -> Measured:
    """Run both and compare, piece by piece where that is long.

    The traces of several pieces have no signals inside; of the outputs they have the last step's,
    or all if those are to be kept.
    """
    (groups, steps), block = cuts(subject), block_of(subject.inputs.length)
    if len(groups) == len(steps) == 2:
        return once(subject, block)
    found = []
    for begin, end in pairwise(groups):
        some, now, runs = subject.some(slice(begin, end)), None, []
        for first, last in pairwise(steps):
            now = bare(once(piece(some, first, last, now), block), keep)
            runs.append(now)
        found.append(behind(runs, steps, keep))
    return beside(found, groups)


def once(subject: Subject, block: int) -> Measured:
    """All steps at once; a point of a curve over time stands for `block` steps."""
    with progress.bar("Float and fixed point"):
        floating, fixed = _both(subject)
        within = subject.inputs.within
        return Measured(floating, fixed, compare(floating, fixed, block, within))


def cuts(subject: Subject) -> tuple[list[int], list[int]]:
    """The sequences and the steps with which pieces begin, each with the end."""
    inputs = subject.inputs
    if inputs.lengths or subject.skipping.skip:
        return [0, inputs.count], [0, inputs.length]
    return pieces.cuts(subject.qnet, inputs.count, inputs.length)


def piece(subject: Subject, first: int, last: int, before: Measured | None) -> Subject:
    """The steps from `first` to before `last`, from the states after what was run before."""
    if (first, last) == (0, subject.inputs.length):
        return subject
    if before is None:
        state = subject.state or subject.net.initial_state(subject.inputs.count)
        codes = subject.state_codes or subject.qnet.initial_state(subject.inputs.count)
    else:
        state, codes = before.floating.state, before.fixed.state
    inputs = replace(subject.inputs, x=subject.inputs.x[:, first:last])
    return replace(subject, inputs=inputs, state=state, state_codes=codes)


def bare(found: Measured, keep: bool) -> Measured:
    """The same without signals inside, and with the outputs of the last step, or all."""

    def kept(trace: AnyTrace) -> AnyTrace:
        out = trace.out if keep else trace.out[..., -1:, :].copy()
        return replace(trace, layers=(), stem=(), dense=(), out=out)

    return replace(found, floating=kept(found.floating), fixed=kept(found.fixed))


def behind(found: Sequence[Measured], steps: Sequence[int], keep: bool) -> Measured:
    """Bare pieces of the same sequences, which begin with these steps, as one."""
    last, errors = found[-1], found[0].errors
    for each, first in zip(found[1:], steps[1:], strict=False):
        errors = error.joined(errors, each.errors, steps=first)
    floating, fixed = (
        last.floating,
        replace(last.fixed, saturations=_lost([each.fixed for each in found])),
    )
    if keep:
        floating = replace(floating, out=np.concatenate([e.floating.out for e in found], axis=-2))
        fixed = replace(fixed, out=np.concatenate([e.fixed.out for e in found], axis=-2))
    return Measured(floating, fixed, errors)


def beside(found: Sequence[Measured], groups: Sequence[int]) -> Measured:
    """Bare runs of groups of sequences, which begin with these, as one."""
    errors = found[0].errors
    for each, first in zip(found[1:], groups[1:], strict=False):
        errors = error.joined(errors, each.errors, sequences=first)

    def whole(runs: Sequence[AnyTrace]) -> AnyTrace:
        out = np.concatenate([run.out for run in runs])
        return replace(runs[0], out=out, state=pieces.together([run.state for run in runs]))

    fixeds = [each.fixed for each in found]
    fixed = replace(whole(fixeds), saturations=_lost(fixeds))
    return Measured(whole([each.floating for each in found]), fixed, errors)


def _lost(runs: Sequence[QuantizedTrace]) -> dict[str, int]:
    """Saturations of all runs."""
    return {name: sum(run.saturations[name] for run in runs) for name in runs[0].saturations}


def _both(subject: Subject) -> tuple[Trace, QuantizedTrace]:
    """In float and in fixed point; sequences of unlike length each to its own end where it matters
    to the output, and else with 0 behind it."""
    inputs, net, qnet = subject.inputs, subject.net, subject.qnet
    if not inputs.lengths or causal(net):
        return net.run(inputs.x, subject.state), qnet.run(subject.codes, subject.state_codes)
    pairs = []
    for some, part in zip(inputs.alike, inputs.parts(subject.state), strict=True):
        codes = subject.codes[some, : part.x.shape[1]]
        start = subject.state_codes and pieces.starts(subject.state_codes, some)
        pairs.append((net.run(part.x, part.state), qnet.run(codes, start)))
    floats, fixeds = zip(*pairs, strict=True)
    fixed = replace(fixeds[0], saturations=_lost(fixeds))
    return _together(inputs, floats, floats[0]), _together(inputs, fixeds, fixed)


def causal(net: Network) -> bool:
    """Whether what comes behind a sequence's end changes nothing before it."""
    return net.first_reverse is None and net.output == "every"


def _together(inputs: Inputs, runs: Sequence[Trace], like: AnyTrace) -> AnyTrace:
    """One trace of the runs of sequences of one length each, as `like` is one; behind ends 0."""

    def join(values: Sequence[Array]) -> Array:
        steps = max(each.shape[1] for each in values)
        found = np.zeros((inputs.count, steps, values[0].shape[2]), values[0].dtype)
        for some, each in zip(inputs.alike, values, strict=True):
            found[some, : each.shape[1]] = each
        return found

    layers = tuple(
        {name: join([run.layers[k][name] for run in runs]) for name in layer}
        for k, layer in enumerate(like.layers)
    )
    stem, dense = (
        tuple(
            join([getattr(run, kind)[k] for run in runs]) for k in range(len(getattr(like, kind)))
        )
        for kind in ("stem", "dense")
    )
    return replace(like, layers=layers, out=join([run.out for run in runs]), stem=stem, dense=dense)


def block_of(length: int) -> int:
    """Steps that a point of a curve over `length` steps stands for."""
    return math.ceil(length / POINTS)


def table(measured: Measured) -> Table:
    """For people."""
    rows = (
        (
            name,
            f"{error.max_abs:.3g}",
            f"{error.max_lsb:,.1f}",
            f"{error.rmse:.3g}",
            f"{error.rmse_lsb:,.2f}",
            f"{error.sqnr_db:.1f}",
            f"{error.saturations:,}",
        )
        for name, error in measured.errors.signals.items()
    )
    head = ("signal", "largest", "in LSB", "RMSE", "in LSB", "SQNR, dB", "saturations")
    return Table.of("Fixed point against float", head, rows)


def places(measured: Measured) -> Table:
    """Where each signal is farthest off, and the two values there."""
    rows = (
        (
            name,
            ", ".join(map(str, error.worst)),
            f"{error.worst_real:.6g}",
            f"{error.worst_fixed:.6g}",
            f"{error.max_abs:.3g}",
        )
        for name, error in measured.errors.signals.items()
    )
    head = ("signal", "at sequence, step, unit", "float", "fixed point", "difference")
    return Table.of("Where fixed point is farthest from float", head, rows)


def growth(subject: Subject, measured: Measured) -> list[Table]:
    """The output and the last stage's states and outputs over time."""
    layers = subject.net.stages[-1]
    names = ["out", *(f"{layer}.{name}" for layer in layers for name in ("s", "y"))]
    curves = {name: measured.errors.signals[name].over_time for name in names}
    return over_time("fixed point against float", curves)


def over_time(what: str, curves: Mapping[str, tuple[BlockError, ...]]) -> list[Table]:
    """Two tables, RMSE and largest error, with a line for each of a few spans of steps.

    A curve that has no step in a span has "-" there.
    """
    few = {name: merged(blocks, SPANS) for name, blocks in curves.items()}
    rmse, largest = [], []
    for span in max(few.values(), key=len):
        end = span.step + span.steps
        steps = f"{span.step} to {end - 1}" if span.steps > 1 else str(span.step)
        here = [
            next((block for block in blocks if span.step <= block.step < end), None)
            for blocks in few.values()
        ]
        rmse.append([steps, *(f"{block.rmse:.3g}" if block else "-" for block in here)])
        largest.append([steps, *(f"{block.max_abs:.3g}" if block else "-" for block in here)])
    return [
        Table.of(f"{name} of {what}, over time", ("steps", *few), rows)
        for name, rows in (("RMSE", rmse), ("Largest error", largest))
    ]


def saturations(trace: QuantizedTrace) -> Table:
    """Whatever saturated, or one line that says nothing did."""
    found = [(name, f"{count:,}") for name, count in trace.saturations.items() if count]
    return Table.of("Saturations", ("signal", "values"), found or [("none", "0")])


def plain(subject: Subject, measured: Measured) -> dict[str, Any]:
    """For programs."""
    inputs = subject.inputs
    return {
        "input": {"source": inputs.source, "sequences": inputs.count, "length": inputs.length},
        "formats": {name: str(form) for name, form in every_format(subject.qnet.formats).items()},
        "saturated_weights": subject.qnet.saturated_weights,
        "saturations": measured.fixed.saturations,
        "errors": measured.errors.as_dict(),
    }

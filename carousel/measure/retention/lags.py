"""What is left of stored values after lags of 10 to 1,000,000 steps: four views, and the bound."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from carousel.cli import progress
from carousel.cli.subject import Subject
from carousel.measure.retention.gateware import PlayedGroups, play
from carousel.report.tables import Table
from carousel.work import processes
from fixedpoint import QuantizedNetwork
from fixedpoint.arithmetic import Codes
from fixedpoint.retention.bound import bound
from fixedpoint.retention.hold import (
    CHUNK,
    NeverShutError,
    just_shut,
    just_shut_float,
    random_state,
)
from fixedpoint.retention.lags import (
    DECADES,
    KeptOfGroup,
    RunGroup,
    State,
    in_fixed_point,
    in_float,
)
from fixedpoint.retention.ranges import Range, input_of, whole_input
from golden import Network
from golden.pieces import together
from golden.squash import Array

RUNS = 4  # that are to be told apart
QUICK = 1_000  # the longest lag of --quick
VIEWS = ("float64", "float32", "fixed point", "gateware")
REVERSE = (
    "Layers run in reverse, so that every sequence starts anew and no state is older than one: "
    "trained gates are not followed over a lag, shut ones in float and fixed point only."
)


@dataclass(frozen=True)
class HoldCase:
    """A network whose gates are in one way, and the groups of runs that it is to keep apart.

    Attributes
    ----------
    net, qnet : float and integer.
    groups : by title.
    inputs : what the distractors of each can be, for the bound.
    """

    net: Network
    qnet: QuantizedNetwork
    groups: Mapping[str, RunGroup]
    inputs: Sequence[Range]


@dataclass(frozen=True)
class Setting:
    """What came of one group.

    Attributes
    ----------
    title : gates and distractors.
    lags : steps.
    kept : by view; the gateware's has the first lags only, or is not there.
    bound : the largest |s(T) - s(0)| that there can be from these stored values, real (layers,
        lags).
    escaped : states, in fixed point and gateware, that lie outside what the bound allows.
    gateware : the simulation, or None.
    """

    title: str
    lags: tuple[int, ...]
    kept: Mapping[str, KeptOfGroup]
    bound: Array
    escaped: int
    gateware: PlayedGroups | None

    def least(self, view: str) -> float:
        """What is left of the worst layer after a view's longest lag; nan where it is undefined."""
        return float(self.kept[view].left[:, -1].min())

    @property
    def ok(self) -> bool:
        """No state is outside the bound, no code of the gateware differs."""
        return not self.escaped and (self.gateware is None or self.gateware.ok)


def measure(subject: Subject, quick: bool) -> tuple[Setting, ...]:
    """Follow all groups in all views.

    There are none where gates are never shut and layers run in reverse.

    `quick`: up to a lag of QUICK, and not in gateware.

    Raises
    ------
    CarouselError : what `sim.simulate` raises; a process that ends before its work is done.
    """
    cases = _cases(subject)
    lags = tuple(lag for lag in DECADES if lag <= QUICK) if quick else DECADES
    jobs = {(n, view): job for n, case in enumerate(cases) for view, job in _jobs(case, lags)}
    played: list[PlayedGroups | None] = [None] * len(cases)
    if quick:
        with progress.bar("What is left after a lag"):
            followed = {name: job() for name, job in jobs.items()}
    else:
        with processes.running(jobs) as futures:
            played = [play(case.qnet, list(case.groups.values()), lags) for case in cases]
            with progress.bar("What is left after a lag") as report:
                for done, _ in enumerate(as_completed(futures.values())):
                    report(done + 1, len(jobs))
            followed = {name: future.result() for name, future in futures.items()}
    return tuple(
        setting
        for n, case in enumerate(cases)
        for setting in _settings(
            case, lags, {view: followed[n, view] for view in VIEWS[:3]}, played[n]
        )
    )


def _cases(subject: Subject) -> tuple[HoldCase, ...]:
    """Gates just shut, where they can be; and as trained, where no sequence starts anew."""
    qnet, rng = subject.qnet, np.random.default_rng(0)
    form = qnet.formats.input
    pool = rng.integers(form.low, form.high, (CHUNK, qnet.inputs), endpoint=True)
    pool[0], pool[1] = form.low, form.high
    able = (_shut(subject, pool, rng), _trained(subject, pool))
    return tuple(case for case in able if case)


def _shut(subject: Subject, pool: Codes, rng: np.random.Generator) -> HoldCase | None:
    """From random states; None where no gate is ever exactly shut."""
    try:
        shut = just_shut(subject.qnet)
    except NeverShutError:
        return None
    state = tuple(random_state(layer, RUNS, rng) for layer in shut.layers)
    groups = {"Gates just shut, full-range input": RunGroup(state, pool)}
    return HoldCase(just_shut_float(subject.net, shut), shut, groups, [whole_input(shut)])


def _trained(subject: Subject, pool: Codes) -> HoldCase | None:
    """From states of the sequences; None with layers in reverse, where no state is older."""
    qnet = subject.qnet
    if qnet.first_reverse is not None:
        return None
    state, own = _stored(subject), distractors(subject)
    rounds = math.ceil(len(own) / CHUNK)  # whole ones, so that cycles are found
    groups = {
        "Gates as trained, full-range input": RunGroup(state, pool),
        "Gates as trained, its own input": RunGroup(
            state, np.resize(own, (rounds * CHUNK, qnet.inputs))
        ),
    }
    return HoldCase(subject.net, qnet, groups, [whole_input(qnet), input_of(own)])


def _stored(subject: Subject) -> State:
    """States after the last event of the task in some sequences; of a file, after whole sequences.

    Runs for which there is no sequence, always one, have stored nothing.
    """
    qnet, lag = subject.qnet, subject.inputs.lag
    heard = subject.codes[: RUNS - 1, : lag[0] + 1 if lag else None]
    return together((qnet.run(heard).state, qnet.initial_state(RUNS - len(heard))))


def distractors(subject: Subject) -> Codes:
    """What comes between the last event of the task and its trigger; all steps of a file. (P, D)"""
    codes, lag = subject.codes, subject.inputs.lag
    some = codes[:, lag[0] + 1 : lag[1] + 1] if lag else codes
    return some.reshape(-1, codes.shape[-1])


def _jobs(
    case: HoldCase, lags: Sequence[int]
) -> list[tuple[str, Callable[[], tuple[KeptOfGroup, ...]]]]:
    """A view's name, and what follows the groups in it."""
    groups = list(case.groups.values())
    return [
        ("float64", partial(in_float, case.net, case.qnet, groups, lags, False)),
        ("float32", partial(in_float, case.net, case.qnet, groups, lags, True)),
        ("fixed point", partial(in_fixed_point, case.qnet, groups, lags)),
    ]


def _settings(
    case: HoldCase,
    lags: tuple[int, ...],
    views: Mapping[str, tuple[KeptOfGroup, ...]],
    played: PlayedGroups | None,
) -> list[Setting]:
    """The groups of a case, each with its bound."""
    settings = []
    for n, ((title, group), inputs) in enumerate(
        zip(case.groups.items(), case.inputs, strict=True)
    ):
        kept = {view: every[n] for view, every in views.items()}
        if played:
            kept["gateware"] = played.kept[n]
        limits, escaped = [], 0
        for k, limit in enumerate(bound(case.qnet, inputs)):
            start, lsb = group.start[k].s, limit.layer.formats.s.lsb
            spans = limit.span(Range(start, start), lags)
            limits.append(
                [max(np.abs(end - start).max() for end in (s.low, s.high)) * lsb for s in spans]
            )
            for view in ("fixed point", "gateware"):
                if view in kept:
                    escaped += outside(kept[view].states[k] / lsb, spans)
        settings.append(Setting(title, lags, kept, np.array(limits), escaped, played))
    return settings


def outside(codes: Array, spans: Sequence[Range]) -> int:
    """How many states (lags, N, C) lie outside the range that a bound gives for their lag."""
    return sum(
        int(np.count_nonzero((s < span.low) | (s > span.high)))
        for s, span in zip(codes, spans, strict=False)
    )


def tables(settings: Sequence[Setting]) -> list[Table]:
    """Two for each setting, for people: what is left and what has changed, of the worst layer."""
    shown = []
    for setting in settings:
        left = {view: kept.left.min(axis=0) for view, kept in setting.kept.items()}
        change = {view: kept.change.max(axis=0) for view, kept in setting.kept.items()}
        change["bound"] = setting.bound.max(axis=0)
        shown += [
            _table(setting, "left of what was stored (1: all, 0: nothing)", left),
            _table(setting, "largest change of a state", change),
        ]
    return shown


def _table(setting: Setting, what: str, values: Mapping[str, Array]) -> Table:
    """A row for each lag; a view that was not followed so far has "-"."""
    rows = [
        (f"{lag:,}", *(_number(column, n) for column in values.values()))
        for n, lag in enumerate(setting.lags)
    ]
    return Table.of(f"{setting.title}: {what}", ("lag", *values), rows)


def _number(values: Array, n: int) -> str:
    """The value of a lag as text, `-` where it is missing or undefined."""
    return f"{values[n]:.5g}" if n < len(values) and not np.isnan(values[n]) else "-"


def checks(settings: Sequence[Setting]) -> list[Table]:
    """What has to hold, and whether it does; nothing where nothing was followed."""
    if not settings:
        return []
    played = {id(setting.gateware): setting.gateware for setting in settings if setting.gateware}
    rows = [
        ("no state is further than its bound", "no" if any(s.escaped for s in settings) else "yes")
    ]
    if played:
        wrong, compared = (
            sum(getattr(p, n) for p in played.values()) for n in ("wrong", "compared")
        )
        what = f"every code of the gateware equals fixed point ({wrong:,} of {compared:,} differ)"
        rows.append((what, "yes" if all(p.ok for p in played.values()) else "no"))
    return [Table.of("Checks of what was followed", ("what", "holds"), rows)]


def plain(settings: Sequence[Setting]) -> list[dict[str, Any]]:
    """For programs: lists by layer, then by lag; undefined values are null."""
    return [
        {
            "setting": setting.title,
            "lags": setting.lags,
            **{
                view: {"left": _nulls(kept.left), "change": _nulls(kept.change)}
                for view, kept in setting.kept.items()
            },
            "bound": _nulls(setting.bound),
            "outside_bound": setting.escaped,
            "gateware_codes": setting.gateware and setting.gateware.compared,
            "gateware_mismatches": setting.gateware and setting.gateware.wrong,
        }
        for setting in settings
    ]


def _nulls(values: Array) -> list[list[float | None]]:
    return [[None if np.isnan(value) else float(value) for value in row] for row in values]

"""`carousel search --skip unchanged`: thresholds of fewest clocks that keep the error."""

from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from carousel.cli import output
from carousel.cli.choice import Choice
from carousel.cli.lanes import say, usual
from carousel.cli.skipping import Skipping
from carousel.cli.subject import Subject
from carousel.report.tables import Table
from carousel.search import effort, watch
from carousel.search.problems import problems
from carousel.search.thresholds import Found, ThresholdSearch, Trial, evaluate
from carousel.work.journal import Journal
from fixedpoint.search.search import Goal
from fixedpoint.thresholds import sources, with_thresholds
from golden import InputError
from golden.version import VERSION
from rtl import CoreOptions


@dataclass(frozen=True)
class Asked:
    """What a command was told of the core whose thresholds are searched.

    Attributes
    ----------
    skip, lanes : as the options say.
    seed : of the task's sequences.
    """

    skip: str
    lanes: int | None
    seed: int


@dataclass(frozen=True)
class Result:
    """What a search for thresholds found.

    Attributes
    ----------
    dense, zero : a core that skips nothing, and one with threshold 0.
    best, held_out : the choice, on what was searched and on what was held out.
    stopped : after how many minutes the search was ended, or None where it came to its end.
    """

    dense: Found
    zero: Found
    best: Found
    held_out: Found
    stopped: float | None


def check(asked: Asked, goal: Goal, choice: Choice) -> None:
    """`InputError` for what no search for thresholds can be told."""
    if asked.skip != "unchanged":
        raise InputError(
            f"--skip {asked.skip}: must be unchanged here, which alone has thresholds to search"
        )
    if not goal.cheapest:
        raise InputError(
            "--skip unchanged: needs --tolerance or --task, which say what thresholds may cost"
        )
    if choice.by_data:
        raise InputError("--round data: of a search for formats, not for thresholds")


def search(
    subject: Subject, goal: Goal, asked: Asked, work: effort.Effort, past: Path, json: Path | None
) -> None:
    """Search the thresholds of the subject's core, and say what was found; `past` is the journal.

    Raises
    ------
    CarouselError : a network that cannot skip, or can have no threshold; threshold 0 does not meet
        the goal, or nothing has met it in time.
    """
    qnet = Skipping(asked.skip).applied(subject.qnet)
    with_thresholds(qnet, (1,))  # refuses what can have none
    lanes = usual(qnet, CoreOptions(asked.lanes, skip=asked.skip)).lanes
    parts = problems(subject.net, subject.inputs, subject.state, asked.seed, lanes)
    if any(sum(part.x[..., 0].size for part in each.parts) < 2 for each in parts):
        raise InputError(f"{subject.inputs.source}: too few steps, clocks are from one to the next")
    trial, held_out = (Trial(each, qnet, asked.skip) for each in parts)
    problem = f"{VERSION} thresholds {qnet.digest()} {trial.problem.digest()}"
    tried = effort.Tried(Journal(past, problem, Found.from_dict, lambda each: each.thresholds))
    highest = tuple(form.high for form in sources(qnet).values())
    state = ThresholdSearch(goal, highest, tried)
    with watch.interruptible(lambda: leave(state)):
        found = look(state, tried, trial, held_out, work)
    say(asked.lanes, lanes, qnet)
    for table in tables(found, state, trial):
        table.show(Console())
    words = " ".join(map(str, (*subject.choice.words, "--skip", asked.skip, found.best.option)))
    typer.echo(f"Journal  {past}\nOptions  {words}\n{sentence(found, state)}")
    data = {"input": subject.inputs.source, "lanes": lanes, "options": words}
    output.finish({**data, **plain(found, state)}, json, True)


def look(
    state: ThresholdSearch,
    tried: effort.Tried,
    trial: Trial,
    held_out: Trial,
    work: effort.Effort,
) -> Result:
    """Search and show how it goes; `SearchError` and others as `effort.run`."""
    confirmed: list[Found] = []

    def confirm(found: Found) -> bool:
        confirmed.append(evaluate(held_out, found.thresholds))
        return meets(state.goal, confirmed[-1])

    best, stopped = effort.run(
        state, tried, (evaluate, trial), confirm, work, partial(words_of, state)
    )
    none = (0,) * len(state.highest)
    dense = evaluate(replace(trial, skip=None), none)
    return Result(dense, state.known[none], best, confirmed[-1], stopped)


def meets(goal: Goal, found: Found) -> bool:
    """Whether the goal is kept."""
    return goal.keeps(found.rmse, found.right, found.right_in_float)


def words_of(state: ThresholdSearch) -> str:
    """The best so far, in a few words."""
    if (found := state.best) is None:
        return "none yet that meets the goal"
    right = "" if found.right is None else f", {found.right} right"
    return f"best: {found.clocks:,.0f} clocks a step, RMSE {found.rmse:.2e}{right}, {found.option}"


def leave(state: ThresholdSearch) -> None:
    """Of a search that was interrupted: the best so far in a line."""
    untried = "" if state.best is None else "; it was not tried on data held out"
    typer.echo(
        f"carousel: interrupted after {state.tried:,} tried, {words_of(state)}{untried}; the same "
        "command goes on from there",
        err=True,
    )


def sentence(found: Result, state: ThresholdSearch) -> str:
    """What was found in a few words, and whether the search came to its end."""
    tried = f"{state.tried:,} thresholds were tried"
    clocks = (
        f"{found.best.clocks:,.0f} clocks a step, {found.zero.clocks:,.0f} with threshold 0, "
        f"{found.dense.clocks:,.0f} of a core that skips nothing"
    )
    if found.stopped is None:
        return f"Search: {tried}; to raise or to lower one finds no better ({clocks})."
    kept = "" if meets(state.goal, found.held_out) else ", which misses the goal on data held out"
    return (
        f"Search: ended after {found.stopped:g} min with the best so far ({clocks}){kept}; "
        f"{tried}, and the same command goes on from there."
    )


def tables(found: Result, state: ThresholdSearch, trial: Trial) -> list[Table]:
    """For people."""
    rows = []
    for name, each in (
        ("skips nothing", found.dense),
        ("threshold 0", found.zero),
        ("found", found.best),
        ("found, data held out", found.held_out),
    ):
        right = "-" if each.right is None else f"{each.right}, float {each.right_in_float}"
        met = "yes" if meets(state.goal, each) else "no"
        errors = (f"{error:.3g}" for error in (each.rmse, each.max_abs))
        rows.append((name, f"{each.clocks:,.1f}", *errors, right, met))
    head = ("", "clocks a step", "RMSE", "largest error", "sequences right", "meets the goal")
    forms = sources(trial.qnet).items()
    chosen = [
        (name, number, f"{number * form.lsb:.3g}")
        for (name, form), number in zip(forms, found.best.thresholds, strict=True)
    ]
    return [
        Table.of("Thresholds found", ("of", "LSB", "real"), chosen),
        Table.of(f"What they save on {trial.problem.lanes} lanes", head, rows),
    ]


def plain(found: Result, state: ThresholdSearch) -> dict[str, Any]:
    """For programs."""
    return {
        "goal": {name: getattr(state.goal, name) for name in ("tolerance", "task")},
        "tried": state.tried,
        "stopped_after_minutes": found.stopped,
        **{name: asdict(getattr(found, name)) for name in ("dense", "zero")},
        "found": asdict(found.best),
        "held_out": asdict(found.held_out),
    }

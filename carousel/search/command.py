"""`carousel search`: formats of least cost that keep the error, or of least error in some bits."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import golden
from carousel.cli import options, output, progress, rounding
from carousel.cli.choice import Choice
from carousel.cli.inputs import Inputs, State, choose, starts
from carousel.cli.lanes import say, usual
from carousel.cli.subject import Given, Subject, load, read
from carousel.measure.retention import hold_check
from carousel.report import tables
from carousel.search import result, watch
from carousel.search.result import SearchResult
from carousel.work import processes, workers
from carousel.work.journal import Journal
from fixedpoint.calibration import Part, Seen
from fixedpoint.fitting import formats_of
from fixedpoint.formats import Formats
from fixedpoint.network import build
from fixedpoint.rounding import observe
from fixedpoint.rule import Rule
from fixedpoint.search.evaluation import Evaluation, Problem, RightOutputs, evaluate
from fixedpoint.search.search import Evaluate, Goal, Search, SearchError
from fixedpoint.search.space import Space
from fixedpoint.widths import KINDS, NARROWEST, WIDEST, Widths
from golden import InputError, Network
from golden.version import VERSION
from rtl import CoreOptions, plan

LEAST_ERROR_BITS = 16
BESIDE = ".svg", ".jsonl"  # endings of the figure and the journal

Tolerance = Annotated[
    float | None,
    typer.Option(
        help="The largest RMSE of the outputs against float that is allowed; of all formats that "
        "keep it, those of least cost.",
        show_default="no limit: least error within --bits",
    ),
]
Task = Annotated[
    bool,
    typer.Option(
        "--task",
        help="As many sequences must be answered rightly as in float, at least cost; of a model "
        "whose task is known.  [default: off]",
    ),
]
Bits = Annotated[
    int | None,
    typer.Option(
        help="Width of weights, x and y at most; the rest is at most what the rule makes of it.",
        show_default=f"{WIDEST}, or {LEAST_ERROR_BITS} for the least error",
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        "--time",
        help="Minutes after which the search ends with the best so far.",
        show_default="no limit",
    ),
]


def search(
    model: options.Model,
    tolerance: Tolerance = None,
    task: Task = False,
    bits: Bits = None,
    lanes: options.Lanes = None,
    file: options.Input = None,
    axes: options.InputAxes = None,
    order: options.Order = None,
    sequences: options.Sequences = None,
    length: options.Length = None,
    seed: options.Seed = 0,
    state: options.State = None,
    rounds: options.Round = options.Rounding.NEAREST,
    minutes: Minutes = None,
    jobs: options.Jobs = None,
    scheduler: options.Scheduler = None,
    quick: options.Quick = False,
    place: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Formats file to write; next to it a figure (.svg), and a journal (.jsonl) with "
            "which an interrupted search goes on.",
            show_default="out/<model's name>.formats.json",
        ),
    ] = None,
    json: options.Json = None,
) -> None:
    """Search for the number formats.

    Of least cost among those that keep the error (--tolerance) or the answers (--task), or of least
    error within --bits. They go to a file that the other commands take with --formats.
    """
    output.check_file(json)
    if jobs is not None and scheduler is not None:
        raise InputError(f"--jobs {jobs}: counts processes here, not those of --scheduler")
    if minutes is not None and not 0 < minutes < math.inf:
        raise InputError(f"--time {minutes:g}: must be a number of minutes above 0")
    net = load(model, order)
    given = Given(file or (), sequences, length, seed, state, axes, unlike=True)
    inputs, start = read(net, given)
    goal = goal_of(tolerance, task, bits, inputs)
    by_data = rounds is options.Rounding.DATA
    trial, held_out = problems(net, inputs, start, seed, lanes, by_data=by_data)
    if place is None:
        place = Path("out") / f"{net.name}.formats.json"
        output.make_parent(place)
    output.check_file(place)
    beside = rounding.place(place, net) if by_data else None
    drawing, past = (place.with_suffix(suffix) for suffix in BESIDE)
    if place in (drawing, past):
        raise InputError(
            f"{place}: the formats cannot have this ending, it is that of a file next to it"
        )
    for each in (drawing, past):
        output.check_file(each)
    problem = f"{VERSION} {trial.digest()}"
    journal = Journal(past, problem, Evaluation.from_dict, lambda each: each.widths)
    effort = Effort(scheduler, jobs or processes.processors(), minutes)
    tried = Tried(journal)
    looked = Search(goal, Space.of(net, trial.seen, goal.bits, KINDS), tried)
    with watch.interruptible(lambda: leave(looked, trial, place)):
        found = look(looked, tried, trial, held_out, effort)
    dump(found.best, trial, place)
    choice, formats = Choice(file=place), Formats.parse(place)
    qnet = build(trial.weights(formats), formats)
    codes = start and qnet.encode_state(start)
    subject = Subject(net, qnet, inputs, choice, start, codes)
    held = hold_check.check(subject, quick)
    draw(found, drawing)
    say(lanes, trial.lanes, qnet)
    console = Console()
    for table in (*result.tables(found), tables.formats(qnet.formats), hold_check.table(held)):
        table.show(console)
    said = "" if beside is None else f"Model    {beside}\n"
    typer.echo(f"Formats  {place}\n{said}Figure   {drawing}\nJournal  {past}\n{found.sentence}")
    data = {"formats": str(place), "figure": str(drawing), "input": inputs.source}
    data |= {} if beside is None else {"model": str(beside)}
    ok = held.ok or held.never is not None
    output.finish({**data, **result.plain(found), **hold_check.plain(held)}, json, ok)


def dump(found: Evaluation, trial: Problem, place: Path) -> None:
    """Write the formats of a candidate, and where weights are rounded by data the model."""
    formats = formats_of(trial.net, found.widths, trial.seen)
    with output.file(place) as other:
        formats.dump(other)
    if trial.statistics is not None:
        net = replace(trial.weights(formats), made_by="carousel search --round data")
        golden.save(net, place.with_suffix(rounding.SUFFIX))


def leave(state: Search, trial: Problem, place: Path) -> None:
    """Of a search that was interrupted: the best so far as a formats file, and a line."""
    said = f"interrupted after {state.tried:,} tried, {watch.best(state)}"
    if state.best is not None:
        dump(state.best, trial, place)
        said += f"; {place} has these formats, which were not tried on data held out"
    typer.echo(f"carousel: {said}; the same command goes on from there", err=True)


def draw(found: SearchResult, path: Path) -> None:
    """Write the figure."""
    from carousel.report import plots
    from carousel.search import plots as searched_plots

    with output.file(path) as other:
        other.write_text(plots.svg(searched_plots.figure(found), "search"), encoding="utf-8")


def goal_of(tolerance: float | None, task: bool, bits: int | None, inputs: Inputs) -> Goal:
    """What is asked for.

    Raises
    ------
    CarouselError : an unknown task, a tolerance or bits that cannot be.
    """
    if task and inputs.task is None:
        raise InputError("--task: the answers are known for a model's own task only, not a file's")
    goal = Goal(WIDEST, tolerance, task)
    usual = WIDEST if goal.cheapest else LEAST_ERROR_BITS
    return replace(goal, bits=usual if bits is None else bits)


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


@dataclass(frozen=True)
class Effort:
    """What a search may take: a cluster, or processes here; and how long."""

    scheduler: str | None
    jobs: int
    minutes: float | None


def look(
    state: Search, tried: "Tried", trial: Problem, held_out: Problem, effort: Effort
) -> SearchResult:
    """Search and show how it goes, here or on a cluster; all evaluations go to the journal.

    Raises
    ------
    SearchError : nothing meets the goal, or nothing has met it in time.
    CarouselError : see `workers` and `Journal`.
    """
    if effort.scheduler is None:
        where = workers.local(evaluate, trial, effort.jobs)
    else:
        where = workers.cluster(evaluate, trial, effort.scheduler)
    confirmed: list[Evaluation] = []

    def confirm(found: Evaluation) -> bool:
        confirmed.append(evaluate(held_out, found.widths))
        return state.goal.met(confirmed[-1])

    end, stopped = effort.minutes and time.monotonic() + 60 * effort.minutes, None
    try:
        with progress.lines("Search") as report, where as tried.work, tried.journal.adding():
            state.watch = watch.Watch(state, report, end)
            best = state.run(confirm)
    except watch.TimeUpError:
        if (best := state.best) is None:
            raise SearchError(
                f"--time {effort.minutes:g}: no formats met the goal in time, of {state.tried:,}"
            ) from None
        confirm(best)
        stopped = effort.minutes
    ruled = Rule(result.REFERENCE).widths(trial.net, trial.seen)
    reference = state.known.get(ruled) or evaluate(trial, ruled)
    return SearchResult(state, trial.lanes, best, confirmed[-1], reference, stopped)


@dataclass
class Tried:
    """Evaluates what the journal does not know yet."""

    journal: Journal[Widths, Evaluation]
    work: Evaluate | None = None

    def __call__(self, candidates: Sequence[Widths]) -> Iterator[Evaluation]:
        known = self.journal.known
        missing = [widths for widths in candidates if widths not in known]
        assert self.work is not None, "evaluated where nothing works"
        yield from (known[widths] for widths in candidates if widths in known)
        for found in self.work(missing):
            self.journal.add(found)
            yield found

"""`carousel search`: formats of least cost that keep the error, or of least error in some bits."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import golden
from carousel.cli import options, output, rounding
from carousel.cli.choice import Choice
from carousel.cli.inputs import Inputs
from carousel.cli.lanes import say
from carousel.cli.subject import Given, Subject, load, read
from carousel.measure.retention import hold_check
from carousel.report import tables
from carousel.search import result, skipping, watch
from carousel.search.effort import Effort, Tried, run
from carousel.search.problems import problems
from carousel.search.result import SearchResult
from carousel.work import processes
from carousel.work.journal import Journal
from fixedpoint.fitting import formats_of
from fixedpoint.formats import Formats
from fixedpoint.network import build
from fixedpoint.rule import Rule
from fixedpoint.search.evaluation import Evaluation, Problem, evaluate
from fixedpoint.search.search import Goal, Search
from fixedpoint.search.space import Space
from fixedpoint.widths import KINDS, WIDEST
from golden import InputError, Network
from golden.version import VERSION

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
            "which an interrupted search goes on. With --skip the journal alone.",
            show_default="out/<model's name>.formats.json",
        ),
    ] = None,
    formats: Annotated[
        Path | None,
        typer.Option(
            help="With --skip: formats file to use.",
            show_default="chosen from the input and --bits",
        ),
    ] = None,
    skip: Annotated[
        str | None,
        typer.Option(
            metavar="unchanged",
            help="Search for the thresholds of a core that skips what is unchanged, in the place "
            "of formats.",
            show_default="none",
        ),
    ] = None,
    json: options.Json = None,
) -> None:
    """Search for the number formats, or with --skip unchanged for thresholds.

    Formats of least cost among those that keep the error (--tolerance) or the answers (--task), or
    of least error within --bits; they go to a file that the other commands take with --formats.
    Thresholds of fewest clocks among those that keep the error or the answers.
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
    work = Effort(scheduler, jobs or processes.processors(), minutes)
    place, drawing, past = places(place, net)
    if skip is not None:
        choice = Choice(LEAST_ERROR_BITS if bits is None else bits, formats, by_data=by_data)
        asked = skipping.Asked(skip, lanes, seed)
        skipping.check(asked, goal, choice)
        subject = Subject(net, choice.quantized(net, inputs.parts(start)), inputs, choice, start)
        skipping.search(subject, goal, asked, work, past, json)
        return
    if formats is not None:
        raise InputError(f"--formats {formats}: needs --skip unchanged; else they are searched")
    trial, held_out = problems(net, inputs, start, seed, lanes, by_data=by_data)
    beside = rounding.place(place, net) if by_data else None
    problem = f"{VERSION} {trial.digest()}"
    journal = Journal(past, problem, Evaluation.from_dict, lambda each: each.widths)
    tried = Tried(journal)
    looked = Search(goal, Space.of(net, trial.seen, goal.bits, KINDS), tried)
    with watch.interruptible(lambda: leave(looked, trial, place)):
        found = look(looked, tried, trial, held_out, work)
    dump(found.best, trial, place)
    choice, chosen = Choice(file=place), Formats.parse(place)
    qnet = build(trial.weights(chosen), chosen)
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


def places(place: Path | None, net: Network) -> tuple[Path, Path, Path]:
    """The formats file, the figure and the journal.

    Raises
    ------
    CarouselError : one that cannot be written, or is another one.
    """
    if place is None:
        place = Path("out") / f"{net.name}.formats.json"
        output.make_parent(place)
    drawing, past = (place.with_suffix(suffix) for suffix in BESIDE)
    if place in (drawing, past):
        raise InputError(
            f"{place}: the formats cannot have this ending, it is that of a file next to it"
        )
    for each in (place, drawing, past):
        output.check_file(each)
    return place, drawing, past


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


def look(
    state: Search, tried: Tried, trial: Problem, held_out: Problem, work: Effort
) -> SearchResult:
    """Search and show how it goes; `SearchError` and others as `effort.run`."""
    confirmed: list[Evaluation] = []

    def confirm(found: Evaluation) -> bool:
        confirmed.append(evaluate(held_out, found.widths))
        return state.goal.met(confirmed[-1])

    words = partial(watch.best, state)
    best, stopped = run(state, tried, (evaluate, trial), confirm, work, words)
    ruled = Rule(result.REFERENCE).widths(trial.net, trial.seen)
    reference = state.known.get(ruled) or evaluate(trial, ruled)
    return SearchResult(state, trial.lanes, best, confirmed[-1], reference, stopped)

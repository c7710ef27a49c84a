"""`carousel search`: formats of least cost that keep the error, or of least error in some bits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from carousel.cli import options, output, progress
from carousel.cli.choice import Choice
from carousel.cli.inputs import Inputs, choose, encode
from carousel.cli.progress import Progress
from carousel.cli.subject import Subject, load
from carousel.measure.retention import hold_check
from carousel.report import tables
from carousel.search import result
from carousel.search.result import SearchResult
from carousel.work import processes, workers
from carousel.work.journal import Journal
from fixedpoint.calibration import Seen
from fixedpoint.fitting import formats_of
from fixedpoint.quantization import quantize
from fixedpoint.search.evaluation import Evaluation, Problem, RightOutputs, evaluate
from fixedpoint.search.search import Evaluate, Goal, Search
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
        help="Width of the widest code allowed.",
        show_default=f"{WIDEST}, or {LEAST_ERROR_BITS} for the least error",
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
    net = load(model, order)
    inputs = choose(net, file, sequences, length, seed, axes)
    goal = goal_of(tolerance, task, bits, inputs)
    trial, held_out = problems(net, inputs, seed, lanes)
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
    problem = f"{VERSION} {trial.digest()}"
    journal = Journal(past, problem, Evaluation.from_dict, lambda each: each.widths)
    found = look(goal, trial, held_out, journal, scheduler, jobs or processes.processors())
    qnet = quantize(net, formats_of(net, found.best.widths, trial.seen))
    subject = Subject(net, qnet, inputs, encode(qnet, inputs.x), Choice(file=place))
    held = hold_check.check(subject, quick)
    with output.file(place) as other:
        qnet.formats.dump(other)
    draw(found, drawing)
    console = Console()
    for table in (*result.tables(found), tables.formats(qnet.formats), hold_check.table(held)):
        table.show(console)
    typer.echo(f"Formats  {place}\nFigure   {drawing}\nJournal  {past}")
    data = {"formats": str(place), "figure": str(drawing), "input": inputs.source}
    ok = held.ok or held.never is not None
    output.finish({**data, **result.plain(found), **hold_check.plain(held)}, json, ok)


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


def problems(net: Network, inputs: Inputs, seed: int, lanes: int | None) -> tuple[Problem, Problem]:
    """What candidates are tried on, and what the best one is confirmed on.

    Of a task the sequences of the next seed; of a file the last quarter of its sequences, or of the
    steps of a single one. Fraction bits follow from the ranges of all of the input.
    """
    seen = Seen.measure(net, inputs.x)
    count = _lanes(net, seen, lanes)
    if inputs.task is not None:
        parts = inputs, choose(net, None, inputs.count, inputs.length, seed + 1)
    else:
        parts = _split(inputs)
    first, second = (Problem.of(net, seen, count, part.x, _answers(part)) for part in parts)
    return first, second


def _lanes(net: Network, seen: Seen, lanes: int | None) -> int:
    """The number of lanes of the core; `LaneError` for one that it cannot have."""
    qnet = quantize(net, formats_of(net, Widths.uniform(NARROWEST), seen))
    return plan(qnet, CoreOptions(lanes)).lanes


def _split(inputs: Inputs) -> tuple[Inputs, Inputs]:
    """The first three quarters of a file's sequences, or of a single one's steps, and the rest."""
    x, axis = inputs.x, 0 if inputs.count > 1 else 1
    count = x.shape[axis]
    if count < 2:
        raise InputError(
            f"{inputs.source}: one sequence of one step, at least 2 of either are needed, as some "
            "are held out"
        )
    kept = count - max(1, count // 4)
    parts = (slice(None, kept), slice(kept, None))
    first, second = (replace(inputs, x=x[cut] if axis == 0 else x[:, cut]) for cut in parts)
    return first, second


def _answers(inputs: Inputs) -> RightOutputs | None:
    if inputs.task is None or inputs.target is None:
        return None
    return RightOutputs(inputs.target, inputs.task)


def look(
    goal: Goal,
    trial: Problem,
    held_out: Problem,
    journal: Journal[Widths, Evaluation],
    scheduler: str | None,
    jobs: int,
) -> SearchResult:
    """Search with a bar, here or on a cluster; all that is evaluated goes to the journal.

    Raises
    ------
    SearchError : nothing meets the goal.
    CarouselError : see `workers` and `Journal`.
    """
    if scheduler is None:
        where = workers.local(evaluate, trial, jobs)
    else:
        where = workers.cluster(evaluate, trial, scheduler)
    kinds = KINDS if trial.net.readout else tuple(kind for kind in KINDS if kind != "out")
    confirmed: list[Evaluation] = []

    def confirm(found: Evaluation) -> bool:
        confirmed.append(evaluate(held_out, found.widths))
        return goal.met(confirmed[-1])

    with progress.bar("Search") as report, where as work, journal.adding():
        tried = _Tried(work, journal, report)
        state = Search(goal, tried, kinds)
        best = state.run(confirm)
        (reference,) = tried([Widths.uniform(result.REFERENCE)])
    return SearchResult(state, trial.lanes, best, confirmed[-1], reference)


@dataclass
class _Tried:
    """Evaluates what the journal does not know yet, and shows the bar."""

    work: Evaluate
    journal: Journal[Widths, Evaluation]
    report: Progress
    count: int = 0

    def __call__(self, candidates: Sequence[Widths]) -> Iterator[Evaluation]:
        missing = [widths for widths in candidates if widths not in self.journal.known]
        yield from (
            self.journal.known[widths] for widths in candidates if widths in self.journal.known
        )
        for done, found in enumerate(self.work(missing), 1):
            self.journal.add(found)
            self.count += 1
            self.report(done, len(missing), f"{self.count:,} tried")
            yield found

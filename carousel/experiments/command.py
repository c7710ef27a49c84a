"""`carousel experiments`: the paper's experiments anew, and what they learn in gateware."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import golden
from carousel.cli import options, output, progress
from carousel.experiments import contrast, page
from carousel.experiments import trials as experiments_trials
from carousel.experiments.gateware import Carried, Sizes, carry
from carousel.experiments.results import PaperRow, Results
from carousel.experiments.trials import TrialFolder, TrialOutcome
from carousel.work import processes, workers
from carousel.work.journal import Journal
from golden import InputError
from golden.experiments import EXPERIMENTS, SLOW, Experiment, experiment
from golden.version import VERSION

TRIALS, FEW = 10, 3
QUICK = "3a-100-3", "6a"
QUICK_SIZES = Sizes(tested=256, sample=2)

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...",
        help=f"Rows of the paper's tables to run: {', '.join(EXPERIMENTS)}.",
        show_default="all",
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Trials of each; 0 shows what the folder holds.",
        show_default=f"{TRIALS}, or {FEW} of {', '.join(SLOW)}",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the first trial; the next has the next.")]
Limit = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Training sequences after which a trial has failed. It goes on from there when run "
        "again with a higher limit.",
        show_default="the experiment's own",
    ),
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick",
        help=f"One trial each of {' and '.join(QUICK)} unless told otherwise, and smaller tests.  "
        "[default: off]",
    ),
]
Folder = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        help="Folder of everything: trials, with which an interrupted run goes on, the learnt "
        "networks, the page and its figures.",
    ),
]


def experiments(
    names: Names = None,
    trials: Trials = None,
    jobs: options.Jobs = None,
    seed: Seed = 1,
    limit: Limit = None,
    quick: Quick = False,
    scheduler: options.Scheduler = None,
    folder: Folder = Path("out/experiments"),
    json: options.Json = None,
) -> None:
    """Train as the 1997 paper did.

    Every row of its tables to its own criterion: a table of the paper's counts and those found
    here, the network that forgets compared with it, and what was learnt in fixed point and
    gateware.
    """
    output.check_file(json)
    if jobs is not None and scheduler is not None:
        raise InputError(f"--jobs {jobs}: counts processes here, not those of --scheduler")
    chosen = [experiment(name) for name in names or (QUICK if quick else EXPERIMENTS)]
    if limit is not None:
        chosen = [replace(each, longest=min(each.longest, limit)) for each in chosen]
    kept = TrialFolder(folder)
    count = 1 if quick and trials is None else trials
    train(kept, chosen, count, seed, scheduler, jobs or processes.processors())
    results = collect(kept, folder, seed, QUICK_SIZES if quick else Sizes(), quick)
    write(results, folder)
    console = Console()
    for table in page.tables(results):
        table.show(console)
    typer.echo(f"Page     {folder / 'experiments.md'}\nModels   {folder / 'models'}")
    output.finish(results.as_dict(), json, all(each.exact for each in results.carried))


def train(
    kept: TrialFolder,
    chosen: Sequence[Experiment],
    trials: int | None,
    seed: int,
    scheduler: str | None,
    jobs: int,
) -> None:
    """Run the trials that are not over yet; one that diverged is said at once."""
    wanted = [
        (each, seed + k)
        for each in chosen
        for k in range(usual_trials(each) if trials is None else trials)
    ]
    if scheduler is None:
        where = workers.local(experiments_trials.work, None, jobs)
    else:
        where = workers.cluster(experiments_trials.work, None, scheduler)
    with where as work, progress.bar("Trials") as report:
        for outcome in experiments_trials.run(kept, wanted, work, report):
            if outcome.diverged:
                typer.echo(f"failed: {outcome.diverged}", err=True)


def usual_trials(e: Experiment) -> int:
    """Fewer where a trial takes over a minute."""
    return FEW if e.name in SLOW else TRIALS


def collect(kept: TrialFolder, folder: Path, seed: int, sizes: Sizes, quick: bool) -> Results:
    """All that the folder holds, with the contrast and the gateware of what was learnt."""
    rows = tuple(PaperRow.of(each, kept.outcomes(each)) for each in EXPERIMENTS.values())
    carried = gateware(kept, folder, rows, sizes)
    solved = {row.name: row.solved for row in rows}
    with progress.bar("Plain networks") as report:
        contrasts = contrast.measure(solved, seed, sizes.tested, quick, report)
    return Results(rows, carried, contrasts)


def gateware(
    kept: TrialFolder, folder: Path, rows: Iterable[PaperRow], sizes: Sizes
) -> tuple[Carried, ...]:
    """Carry on the network of the longest lag of each task; its file goes to `models`."""
    journal = Journal(
        folder / "gateware.jsonl",
        VERSION,
        Carried.from_dict,
        lambda each: each.key,
    )
    output.make_parent(folder / "models" / "any")
    carried = []
    with progress.bar("Gateware") as report, journal.adding():
        for best in longest(rows):
            e = experiment(best.experiment)
            net = golden.load(kept.network(e, best.seed))
            golden.save(net, folder / "models" / f"{e.name}.npz")
            key = (best.settings, best.seed, sizes)
            if key not in journal.known:
                tell = lambda what, e=e: report(note=f"{e.name}: {what}")  # noqa: E731
                journal.add(carry(e, net, best.seed, best.settings, sizes, tell))
            carried.append(journal.known[key])
    return tuple(carried)


def longest(rows: Iterable[PaperRow]) -> list[TrialOutcome]:
    """The best trial of each task that was solved, of the row of the longest sequences; of several
    one that most trials solve, the one with the most inputs, the paper's own, the last."""
    found: dict[str, tuple[tuple[int, bool, int, bool], TrialOutcome]] = {}
    for row in rows:
        if (best := row.best) is None:
            continue
        task = experiment(row.name).task
        rank = task.lengths[0], row.mostly, task.inputs, row.own
        if row.task not in found or rank >= found[row.task][0]:
            found[row.task] = rank, best
    return [best for _, best in found.values()]


def write(results: Results, folder: Path) -> None:
    """The page, its figures, and the same as JSON."""
    from carousel.experiments import plots as experiments_plots
    from carousel.report import plots

    figures = {page.FLOW: experiments_plots.flow(results.contrast)}
    if any(results.solved.values()):
        figures[page.COUNTS] = experiments_plots.counts(results)
    texts = {name: plots.svg(figure, Path(name).stem) for name, figure in figures.items()}
    texts["experiments.md"] = page.page(results)
    texts["experiments.json"] = output.to_json(results.as_dict())
    for name, text in texts.items():
        with output.file(folder / name) as other:
            other.write_text(text, encoding="utf-8")

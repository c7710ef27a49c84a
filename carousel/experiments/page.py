"""A campaign's results for people: tables, and the page that holds them with their figures.

`short` is the page's first part, which docs/measured.md repeats.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from statistics import mean

from carousel.experiments.contrast import SHOWN, TASKS
from carousel.experiments.gateware import Carried, Fixed
from carousel.experiments.results import PaperRow, Results
from carousel.report.tables import Table

FLOW, COUNTS = "experiments-flow.svg", "experiments-counts.svg"
TESTED_THERE = 2560  # sequences in the paper

HEAD = """# The paper's experiments

Hochreiter & Schmidhuber (1997), section 5: every row of Tables 1 to 9 that is of LSTM, trained
anew to the paper's own criteria with the paper's settings, and what was learnt carried into
gateware. This page and its figures are written by

    carousel experiments -o FOLDER      # needs the extra `train`

from what the folder holds; the same numbers are in `experiments.json` beside it. A row that was not
run is run by `carousel experiments ROW -o FOLDER`, which goes on where it was interrupted.

A row's name has its settings behind the experiment's number: of 1 blocks x cells and the learning
rate, of 2c q and p, of 3 T and N, of 4 T, of 5 n_seq. What counts is training sequences until each
criterion is met; mean, median and range are those of the trials that met all. Seeds begin at 1, and
a seed gives the same trial on one machine.
"""

SHORT = """
## In short

Of each task that was solved the row of the longest lag, and what its best network does in float, in
16 bits and in gateware:
"""

EVERY = """
## Every row
"""

TESTED = """
After training the learnt networks answered new sequences. `wrong` is the mean of the trials that
met all criteria; seconds are of one process on a shared machine, and of all trials.
"""

FORGETS = f"""
## The network that forgets

How much of an error signal is left q steps back: for plain recurrent networks of four units the
largest product of f'(net) w, summed over all paths between two of them, dotted the paper's bound
n tau^q where tau < 1; for memory cells ds(T)/ds(T - q), measured from the truncated gradient of
input units that are active at one step alone.

![Error flow against lag]({FLOW})
"""

UNTAUGHT = """
Plain networks of logistic units, as many as the memory cells have cells and gates, were trained by
back-propagation through time at the same rate on as many sequences as the cells needed (in the
paper in the mean, or here at most). Of 2a they were asked for the last symbol alone, which is less.
"""

GATEWARE = """
## In gateware

Of each task that was solved the row of the longest lag, and of its trials the one with the fewest
wrong: saved in `models/`, and tested on new sequences in float64, in fixed point with every code of
16 bits, and with every code of the fewest bits down to which no more go wrong than in float; where
16 bits are too few, with states of the fewest that do, and only then with more for all codes. A
sample of them ran through the simulated gateware, where every gate, state and output was compared
with the integer model's. One-hot input comes as index and value: the zeros cost no clocks.
"""

NARROW = ("model", "bits", "wrong in float", "fixed", "codes that differ", "cycles a step")
"""The columns for a terminal of a table on gateware; the page has all."""


def page(found: Results) -> str:
    """The whole page, in Markdown."""
    parts = [HEAD, *([SHORT, short(found)] if found.carried else [])]
    parts += [EVERY, _markdown(counts(found)), *_notes(found.rows)]
    if any(row.solved for row in found.rows):
        parts += [f"\n![Training sequences, here and in the paper]({COUNTS})\n"]
        parts += [TESTED, _markdown(tested(found))]
    parts += [FORGETS, _markdown(flow(found)), UNTAUGHT, _markdown(plain(found))]
    if found.carried:
        parts += [GATEWARE, _markdown(gateware(found.carried))]
    return "".join([*parts, *_failed(found.rows)])


def short(found: Results) -> str:
    """A table of the networks that were carried into gateware, and how many rows were solved."""
    head = ("row", "training sequences, paper", "here, mean and range", "solved")
    head += ("wrong in float, in 16 bits", "bits that keep float's answers")
    head += ("codes of the gateware that differ",)
    rows = {row.name: row for row in found.rows}
    lines = [_short(rows[each.experiment], each) for each in found.carried]
    return f"{_markdown(Table.of('In short', head, lines))}\n{_sum(rows)}"


def _short(row: PaperRow, carried: Carried) -> tuple[str, ...]:
    criterion, usual = row.criteria[-1], carried.usual
    ours = row.counts(criterion)
    assert ours, "a network that was carried on solved its task"
    return (
        row.name + row.mark,
        f"{row.paper.sequences[criterion]:,}",
        f"{ours.mean:,.0f} ({ours.least:,} to {ours.most:,})",
        f"{len(row.solved)} of {len(row.trials)}",
        f"{carried.wrong:,}, {usual.wrong:,} of {carried.sizes.tested:,}",
        carried.least.label if carried.least else "-",
        f"{usual.mismatches:,} of {usual.compared:,}",
    )


def _sum(rows: Mapping[str, PaperRow]) -> str:
    """How many of the paper's rows were solved, and what all trials took."""
    own = [row for row in rows.values() if row.own]
    solved = [row for row in own if row.mostly]
    rest = [row for row in own if not row.mostly]
    others = [row for row in rows.values() if row.mostly and not row.own]
    helped = [row for row in rest if any(each.name.startswith(f"{row.name}-") for each in others)]
    trials = [each for row in rows.values() for each in row.trials]
    hours = sum(each.seconds for each in trials) / 3600
    missing = ", ".join(f"`{row.name}`" for row in rows.values() if not row.trials)
    unrun = f"Not run: {missing}.\n" if missing else ""
    return f"""Of the paper's {len(own)} rows {len(solved)} were solved in most trials with its own
settings, and {len(helped)} more only where the text was read in another way (+) or a remedy went
beyond it (*), each in a row of its own. All {len(trials):,} trials took {hours:.1f} hours of one
processor.
{unrun}"""


def tables(found: Results) -> list[Table]:
    """For the terminal, without what was not run."""
    run = replace(found, rows=tuple(row for row in found.rows if row.trials))
    carried = [gateware(found.carried).only(NARROW)] if found.carried else []
    shown = [counts(run), tested(run), flow(found), plain(found), *carried]
    return [table for table in shown if table.rows]


def counts(found: Results) -> Table:
    """A line for each row of the paper and each of its criteria."""
    head = ("row", "Table", "until", "paper", "mean", "median", "range", "solved")
    lines = [_count(row, criterion) for row in found.rows for criterion in row.criteria]
    return Table.of("Training sequences", head, lines)


def _count(row: PaperRow, criterion: str) -> tuple[str, ...]:
    names = row.name + row.mark, str(row.table)
    paper, ours = f"{row.paper.sequences[criterion]:,}", row.counts(criterion)
    shown = ("-", "-", "-")
    if ours:
        range_ = f"{ours.least:,} to {ours.most:,}"
        shown = (f"{ours.mean:,.0f}", f"{ours.median:,.0f}", range_)
    share = f"{len(row.solved)} of {len(row.trials)}" if row.trials else "not run"
    return (*names, criterion, paper, *shown, share)


def tested(found: Results) -> Table:
    """A line for each row that was run."""
    head = ("row", "wrong, paper", "wrong", "mean abs error", "seconds a trial", "in all")
    return Table.of("After training", head, [_test(row) for row in found.rows if row.trials])


def _test(row: PaperRow) -> tuple[str, ...]:
    wrong, error = _answers(row)
    share, seconds = row.paper.wrong, [each.seconds for each in row.trials]
    paper = "-" if share is None else f"{TESTED_THERE * share:.1f} of {TESTED_THERE:,}"
    return (row.name, paper, wrong, error, f"{mean(seconds):.0f}", f"{sum(seconds):.0f}")


def _answers(row: PaperRow) -> tuple[str, str]:
    """Sequences answered wrongly and |error|, both the mean of the trials that solved the task."""
    if not (solved := row.solved):
        return "-", "-"
    wrong = f"{mean(each.wrong for each in solved):.1f} of {solved[0].tested:,}"
    return wrong, f"{mean(each.mean_abs for each in solved):.3g}"


def _notes(found: tuple[PaperRow, ...]) -> Iterator[str]:
    """How the text was read."""
    read: dict[str, list[str]] = {}
    for row in found:
        if row.reading and row.own:
            read.setdefault(row.reading, []).append(f"`{row.name}`")
    if read:
        yield "\nHow the text was read where it leaves a choice:\n\n"
    yield from (f"- {', '.join(names)}: {reading}\n" for reading, names in read.items())
    for mark, head, told in (
        ("+", "Read in another way, which the text allows as well", "other"),
        ("*", "Beyond the paper", "beyond"),
    ):
        lines = [f"- `{row.name}`: {text}.\n" for row in found if (text := getattr(row, told))]
        yield from [f"\n({mark}) {head}:\n\n", *lines] if lines else []


def _failed(found: tuple[PaperRow, ...]) -> Iterator[str]:
    """The trials that failed, folded."""
    failed = [(row, each) for row in found for each in row.failed]
    if failed:
        yield "\n## Trials that failed\n\n"
        yield f"<details><summary>All {len(failed)} of them</summary>\n\n"
    for row, each in failed:
        why = each.diverged or f"given up after {each.presented:,} sequences"
        tested = "" if each.diverged else f", then {each.wrong:,} of {each.tested:,} wrong"
        yield f"- `{row.name}`, seed {each.seed}: {why}{tested}\n"
    if failed:
        yield "\n</details>\n"


def flow(found: Results) -> Table:
    contrast = found.contrast
    lags = [lag for lag in contrast.lags if lag in SHOWN]
    lines = (
        (curve.label, *(f"{curve.flow[contrast.lags.index(lag)]:.2g}" for lag in lags))
        for curve in contrast.curves
    )
    return Table.of("Error flow, by lag in steps", ("network", *map(str, lags)), lines)


def plain(found: Results) -> Table:
    """Plain networks, each with the memory cells' trials on the same task under it."""
    lines: list[tuple[str, ...]] = []
    for each in found.contrast.plain:
        wrong = f"{each.wrong:,} of {each.tested:,}"
        lines.append((each.experiment, f"{each.units} logistic", f"{each.presented:,}", wrong))
    for row in found.rows:
        ours = row.counts(row.criteria[-1])
        if row.name in TASKS and ours:
            lines.append((row.name, "memory cells", f"{ours.mean:,.0f}", _answers(row)[0]))
    head = ("experiment", "units", "training sequences", "wrong")
    return Table.of("Plain networks, trained through time", head, sorted(lines))


def gateware(found: tuple[Carried, ...]) -> Table:
    """A line for each learnt network and each of its widths."""
    head = (
        *("model", "seed", "steps", "bits", "wrong in float", "fixed", "of"),
        *("of the sample", "gateware", "codes that differ", "cycles a step", "with zeros sent"),
    )
    lines = []
    for each in found:
        shown = [each.usual, *([each.least] if each.least and each.least != each.usual else [])]
        lines += [_width(each, fixed) for fixed in shown]
    return Table.of("Sequences answered wrongly", head, lines)


def _width(each: Carried, fixed: Fixed) -> tuple[str, ...]:
    sample = f"{each.sample_wrong}, {fixed.sample_wrong}"
    return (
        *(each.experiment, str(each.seed), f"{each.steps:,}", fixed.label),
        *(f"{n:,}" for n in (each.wrong, fixed.wrong, each.sizes.tested)),
        *(sample, f"{fixed.gateware_wrong} of {each.sizes.sample}"),
        f"{fixed.mismatches:,} of {fixed.compared:,}",
        f"{fixed.cycles:g}",
        f"{each.dense_cycles:,}" if each.sparse else "-",
    )


def _markdown(table: Table) -> str:
    return f"\n{table.markdown()}\n"

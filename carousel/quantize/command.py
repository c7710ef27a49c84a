"""`carousel quantize`: number formats, their error, and where that comes from."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

import golden
from carousel.cli import options, output, rounding
from carousel.cli.choice import Choice
from carousel.cli.subject import Given, Subject, prepare
from carousel.measure import accuracy, verdict
from carousel.report import tables
from fixedpoint.calibration import HEADROOM
from golden import InputError

Place = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Formats file to write.",
        show_default="out/<model's name>.formats.json",
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        help="Write the error budget as a page (.html) to this file: which quantiser costs what, "
        "over time, and which bits are not used.",
        show_default="not written",
    ),
]


def quantize(
    model: options.Model,
    bits: options.Bits = 16,
    state_bits: options.StateBits = None,
    headroom: options.Headroom = HEADROOM,
    formats: options.Formats = None,
    file: options.Input = None,
    axes: options.InputAxes = None,
    order: options.Order = None,
    sequences: options.Sequences = None,
    length: options.Length = None,
    seed: options.Seed = 0,
    state: options.State = None,
    strict: options.Strict = False,
    rounds: options.Round = options.Rounding.NEAREST,
    place: Place = None,
    report: Report = None,
    json: options.Json = None,
) -> None:
    """Choose the number formats and show their error.

    The formats go to a file that the other commands take with --formats. With --report every
    quantiser is switched on and off alone, to see where the error comes from.
    """
    output.check_file(json)
    output.check_file(report)
    by_data = rounds is options.Rounding.DATA
    if by_data and report is not None:
        raise InputError(
            f"--report {report}: of weights that are rounded to the nearest, not by data"
        )
    choice = Choice(bits, formats, state_bits, headroom, by_data=by_data)
    given = Given(
        file or (),
        sequences,
        length,
        seed,
        state,
        axes=axes,
        order=order,
        strict=strict,
        unlike=True,
    )
    subject = prepare(model, choice, given)
    if place is None:
        place = Path("out") / f"{subject.net.name}.formats.json"
        output.make_parent(place)
    output.check_file(place)
    beside = rounding.place(place, subject.net) if by_data else None
    measured = accuracy.measure(subject, keep=report is not None)
    shown, data = [accuracy.table(measured)], accuracy.plain(subject, measured)
    words = _command(subject, model, file or (), seed, state)
    if report is not None:
        told = shlex.join((*words, "--report", str(report)))
        budget, more = _report(model, subject, measured, told, report)
        shown, data = [*shown, *budget], {**data, **more, "report": str(report)}
    with output.file(place) as other:
        subject.qnet.formats.dump(other)
    if beside is not None:
        parts = subject.inputs.parts(subject.state)
        net = choice.weights(subject.net, subject.qnet.formats, parts)
        golden.save(replace(net, made_by=shlex.join(words)), beside)
        data = {**data, "model": str(beside)}
    console = Console()
    for table in [tables.formats(subject.qnet.formats), *shown]:
        table.show(console)
    typer.echo(f"Formats  {place}")
    if beside is not None:
        typer.echo(f"Model    {beside}")
    if report is not None:
        typer.echo(f"Report   {report}")
    judged = verdict.judge(subject, measured)
    typer.echo(judged.sentence)
    output.finish({"formats": str(place), **data, "verdict": judged.plain()}, json, True)


def _report(
    model: Path, subject: Subject, measured: accuracy.Measured, told: str, place: Path
) -> tuple[list[tables.Table], dict[str, Any]]:
    """Write the report; the budget for people and for programs."""
    from carousel.cli import repeat
    from carousel.measure.budget import account
    from carousel.quantize import page

    found = account.measure(subject, measured)
    again = repeat.plain(subject.qnet, told, {"model": model}, ("numpy",))
    with output.file(place) as other:
        other.write_text(page.render(subject, measured, found, again), encoding="utf-8")
    answers = [account.answers(found)] if found.right else []
    return [*answers, account.groups(found)], {"budget": account.plain(found), "repeat": again}


def _command(
    subject: Subject,
    model: Path,
    files: Sequence[Path],
    seed: int,
    state: Path | None,
) -> tuple[str, ...]:
    """The command with every choice written out, the defaults too."""
    from carousel.cli import repeat

    widths, sequences = repeat.choices(subject, files, seed)
    start = () if state is None else ("--state", state)
    words = ("carousel", "quantize", model, *widths, *sequences, *start)
    return tuple(map(str, words))

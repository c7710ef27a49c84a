"""`carousel hold`: what a network keeps, what moves its states, and how far they can move."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from carousel.cli import options, output
from carousel.cli.choice import Choice
from carousel.cli.subject import Given, Subject, prepare
from carousel.measure.retention import bound, hold_check, own, retained
from carousel.measure.retention.lags import QUICK
from carousel.measure.retention.retained import Retained
from fixedpoint.calibration import HEADROOM
from fixedpoint.retention import gates_seen

InputRange = Annotated[
    tuple[float, float] | None,
    typer.Option(
        metavar="LOW HIGH",
        help="A range of the input to give bounds for as well.",
        show_default="the whole format and the sequences' own values only",
    ),
]
Figures = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Folder for the figures (.svg) and a page with all of it (hold.html).",
        show_default="not written",
    ),
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick", help=f"Lags of up to {QUICK:,} steps, and no gateware.  [default: off]"
    ),
]


def hold(
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
    input_range: InputRange = None,
    quick: Quick = False,
    folder: Figures = None,
    json: options.Json = None,
) -> None:
    """What is left of stored values, measured and bounded.

    Shuts the gates and sees that no state moves in a million steps; follows stored values among
    distractors in float64, float32, fixed point and gateware; says from which net inputs a gate is
    exactly shut, what leaks, creeps in or sticks, and how far a state can drift at most.

    Status 1 when a state that should hold changes by as much as one LSB, when one moves further
    than its bound, when a code of the gateware differs, or when the network's gates are clipped so
    that they cannot be shut.
    """
    output.check_file(json)
    choice = Choice(bits, formats, state_bits, headroom)
    given = Given(file or (), sequences, length, seed, axes=axes, order=order)
    subject = prepare(model, choice, given)
    ranges = bound.ranges(subject, input_range)
    held = hold_check.check(subject, quick)
    met = gates_seen.over(subject.qnet, subject.codes)
    kept = retained.find(subject, held, met, ranges, quick)
    found = replace(kept, own=own.find(subject))
    typer.echo(retained.sentence(found))
    for table in retained.tables(found):
        table.show(Console())
    for note in found.notes:
        typer.echo(note)
    data = retained.plain(found)
    if folder is not None:
        told = _command(subject, model, file or (), seed, input_range, quick, folder)
        data |= _write(folder, model, subject, found, told)
        for path in (*data["figures"], data["report"]):
            typer.echo(f"Written  {path}")
    output.finish(data, json, held.ok and found.bounded)


def _write(
    folder: Path, model: Path, subject: Subject, retained: Retained, told: str
) -> dict[str, Any]:
    """Write figures and page into a folder; their paths, and what it takes to repeat them."""
    from carousel.cli import repeat
    from carousel.hold import page
    from carousel.measure.retention import sections

    drawn, again = sections.figures(retained), repeat.plain(subject.qnet, told, {"model": model})
    with output.folder(folder) as stage:
        for name, figure in drawn.items():
            (stage / f"{name}.svg").write_text(figure, encoding="utf-8")
        text = page.render(subject, retained, drawn, again)
        (stage / "hold.html").write_text(text, encoding="utf-8")
    return {
        "figures": [str(folder / f"{name}.svg") for name in sorted(drawn)],
        "report": str(folder / "hold.html"),
        "repeat": again,
    }


def _command(
    subject: Subject,
    model: Path,
    files: Sequence[Path],
    seed: int,
    input_range: tuple[float, float] | None,
    quick: bool,
    folder: Path,
) -> str:
    """The command with every choice written out, the defaults too."""
    from carousel.cli import repeat

    widths, sequences = repeat.choices(subject, files, seed)
    ends = () if input_range is None else ("--input-range", *input_range)
    short = ("--quick",) if quick else ()
    words = ("carousel", "hold", model, *widths, *sequences, *ends, *short, "--output", folder)
    return shlex.join(map(str, words))

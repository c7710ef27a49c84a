"""`carousel hold`: what a network keeps, what moves its states, and how far they can move."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from carousel import (
    hold_bound,
    hold_lags,
    hold_map,
    hold_plots,
    holding,
    options,
    output,
    plots,
    steps,
)
from carousel.hold_lags import QUICK, Setting
from carousel.hold_map import Maps

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
        "--output", "-o", help="Folder to draw the figures in (.svg).", show_default="not drawn"
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
    formats: options.Formats = None,
    file: options.Input = None,
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
    subject = steps.prepare(model, bits, formats, file, sequences, length, seed)
    ranges = hold_bound.ranges(subject, input_range)
    held = holding.check(subject, quick)
    if held.never is not None:
        typer.echo(held.never)
        output.finish(holding.plain(held), json, held.ok)
        return
    maps, bounds = hold_map.find(subject), hold_bound.find(subject, ranges)
    settings = hold_lags.measure(subject, quick)
    shown = [holding.table(held), *hold_lags.tables(settings), *hold_map.tables(maps)]
    shown += [*hold_bound.tables(bounds), hold_lags.checks(settings)]
    for table in shown:
        table.show(Console())
    data: dict[str, Any] = {
        **holding.plain(held),
        "lags": hold_lags.plain(settings),
        "retention": hold_map.plain(maps),
        "bound": hold_bound.plain(bounds),
    }
    if folder is not None:
        data["figures"] = draw(folder, settings, maps)
        for path in data["figures"]:
            typer.echo(f"Figure  {path}")
    output.finish(data, json, held.ok and all(setting.ok for setting in settings))


def draw(folder: Path, settings: tuple[Setting, ...], maps: Maps) -> list[str]:
    """Write the figures into a folder; their paths."""
    figures = {
        "hold-lags": hold_plots.lags(settings),
        "hold-map": hold_plots.maps(maps.layers),
    }
    with output.folder(folder) as stage:
        for name, figure in figures.items():
            (stage / f"{name}.svg").write_text(plots.svg(figure, name), encoding="utf-8")
    return [str(folder / f"{name}.svg") for name in figures]

"""`carousel inspect`: what a model is and what it will need."""

from pathlib import Path
from typing import Annotated

import typer

from carousel.cli import options, output


def inspect(
    model: options.Model,
    order: options.Order = None,
    bits: Annotated[int, typer.Option(help="Width of a value, for the memory.")] = 16,
    lanes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Multipliers side by side.",
            show_default="some numbers from the fewest to the most",
        ),
    ] = None,
    skip: options.Skip = None,
    draw: Annotated[
        Path | None,
        typer.Option(
            help="Draw the core's datapath and the clocks of one step to this file (.svg), at "
            "--lanes or at the most that the network can use.",
            show_default="not drawn",
        ),
    ] = None,
    json: options.Json = None,
) -> None:
    """Say what a model is and what it will need.

    Layers, weights, cycles a step and memory at some numbers of multipliers; nothing is run.
    """
    from rich.console import Console

    from carousel.cli.subject import load
    from carousel.inspect import about

    output.check_file(json)
    output.check_file(draw)
    found = about.look(load(model, order), model, bits, lanes, skip)
    core = found.core if draw else None
    for table in about.tables(found):
        table.show(Console())
    if core and draw:
        from carousel import plots
        from carousel.report.plots import svg

        with output.file(draw) as other:
            other.write_text(svg(plots.schedule(core), "core"))
        typer.echo(f"Figure  {draw}")
    output.finish(about.plain(found), json, True)

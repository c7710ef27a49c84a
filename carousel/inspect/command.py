"""`carousel inspect`: what a model is and what it will need."""

from typing import Annotated

import typer

from carousel.cli import options, output


def inspect(
    model: options.Model,
    bits: Annotated[int, typer.Option(help="Width of a value, for the memory.")] = 16,
    lanes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Multipliers side by side.",
            show_default="some numbers from the fewest to the most",
        ),
    ] = None,
    json: options.Json = None,
) -> None:
    """Say what a model is and what it will need.

    Layers, weights, cycles a step and memory at some numbers of multipliers; nothing is run.
    """
    from rich.console import Console

    import golden
    from carousel.inspect import about

    output.check_file(json)
    found = about.look(golden.load(model), model, bits, lanes)
    for table in about.tables(found):
        table.show(Console())
    output.finish(about.plain(found), json, True)

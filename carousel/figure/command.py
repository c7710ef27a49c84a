"""`carousel figure`: what networks keep of a symbol, drawn."""

from pathlib import Path
from typing import Annotated

import typer

from carousel.cli import options, output
from carousel.cli.inputs import LONGEST_STORY


def figure(
    model: Annotated[
        Path, typer.Option(callback=options.shipped, help="Network of memory cells.")
    ] = Path("temporal_order_held"),
    rnn: Annotated[
        Path, typer.Option(callback=options.shipped, help="Plain recurrent network.")
    ] = Path("temporal_order_rnn"),
    bits: options.Bits = 16,
    length: Annotated[int, typer.Option(min=62, help="Steps of the sequences.")] = LONGEST_STORY,
    seed: options.Seed = 0,
    file: Annotated[Path, typer.Option("--output", "-o", help="Figure (.svg) to write.")] = Path(
        "docs/story.svg"
    ),
    json: options.Json = None,
) -> None:
    """Draw what networks keep of a symbol.

    For a thousand steps, or as many as --length says: a plain recurrent network, memory cells in
    float, and their gateware.
    """
    from rich.console import Console

    from carousel.figure import plots, story
    from carousel.report.plots import svg

    output.check_file(json)
    output.check_file(file)
    told = story.follow(model, rnn, bits, length, seed)
    with output.file(file) as other:
        other.write_text(svg(plots.story(told), "story"))
    story.table(told).show(Console())
    typer.echo(f"Figure  {file}")
    moved = {label: float(values[-2]) for label, values in told.moves.items()}
    output.finish({"figure": str(file), "left": told.left, "moved": moved}, json, True)

"""`carousel train`: the shipped networks anew."""

from pathlib import Path
from typing import Annotated

import typer

import golden
from carousel.cli import options, output
from golden import training
from golden.modelfile import check_suffix


def train(
    recipe: Annotated[
        str,
        typer.Argument(help=f"Which network: {', '.join(training.RECIPES)}.", show_default=False),
    ],
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights and sequences.")] = 1,
    file: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Model file to write.", show_default="out/<recipe>.npz"
        ),
    ] = None,
    json: options.Json = None,
) -> None:
    """Train one of the shipped networks anew."""
    from carousel.cli import progress

    output.check_file(json)
    place = file or Path("out") / f"{recipe}.npz"
    if file is None:
        output.make_parent(place)
    output.check_file(place)
    check_suffix(place)
    with progress.bar(f"Training {recipe}") as report:
        net = training.train(recipe, seed=seed, progress=report)
    golden.save(net, place)
    typer.echo(f"Model  {place}")
    output.finish({"recipe": recipe, "seed": seed, "model": str(place)}, json, True)

"""`carousel export`: a model as ONNX, and what is said of the file."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from carousel.cli import options, output
from carousel.report.tables import Table
from golden.exporters.onnx import Exported, save_onnx

Place = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="File (.onnx) to write.", show_default="out/<model's name>.onnx"
    ),
]


def export(
    model: options.Model,
    order: options.Order = None,
    place: Place = None,
    json: options.Json = None,
) -> None:
    """Write a model as ONNX."""
    from rich.console import Console

    from carousel.cli.subject import load

    output.check_file(json)
    net = load(model, order)
    if place is None:
        place = Path("out") / f"{net.name}.onnx"
        output.make_parent(place)
    output.check_file(place)
    exported = save_onnx(net, place)
    table(exported).show(Console())
    typer.echo(f"ONNX  {place}")
    output.finish(plain(exported, place), json, True)


def table(exported: Exported) -> Table:
    """For people: the rounding of numbers, and what is said in other terms."""
    rows = [
        ("operators", f"opset {exported.opset}"),
        ("numbers", exported.dtype),
        ("largest rounding of a number", f"{exported.absolute:.3g}"),
        ("largest in proportion to it", f"{exported.relative:.3g}"),
        *(("in other terms", note) for note in exported.notes),
    ]
    return Table.of("Written as ONNX", ("", "found"), rows)


def plain(exported: Exported, place: Path) -> dict[str, Any]:
    """For programs."""
    return {"onnx": str(place), **asdict(exported)}

"""The file that `carousel export` writes, and what it says of it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from carousel.page.tables import Table
from golden.exporters.onnx import Exported

Place = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="File (.onnx) to write.", show_default="out/<model's name>.onnx"
    ),
]


def table(found: Exported) -> Table:
    """For people: the rounding of numbers, and what is said in other terms."""
    rows = [
        ("operators", f"opset {found.opset}"),
        ("numbers", found.dtype),
        ("largest rounding of a number", f"{found.absolute:.3g}"),
        ("largest in proportion to it", f"{found.relative:.3g}"),
        *(("in other terms", note) for note in found.notes),
    ]
    return Table.of("Written as ONNX", ("", "found"), rows)


def plain(found: Exported, place: Path) -> dict[str, Any]:
    """For programs."""
    return {"onnx": str(place), **asdict(found)}

"""`carousel build`: from a model to a bitstream, and what the design takes and reaches."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from carousel import built, options, output, steps
from rtl import make_core
from rtl.flow import DEVICES, find, tools

DeviceName = Annotated[
    str,
    typer.Option("--device", help=f"FPGA to build for: {', '.join(DEVICES)}.", show_default=False),
]
Clock = Annotated[
    float | None,
    typer.Option(
        "--freq",
        min=1,
        help="Clock that must be reached, MHz; otherwise nothing is written and the status is 2.",
        show_default="as fast as it gets",
    ),
]
Seeds = Annotated[
    list[int] | None,
    typer.Option(
        "--seed",
        min=1,
        help="Seed of a placement; several, to have the fastest of them.",
        show_default="1",
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Folder to write to.",
        show_default="out/<model's name>-<device>",
    ),
]


def build(
    model: options.Model,
    device: DeviceName,
    bits: options.Bits = 16,
    formats: options.Formats = None,
    lanes: options.Lanes = None,
    file: options.Input = None,
    max_length: options.MaxLength = None,
    freq: Clock = None,
    seeds: Seeds = None,
    folder: Folder = None,
    json: options.Json = None,
) -> None:
    """Place and route the core for an FPGA.

    Says what it takes, how fast it is and why not faster; writes Verilog, netlist, bitstream, the
    tools' logs and a build.json that says all of it. Needs the extra `fpga`.
    """
    output.check_file(json)
    chosen = find(device)
    tools.check(chosen.tools)
    subject = steps.prepare(model, bits, formats, file, max_length=max_length)
    core = make_core(subject.qnet, lanes, max_length=subject.max_length)
    place = folder or Path("out") / f"{subject.net.name}-{chosen.name}"
    with output.folder(place) as stage, built.keeping_log(place), built.stages() as progress:
        found = built.make(core, chosen, stage, freq, seeds or [1], progress)
        data: dict[str, Any] = {"model": str(model), **built.plain(found)}
        files = {name: str(place / path.name) for name, path in found.files.items()}
        if found.slow:
            output.write_json(json, {**data, "ok": False})
            raise found.slow
        data |= {"files": files}
        (stage / "build.json").write_text(output.to_json(data), encoding="utf-8")
    for table in built.tables(found):
        table.show(Console())
    for name, path in {**files, "report": place / "build.json"}.items():
        typer.echo(f"{name.capitalize():9} {path}")
    output.write_json(json, {**data, "ok": True})

"""`carousel build`: from a model to a bitstream, and what the design takes and reaches."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from carousel.cli import options, output
from carousel.cli.choice import Choice
from carousel.cli.subject import Given, prepare
from carousel.cli.targets import BOARDS, DEVICES, target
from carousel.measure import built
from fixedpoint.calibration import HEADROOM
from rtl import CoreOptions, plan
from rtl.flow import tools

DeviceName = Annotated[
    str | None,
    typer.Option(
        "--device", help=f"FPGA to build for: {', '.join(DEVICES)}.", show_default="the board's"
    ),
]
BoardName = Annotated[
    str | None,
    typer.Option(
        "--board",
        help=f"Board to build for, with the core behind its UART: {', '.join(BOARDS)}.",
        show_default="none: the core alone, its pins anywhere",
    ),
]
Clock = Annotated[
    float | None,
    typer.Option(
        "--freq",
        min=1,
        help="Clock that must be reached, MHz; where it is not, nothing is written and the status "
        "is 2.",
        show_default="as fast as it gets; of a board, its crystal's",
    ),
]
Seeds = Annotated[
    list[int] | None,
    typer.Option(
        "--seed",
        min=1,
        help="Seed of a placement; given several times, the fastest is taken.",
        show_default="1",
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Folder to write to.",
        show_default="out/<model's name>-<device or board>",
    ),
]


def build(
    model: options.Model,
    device: DeviceName = None,
    board: BoardName = None,
    bits: options.Bits = 16,
    state_bits: options.StateBits = None,
    headroom: options.Headroom = HEADROOM,
    formats: options.Formats = None,
    lanes: options.Lanes = None,
    file: options.Input = None,
    axes: options.InputAxes = None,
    order: options.Order = None,
    decide: options.Decide = False,
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
    chosen = target(device, board)
    tools.check(chosen.device.tools)
    choice = Choice(bits, formats, state_bits, headroom, chosen.device.family.dsp_bits)
    subject = prepare(
        model,
        choice,
        Given(file or (), axes=axes, order=order, decide=decide, unlike=True),
        max_length,
    )
    core = plan(subject.core, CoreOptions(lanes, max_length=subject.max_length))
    place = folder or Path("out") / f"{subject.net.name}-{chosen.name}"
    with output.folder(place) as stage, built.keeping_log(place), built.stages() as progress:
        found = built.make(core, chosen, stage, freq, seeds or [1], progress)
        data: dict[str, Any] = {"model": str(model), **built.plain(found)}
        if found.slow:
            output.write_json(json, {**data, "ok": False})
            raise found.slow
        subject.qnet.formats.dump(stage / "formats.json")
        files = {name: str(place / path.name) for name, path in found.files.items()}
        files["formats"] = str(place / "formats.json")
        data["files"] = files
        (stage / "build.json").write_text(output.to_json(data), encoding="utf-8")
    for table in built.tables(found):
        table.show(Console())
    for name, path in {**files, "report": place / "build.json"}.items():
        typer.echo(f"{name.capitalize():9} {path}")
    output.write_json(json, {**data, "ok": True})

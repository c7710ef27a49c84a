"""`carousel build`: from a model to a bitstream, and what the design takes and reaches."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

import golden
from carousel.cli import options, output
from carousel.cli.choice import Choice
from carousel.cli.lanes import say
from carousel.cli.subject import Given, Subject, prepare
from carousel.cli.targets import BOARDS, DEVICES, target
from carousel.measure import built, fitting
from fixedpoint.calibration import HEADROOM
from rtl import CoreOptions
from rtl.flow import FlowError, tools

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
        max=10_000,
        help="Clock that must be reached, MHz; where it is not, nothing is written and the status "
        "is 2.",
        show_default="as fast as it gets; of a board, its crystal's",
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(
        min=1,
        max=1e9,
        help="Steps a second that must be reached, such as 44100 or 48000; the clock is then as "
        "slow as these allow, on a board the next that its PLL gives.",
        show_default="whatever the clock gives",
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
    protect: options.Protect = False,
    freq: Clock = None,
    rate: Rate = None,
    seeds: Seeds = None,
    folder: Folder = None,
    json: options.Json = None,
) -> None:
    """Place and route the core for an FPGA.

    Says what it takes, how fast it is and why not faster; writes Verilog, netlist, bitstream, the
    tools' logs, a build.json that says all of it, and what `carousel load` and `carousel stream`
    need. Without --lanes the core has as many as fit. Needs the extra `fpga`.
    """
    output.check_file(json)
    if freq is not None and rate is not None:
        raise FlowError(f"--freq {freq:g} and --rate {rate:g}: only one of them can be given")
    if protect and board is not None:
        raise FlowError(
            f"--protect: cannot be combined with --board {board}: its link has no answer that "
            "says which bits were mended"
        )
    chosen = target(device, board)
    tools.check(chosen.device.tools)
    choice = Choice(bits, formats, state_bits, headroom, chosen.device.family.dsp_bits)
    subject = prepare(
        model,
        choice,
        Given(file or (), axes=axes, order=order, decide=decide, unlike=True),
        max_length,
    )
    place = folder or Path("out") / f"{subject.net.name}-{chosen.name}"
    wanted = CoreOptions(lanes, max_length=subject.max_length, protect=protect)
    cores = fitting.cores(subject.core, wanted, chosen.device)
    with output.folder(place) as stage, built.keeping_log(place), built.stages() as progress:
        job = built.Job(chosen, stage, freq, rate, tuple(seeds or [1]))
        found = fitting.first(cores, lambda core: built.make(core, job, progress))
        data: dict[str, Any] = {"model": str(model), **built.plain(found)}
        if found.slow:
            output.write_json(json, {**data, "ok": False})
            raise found.slow
        files = {name: str(place / path.name) for name, path in found.files.items()}
        files |= _beside(subject, stage, place)
        data |= {"files": files, "decide": decide}
        (stage / "build.json").write_text(output.to_json(data), encoding="utf-8")
    say(lanes, found.plan.most_lanes, subject.core, f" for {chosen.name}")
    for table in built.tables(found):
        table.show(Console())
    for name, path in {**files, "report": place / "build.json"}.items():
        typer.echo(f"{name.capitalize():9} {path}")
    if board is not None:
        typer.echo(f"Load      carousel load {shlex.quote(str(place))}")
    output.write_json(json, {**data, "ok": True})


def _beside(subject: Subject, stage: Path, place: Path) -> dict[str, str]:
    """Write the model and its formats, from which a stream to the board is checked."""
    subject.qnet.formats.dump(stage / "formats.json")
    golden.save(subject.net, stage / "model.npz")
    return {"model": str(place / "model.npz"), "formats": str(place / "formats.json")}

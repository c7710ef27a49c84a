"""`carousel verilog`: the core as Verilog, and what its user must know."""

import re
from pathlib import Path

import typer

from carousel.cli import options, output, progress
from carousel.cli.choice import Choice
from carousel.cli.skipping import Skipping
from carousel.cli.subject import Given, prepare
from fixedpoint.calibration import HEADROOM


def verilog(
    model: options.Model,
    bits: options.Bits = 16,
    state_bits: options.StateBits = None,
    headroom: options.Headroom = HEADROOM,
    formats: options.Formats = None,
    lanes: options.Lanes = None,
    file: options.Input = None,
    axes: options.InputAxes = None,
    order: options.Order = None,
    decide: options.Decide = False,
    sequences: options.Sequences = None,
    length: options.Length = None,
    seed: options.Seed = 0,
    max_length: options.MaxLength = None,
    skip: options.Skip = None,
    threshold: options.Threshold = None,
    streams: options.Streams = 1,
    nonzeros: options.Nonzeros = None,
    state_port: options.StatePort = False,
    load_port: options.LoadPort = False,
    protect: options.Protect = False,
    axi: options.Axi = False,
    memory_files: options.MemoryFiles = False,
    folder: options.Output = None,
    json: options.Json = None,
) -> None:
    """Write the core as Verilog.

    Beside it a JSON file with its ports, formats and cycles. The core of a network with reverse
    layers holds whole sequences, of up to --max-length steps.
    """
    from carousel.cli.lanes import say, usual
    from rtl import CoreOptions, plan
    from rtl.axi.wrapper import wrappable
    from rtl.kit.files import files
    from rtl.verilog import put
    from sim.recording import record

    output.check_file(json)
    choice = Choice(bits, formats, state_bits, headroom)
    given = Given(
        file or (),
        sequences,
        length,
        seed,
        axes=axes,
        order=order,
        decide=decide,
        unlike=True,
        skipping=Skipping(skip, threshold),
    )
    subject = prepare(model, choice, given)
    place, room = folder or Path("out") / subject.net.name, max_length or subject.max_length
    ports = {"state_port": state_port, "load_port": load_port}
    chosen = CoreOptions(lanes, streams, nonzeros, room, **ports, skip=skip, protect=protect)
    core = plan(subject.core, usual(subject.core, chosen))
    core = wrappable(core) if axi else core
    with output.folder(place) as stage, progress.bar("Verilog"):
        texts = files(core, record(core, subject.codes), axi=axi, memory_files=memory_files)
        written = put(texts, stage)
    say(lanes, core.most_lanes, subject.core)
    told = {_what(path): str(place / path.name) for path in written}
    for what, path in told.items():
        typer.echo(f"{what[0].upper() + what[1:]:17} {path}")
    output.finish(told, json, True)


KINDS = {
    "_tb.v": "test bench",
    "_tb_in.mem": "stimulus",
    "_tb_out.mem": "expected",
    "_tb_state.mem": "expected state",
    ".v": "verilog",
    ".core.json": "about",
    ".veo": "Verilog instance",
    ".vho": "VHDL instance",
    ".vlt": "Verilator waivers",
    ".core": "FuseSoC",
    "_vivado.tcl": "Vivado",
    "_ooc.xdc": "Vivado clock",
    "_quartus.tcl": "Quartus",
    ".sdc": "Quartus clock",
    ".registers.md": "registers",
    ".registers.json": "table",
    ".rdl": "SystemRDL",
    ".load.json": "load",
    "carousel.c": "driver",
    "carousel.h": "driver header",
    "carousel_registers.h": "driver registers",
    "_example.c": "driver example",
    "_load.h": "driver load",
    ".h": "driver core",
}


def _what(path: Path) -> str:
    """What a written file is; of a memory's contents also which one."""
    memory = re.search(r"_(\d+)\.mem$", path.name)
    if memory:
        return f"memory {memory[1]}"
    return next(kind for suffix, kind in KINDS.items() if path.name.endswith(suffix))

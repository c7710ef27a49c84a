"""`carousel simulate`: the gateware in simulation, each code compared."""

from pathlib import Path
from typing import Annotated

import typer

from carousel.cli import options, output
from fixedpoint.calibration import HEADROOM


def simulate(
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
    idle: Annotated[
        float, typer.Option(min=0, max=0.99, help="Share of clocks in which no input is offered.")
    ] = 0.0,
    back_pressure: Annotated[
        float, typer.Option(min=0, max=0.99, help="Share of clocks in which no output is taken.")
    ] = 0.0,
    waves: Annotated[
        Path | None,
        typer.Option(help="Write waveforms (.vcd) to this file.", show_default="not written"),
    ] = None,
    state: options.State = None,
    strict: options.Strict = False,
    save_state: options.SaveState = None,
    max_length: options.MaxLength = None,
    skip: options.Skip = None,
    threshold: options.Threshold = None,
    streams: options.Streams = 1,
    nonzeros: options.Nonzeros = None,
    protect: options.Protect = False,
    json: options.Json = None,
) -> None:
    """Run the gateware and compare every code.

    Simulates the core on the sequences and compares it with the integer model; status 1 when a
    code, a saturation counter or the cycles a step differ.
    """
    from rich.console import Console

    from carousel.cli import state_file
    from carousel.cli.choice import Choice
    from carousel.cli.lanes import say, usual
    from carousel.cli.skipping import Skipping
    from carousel.cli.subject import Given, prepare
    from carousel.measure import gateware
    from rtl import CoreOptions
    from sim import Pattern

    output.check_file(json)
    output.check_file(waves)
    choice = Choice(bits, formats, state_bits, headroom)
    given = Given(
        file or (),
        sequences,
        length,
        seed,
        state,
        axes=axes,
        order=order,
        strict=strict,
        decide=decide,
        skipping=Skipping(skip, threshold),
    )
    subject = prepare(model, choice, given, max_length)
    state_file.check_file(save_state, subject.net)
    room = subject.max_length
    wanted = CoreOptions(lanes, streams, nonzeros, room, skip=skip, protect=protect)
    chosen = usual(subject.core, wanted)
    found = gateware.play(subject, chosen, Pattern(idle, back_pressure, seed), waves)
    state_file.write(save_state, subject.qnet, found.trace.state)
    say(lanes, chosen.lanes, subject.core)
    gateware.table(found).show(Console())
    output.finish(gateware.plain(found), json, found.ok)

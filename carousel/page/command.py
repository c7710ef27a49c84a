"""`carousel page`: one HTML file in which the core runs, as WebAssembly, without a network."""

from pathlib import Path
from typing import Annotated

import typer

from carousel.cli import options, output, progress
from carousel.cli.choice import Choice
from carousel.cli.subject import Given, prepare
from fixedpoint.calibration import HEADROOM

Place = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="File (.html) to write.", show_default="out/<model's name>.html"
    ),
]


def page(
    model: options.Model,
    bits: options.Bits = 16,
    state_bits: options.StateBits = None,
    headroom: options.Headroom = HEADROOM,
    formats: options.Formats = None,
    lanes: options.Lanes = None,
    file: options.Input = None,
    axes: options.InputAxes = None,
    order: options.Order = None,
    sequences: options.Sequences = None,
    length: options.Length = None,
    seed: options.Seed = 0,
    place: Place = None,
    json: options.Json = None,
) -> None:
    """Write a page on which the core runs in a browser, offline.

    The Verilog is that of `carousel verilog` with the same options, compiled to WebAssembly. The
    page has a memory cell with two doors to open and shut, the model on sequences that one
    composes, float64 next to both, and a check against recorded codes of the integer model.
    Needs the extra `page`; not with reverse layers.
    """
    from carousel.cli.lanes import chosen
    from carousel.page.contents import contents
    from carousel.page.page import check_size, render
    from golden import InputError
    from rtl import CoreOptions, plan
    from sim.wasm.build import check_tools

    output.check_file(json)
    check_tools()
    choice = Choice(bits, formats, state_bits, headroom)
    subject = prepare(
        model, choice, Given(file or (), sequences, length, seed, axes=axes, order=order)
    )
    net = subject.net
    if net.first_reverse is not None:
        raise InputError(
            f"{net.name}: layer {net.first_reverse} runs in reverse, a page runs step by step"
        )
    if net.reads:
        raise InputError(
            f"{net.name}: has dense stages in front of or between layers, or additions, which a "
            "page cannot run"
        )
    if place is None:
        place = Path("out") / f"{net.name}.html"
        output.make_parent(place)
    output.check_file(place)
    core = plan(subject.qnet, CoreOptions(chosen(lanes, subject.qnet)))
    with output.file(place) as other, progress.bar("WebAssembly"):
        text = render(contents(subject, core))
        check_size(net.name, text)
        other.write_text(text, encoding="utf-8", newline="\n")
    typer.echo(f"Page  {place}")
    output.finish({"page": str(place), "bytes": len(text.encode())}, json, True)

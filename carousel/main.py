"""The command line. Every command loads, calls a package, shows a table and sets the exit status.

Status 0: all that was checked holds. 1: something does not. 2: a user's error, said in one line.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import golden
from carousel import build as building
from carousel import export as exporting
from carousel import prove as proving
from carousel import stream as streaming
from carousel import verilog as writing
from carousel.cli import options, output, progress
from carousel.cli import state_file as carried
from carousel.cli.errors import OneLineGroup
from carousel.cli.inputs import LONGEST_STORY
from carousel.cli.subject import prepare
from carousel.compare import expectation
from carousel.experiments import command as experiments
from carousel.hold import command as keeping
from carousel.measure import accuracy, gateware
from carousel.quantize import command as quantizing
from carousel.search import command as searching
from golden import training
from golden.exporters.onnx import save_onnx
from rtl.proofs import record

app = typer.Typer(
    name="carousel",
    cls=OneLineGroup,
    help="Take a trained LSTM, give back an FPGA core that is checked bit for bit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
console = Console()


def main() -> None:
    """What the `carousel` program calls."""
    app()


@app.command()
def run(
    model: options.Model,
    bits: options.Bits = 16,
    formats: options.Formats = None,
    lanes: options.Lanes = None,
    file: options.Input = None,
    sequences: options.Sequences = None,
    length: options.Length = None,
    seed: options.Seed = 0,
    state: options.State = None,
    save_state: options.SaveState = None,
    max_length: options.MaxLength = None,
    quick: options.Quick = False,
    folder: options.Output = None,
    json: options.Json = None,
) -> None:
    """The main job: all that follows, and one report.

    Runs a model in float, in fixed point and as simulated gateware, compares the three, checks that
    states hold, writes the Verilog and an HTML report.
    """
    from carousel.cli import repeat
    from carousel.run import job as mainjob
    from carousel.run import report

    output.check_file(json)
    net = golden.load(model)
    place = folder or Path("out") / net.name
    earlier = record.read(repeat.proofs(place) / record.FILE)
    with output.folder(place) as stage:
        subject = prepare(model, bits, formats, file, sequences, length, seed, state, max_length)
        carried.check_file(save_state, net)
        found = mainjob.do(subject, lanes, quick, stage, earlier)
        with progress.bar("Report"):
            told = repeat.command(found, model, formats, file, seed, state, quick)
            again = repeat.plain(subject.qnet, told)
            prove = repeat.prove(found, model, file, place)
            (stage / "report.html").write_text(report.render(found, again, prove), encoding="utf-8")
        data = {**mainjob.plain(found, model, place), "repeat": again, "prove": prove}
        (stage / "results.json").write_text(output.to_json(data), encoding="utf-8")
    carried.write(save_state, subject.qnet, found.gateware.trace.state)
    for table in mainjob.summary(found):
        table.show(console)
    typer.echo(f"Verilog  {place / found.verilog.name}\nReport   {place / 'report.html'}")
    output.finish(data, json, found.ok)


@app.command()
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
    output.check_file(json)
    place = file or Path("out") / f"{recipe}.npz"
    if file is None:
        output.make_parent(place)
    output.check_file(place)
    with progress.bar(f"Training {recipe}") as report:
        net = training.train(recipe, seed=seed, progress=report)
    golden.save(net, place)
    typer.echo(f"Model  {place}")
    output.finish({"recipe": recipe, "seed": seed, "model": str(place)}, json, True)


@app.command()
def inspect(
    model: options.Model,
    bits: Annotated[int, typer.Option(help="Width of a value, for the memory.")] = 16,
    lanes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Multipliers side by side.",
            show_default="some numbers from the fewest to the most",
        ),
    ] = None,
    json: options.Json = None,
) -> None:
    """Say what a model is and what it will need.

    Layers, weights, cycles a step and memory at some numbers of multipliers; nothing is run.
    """
    from carousel.inspect import model as inspection

    output.check_file(json)
    found = inspection.look(golden.load(model), model, bits, lanes)
    for table in inspection.tables(found):
        table.show(console)
    output.finish(inspection.plain(found), json, True)


app.command()(quantizing.quantize)


@app.command()
def simulate(
    model: options.Model,
    bits: options.Bits = 16,
    formats: options.Formats = None,
    lanes: options.Lanes = None,
    file: options.Input = None,
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
    save_state: options.SaveState = None,
    max_length: options.MaxLength = None,
    streams: options.Streams = 1,
    nonzeros: options.Nonzeros = None,
    json: options.Json = None,
) -> None:
    """Run the gateware and compare every code.

    Simulates the core on the sequences and compares it with the integer model; status 1 when a
    code, a saturation counter or the cycles a step differ.
    """
    output.check_file(json)
    output.check_file(waves)
    subject = prepare(model, bits, formats, file, sequences, length, seed, state, max_length)
    carried.check_file(save_state, subject.net)
    found = gateware.play(subject, lanes, idle, back_pressure, seed, waves, streams, nonzeros)
    carried.write(save_state, subject.qnet, found.trace.state)
    gateware.table(found).show(console)
    output.finish(gateware.plain(found), json, found.ok)


@app.command()
def compare(
    model: options.Model,
    bits: options.Bits = 16,
    formats: options.Formats = None,
    file: options.Input = None,
    sequences: options.Sequences = None,
    length: options.Length = None,
    seed: options.Seed = 0,
    with_gateware: Annotated[
        bool, typer.Option("--gateware", help="Compare the gateware as well.  [default: off]")
    ] = False,
    lanes: options.Lanes = None,
    expect: expectation.Expect = None,
    tolerance: expectation.Most = expectation.TOLERANCE,
    state: options.State = None,
    save_state: options.SaveState = None,
    max_length: options.MaxLength = None,
    json: options.Json = None,
) -> None:
    """Float against fixed point, signal by signal and over time.

    With --gateware the gateware too; status 1 when that differs from fixed point. With --expect
    both against the outputs of another framework; status 1 when float is beyond --tolerance.
    """
    output.check_file(json)
    if expect is not None and (file is None or sequences is not None or length is not None):
        raise golden.InputError(
            "--expect needs --input, and all of it: no --sequences, no --length"
        )
    subject = prepare(model, bits, formats, file, sequences, length, seed, state, max_length)
    carried.check_file(save_state, subject.net)
    wanted = expect and expectation.load(expect, subject.inputs, subject.net)
    measured = accuracy.measure(subject)
    carried.write(save_state, subject.qnet, measured.fixed.state)
    shown = [
        accuracy.table(measured),
        accuracy.places(measured),
        *accuracy.growth(subject, measured),
    ]
    data, ok = accuracy.plain(subject, measured), True
    if with_gateware:
        found = gateware.play(subject, lanes)
        shown += [gateware.table(found)]
        data, ok = {**data, "gateware": gateware.plain(found)}, found.ok
    if wanted:
        compared = expectation.compare(wanted, measured, subject.net, tolerance)
        shown += expectation.tables(compared)
        data, ok = {**data, "expectation": expectation.plain(compared)}, ok and compared.ok
    for table in shown:
        table.show(console)
    output.finish(data, json, ok)


app.command()(keeping.hold)
app.command()(searching.search)
app.command()(writing.verilog)
app.command()(building.build)
app.command()(streaming.stream)
app.command()(proving.prove)
app.command()(experiments.experiments)


@app.command()
def export(model: options.Model, place: exporting.Place = None, json: options.Json = None) -> None:
    """Write a model as ONNX."""
    output.check_file(json)
    net = golden.load(model)
    if place is None:
        place = Path("out") / f"{net.name}.onnx"
        output.make_parent(place)
    output.check_file(place)
    found = save_onnx(net, place)
    exporting.table(found).show(console)
    typer.echo(f"ONNX  {place}")
    output.finish(exporting.plain(found, place), json, True)


@app.command()
def figure(
    model: Annotated[Path, typer.Option(help="Network of memory cells.")] = Path(
        "models/temporal_order.npz"
    ),
    rnn: Annotated[Path, typer.Option(help="Plain recurrent network.")] = Path(
        "models/temporal_order_rnn.npz"
    ),
    bits: options.Bits = 16,
    length: Annotated[int, typer.Option(min=62, help="Steps of the sequences.")] = LONGEST_STORY,
    seed: options.Seed = 0,
    file: Annotated[Path, typer.Option("--output", "-o", help="Figure (.svg) to write.")] = Path(
        "docs/story.svg"
    ),
    json: options.Json = None,
) -> None:
    """Draw what networks keep of a symbol.

    For over a thousand steps: a plain recurrent network, memory cells in float, and their gateware.
    """
    from carousel.figure import story
    from carousel.page import plots

    output.check_file(json)
    output.check_file(file)
    found = story.follow(model, rnn, bits, length, seed)
    with output.beside(file) as other:
        other.write_text(plots.svg(plots.story(found.distances, found.first), "story"))
    story.table(found).show(console)
    typer.echo(f"Figure  {file}")
    output.finish({"figure": str(file), "left": found.left}, json, True)

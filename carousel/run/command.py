"""`carousel run`: the main job, and one report of all that was found."""

from pathlib import Path

import typer

from carousel.cli import options, output
from fixedpoint.calibration import HEADROOM


def run(
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
    state: options.State = None,
    strict: options.Strict = False,
    save_state: options.SaveState = None,
    max_length: options.MaxLength = None,
    skip: options.Skip = None,
    threshold: options.Threshold = None,
    quick: options.Quick = False,
    folder: options.Output = None,
    json: options.Json = None,
) -> None:
    """The main job: all that follows, and one report.

    Runs a model in float, in fixed point and as simulated gateware, compares the three, checks that
    states hold, writes the Verilog and an HTML report.
    """
    from rich.console import Console

    from carousel.cli import progress, state_file
    from carousel.cli.choice import Choice
    from carousel.cli.lanes import chosen
    from carousel.cli.repeat import plain
    from carousel.cli.skipping import Skipping
    from carousel.cli.subject import Given, load, prepare
    from carousel.measure import verdict
    from carousel.run import job, repeat, report
    from rtl.proofs import record

    output.check_file(json)
    net = load(model, order)
    place = folder or Path("out") / net.name
    earlier = record.read(repeat.proofs(place) / record.FILE)
    with output.folder(place) as stage:
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
            unlike=True,
        )
        subject = prepare(model, choice, given, max_length)
        job.check_lengths(subject, save_state is not None)
        state_file.check_file(save_state, net)
        found = job.do(subject, chosen(lanes, subject.core, skip), quick, stage, earlier)
        with progress.bar("Report"):
            told = repeat.command(found, model, file or (), seed, state, quick)
            files = {"model": model, "formats": stage / "formats.json", "Verilog": found.verilog}
            again = plain(subject.core, told, files)
            prove = repeat.prove(found, model, file or (), place)
            (stage / "report.html").write_text(report.render(found, again, prove), encoding="utf-8")
        judged = verdict.judge(subject, found.measured)
        data = {**job.plain(found, model, place), "verdict": judged.plain()}
        data |= {"repeat": again, "prove": prove}
        (stage / "results.json").write_text(output.to_json(data), encoding="utf-8")
    state_file.write(save_state, subject.qnet, found.gateware.trace.state)
    for table in job.summary(found):
        table.show(Console())
    output.assumed(net.reading.assumed)
    typer.echo(f"Verilog  {place / found.verilog.name}\nReport   {place / 'report.html'}")
    typer.echo(judged.sentence)
    output.finish(data, json, found.ok)

"""`carousel compare`: float against fixed point, the gateware and another framework."""

from typing import Annotated

import typer

from carousel.cli import options, output
from carousel.compare import expectation
from fixedpoint.calibration import HEADROOM


def compare(
    model: options.Model,
    bits: options.Bits = 16,
    state_bits: options.StateBits = None,
    headroom: options.Headroom = HEADROOM,
    formats: options.Formats = None,
    file: options.Input = None,
    axes: options.InputAxes = None,
    order: options.Order = None,
    decide: options.Decide = False,
    sequences: options.Sequences = None,
    length: options.Length = None,
    seed: options.Seed = 0,
    with_gateware: Annotated[
        bool, typer.Option("--gateware", help="Compare the gateware as well.  [default: off]")
    ] = False,
    lanes: options.Lanes = None,
    expect: expectation.Expect = None,
    tolerance: expectation.Most = expectation.TOLERANCE,
    fixed_tolerance: expectation.FixedMost = None,
    state: options.State = None,
    strict: options.Strict = False,
    save_state: options.SaveState = None,
    max_length: options.MaxLength = None,
    skip: options.Skip = None,
    threshold: options.Threshold = None,
    json: options.Json = None,
) -> None:
    """Float against fixed point, signal by signal and over time.

    With --gateware the gateware too; status 1 when that differs from fixed point. With --expect
    both against the outputs of another framework; status 1 when float is beyond --tolerance, or
    fixed point beyond --fixed-tolerance. Its last line says how good fixed point is.
    """
    from rich.console import Console

    from carousel.cli import state_file
    from carousel.cli.choice import Choice
    from carousel.cli.lanes import chosen
    from carousel.cli.skipping import Skipping
    from carousel.cli.subject import Given, prepare
    from carousel.measure import accuracy, gateware, verdict
    from golden import InputError
    from rtl import CoreOptions

    output.check_file(json)
    if fixed_tolerance is not None and expect is None:
        raise InputError(f"--fixed-tolerance {fixed_tolerance:g}: needs --expect")
    if expect is not None and (not file or sequences is not None or length is not None):
        raise InputError("--expect needs --input, and all of it: no --sequences, no --length")
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
        unlike=not with_gateware and expect is None and save_state is None,
    )
    subject = prepare(model, choice, given, max_length)
    state_file.check_file(save_state, subject.net)
    wanted = expect and expectation.load(expect, subject.inputs, subject.net)
    measured = accuracy.measure(subject, keep=wanted is not None)
    state_file.write(save_state, subject.qnet, measured.fixed.state)
    shown = [
        accuracy.table(measured),
        accuracy.places(measured),
        *accuracy.growth(subject, measured),
    ]
    data, ok = accuracy.plain(subject, measured), True
    if with_gateware:
        lanes = chosen(lanes, subject.core, skip)
        found = gateware.play(subject, CoreOptions(lanes))
        shown += [gateware.table(found)]
        data, ok = {**data, "gateware": gateware.plain(found)}, found.ok
    if wanted:
        most = {"float": tolerance, "fixed point": fixed_tolerance}
        compared = expectation.compare(wanted, measured, subject.net, most)
        shown += expectation.tables(compared)
        data, ok = {**data, "expectation": expectation.plain(compared)}, ok and compared.ok
    for table in shown:
        table.show(Console())
    assumed, judged = subject.net.reading.assumed, verdict.judge(subject, measured)
    output.assumed(assumed)
    typer.echo(judged.sentence)
    output.finish({**data, "assumed": assumed, "verdict": judged.plain()}, json, ok)

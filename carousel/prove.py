"""`carousel prove`: formal proofs on the Verilog of a model's core, each with its broken twin."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from carousel.cli import options, output, progress
from carousel.cli.choice import Choice
from carousel.cli.lanes import say, usual
from carousel.cli.skipping import Skipping
from carousel.cli.subject import Given, prepare
from carousel.measure.proofs import FOR_EVER, for_ever
from carousel.report.tables import Table
from fixedpoint.calibration import HEADROOM
from golden.processes import processors, terminable
from rtl import CoreOptions, plan, verilog
from rtl.axi.wrapper import wrappable
from rtl.proofs import Proof, Proven, check, record, shipped
from rtl.proofs import prove as run
from rtl.proofs.design import Design
from rtl.proofs.errors import ProofError
from rtl.proofs.pool import run_all
from rtl.proofs.record import Record
from rtl.proofs.solver import Progress
from rtl.proofs.status import FAILED, IN_VAIN, NOT_RUN, LeftOut
from rtl.proofs.twins import challenge

Result = TypeVar("Result")
LONG = ("ends", "sum", "shut", "hold", "output")  # proofs that take longest, begun first
NOTE = 24  # characters of a tool's message that are shown
Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="Prove this one; may be given several times.", show_default="all"),
]
Twins = Annotated[
    int,
    typer.Option(
        "--twins",
        min=0,
        help="Draw broken twins of each proof besides, until so many are refuted and one at least "
        "of each class of places that it speaks of.",
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Folder for the record (proofs.json) and for counterexamples (.vcd).",
        show_default="out/<model's name>/proofs",
    ),
]


def prove(
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
    only: Only = None,
    twins: Twins = 0,
    folder: Folder = None,
    json: options.Json = None,
) -> None:
    """Prove the core's Verilog right, for all inputs and all time.

    It is the Verilog that `carousel verilog` writes with the same options.

    Status 1 when a proof that applies to this core, or one that --only names, is not found, or
    when a broken twin that has to be refuted is not. Needs the extra `prove`.
    """
    output.check_file(json)
    check()
    choice = Choice(bits, formats, state_bits, headroom)
    given = Given(
        file or (),
        sequences,
        length,
        seed,
        axes=axes,
        order=order,
        decide=decide,
        skipping=Skipping(skip, threshold),
    )
    subject = prepare(model, choice, given)
    room = max_length or subject.max_length
    chosen = CoreOptions(
        lanes,
        streams,
        nonzeros,
        room,
        state_port=state_port,
        load_port=load_port,
        skip=skip,
        protect=protect,
    )
    core = plan(subject.core, usual(subject.core, chosen))
    core = wrappable(core) if axi else core
    place = folder or Path("out") / subject.net.name / "proofs"
    earlier = record.read(place / record.FILE)
    with terminable(), output.folder(place) as stage:
        (source, *_) = verilog.write(core, stage, axi=axi)
        text = source.read_text(encoding="utf-8")
        design = Design(text, verilog.module_name(subject.core))
        proofs, left_out = shipped(core, design, only, subject.between)
        longest_first = sorted(proofs, key=lambda proof: proof.name.rpartition(".")[2] not in LONG)
        jobs = {proof.name: partial(tried, proof, stage) for proof in longest_first}
        results = each_of("Proofs", jobs)
        found = [each for proof in proofs if isinstance(each := results[proof.name], Proven)]
        left_out |= {name: each for name, each in results.items() if isinstance(each, LeftOut)}
        drawing = {
            each.proof.name: partial(challenge, each.proof, twins, stage) for each in found if twins
        }
        drawn = each_of("Drawn twins", drawing)
        now = Record.of(text, found, left_out, drawn)
        statements, _ = shipped(core, design, None, subject.between) if earlier else ([], {})
        asked = {proof.name: record.asked(proof) for proof in statements}
        known = now.after(earlier, asked)
        known.write(stage / record.FILE)
    if for_ever(known):
        typer.echo(FOR_EVER)
    say(lanes, core.most_lanes, subject.core)
    table(now).show(Console())
    for name, each in now.left_out.items():
        if each.status != NOT_RUN:
            typer.echo(f"{name}: {each.status} ({each.why})")
    for each in found:
        if each.found.trace:
            trace = place / each.found.trace.name
            typer.echo(f"{each.proof.name}: {each.found.broken} does not hold, see {trace}")
    for name, each in drawn.items():
        for lack in each.lacks:
            typer.echo(f"{name}: {lack}")
    typer.echo(f"Record    {place / record.FILE}")
    output.finish(now.plain(), json, now.ok and now.proves(only or ()))


def tried(proof: Proof, folder: Path, progress: Progress) -> Proven | LeftOut:
    """What came of a proof; what ends one with an error leaves the others alone."""
    try:
        return run(proof, folder, progress)
    except ProofError as error:
        return LeftOut(FAILED, str(error))


def each_of(what: str, jobs: Mapping[str, Callable[[Progress], Result]]) -> dict[str, Result]:
    """The results of jobs, as many at a time as there are processors."""
    with progress.bar(what) as report:
        found = run_all(jobs, processors(), lambda done, now: report(done, len(jobs), said(now)))
    return dict(zip(jobs, found, strict=True))


def said(running: Mapping[str, str]) -> str:
    """What runs, and what each of it said last."""
    return "; ".join(f"{name}: {words[:NOTE]}" for name, words in sorted(running.items()))


def table(found: Record) -> Table:
    """A line for each proof that was wanted."""
    rows = [
        (
            each.name,
            each.size,
            each.result,
            each.depth,
            f"{each.seconds_in_all:.0f}",
            each.twin["result"] + (f", {each.refuted} of {len(each.drawn)}" if each.drawn else ""),
            "yes" if each.ok else "no",
        )
        for each in found.proofs
    ]
    rows += [
        (name, "", each.status, "", "", "", "no" if each.status in IN_VAIN else "")
        for name, each in found.left_out.items()
        if each.status != NOT_RUN
    ]
    head = ("proof", "of", "result", "depth", "seconds", "its twins", "holds")
    engines = " and ".join(sorted({each.engine for each in found.proofs}))
    return Table.of(f"Proofs by k-induction{f' ({engines})' * bool(engines)}", head, rows)

"""What proofs take: `python -m bench.proofs [MODEL]... [--json FILE] [--no-twins]`.

Every statement of `carousel prove` of every LSTM in `models/` at 16 bits, and of two layers with
formats of their own (`tests.data.make_two_layers`): first all statements, then their twins, one at
a time, so that the processor's seconds are each one's own. What the file has of the same statement
and the same Verilog is not proven again. Ends with status 1 where one is not proven, or its twin
is not refuted.
"""

import argparse
import json
import resource
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import golden
from carousel.cli.choice import Choice
from carousel.cli.inputs import SEQUENCES, task_of
from carousel.cli.subject import prepare
from carousel.report.tables import Table
from fixedpoint import QuantizedNetwork, quantize
from fixedpoint.formats import Formats
from fixedpoint.retention.ranges import Range
from golden.experiments import EXPERIMENTS
from rtl import CoreOptions, plan, verilog
from rtl.proofs import Outcome, Proof, shipped
from rtl.proofs.design import Design
from rtl.proofs.record import asked
from rtl.proofs.solver import refute, solve
from rtl.proofs.status import IN_VAIN, PROVEN, REFUTED
from rtl.schedule.schedule import allowed_lanes
from tests.data import make_two_layers

RESULTS = Path(__file__).with_suffix(".json")
SHIPPED = sorted((Path(__file__).parent.parent / "models").glob("*.npz"))
FULL, TWO = "temporal_order", "two"  # shown proof by proof; the network of two layers
NAMES = (FULL, TWO, *(file.stem for file in SHIPPED if file.stem not in (FULL, f"{FULL}_rnn")))
LANES = 8  # or fewer where a network cannot use so many
GOOD = {"proof": PROVEN, "twin": REFUTED}  # how each must end
Results = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """What is proven.

    Attributes
    ----------
    about : sizes of the core, and what is not stated of it and why, for the file.
    proofs : all that apply to it.
    """

    about: Results
    proofs: Sequence[Proof]

    @classmethod
    def of(cls, name: str) -> "Subject":
        """A model's core, as `carousel verilog` writes it."""
        qnet, between = (two_layers(), None) if name == TWO else of_model(name)
        lanes = min(LANES, allowed_lanes(qnet)[-1])
        core = plan(qnet, CoreOptions(lanes))
        text = verilog.convert(verilog.Top(core), verilog.module_name(qnet))
        design = Design(text, verilog.module_name(qnet))
        proofs, left_out = shipped(core, design, between=between)
        program = core.parts[0].program
        about = {
            "cells": len(program.states),
            "state_bits": program.paths.s,
            "lanes": lanes,
            "cycles": len(program.schedule.slots),
            "left_out": {proof: asdict(each) for proof, each in left_out.items()},
        }
        return cls(about, proofs)


def of_model(name: str) -> tuple[QuantizedNetwork, Range | None]:
    """A model in the formats that commands choose, of sequences of its own task, and what its input
    is between what matters, where that is known; of tasks that commands do not know, of the
    experiment's sequences."""
    file = next(file for file in SHIPPED if file.stem == name)
    net = golden.load(file)
    if task_of(net):
        subject = prepare(file, Choice())
        return subject.qnet, subject.between
    rng = np.random.default_rng(0)
    _, task = EXPERIMENTS[net.name].task.split(rng)
    seen = task.sequences(rng, SEQUENCES).dense(task.inputs)
    return quantize(net, bits=16, calibrate=seen), None


def two_layers() -> QuantizedNetwork:
    """Of `tests.data.make_two_layers`, as its files say it."""
    with tempfile.TemporaryDirectory(prefix="two-") as place:
        make_two_layers.write(Path(place))
        net = golden.load(Path(place) / f"{TWO}.npz")
        return quantize(net, Formats.parse(Path(place) / f"{TWO}.json"))


def measured(run: Callable[[], Outcome]) -> Results:
    """What came of a search, its seconds, and those that processors worked for it."""
    before = worked()
    found = run()
    seconds = {"seconds": round(found.seconds, 1), "cpu": round(worked() - before, 1)}
    return {"result": found.status, **seconds}


def worked() -> float:
    """Seconds of all processes that this one began and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def prove(proof: Proof, twin: bool) -> Results:
    """A statement of the sound design, or of its broken twin."""
    with tempfile.TemporaryDirectory(prefix="proofs-") as place:
        if twin:
            return measured(lambda: refute(proof, proof.twin, Path(place)))
        whole = proof.state(proof.design)
        return measured(lambda: solve(proof.name, whole, "prove", proof.depth, Path(place)))


def run(names: Sequence[str], twins: bool, file: Path) -> Results:
    """The file's results with those of some models added, which are written as they come."""
    results: Results = json.loads(file.read_text()) if file.exists() else {}
    subjects = {name: Subject.of(name) for name in names}
    for what in ("proof", *["twin"] * twins):
        for name, subject in subjects.items():
            old = results.get(name, {}).get("proofs", {})
            results[name] = {**subject.about, "proofs": kept(subject, old)}
            for proof in subject.proofs:
                entry = results[name]["proofs"][proof.name]
                if what not in entry:
                    entry[what] = prove(proof, what == "twin")
                    print(f"{name} {proof.name} {what}: {entry[what]}", file=sys.stderr, flush=True)
                    file.write_text(json.dumps(results, indent=1) + "\n")
    return results


def kept(subject: Subject, old: Results) -> Results:
    """Of each proof what is known of the very statement."""
    found: Results = {}
    for proof in subject.proofs:
        same = {"statement_sha256": asked(proof), "depth": proof.depth}
        known = old.get(proof.name, {})
        found[proof.name] = known if same.items() <= known.items() else same
    return found


def each(results: Results) -> str:
    """The table of one model, proof by proof."""
    proofs = results[FULL]["proofs"]
    rows = [(f"`{name}`", entry["depth"], *times([entry])) for name, entry in proofs.items()]
    head = ("proof", "k", "processor", "clock", "its twin: processor", "clock")
    return Table.of("", head, [*rows, ("all", "", *times(proofs.values()))]).markdown()


def times(entries: Collection[Results]) -> Iterator[str]:
    """Seconds of processors and of the clock of some proofs, then of their twins; `-` of none."""
    for what in GOOD:
        tried = [entry[what] for entry in entries if what in entry]
        for kind in ("cpu", "seconds"):
            yield f"{sum(one[kind] for one in tried):.0f}" if tried else "-"


def models(results: Results) -> str:
    """The table of all models."""
    head = ("model", "cells", "bits a state", "lanes", "clocks a step")
    head += ("proven", "processor", "longest", "twins refuted", "processor", "left out")
    return Table.of("", head, (row(name, model) for name, model in results.items())).markdown()


def row(name: str, model: Results) -> tuple[str, ...]:
    """Its line of a model."""
    proofs = model["proofs"]
    count = {what: "-" for what in GOOD}
    for what, good in GOOD.items():
        found = [one[what]["result"] == good for one in proofs.values() if what in one]
        if found:
            count[what] = f"{sum(found)} of {len(proofs)}"
    cpu, _, cpu_of_twins, _ = times(proofs.values())
    took = {name: one["proof"]["cpu"] for name, one in proofs.items() if "proof" in one}
    longest = max(took, key=lambda name: took[name])
    return (
        f"`{name}`",
        *(str(model[size]) for size in ("cells", "state_bits", "lanes", "cycles")),
        count["proof"],
        cpu,
        f"`{longest}` {took[longest]:.0f}",
        count["twin"],
        cpu_of_twins,
        ", ".join(f"`{name}`: {each['status']}" for name, each in model["left_out"].items()),
    )


def ok(results: Results) -> bool:
    """Whether all that applies can be stated, what was tried is proven, and every twin refuted."""
    stated = all(
        each["status"] not in IN_VAIN
        for model in results.values()
        for each in model["left_out"].values()
    )
    return stated and all(
        entry[what]["result"] == good
        for model in results.values()
        for entry in model["proofs"].values()
        for what, good in GOOD.items()
        if what in entry
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--json", type=Path, default=RESULTS)
    parser.add_argument("--no-twins", action="store_true")
    options = parser.parse_args(arguments)
    if unknown := set(options.models) - set(NAMES):
        parser.error(f"{', '.join(unknown)}: must be of {', '.join(NAMES)}")
    results = run(options.models or NAMES, not options.no_twins, options.json)
    tables = [each(results)] if FULL in results else []
    print("\n\n".join([*tables, models(results)]))
    return int(not ok(results))


if __name__ == "__main__":
    sys.exit(main())

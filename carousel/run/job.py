"""The main job: one model through float, fixed point and gateware, and what was found."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from carousel.cli import progress
from carousel.cli.subject import Subject
from carousel.measure import accuracy, gateware
from carousel.measure.accuracy import Measured
from carousel.measure.budget import account
from carousel.measure.budget.account import Accounted
from carousel.measure.gateware import Gateware
from carousel.measure.needs import Need
from carousel.measure.retention import bound, hold_check, rest, retained
from carousel.measure.retention.retained import Retained
from carousel.report.tables import Table
from carousel.run import pieces
from carousel.run.pieces import VIEWS, Whole
from fixedpoint.retention.quiet import Quiet
from golden import InputError
from golden.decision import decide
from golden.squash import Array
from rtl import verilog
from rtl.kit.header import digest
from rtl.proofs.record import Record


@dataclass(frozen=True)
class RunResult:
    """Everything that one run of the main job found.

    Attributes
    ----------
    subject : the model, its integer form and the sequences.
    whole : all steps in float, in fixed point and in gateware.
    accounted : where the difference between the first two comes from.
    need : what the core takes.
    retained : the hold check, and what is left of stored values after some steps, map and bound.
    quiet : what constant input gives in the end.
    verilog : the file that was written.
    proofs : what was proven of this very Verilog before, or None.
    """

    subject: Subject
    whole: Whole
    accounted: Accounted
    need: Need
    retained: Retained
    quiet: tuple[Quiet, ...]
    verilog: Path
    proofs: Record | None

    @property
    def measured(self) -> Measured:
        """Float against fixed point."""
        return self.whole.measured

    @property
    def gateware(self) -> Gateware:
        """The simulated gateware against fixed point."""
        return self.whole.gateware

    @property
    def outs(self) -> dict[str, Array]:
        """The outputs (N, T, K), real, by view."""
        fixed = self.measured.fixed.value("out")
        return dict(
            zip(VIEWS, (self.measured.floating.out, fixed, self.gateware.real.out), strict=True)
        )

    @property
    def right(self) -> dict[str, int | None]:
        """Sequences answered rightly, by view; None where the answers are not known."""
        return {name: self.subject.inputs.right(out) for name, out in self.outs.items()}

    @property
    def decisions(self) -> dict[str, int]:
        """Of a classifier the decisions that are those of float, by view; else nothing."""
        if not (self.subject.decide or self.subject.net.reading.behind):
            return {}
        made = {name: decide(out) for name, out in self.outs.items()}
        same = {name: found == made["float"] for name, found in made.items()}
        within = self.subject.inputs.within
        kept = slice(None) if within is None else within
        return {name: int(np.count_nonzero(each[kept])) for name, each in same.items()}

    @property
    def checks(self) -> dict[str, bool]:
        """What has to hold, and whether it does."""
        checks = {
            "every code of the gateware equals fixed point": self.gateware.verdict.ok,
        }
        if self.retained.held.never is None:
            checks["a state holds to the last bit while its gates are shut"] = self.retained.held.ok
        if self.retained.settings:
            checks["no state is further than its bound"] = self.retained.bounded
        if self.gateware.timed:
            checks["the gateware takes the predicted cycles"] = self.gateware.on_time
        if self.proofs is not None:
            checks["every proof that was run was found and its broken twin refuted"] = (
                self.proofs.ok
            )
        if None not in self.right.values():
            right = self.right
            checks["fixed point and gateware answer no fewer sequences rightly than float"] = min(
                right["fixed point"] or 0, right["gateware"] or 0
            ) >= (right["float"] or 0)
        return checks

    @property
    def ok(self) -> bool:
        return all(self.checks.values())


def check_lengths(subject: Subject, saving: bool) -> None:
    """`InputError` for sequences of unlike length that do not go through a core side by side."""
    inputs = subject.inputs
    if inputs.lengths and (saving or not accuracy.causal(subject.net)):
        what = "a state is saved" if saving else "the output depends on where a sequence ends"
        raise InputError(
            f"{inputs.source}: sequences of {min(inputs.lengths)} to {inputs.length} steps, must "
            f"all have the same where {what}; `carousel quantize` and `compare` take them"
        )


def do(
    subject: Subject, lanes: int | None, quick: bool, folder: Path, earlier: Record | None
) -> RunResult:
    """Run all of it; the Verilog and the formats go into `folder`.

    `earlier` : proofs, perhaps of another Verilog.
    """
    whole = pieces.run(subject, lanes)
    measured, found = whole.measured, whole.gateware
    accounted = account.measure(subject, measured, groups_only=True)
    exact = subject.exact  # states hold, and rest, as the network does them that sees every change
    held, ranges = hold_check.check(exact, quick), bound.ranges(exact, None)
    kept = retained.find(exact, held, whole.met, ranges, quick=True)
    resting = rest.check(exact)
    with progress.bar("Verilog"):
        written, _ = verilog.write(found.plan, folder)
    subject.qnet.formats.dump(folder / "formats.json")
    need = Need(found.plan.most_lanes, found.plan)
    logic = digest(written.read_text(encoding="utf-8"))
    proofs = earlier if earlier and earlier.verilog_sha256 == logic else None
    return RunResult(subject, whole, accounted, need, kept, resting, written, proofs)


def changes_over_lag(found: RunResult) -> dict[str, str]:
    """The largest change of a state in each view, for people: of codes in LSB as well."""
    lsb = found.subject.qnet.layers[-1].formats.s.lsb
    changes = {name: view.change for name, view in found.whole.views.items()}
    return {
        name: f"{change:.4f}" if name == "float" else in_lsb(change, lsb)
        for name, change in changes.items()
        if change is not None
    }


def in_lsb(change: float, lsb: float) -> str:
    """A change of a state that is held as a code."""
    real = f"{change:.4f} = " if change else ""
    return f"{real}{round(change / lsb):,} LSB"


def summary(found: RunResult) -> list[Table]:
    """What a person wants to see first: one table of results, one of checks."""
    inputs, hw, fixed = found.subject.inputs, found.gateware, found.measured.fixed
    rows = []
    if None not in found.right.values():
        rows.append(("sequences right", *(f"{n} of {inputs.count}" for n in found.right.values())))
    if inputs.lag:
        lag = inputs.lag[1] - inputs.lag[0]
        what = f"largest change of a state over a lag of {lag:,} steps"
        rows.append((what, *changes_over_lag(found).values()))
    if agree := found.decisions:
        counts = (f"{n:,} of {agree['float']:,}" for n in agree.values())
        rows.append(("decisions that are those of float", *counts))
    differ = f"{hw.verdict.wrong:,} of {hw.verdict.codes:,}"
    rows.append(("codes that differ from fixed point", "-", "-", differ))
    clipped = sum(n for name, n in fixed.saturations.items() if name.endswith(".s"))
    rows.append(("states clipped", "-", f"{clipped:,}", f"{hw.trace.saturations['s']:,}"))
    rows.append(("weights clipped", "-", f"{found.subject.qnet.saturated_weights:,}", "-"))
    rows.append(("cycles a step, predicted", "-", "-", gateware.predicted(hw)))
    rows.append(("cycles a step, measured", "-", "-", gateware.measured(hw)))
    rows += [(what, "-", "-", said) for what, said in gateware.skips(hw)]
    title = f"{found.subject.net.name}: {inputs.source}"
    checks = (
        (check[0].upper() + check[1:], "yes" if ok else "no") for check, ok in found.checks.items()
    )
    return [
        Table.of(title, ("", *VIEWS), rows),
        hold_check.table(found.retained.held),
        *rest.table(found.quiet),
        Table.of("Checks", ("what", "holds"), checks),
    ]


def plain(found: RunResult, model: Path, folder: Path) -> dict[str, Any]:
    """The same for programs."""
    subject, inputs = found.subject, found.subject.inputs
    return {
        "model": {
            "file": str(model),
            "name": subject.net.name,
            "made_by": subject.net.made_by,
            "assumed": subject.net.reading.assumed,
            "inputs": subject.net.inputs,
            "outputs": subject.net.outputs,
            "cells": [layer.shape.cells for layer in subject.net.layers],
            "behind": subject.net.reading.behind or None,
            "heads": dict(subject.net.reading.heads),
        },
        "decisions": found.decisions,
        "right": {**found.right, "of": inputs.count},
        "change_over_lag": {name: view.change for name, view in found.whole.views.items()},
        **accuracy.plain(subject, found.measured),
        "budget": account.plain(found.accounted),
        "needs": found.need.plain(),
        "gateware": gateware.plain(found.gateware),
        **retained.plain(found.retained),
        "constant_input": rest.plain(found.quiet),
        "proofs": found.proofs and found.proofs.plain(),
        "files": {
            "verilog": str(folder / found.verilog.name),
            "report": str(folder / "report.html"),
            "formats": str(folder / "formats.json"),
        },
        "checks": found.checks,
    }

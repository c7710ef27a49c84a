"""Where the error comes from: the budget of a subject, as tables and for programs."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from carousel.cli import progress
from carousel.cli.inputs import Inputs
from carousel.cli.subject import Subject
from carousel.measure.accuracy import Measured
from carousel.report.tables import Table
from fixedpoint.budget.account import Budget, PartError, account, affordable
from fixedpoint.budget.error import SignalError

NAMED, LEAST = 3, 0.0005  # groups that a sentence names, and a share that is worth it

HEAD = ("share", "alone: RMSE", "largest", "all but it: RMSE", "limits only: RMSE")


@dataclass(frozen=True)
class Accounted:
    """A budget and what it is of.

    Attributes
    ----------
    budget : of the first of the subject's sequences, from the network's own start.
    error : of the output, over all of the subject's sequences.
    carried : whether the sequences go on from a state, which the budget leaves out.
    right : by view the sequences answered rightly, and of how many; empty where the answers are
        not known.
    thresholds : by how much thresholds change the output over all sequences, RMSE, or None.
    """

    budget: Budget
    error: SignalError
    carried: bool
    right: dict[str, tuple[int, int]]
    thresholds: float | None = None

    @property
    def groups(self) -> list[tuple[str, float]]:
        """Groups and their shares, the largest first."""
        return sorted(self.budget.group_shares.items(), key=lambda item: -item[1])

    @property
    def largest(self) -> list[tuple[str, float]]:
        """Quantisers and their shares, the largest first."""
        return sorted(self.budget.shares.items(), key=lambda item: -item[1])

    @property
    def scope(self) -> str:
        """What was run, in words."""
        count, length = self.budget.sequences, self.budget.steps
        whole = f"{count} sequence{'' if count == 1 else 's'}"
        start = ", from the network's own start" if self.carried else ""
        return f"the first {length:,} steps of the first {whole}{start}"

    @property
    def sentence(self) -> str:
        """How large the error is and which groups it comes from."""
        if not self.error.max_abs:
            return "The output is exactly that of the float network."
        size = (
            f"The output differs from float by {self.error.rmse:.2g} RMSE "
            f"({self.error.rmse_lsb:.2g} LSB), {self.error.max_abs:.2g} at most."
        )
        if self.thresholds is not None:
            size += f" Thresholds alone change it by {self.thresholds:.2g} RMSE."
        shares = [(name, share) for name, share in self.groups[:NAMED] if share >= LEAST]
        if not shares:
            return size
        groups = ", ".join(f"{name} {percent(share)}" for name, share in shares)
        return f"{size} It comes from: {groups}."

    @property
    def equal(self) -> str:
        """Whether the budget is of the very network, in words."""
        if not self.budget.unequal:
            return "With all quantisers on, every value was exactly the integer model's."
        return (
            f"With all quantisers on, {self.budget.unequal:,} values were not exactly the integer "
            "model's: its sums are wider than the 53 bits of float64."
        )


def measure(subject: Subject, measured: Measured, groups_only: bool = False) -> Accounted:
    """Account for the error on as many of the sequences as take some seconds."""
    net, qnet = subject.net, subject.qnet
    x = affordable(net, qnet, subject.inputs.x, groups_only)
    with progress.bar("Error budget") as report:
        budget = account(net, qnet, x, groups_only, report)
    error, carried = measured.errors.signals["out"], subject.state is not None
    right = _right(subject.inputs, measured, budget)
    return Accounted(budget, error, carried, right, _thresholds(subject, measured))


def _thresholds(subject: Subject, measured: Measured) -> float | None:
    """By how much thresholds change the output, RMSE."""
    if not any(subject.qnet.thresholds):
        return None
    exact = subject.exact.qnet.run(subject.codes, subject.state_codes).value("out")
    return float(np.sqrt(np.mean(np.square(measured.fixed.value("out") - exact))))


def _right(inputs: Inputs, measured: Measured, budget: Budget) -> dict[str, tuple[int, int]]:
    """Sequences answered rightly, and of how many; of the budget where it ran them to their end."""
    outs = {"float": measured.floating.out, "fixed point": measured.fixed.real().out}
    found = {name: (inputs.right(out), inputs.count) for name, out in outs.items()}
    if inputs.target is not None and budget.steps == inputs.length:
        count = budget.sequences
        some = replace(inputs, x=inputs.x[:count], target=inputs.target[:count])
        found["with all quantisers on"] = (some.right(budget.fixed), count)
    return {name: (n, of) for name, (n, of) in found.items() if n is not None}


def percent(share: float) -> str:
    """A share for people."""
    return f"{100 * share:.1f} %"


def answers(found: Accounted) -> Table:
    """Sequences answered rightly, by view."""
    rows = ((name, f"{n} of {of}") for name, (n, of) in found.right.items())
    return Table.of("Sequences answered rightly", ("", "right"), rows)


def groups(found: Accounted) -> Table:
    """Shares by group, the largest first, for a terminal."""
    rows = ((name, percent(share)) for name, share in found.groups)
    return Table.of(f"Where the error comes from ({found.scope})", ("of", "share"), rows)


def quantisers(found: Accounted) -> Table:
    """Every quantiser, the largest share first."""
    parts = {part.name: part for part in found.budget.parts}
    rows = (_row(parts[name], share) for name, share in found.largest)
    return Table.of("Quantisers", ("quantiser", *HEAD), rows)


def errors(found: Accounted) -> Table:
    """The groups in the same columns."""
    parts = {part.name: part for part in found.budget.groups}
    rows = (_row(parts[name], share) for name, share in found.groups)
    return Table.of("Groups of quantisers", ("group", *HEAD), rows)


def _row(part: PartError, share: float) -> tuple[str, ...]:
    return (
        part.name,
        percent(share),
        f"{part.whole.rmse:.2e}",
        f"{part.whole.max_abs:.2e}",
        f"{part.without.rmse:.2e}",
        f"{part.limits.rmse:.2e}" if part.limits else "-",
    )


def weights(found: Accounted) -> Table:
    """Shares of a layer's weights, by what they multiply and by the kind of row."""
    cells: dict[str, dict[str, float]] = {}
    for name, share in found.budget.shares.items():
        words = name.split()
        if words[0].endswith((".weights", ".peepholes")):
            kind, row = words[-1], " ".join(words[:-1])
            cells.setdefault(row, {})[kind] = share
    kinds = list(dict.fromkeys(kind for row in cells.values() for kind in row))
    rows = (
        (name, *(percent(row[kind]) if kind in row else "-" for kind in kinds))
        for name, row in cells.items()
    )
    return Table.of("Weights by the rows that they are in", ("of", *kinds), rows)


def codes(found: Accounted) -> Table:
    """How the codes lie in their ranges."""
    rows = (
        (
            name,
            f"{use.low * 2.0**-use.frac:.4g} to {use.high * 2.0**-use.frac:.4g}",
            f"{use.lowest * 2.0**-use.frac:.4g} to {use.highest * 2.0**-use.frac:.4g}",
            use.bits,
            use.used,
            use.wasted_top,
            use.wasted_bottom,
            f"{use.saturations:,}",
            percent(use.at_ends / use.count),
        )
        for name, use in found.budget.uses.items()
    )
    head = ("of", "allowed", "met", "bits", "used", "idle above", "below", "clipped", "at an end")
    return Table.of("Codes against their ranges", head, rows)


def plain(found: Accounted) -> dict[str, Any]:
    """For programs."""
    return {
        **found.budget.as_dict(),
        "right": {name: {"right": n, "of": of} for name, (n, of) in found.right.items()},
    }

"""What another framework gave for the same input, compared with the float and the integer run."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from carousel.cli.axes import expected
from carousel.cli.inputs import Inputs, check_real, read
from carousel.measure.accuracy import Measured, block_of, over_time
from carousel.report.tables import Table
from fixedpoint.budget import error
from fixedpoint.budget.error import BlockError
from golden import InputError, Network
from golden.decision import DECISIONS, decide, log_softmax, softmax
from golden.squash import Array, squash

Expect = Annotated[
    Path | None,
    typer.Option(
        help="What the outputs for --input should be, from your own framework: .npy of every "
        "step, (T, K) or (N, T, K), or of the last, (K,) or (N, K).",
        show_default="nothing",
    ),
]
Most = Annotated[float, typer.Option(min=0, help="The most that float may differ from --expect.")]
FixedMost = Annotated[
    float | None,
    typer.Option(
        min=0, help="The most that fixed point may differ from --expect.", show_default="no limit"
    ),
]

TOLERANCE = 1e-4
VIEWS = ("fixed point", "float")  # columns; the one that decides is the last
UNSAID = {"sigma": squash("sigma"), "softmax": softmax, "log_softmax": log_softmax}
"""What another program may have behind the outputs without the file saying so."""
GIVES = "because the network gives one output at the end of a sequence"


@dataclass(frozen=True)
class Expected:
    """Outputs that are expected.

    Attributes
    ----------
    values : (N, T, K), or (N, 1, K) where only the last step's are known.
    first : the step that they begin at.
    behind : what the model file has behind its logits, see `golden.reading.Reading`.
    """

    values: Array
    first: int
    behind: str = ""

    @property
    def classes(self) -> Array | None:
        """The decisions, (N, T, 1), where there are any."""
        if not self.behind:
            return None
        return self.values if self.behind == "argmax" else decide(self.values)


@dataclass(frozen=True)
class Difference:
    """One view's difference from the expectation.

    Attributes
    ----------
    max_abs, rmse : the largest, and the root mean square.
    worst : the sequence, step and output of the largest.
    expected, found : the two values there.
    over_time : the difference in blocks of steps.
    """

    max_abs: float
    rmse: float
    worst: tuple[int, int, int]
    expected: float
    found: float
    over_time: tuple[BlockError, ...]


@dataclass(frozen=True)
class Compared:
    """Both views against the expectation.

    Attributes
    ----------
    views : those of `VIEWS`.
    most : by view, how much it may differ, or None.
    unsaid : those of `UNSAID` of which the float outputs would be within it where they are not.
    behind : what the views' outputs went through, as the model file has it.
    agree : decisions that are the expected ones, by view; empty where there are none.
    decisions : how many there are.
    """

    views: dict[str, Difference]
    most: Mapping[str, float | None]
    unsaid: tuple[str, ...]
    behind: str = ""
    agree: dict[str, int] = field(default_factory=dict)
    decisions: int = 0

    @property
    def within(self) -> dict[str, bool]:
        """Of the views that have a limit, whether they keep it."""
        limits = {name: limit for name, limit in self.most.items() if limit is not None}
        return {name: self.views[name].max_abs <= limit for name, limit in limits.items()}

    @property
    def ok(self) -> bool:
        return all(self.within.values())


def load(file: Path, inputs: Inputs, net: Network) -> Expected:
    """Read the expectation; `InputError` names a shape that does not fit, or a value."""
    values = expected(net, read(file), inputs.axes)
    behind = net.reading.behind
    count, steps, outputs = inputs.count, inputs.length, 1 if behind == "argmax" else net.outputs
    every, last = [(count, steps, outputs)], [(count, outputs)]
    if kept := net.reading.kept:
        every = [(count, min(kept, steps), outputs)]
    if count == 1:
        every, last = [*every, every[0][1:]], [*last, (outputs,)]
    if net.output != "every":
        every, last = [], [*last, (count, 1, outputs)]
    if outputs == 1 and (*values.shape, 1) in (*every, *last):
        values = values[..., None]
    if values.shape not in (*every, *last):
        said = f"the last {kept} steps" if kept else "every step"
        whole, end = (" or ".join(map(str, shapes)) for shapes in (every, last))
        allowed = f"{whole} for {said}, {end} for the last" if every else f"{end}, {GIVES}"
        raise InputError(f"{file}: shape {values.shape}, must be {allowed}")
    shape = every[0] if values.shape in every else (count, 1, outputs)
    whole = check_real(str(file), values).reshape(shape)
    return Expected(whole, steps - shape[1], behind)


def compare(
    expected: Expected, measured: Measured, net: Network, most: Mapping[str, float | None]
) -> Compared:
    """Compare both runs with the expectation, behind what the file has there; most: `Compared`."""
    tolerance = most["float"] or 0.0
    outs = {"float": measured.floating.out, "fixed point": measured.fixed.real().out}
    behind = DECISIONS.get(expected.behind, lambda out: out)
    views = {name: difference(expected, behind(out)) for name, out in outs.items()}
    linear = not expected.behind and (net.readout is None or net.readout.squash == "identity")
    unsaid = (
        name
        for name, function in UNSAID.items()
        if difference(expected, function(outs["float"])).max_abs <= tolerance
    )
    beyond = linear and views["float"].max_abs > tolerance
    compared = Compared(views, most, tuple(unsaid) if beyond else (), expected.behind)
    if (classes := expected.classes) is None:
        return compared
    agree = {
        name: int(np.count_nonzero(decide(out[:, -classes.shape[1] :]) == classes))
        for name, out in outs.items()
    }
    return replace(compared, agree=agree, decisions=classes.size)


def difference(expected: Expected, out: Array) -> Difference:
    """The largest difference, where it is, and the root mean square."""
    shown = out[:, -expected.values.shape[1] :]
    off = shown - expected.values
    at = error.worst(off)
    return Difference(
        float(abs(off[at])),
        math.sqrt(float(np.mean(off**2))),
        (at[0], at[1] + expected.first, at[2]),
        float(expected.values[at]),
        float(shown[at]),
        error.over_time(off, expected.first, block_of(off.shape[1])),
    )


def tables(compared: Compared) -> list[Table]:
    """For people; over time where there is more than one step to see."""
    curves = {name: compared.views[name].over_time for name in VIEWS}
    several = any(len(blocks) > 1 for blocks in curves.values())
    return [
        _largest(compared),
        *(over_time("both against the expectation", curves) if several else []),
    ]


def _largest(compared: Compared) -> Table:
    views = [compared.views[name] for name in VIEWS]
    rows: list[tuple[str, ...]] = [
        ("largest error", *(f"{view.max_abs:.3g}" for view in views)),
        ("RMSE", *(f"{view.rmse:.3g}" for view in views)),
        ("at sequence, step, output", *(", ".join(map(str, view.worst)) for view in views)),
        ("expected there", *(f"{view.expected:.6g}" for view in views)),
        ("found there", *(f"{view.found:.6g}" for view in views)),
    ]
    for name, within in compared.within.items():
        answer = "yes" if within else "no"
        said = [answer if view == name else "-" for view in VIEWS]
        rows.append((f"{name} within {compared.most[name]:g}", *said))
    rows += [
        (f"{name} of float within {compared.most['float']:g}", "-", "yes")
        for name in compared.unsaid
    ]
    if compared.agree:
        of = compared.decisions
        agree = (f"{compared.agree[name]:,} of {of:,}" for name in VIEWS)
        rows.append(("decisions that agree", *agree))
    of = f", {compared.behind} of the outputs" if compared.behind else ""
    return Table.of(f"Against the expectation{of}", ("", *VIEWS), rows)


def plain(compared: Compared) -> dict[str, Any]:
    """For programs."""
    return {
        "tolerance": compared.most["float"],
        "fixed_tolerance": compared.most["fixed point"],
        "within": compared.within["float"],
        "fixed_within": compared.within.get("fixed point"),
        **{f"{name}_within": name in compared.unsaid for name in UNSAID},
        "behind": compared.behind or None,
        "agree": {name.replace(" ", "_"): count for name, count in compared.agree.items()},
        "decisions": compared.decisions,
        **{name.replace(" ", "_"): asdict(view) for name, view in compared.views.items()},
    }

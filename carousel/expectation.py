"""What another framework gave for the same input, laid beside the float and the integer run."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from carousel.accuracy import Measured
from carousel.inputs import Inputs, read
from carousel.tables import Table
from golden import InputError, Network
from golden.squash import Array, squash

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Expected:
    """Outputs that somebody expects.

    Attributes
    ----------
    values : (N, T, K), or (N, 1, K) where only the last step's are known.
    first : the step that they begin at.
    """

    values: Array
    first: int


@dataclass(frozen=True)
class Difference:
    """One view's difference from the expectation; `worst` is a sequence, a step and an output."""

    max_abs: float
    rmse: float
    worst: tuple[int, int, int]
    expected: float
    found: float


@dataclass(frozen=True)
class Compared:
    """Both views against the expectation.

    Attributes
    ----------
    views : "float" and "fixed point".
    tolerance : the most that float may differ.
    sigma : whether sigma of the float outputs would be within it where the outputs are not.
    """

    views: dict[str, Difference]
    tolerance: float
    sigma: bool

    @property
    def ok(self) -> bool:
        return self.views["float"].max_abs <= self.tolerance


def load(file: Path, inputs: Inputs, outputs: int) -> Expected:
    """Read the expectation; `InputError` names a shape that does not fit, or a value."""
    values, count, steps = read(file), inputs.count, inputs.length
    every, last = [(count, steps, outputs)], [(count, outputs)]
    if count == 1:
        every, last = [*every, (steps, outputs)], [*last, (outputs,)]
    if values.shape not in (*every, *last):
        raise InputError(
            f"{file}: shape {values.shape}, must be {' or '.join(map(str, every))} for every step, "
            f"{' or '.join(map(str, last))} for the last"
        )
    if not np.issubdtype(values.dtype, np.floating) and not np.issubdtype(values.dtype, np.integer):
        raise InputError(f"{file}: type {values.dtype}, must be real numbers")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        value = values[tuple(bad[0])]
        raise InputError(f"{file}: {bad[0].tolist()} is {value}, must be a finite number")
    whole = values.shape in every
    shape = (count, steps if whole else 1, outputs)
    return Expected(values.astype(np.float64).reshape(shape), 0 if whole else steps - 1)


def compare(expected: Expected, measured: Measured, net: Network, tolerance: float) -> Compared:
    """Lay both runs beside the expectation."""
    real = measured.floating.out
    views = {"float": real, "fixed point": measured.fixed.real().out}
    found = {name: difference(expected, out) for name, out in views.items()}
    linear = net.readout is not None and net.readout.squash == "identity"
    sigma = (
        linear
        and found["float"].max_abs > tolerance
        and difference(expected, squash("sigma")(real)).max_abs <= tolerance
    )
    return Compared(found, tolerance, sigma)


def difference(expected: Expected, out: Array) -> Difference:
    """The largest difference, where it is, and the root mean square."""
    found = out[:, expected.first :]
    error = np.abs(found - expected.values)
    at = tuple(int(k) for k in np.unravel_index(np.argmax(error), error.shape))
    return Difference(
        float(error[at]),
        math.sqrt(float(np.mean(error**2))),
        (at[0], at[1] + expected.first, at[2]),
        float(expected.values[at]),
        float(found[at]),
    )


def table(compared: Compared) -> Table:
    """For people."""
    views = [compared.views[name] for name in ("fixed point", "float")]
    rows: list[tuple[str, ...]] = [
        ("largest error", *(f"{view.max_abs:.3g}" for view in views)),
        ("RMSE", *(f"{view.rmse:.3g}" for view in views)),
        ("at sequence, step, output", *(", ".join(map(str, view.worst)) for view in views)),
        ("expected there", *(f"{view.expected:.6g}" for view in views)),
        ("found there", *(f"{view.found:.6g}" for view in views)),
        (f"float within {compared.tolerance:g}", "-", "yes" if compared.ok else "no"),
    ]
    if compared.sigma:
        rows.append((f"sigma of float within {compared.tolerance:g}", "-", "yes"))
    return Table.of("Against the expectation", ("", "fixed point", "float"), rows)


def plain(compared: Compared) -> dict[str, Any]:
    """For programs."""
    return {
        "tolerance": compared.tolerance,
        "within": compared.ok,
        "sigma_within": compared.sigma,
        **{name.replace(" ", "_"): asdict(view) for name, view in compared.views.items()},
    }

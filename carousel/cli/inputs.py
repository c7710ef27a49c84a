"""What goes into a network: a file of the user's, or sequences of the model's own task."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from carousel.cli.axes import arranged
from fixedpoint import Format, QuantizedNetwork
from fixedpoint.arithmetic import Codes
from golden import InputError, ModelError, Network
from golden.arrays import UNREADABLE, read_array, reason
from golden.experiments import EXPERIMENTS
from golden.files import check_readable
from golden.network import check_values
from golden.squash import Array
from golden.tasks import CLASSES, TEMPORAL_ORDER, Reber, Recall, Task, adding

SEQUENCES = 16
MOST = 1 << 32  # values of a task's sequences
UNSCALED: Codes = np.zeros(1, np.int64)
LONGEST_STORY = (
    1100  # steps of temporal order: the last relevant symbol is then over 1000 steps old
)

TASKS: Mapping[str, tuple[Task, int, tuple[str, ...]]] = {
    "temporal_order": (TEMPORAL_ORDER, LONGEST_STORY, CLASSES),
    "temporal_order_held": (TEMPORAL_ORDER, LONGEST_STORY, CLASSES),
    "adding": (adding(100), 100, ()),
}
"""By a model's name: its task, the length to show it at, and its classes.

Networks of the paper's experiments have the experiments' names; see `task_of`.
"""


@dataclass(frozen=True)
class Inputs:
    """Sequences to run.

    Attributes
    ----------
    x : (N, T, D) real.
    target : (N, K) for the last step, or None where it is not known.
    task : or None for a user's file.
    source : where they come from, for people.
    classes : names of the outputs where they are classes.
    axes : the order of a file's axes, if it was told.
    """

    x: Array
    target: Array | None
    task: Task | None
    source: str
    classes: tuple[str, ...] = ()
    axes: str | None = None

    @property
    def count(self) -> int:
        return self.x.shape[0]

    @property
    def length(self) -> int:
        return self.x.shape[1]

    @property
    def lag(self) -> tuple[int, int] | None:
        """The step of the task's last event and the last one before the trigger, or None."""
        if self.task is None or self.length <= self.task.shortest:
            return None
        return self.task.shortest - 2, self.length - 2

    def right(self, out: Array) -> int | None:
        """How many sequences a network answers rightly, from its outputs (N, T, K)."""
        if self.task is None or self.target is None:
            return None
        return int(np.count_nonzero(self.task.correct(out[:, -1], self.target)))


def task_of(net: Network) -> tuple[Task, int, tuple[str, ...]] | None:
    """The entry of `TASKS` for a model of that name and of the task's inputs and outputs.

    Of the paper's experiments as well, where the last step alone is asked for.
    """
    sizes = (net.inputs, net.outputs)
    known = TASKS.get(net.name.replace("-", "_")) or _of_paper(net.name)
    return known if known and (known[0].inputs, known[0].outputs) == sizes else None


def _of_paper(name: str) -> tuple[Task, int, tuple[str, ...]] | None:
    known = EXPERIMENTS.get(name)
    if known is None or isinstance(known.task, Reber | Recall):
        return None
    _, tested = known.task.split(np.random.default_rng(0))
    return tested, known.task.lengths[0], CLASSES if tested == TEMPORAL_ORDER else ()


def choose(
    net: Network,
    file: Path | None,
    sequences: int | None,
    length: int | None,
    seed: int,
    axes: str | None = None,
) -> Inputs:
    """The sequences of `file`, whose axes have the order `axes`, or of the model's own task.

    Raises
    ------
    InputError : a file that cannot be read or does not fit, or a model whose task is not known.
    """
    if file is not None:
        x = check_values(arranged(net, read(file), axes, str(file)), net.inputs)
        x = x[None] if x.ndim == 2 else x
        if net.reading.steps not in (0, length or x.shape[1]):
            raise InputError(
                f"{file}: {length or x.shape[1]} steps, the model file takes {net.reading.steps}, "
                "over which it sums up"
            )
        for what, asked, have in (("sequences", sequences, len(x)), ("length", length, x.shape[1])):
            if asked and asked > have:
                raise InputError(f"{what} {asked}: {file} has {have}")
        return Inputs(x[:sequences, :length], None, None, str(file), axes=axes)
    if axes is not None:
        raise InputError(f"--axes {axes}: is of a file that --input names")
    known = task_of(net)
    if known is None:
        raise InputError(f"model {net.name}: its task is not known, give sequences with --input")
    task, usual, classes = known
    count, steps = sequences or SEQUENCES, length or usual
    if count * steps * net.inputs > MOST:
        raise InputError(
            f"{count} sequences of {steps} steps: {count * steps * net.inputs} values of input, "
            f"more than memory holds; allowed are {MOST}"
        )
    x, target = task.batch(np.random.default_rng(seed), count, steps)
    source = f"{task.name}, {count} sequences of {steps} steps, seed {seed}"
    return Inputs(x, target, task, source, classes)


def read(file: Path) -> Array:
    """Real numbers from a .npy file; `InputError` names the file and what is wrong."""
    check_readable(file, InputError)
    try:
        with file.open("rb") as stream:
            return read_array(stream, file.stat().st_size)
    except FileNotFoundError:
        raise InputError(f"{file}: no such file") from None
    except ModelError as error:
        raise InputError(f"{file}: {error}") from None
    except UNREADABLE as error:
        raise InputError(f"{file}: not a readable .npy file ({reason(error)})") from None


def encode(qnet: QuantizedNetwork, x: Array) -> Codes:
    """Codes of an input; one that does not fit the input's format is refused, not clipped."""
    form = qnet.formats.input
    return codes_of("input", x, form, form.high, qnet.formats.scales)


def codes_of(
    what: str, values: Array, form: Format, highest: int, scales: Codes = UNSCALED
) -> Codes:
    """Codes of real values, none of them saturated; each times 2^scales has the format `form`.

    Raises
    ------
    InputError : a value below the codes of `form` or above the code `highest`; starts with `what`.
    """
    codes = values * 2.0 ** (scales + form.frac)
    bad = np.argwhere((codes < form.low - 0.5) | (codes >= highest + 0.5))
    if len(bad):
        where, value = bad[0].tolist(), values[tuple(bad[0])]
        own = replace(
            form, frac=form.frac + int(np.broadcast_to(scales, values.shape[-1:])[where[-1]])
        )
        low, high = form.low * own.lsb, highest * own.lsb
        raise InputError(f"{what}{where}: {value:g} is outside {low:g}..{high:g} of format {own}")
    return form.encode(values * 2.0**scales)[0]


def check_real(what: str, values: np.ndarray) -> Array:
    """`values` as float64; `InputError`, starting with `what`, unless finite real numbers."""
    if not np.issubdtype(values.dtype, np.floating) and not np.issubdtype(values.dtype, np.integer):
        raise InputError(f"{what}: type {values.dtype}, must be real numbers")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        value = values[tuple(bad[0])]
        raise InputError(f"{what}: {bad[0].tolist()} is {value}, must be a finite number")
    return values.astype(np.float64)

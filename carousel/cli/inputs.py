"""What goes into a network: a file of the user's, or sequences of the model's own task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from carousel.cli.axes import arranged
from fixedpoint import Format, QuantizedNetwork
from fixedpoint.arithmetic import Codes
from fixedpoint.calibration import Part
from golden import InputError, LayerState, ModelError, Network
from golden.arrays import UNREADABLE, read_array, read_arrays, reason
from golden.files import check_readable
from golden.modelfile import LARGEST
from golden.network import check_values
from golden.pieces import starts
from golden.squash import Array
from golden.tasks import CLASSES, TEMPORAL_ORDER, Reber, Recall, Task, adding

State = tuple[LayerState, ...]

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
    x : (N, T, D) real; behind the end of a shorter sequence 0.
    target : (N, K) for the last step, or None where it is not known.
    task : or None for a user's file.
    source : where they come from, for people.
    classes : names of the outputs where they are classes.
    axes : the order of a file's axes, if it was told.
    lengths : the steps of each sequence, where they are not all the same.
    """

    x: Array
    target: Array | None
    task: Task | None
    source: str
    classes: tuple[str, ...] = ()
    axes: str | None = None
    lengths: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        return self.x.shape[0]

    @property
    def length(self) -> int:
        return self.x.shape[1]

    @property
    def alike(self) -> list[Codes]:
        """Sequences of one length each, as numbers, the shortest first."""
        lengths = np.array(self.lengths or [self.length] * self.count)
        return [np.flatnonzero(lengths == steps) for steps in np.unique(lengths)]

    @property
    def within(self) -> np.ndarray | None:
        """(N, T) where a step is one of its sequence; None where all are."""
        return np.arange(self.length) < np.array(self.lengths)[:, None] if self.lengths else None

    def parts(self, state: State | None = None) -> list[Part]:
        """The sequences, those of one length together, and what they start from."""
        if not self.lengths:
            return [Part(self.x, state)]
        found = []
        for some in self.alike:
            steps = self.lengths[some[0]]
            found.append(Part(self.x[some, :steps], state and starts(state, some)))
        return found

    def some(self, cut: slice) -> "Inputs":
        """Some of the sequences."""
        lengths = self.lengths[cut]
        longest = max(lengths, default=self.length)
        unlike = lengths if len(set(lengths)) > 1 else ()
        target = None if self.target is None else self.target[cut]
        return replace(self, x=self.x[cut, :longest], target=target, lengths=unlike)

    @property
    def lag(self) -> tuple[int, int] | None:
        """The step of the task's last event and the last one before the trigger, or None."""
        if self.task is None or self.length <= self.task.told + 2:
            return None
        return self.task.told, self.length - 2

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
    from golden.experiments import EXPERIMENTS  # takes long, and few commands want it

    known = EXPERIMENTS.get(name)
    if known is None or isinstance(known.task, Reber | Recall):
        return None
    _, tested = known.task.split(np.random.default_rng(0))
    return tested, known.task.lengths[0], CLASSES if tested == TEMPORAL_ORDER else ()


def choose(
    net: Network,
    files: Sequence[Path],
    sequences: int | None,
    length: int | None,
    seed: int,
    axes: str | None = None,
) -> Inputs:
    """The sequences of `files`, whose axes have the order `axes`, or of the model's own task.

    Raises
    ------
    InputError : a file that cannot be read or does not fit, or a model whose task is not known.
    """
    if files:
        return _of_files(net, files, sequences, length, axes)
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


def _of_files(
    net: Network,
    files: Sequence[Path],
    sequences: int | None,
    length: int | None,
    axes: str | None,
) -> Inputs:
    """The sequences of all files, in their order."""
    found, source = [], ", ".join(map(str, files))
    for file in files:
        for where, values in _arrays(file):
            x = check_values(arranged(net, values, axes, where), net.inputs)
            found += list(x[None] if x.ndim == 2 else x)
    longest = max(map(len, found))
    for what, asked, have in (("sequences", sequences, len(found)), ("length", length, longest)):
        if asked and asked > have:
            raise InputError(f"{what} {asked}: {source} has {have}")
    found = [x[:length] for x in found[:sequences]]
    lengths = [len(x) for x in found]
    for steps in set(lengths):
        if net.reading.steps not in (0, steps):
            raise InputError(
                f"{source}: {steps} steps, the model file takes {net.reading.steps}, of which it "
                "takes the mean"
            )
    x = np.zeros((len(found), max(lengths), net.inputs))
    for row, values in zip(x, found, strict=True):
        row[: len(values)] = values
    unlike = tuple(lengths) if len(set(lengths)) > 1 else ()
    return Inputs(x, None, None, source, axes=axes, lengths=unlike)


def _arrays(file: Path) -> list[tuple[str, Array]]:
    """The array of a .npy file, or those of an .npz, each with its name."""
    if file.suffix != ".npz":
        return [(str(file), read(file))]
    arrays = read_npz(file, "a file of sequences")
    if not arrays:
        raise InputError(f"{file}: has no arrays")
    return [(f"{file}: {name}", values) for name, values in arrays.items()]


def read_npz(file: Path, what: str) -> dict[str, np.ndarray]:
    """The arrays of an .npz file; `InputError` names the file and what is wrong."""
    check_readable(file, InputError)
    try:
        return read_arrays(file, what, LARGEST)
    except FileNotFoundError:
        raise InputError(f"{file}: no such file") from None
    except UNREADABLE as error:
        raise InputError(f"{file}: not a readable .npz file ({reason(error)})") from None


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

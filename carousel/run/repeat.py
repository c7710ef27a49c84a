"""The commands that repeat a run and prove its Verilog, with every choice written out."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from carousel.cli.repeat import choices, inputs_of, reading
from carousel.run.job import RunResult


def command(
    found: RunResult,
    model: Path,
    files: Sequence[Path],
    seed: int,
    state: Path | None,
    quick: bool,
) -> str:
    """`carousel run` with every choice written out, the defaults too."""
    widths, sequences = choices(found.subject, files, seed)
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
    skips = found.subject.skipping.words
    return shlex.join(str(word) for word in (*words, *start, *held, *skips, *left_out))


def prove(found: RunResult, model: Path, files: Sequence[Path], place: Path) -> str:
    """`carousel prove` of the Verilog in the folder `place`."""
    room = found.subject.max_length
    held = () if room is None else ("--max-length", room)
    core = ("--formats", place / "formats.json", "--lanes", found.gateware.plan.most_lanes)
    source = (*inputs_of(files), *reading(found.subject))
    held = (*held, *found.subject.skipping.words)
    words = ("carousel", "prove", model, *core, *source, *held, "--output", proofs(place))
    return shlex.join(map(str, words))


def proofs(place: Path) -> Path:
    """The folder for proofs, next to the Verilog in `place`."""
    return place / "proofs"

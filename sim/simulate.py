"""Simulate a core on a network's input: the same trace as the integer model's, from gateware."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fixedpoint.network import QuantizedNetwork
from golden.errors import InputError
from rtl.core import Core
from rtl.schedule import plan
from rtl.verilog import convert
from sim.errors import ToolError
from sim.harness import Field, Harness, fields, has_probe
from sim.job import Ints, Job, Recording
from sim.runner import BUILD_DIR, Build, build, folder_in, run
from sim.testbench import FOLDER
from sim.tools import check_tools
from sim.trace import HardwareTrace, Run, assemble

TOP = "carousel_harness"
JUNK = 0x5555_5555_5555  # what the payload shows while it is not valid
PORTS = ("clk", "rst", "drive", "seen", "saturations", "clocks")

Progress = Callable[[int, int], None]


def simulate(
    qnet: QuantizedNetwork,
    codes: np.ndarray,
    *,
    lanes: int | None = None,
    probe: bool = True,
    idle: float = 0.0,
    back_pressure: float = 0.0,
    seed: int = 0,
    waves: Path | str | None = None,
    build_dir: Path | str | None = None,
    progress: Progress | None = None,
) -> HardwareTrace:
    """Run a network's core in simulation over input codes.

    Parameters
    ----------
    codes : (T, D), or (N, T, D) for N sequences one after another; `first` starts each.
    lanes : see `rtl.core.Core`.
    probe : show every signal, and not the outputs alone.
    idle : in which share of the clocks the source pauses, from 0 to below 1.
    back_pressure : in which share of the clocks the sink is not ready, from 0 to below 1.
    seed : of both patterns.
    waves : write a VCD of everything there.
    build_dir : where simulators are kept (default: `build/sim` under the current folder).
    progress : called now and then with the steps that are done and all steps; it may raise.

    Raises
    ------
    InputError : codes that do not fit the network; a share outside its range; no folder for waves;
        a kind of cell that the test bench does not follow.
    LaneError : lanes that the network cannot use.
    ToolError : a missing tool, a path with a space, a tool that failed.
    SimulationError : a core that gives too few beats.
    """
    codes, pattern = qnet.check_codes(codes), Pattern(idle, back_pressure, seed)
    _check_kinds(qnet)
    place = Path(build_dir or BUILD_DIR).resolve()
    if waves and not Path(waves).resolve().parent.is_dir():
        raise InputError(f"waves {str(waves)!r}: no such folder to write to")
    check_tools(place)
    plan(qnet, lanes)  # refuses before a component is made that nobody would then use
    core = Core(qnet, lanes, probe)
    return simulate_core(core, qnet, codes, pattern, place, waves=waves, progress=progress)


def _check_kinds(qnet: QuantizedNetwork) -> None:
    """Refuse what the test bench cannot follow signal by signal."""
    for k, layer in enumerate(qnet.layers):
        kinds = {
            "peepholes": layer.shape.peepholes,
            "a projection": layer.shape.projection is not None,
            "reverse steps": layer.shape.reverse,
        }
        for name, there in kinds.items():
            if there:
                raise InputError(
                    f"layer {k}: {name} cannot be simulated; allowed is a layer without"
                )
    if qnet.output != "every":
        what = f"output of the {qnet.output} step"
        raise InputError(f"{what} cannot be simulated, must be of every step")


@dataclass(frozen=True)
class Pattern:
    """How the streams around the core behave, see `simulate`."""

    idle: float = 0.0
    back_pressure: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, share in (("idle", self.idle), ("back-pressure", self.back_pressure)):
            if not 0 <= share < 1:
                raise InputError(f"{name} {share}: must be at least 0 and less than 1")
        if self.seed < 0:
            raise InputError(f"seed {self.seed}: must not be negative")


def simulate_core(
    core: Any,
    qnet: QuantizedNetwork,
    codes: Ints,
    pattern: Pattern,
    build_dir: Path,
    *,
    waves: Path | str | None = None,
    progress: Progress | None = None,
) -> HardwareTrace:
    """`simulate` with a component that has the ports and the schedule of `rtl.core.Core`."""
    asked = Run(qnet, core.schedule.rows, codes.shape, has_probe(core))
    harness = Harness(core)
    text, job = convert(harness, TOP), _job(harness, asked, codes, pattern)
    built = build(text, TOP, PORTS, build_dir, waves=waves is not None)
    folder = folder_in(build_dir, "run")
    start = time.perf_counter()
    try:
        recording = _play(built, job, folder, waves, _teller(folder, asked, progress))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    trace = assemble(asked, recording, time.perf_counter() - start)
    if progress:
        progress(asked.steps, asked.steps)
    return trace


def _job(harness: Harness, asked: Run, codes: Ints, pattern: Pattern) -> Job:
    """What the test bench needs to know."""
    drive, pace = fields(harness.drive.shape()), harness.core.schedule.cycles_per_step
    flow = (1 - pattern.idle) * (1 - pattern.back_pressure)
    return Job(
        words=_words(drive, codes),
        junk=_word(drive, {"in_data": JUNK, "in_first": 1, "in_last": 1}),
        seen=_places(fields(harness.seen.shape())),
        saturations=_places(fields(harness.saturations.shape())),
        beats=asked.steps * asked.qnet.outputs,
        patience=int((20 * pace + 1000) / flow),
        drain=int((2 * pace + 100) / (1 - pattern.back_pressure)),
        idle=pattern.idle,
        back_pressure=pattern.back_pressure,
        seed=pattern.seed,
        owner=os.getpid(),
    )


def _places(places: dict[str, Field]) -> dict[str, tuple[int, int, bool]]:
    return {name: (place.offset, place.width, place.signed) for name, place in places.items()}


def _word(drive: dict[str, Field], values: dict[str, int]) -> int:
    """A value of `drive`: the fields named, the others 0."""
    word = 0
    for name, value in values.items():
        word |= (value & ((1 << drive[name].width) - 1)) << drive[name].offset
    return word


def _words(drive: dict[str, Field], codes: Ints) -> Ints:
    """For every element in order the value of `drive` that offers it, `out_ready` left 0."""
    batch = codes[None] if codes.ndim == 2 else codes
    words = (batch & ((1 << drive["in_data"].width) - 1)) << drive["in_data"].offset
    words[:, 0, 0] |= 1 << drive["in_first"].offset
    words[:, -1, -1] |= 1 << drive["in_last"].offset
    return words.reshape(-1) | (1 << drive["in_valid"].offset)


def _play(
    built: Build, job: Job, folder: Path, waves: Path | str | None, tick: Callable[[], None] | None
) -> Recording:
    """Run the job; when that fails, the log is kept beside the build."""
    job.save(folder / "job.npz")
    run(
        built,
        "sim.testbench",
        folder,
        environment={FOLDER: str(folder)},
        waves=Path(waves) if waves else None,
        tick=tick,
    )
    if not (folder / "recording.npz").exists():
        log = (folder / "run.log").rename(built.folder / f"{folder.name}.log")
        raise ToolError(f"the simulation failed; the tools' output is in {log}")
    return Recording.load(folder / "recording.npz")


def _teller(folder: Path, asked: Run, progress: Progress | None) -> Callable[[], None] | None:
    """Tells `progress` what the test bench wrote last."""
    if progress is None:
        return None
    told = -1

    def tick() -> None:
        nonlocal told
        try:
            beats = int((folder / "progress").read_text())
        except (OSError, ValueError):  # not there yet, or caught while it is written
            return
        done = min(beats // asked.qnet.outputs, asked.steps)
        if done != told:
            told = done
            progress(done, asked.steps)

    return tick

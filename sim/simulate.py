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
from rtl import latency
from rtl.offline import make_core
from rtl.schedule import plan
from rtl.verilog import convert
from sim.asked import Asked
from sim.errors import ToolError
from sim.harness import COUNTERS, Field, Harness, fields, has
from sim.job import Ints, Job, Recording
from sim.runner import BUILD_DIR, Build, build, folder_in, run
from sim.state import State, to_words
from sim.testbench import FOLDER
from sim.tools import check_tools
from sim.trace import HardwareTrace, assemble

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
    state: State | None = None,
    max_length: int | None = None,
    streams: int = 1,
    nonzeros: int | None = None,
    waves: Path | str | None = None,
    build_dir: Path | str | None = None,
    progress: Progress | None = None,
) -> HardwareTrace:
    """Run a network's core in simulation over input codes.

    Parameters
    ----------
    codes : (T, D), or (N, T, D) for N sequences one after another, or as many side by side as there
        are streams; `first` starts each.
    lanes : see `rtl.core.Core`.
    probe : show every signal, and not the outputs alone.
    idle : in which share of the clocks the source pauses, from 0 to below 1.
    back_pressure : in which share of the clocks the sink is not ready, from 0 to below 1.
    seed : of both patterns.
    state : what every sequence starts from, codes as in `QuantizedTrace.state`. The core then has
        its state port: the state is written before each sequence and read after it, and so is the
        trace's. Default: what the network says, and the state comes from the probe.
    max_length : steps that a core with reverse layers has room for (default: those of the input).
    streams : sequences that the core is at side by side; N must be a multiple of it.
    nonzeros : give the core sparse input, so many elements of a vector, see `rtl.core.Core`.
    waves : write a VCD of everything there.
    build_dir : where simulators are kept (default: `build/sim` under the current folder).
    progress : called now and then with the steps that are under way or done, and all steps; it may
        raise.

    Raises
    ------
    InputError : codes or a state that do not fit the network; a state with reverse layers; more
        steps than `max_length`; sequences that cannot be dealt to the streams; a vector with more
        than `nonzeros` elements other than 0; a share outside its range; no folder for waves.
    LaneError, CarouselError : lanes, streams or nonzeros that the network cannot use.
    ToolError : a missing tool, a path with a space, a tool that failed.
    SimulationError : a core that gives too few beats.
    """
    codes, pattern = qnet.check_codes(codes), Pattern(idle, back_pressure, seed)
    place = Path(build_dir or BUILD_DIR).resolve()
    room = _room(qnet, codes, max_length)
    if state is not None:
        _check_state(qnet, codes, state)
    if waves and not Path(waves).resolve().parent.is_dir():
        raise InputError(f"waves {str(waves)!r}: no such folder to write to")
    check_tools(place)
    if room is None:
        plan(
            qnet, lanes, streams, nonzeros
        )  # refuses before a component is made that nobody would use
    _check_streams(codes, streams)
    core = make_core(
        qnet, lanes, probe, room, state_port=state is not None, streams=streams, nonzeros=nonzeros
    )
    return simulate_core(
        core,
        qnet,
        codes,
        pattern,
        place,
        streams=streams,
        state=state,
        waves=waves,
        progress=progress,
    )


def _room(qnet: QuantizedNetwork, codes: Ints, max_length: int | None) -> int | None:
    """The steps that the core must have room for, where it holds sequences."""
    length = codes.shape[-2]
    if max_length is not None and length > max_length:
        raise InputError(f"input: {length} steps, the core is to hold {max_length} (max_length)")
    return length if qnet.first_reverse is not None and max_length is None else max_length


def _check_streams(codes: Ints, streams: int) -> None:
    sequences = len(codes) if codes.ndim == 3 else 1
    if sequences % streams:
        raise InputError(f"input: {sequences} sequences, must be a multiple of {streams} (streams)")


def _check_state(qnet: QuantizedNetwork, codes: Ints, state: State) -> None:
    if (layer := qnet.first_reverse) is not None:
        raise InputError(f"state: layer {layer} runs in reverse and needs the whole sequence")
    qnet.run(codes[..., :1, :], state)  # refuses a state that does not fit


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
    streams: int = 1,
    state: State | None = None,
    waves: Path | str | None = None,
    progress: Progress | None = None,
    library: str = "",
) -> HardwareTrace:
    """`simulate` with a component that has the ports and the schedule of `rtl.core.Core`.

    Parameters
    ----------
    library : Verilog of the modules that the component is made of and Amaranth does not know.
    """
    asked = Asked(
        qnet,
        codes.shape,
        core.probe_streams if has(core, "probe") else (),
        () if state is None else core.state_words,
        core.offline,
        streams,
        core.schedule.cycles_per_step,
        getattr(core.schedule, "elements", 0),
    )
    harness = Harness(core)
    text, job = convert(harness, TOP) + library, _job(harness, asked, codes, pattern, state)
    ports = [*PORTS, *(port for port in (*COUNTERS, "state") if has(harness, port))]
    built = build(text, TOP, ports, build_dir, waves=waves is not None)
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


def _job(harness: Harness, asked: Asked, codes: Ints, pattern: Pattern, state: State | None) -> Job:
    """What the test bench needs to know."""
    drive, pace = fields(harness.drive.shape()), harness.core.schedule.cycles_per_step
    flow = (1 - pattern.idle) * (1 - pattern.back_pressure)
    parts = len(asked.qnet.layers) + 1
    silence = asked.times[-1] * pace * parts if asked.offline else 0
    # a reverse layer's own first step may be the only one that counts, and its others still come
    rest = silence if asked.qnet.output != "every" else 0
    writes, reads = _accesses(harness, asked, state)
    return Job(
        words=_words(drive, asked, codes, state is None),
        junk=_word(drive, {"in_data": JUNK, "in_first": 1, "in_last": 1}),
        writes=writes,
        reads=reads,
        seen=_places(fields(harness.seen.shape())),
        saturations=_places(fields(harness.saturations.shape())),
        counters=tuple(name for name in COUNTERS if has(harness, name)),
        streams=tuple(stream.name for stream in asked.streams),
        beats=asked.beats,
        patience=int((silence + 20 * pace + 1000) / flow),
        drain=int((rest + 2 * pace + 100) / (1 - pattern.back_pressure)),
        idle=pattern.idle,
        back_pressure=pattern.back_pressure,
        seed=pattern.seed,
        owner=os.getpid(),
    )


def _accesses(harness: Harness, asked: Asked, state: State | None) -> tuple[Ints, Ints]:
    """Values of the harness' port `state` that write the state, a row a sequence, and that read it,
    the wait for the last word included."""
    if state is None:
        return np.zeros((0, 0), np.int64), np.zeros(0, np.int64)
    port, words = fields(harness.state.shape()), to_words(asked.qnet, asked.state_words, state)
    codes = words.reshape(-1, len(asked.state_words)) & ((1 << port["in"].width) - 1)
    addresses = np.arange(len(asked.state_words)) << port["address"].offset
    writes = addresses | codes << port["in"].offset | 1 << port["write"].offset
    return writes, np.pad(addresses, (0, latency.STATE_PORT))


def _places(places: dict[str, Field]) -> dict[str, tuple[int, int, bool]]:
    return {name: (place.offset, place.width, place.signed) for name, place in places.items()}


def _word(drive: dict[str, Field], values: dict[str, int]) -> int:
    """A value of `drive`: the fields named, the others 0."""
    word = 0
    for name, value in values.items():
        word |= (value & ((1 << drive[name].width) - 1)) << drive[name].offset
    return word


def _words(drive: dict[str, Field], asked: Asked, codes: Ints, anew: bool) -> Ints:
    """For every element in order the value of `drive` that offers it, `out_ready` left 0; with
    `first` where each sequence starts anew."""
    elements, indices = codes, None
    if "in_index" in drive:
        indices, elements = nonzero_elements(codes, asked.vector)
    words = (elements & ((1 << drive["in_data"].width) - 1)) << drive["in_data"].offset
    if indices is not None:
        words |= indices << drive["in_index"].offset
    words = words[None] if words.ndim == 2 else words
    words[:, 0, 0] |= anew << drive["in_first"].offset
    words[:, -1, -1] |= 1 << drive["in_last"].offset
    return asked.unfold(words) | (1 << drive["in_valid"].offset)


def nonzero_elements(codes: Ints, count: int) -> tuple[Ints, Ints]:
    """What comes of sparse vectors (..., D): indices and codes (..., count) of the elements that
    are not 0, in order, then of others.

    Raises
    ------
    InputError : a vector has more of them.
    """
    found = np.count_nonzero(codes, axis=-1)
    if found.max(initial=0) > count:
        *sequence, step = (int(k) for k in np.unravel_index(np.argmax(found), found.shape))
        where = f"sequence {sequence[0]}, " if sequence else ""
        raise InputError(
            f"input: {where}step {step} has {found.max()} elements other than 0, the core takes "
            f"{count} (nonzeros)"
        )
    indices = np.argsort(codes == 0, axis=-1, kind="stable")[..., :count]
    return indices, np.take_along_axis(codes, indices, axis=-1)


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


def _teller(folder: Path, asked: Asked, progress: Progress | None) -> Callable[[], None] | None:
    """Tells `progress` what the test bench wrote last."""
    if progress is None:
        return None
    told = -1

    def tick() -> None:
        nonlocal told
        try:
            taken = int((folder / "progress").read_text())
        except (OSError, ValueError):  # not there yet, or caught while it is written
            return
        done = taken // asked.vector
        if done != told:
            told = done
            progress(done, asked.steps)

    return tick

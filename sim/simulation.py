"""Simulate a core on a network's input: the same trace as the integer model's, from gateware."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fixedpoint.network import QuantizedNetwork
from golden.errors import InputError
from rtl import CoreOptions, CorePlan, plan
from rtl.lengths import check_fits, room
from sim.job import Ints
from sim.rounds import LONG, clocks_of, requests_of
from sim.runner import BUILD_DIR
from sim.scenario import UNDISTURBED, Act, Pattern, Scenario
from sim.stage import stage
from sim.state import State
from sim.tools import check_tools
from sim.trace import HardwareTrace, assemble

Progress = Callable[[int, int], None]


def simulate(
    network: QuantizedNetwork | CorePlan,
    codes: np.ndarray,
    *,
    pattern: Pattern = UNDISTURBED,
    state: State | None = None,
    waves: Path | str | None = None,
    build_dir: Path | str | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> HardwareTrace:
    """Run a network's core in simulation over input codes.

    Parameters
    ----------
    network : an integer network, or a planned core of one.
    codes : (T, D), or (N, T, D) for N sequences one after another, or as many side by side as there
        are streams; `first` starts each.
    pattern : in which clocks the source pauses and the sink is not ready; default never.
    state : what every sequence starts from, codes as in `QuantizedTrace.state`. The core then has
        its state port: the state is written before each sequence and read after it, and so is the
        trace's. Default: what the network says, and the state comes from the probe.
    waves : write a VCD of everything there.
    build_dir : where simulators are kept (default: `build/sim` under the current folder).
    progress : called now and then with the steps that are under way or done, and all steps; it may
        raise.
    options : of a network's core, see `rtl.CoreOptions`; it has a probe and room for the sequences
        unless they say otherwise.

    Raises
    ------
    InputError : codes or a state that do not fit the network; a state with reverse layers; more
        steps than `max_length`; sequences that cannot be dealt to the streams; a vector with more
        than `nonzeros` elements other than 0; no folder for waves.
    LaneError, CarouselError : options that the network cannot have.
    ToolError : a missing tool, a path with a space, a tool that failed.
    SimulationError : a core that gives too few beats, or does not come to an end.
    """
    planned = _planned(network, np.shape(codes)[-2:], options)
    codes = planned.qnet.check_codes(codes)
    place = Path(build_dir or BUILD_DIR).resolve()
    check_fits(codes.shape[-2], planned.max_length)
    if state is not None:
        _check_state(planned.qnet, codes, state)
        planned = planned.with_state_port()
    if waves and not Path(waves).resolve().parent.is_dir():
        raise InputError(f"waves {str(waves)!r}: no such folder to write to")
    check_tools(place)
    _check_streams(codes, planned.options.streams)
    core = planned.component()
    return simulate_core(core, codes, pattern, place, state=state, waves=waves, progress=progress)


def _planned(
    network: QuantizedNetwork | CorePlan, shape: tuple[int, ...], options: dict[str, Any]
) -> CorePlan:
    """The core that is to be simulated on codes of this shape (T, D)."""
    if isinstance(network, CorePlan):
        if options:
            raise InputError(f"{', '.join(options)}: options of a core that is planned already")
        return network
    steps = shape[0] if len(shape) == 2 else 1  # codes of another shape are refused later
    held = room(network, options.get("max_length"), steps) or None
    return plan(network, CoreOptions(**{"probe": True, **options, "max_length": held}))


def _check_streams(codes: Ints, streams: int) -> None:
    sequences = len(codes) if codes.ndim == 3 else 1
    if sequences % streams:
        raise InputError(f"input: {sequences} sequences, must be a multiple of {streams} (streams)")


def _check_state(qnet: QuantizedNetwork, codes: Ints, state: State) -> None:
    if (layer := qnet.first_reverse) is not None:
        raise InputError(f"state: layer {layer} runs in reverse and needs the whole sequence")
    qnet.run(codes[..., :1, :], state)  # refuses a state that does not fit


def simulate_core(
    core: Any,
    codes: Ints,
    pattern: Pattern,
    build_dir: Path,
    *,
    state: State | None = None,
    waves: Path | str | None = None,
    progress: Progress | None = None,
    library: str = "",
) -> HardwareTrace:
    """`simulate` with a component that has the ports and the plan of `rtl.core.Core`.

    Parameters
    ----------
    library : Verilog of the modules that the component is made of and Amaranth does not know.
    """
    scenario = Scenario("", (Act(codes, state),), pattern)
    long = waves is None and clocks_of(requests_of(core, scenario)) >= LONG
    place = stage(core, build_dir, waves=waves is not None, library=library, loop=long)
    steps = int(np.prod(codes.shape[:-1]))
    start = time.perf_counter()
    (played,) = place.play(
        [scenario],
        waves=Path(waves) if waves else None,
        tick=_teller(core.plan.elements, steps, progress),
    )
    trace = assemble(played.requests[0], played.recording, time.perf_counter() - start)
    if progress:
        progress(steps, steps)
    return trace


def _teller(vector: int, steps: int, progress: Progress | None) -> Callable[[Path], None] | None:
    """Tells `progress` what the test bench wrote last."""
    if progress is None:
        return None
    told = -1

    def tick(folder: Path) -> None:
        nonlocal told
        try:
            taken = int((folder / "progress").read_text())
        except (OSError, ValueError):  # not there yet, or caught while it is written
            return
        done = taken // vector
        if done != told:
            told = done
            progress(done, steps)

    return tick

"""Random networks, and runs of the gateware in Amaranth's own simulator."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Elaboratable
from amaranth.sim import Simulator

import fixedpoint
from fixedpoint.formats import Format
from fixedpoint.network import QuantizedNetwork
from golden.cell import Layer
from golden.dense import Dense
from golden.network import Network
from rtl import CoreOptions, CorePlan, plan, verilog
from sim.rounds import nonzero_elements

Testbench = Callable[[Any], Coroutine[Any, Any, None]]
MOST_CLOCKS = 500_000
G1997 = {"g": "g1997", "h": "h1997"}


def planned(qnet: QuantizedNetwork, lanes: int | None = None, **options: Any) -> CorePlan:
    """The plan of a core with these options."""
    return plan(qnet, CoreOptions(lanes, **options))


def make_core(qnet: QuantizedNetwork, lanes: int | None = None, **options: Any) -> Any:
    """The component of a core with these options."""
    return planned(qnet, lanes, **options).component()


def write_core(
    qnet: QuantizedNetwork,
    folder: Path,
    lanes: int | None = None,
    *,
    axi: bool = False,
    **options: Any,
) -> tuple[Path, ...]:
    """The files of a core with these options."""
    return verilog.write(planned(qnet, lanes, **options), folder, axi=axi)


def simulate(
    component: Elaboratable,
    *testbenches: Testbench,
    clocked: bool = True,
    clocks: int = MOST_CLOCKS,
) -> None:
    """Run testbenches on a component until all have returned; after so many clocks, whatever they
    wait for does not come."""
    simulator = Simulator(component)
    if clocked:
        simulator.add_clock(1e-6)
    for testbench in testbenches:
        simulator.add_testbench(testbench)
    for _ in range(2 * clocks):  # the clock's two edges
        if not simulator.advance():
            return
    raise AssertionError(f"a testbench still waits after {clocks} clocks")


def layer(
    rng: np.random.Generator,
    inputs: int,
    blocks: int,
    size: int = 1,
    *,
    forget: bool = True,
    recurrence: bool = False,
    scale: float = 1.5,
    **squashes: str,
) -> Layer:
    """A layer of normal random weights: the forget-gate cell, or that of 1997."""
    kinds = "ifog" if forget else "iog"
    sources = inputs + blocks * size + (recurrence * (len(kinds) - 1) * blocks)
    rows = {kind: blocks * size if kind == "g" else blocks for kind in kinds}
    weights = {kind: scale * rng.normal(size=(n, sources)) for kind, n in rows.items()}
    biases = {kind: scale * rng.normal(size=n) for kind, n in rows.items()}
    return Layer(weights, biases, size, recurrence, **squashes)


def readout(
    rng: np.random.Generator, cells: int, outputs: int, squash: str = "identity"
) -> tuple[Dense]:
    return (Dense(rng.normal(size=(outputs, cells)), rng.normal(size=outputs), squash),)


def head(rng: np.random.Generator, width: int, *stages: tuple[int, str]) -> tuple[Dense, ...]:
    """Dense stages of so many outputs and these squashes, the first one behind `width` cells."""
    found: list[Dense] = []
    for outputs, squash in stages:
        found += readout(rng, found[-1].outputs if found else width, outputs, squash)
    return tuple(found)


def stack(rng: np.random.Generator, *sizes: int, outputs: int = 0) -> Network:
    """Forget-gate layers of these sizes, the first number being the inputs."""
    layers = tuple(layer(rng, d, cells) for d, cells in zip(sizes, sizes[1:], strict=False))
    return Network(layers, readout(rng, sizes[-1], outputs) if outputs else ())


def quantized(
    net: Network, rng: np.random.Generator, bits: int = 16, tight: int = 0
) -> QuantizedNetwork:
    """The network's integers. `tight` takes so many integer bits away from s, y, what linear dense
    stages give and, twice as many, from a linear h, so that they saturate."""
    formats = fixedpoint.choose_formats(net, bits, rng.normal(size=(4, 12, net.inputs)))
    layers = []
    for k, part in enumerate(formats.layers):
        weights = {
            source: finer(form, -tight) if source in ("y", "s") or (source == "x" and k) else form
            for source, form in part.weights.items()
        }
        s, y = finer(part.s, tight), finer(part.y, tight)
        h = finer(part.h, 2 * tight) if net.layers[k].h == "identity" else part.h
        layers.append(replace(part, weights=weights, s=s, y=y, h=h))
    head = (
        replace(forms, out=finer(forms.out, tight)) if stage.squash == "identity" else forms
        for stage, forms in zip(net.head, formats.head, strict=True)
    )
    formats = replace(formats, layers=tuple(layers), head=tuple(head))
    return fixedpoint.quantize(net, formats)


def finer(form: Format, bits: int) -> Format:
    """As wide, with more fraction bits."""
    return replace(form, frac=form.frac + bits)


def any_codes(
    rng: np.random.Generator, qnet: QuantizedNetwork, sequences: int, steps: int
) -> np.ndarray:
    """Input codes (N, T, D) from the format's whole range, one in five of them a corner."""
    form = qnet.formats.input
    shape = (sequences, steps, qnet.inputs)
    codes = rng.integers(form.low, form.high + 1, shape)
    corners = rng.choice([form.low, form.high, 0, -1], shape)
    return np.where(rng.random(shape) < 0.2, corners, codes)


@dataclass
class CoreRun:
    """What was seen at a core's ports.

    Attributes
    ----------
    beats : (data, first, last) of every output beat.
    shown : the probe's codes by stream.
    taken, given : clocks of input and output beats.
    saturations : the counters at the end.
    """

    beats: list[tuple[int, int, int]] = field(default_factory=list)
    shown: dict[str, list[int]] = field(default_factory=dict)
    taken: list[int] = field(default_factory=list)
    given: list[int] = field(default_factory=list)
    saturations: dict[str, int] = field(default_factory=dict)

    @property
    def out(self) -> list[int]:
        return [data for data, _, _ in self.beats]


def beats_of(
    codes: np.ndarray, streams: int = 1, nonzeros: int | None = None
) -> list[tuple[int, ...]]:
    """Input beats (data, first, last) of sequences (N, T, D), as many at a time as there are
    streams: the first vectors of all of them, then the second ones, and so on.

    With `nonzeros`, (data, first, last, index) of so many elements of each vector.
    """
    sequences, steps, _ = codes.shape
    indices = None
    if nonzeros is not None:
        indices, codes = nonzero_elements(codes, nonzeros)
    shown = codes.shape[-1]
    return [
        (
            int(codes[n + k, t, d]),
            int((t, d) == (0, 0)),
            int((t, d) == (steps - 1, shown - 1)),
            *(() if indices is None else (int(indices[n + k, t, d]),)),
        )
        for n in range(0, sequences, streams)
        for t in range(steps)
        for k in range(streams)
        for d in range(shown)
    ]


def thinned(rng: np.random.Generator, codes: np.ndarray, most: int) -> np.ndarray:
    """Codes (N, T, D) of which at most so many of a vector are left, and the others are 0."""
    ranks = rng.permuted(np.broadcast_to(np.arange(codes.shape[-1]), codes.shape), axis=-1)
    return np.where(ranks < rng.integers(0, most + 1, (*codes.shape[:2], 1)), codes, 0)


def dealt(values: np.ndarray, streams: int) -> np.ndarray:
    """Values (N, T, ...) of sequences as (N / K, T, K, ...): those of K streams in each step."""
    sequences = len(values) // streams
    return values.reshape(sequences, streams, *values.shape[1:]).swapaxes(1, 2)


async def drive(
    ctx: Any,
    core: Any,
    beats: list[tuple[int, ...]],
    idle: float = 0.0,
    back_pressure: float = 0.0,
    seed: int = 0,
    stop_after: int | None = None,
) -> CoreRun:
    """Feed beats and take outputs, both held up at random; return what came out.

    Goes on for 60 clocks after the last expected beat, so that one too many is seen; an offline
    core for as long as steps may run whose outputs do not leave. `stop_after` clocks it breaks off
    wherever it is.
    """
    rng, run, qnet = np.random.default_rng(seed), CoreRun(), core.qnet
    plan, given = core.plan, core.plan.elements  # a vector
    giving = len(beats) // given
    if qnet.output != "every":
        giving = sum(last for _, _, last, *_ in beats)
    expected = giving * qnet.outputs
    width = qnet.formats.input.width
    marks = len(core.i.payload.as_value()) - 2
    words = [
        (data & ((1 << width) - 1)) | sum(index) << width | first << marks | last << (marks + 1)
        for data, first, last, *index in beats
    ]
    i, o, probe = core.i.payload.as_value(), core.o.payload, None
    if core.plan.options.probe:
        names = [shown.name for shown in core.plan.probe_streams]
        fields = {name: (core.probe[f"{name}_valid"], core.probe[name]) for name in names}
        run.shown = {name: [] for name in names}
        probe = core.probe.as_value()
    limit = 2000 + int(
        len(beats) / (1 - idle) * 4
        + (expected + 60) / (1 - back_pressure) * 4
        + len(beats) // given * plan.cycles_per_step * (8 if plan.holds_sequences else 2)
    )
    offering, ready, clock, quiet, place = False, None, 0, 0, 0
    patience = 60 + plan.max_length * plan.cycles_per_step
    limit += patience
    ctx.set(core.i.valid, 0)
    while quiet < patience and clock != stop_after:
        assert clock < limit, f"{len(run.beats)} of {expected} beats after {clock} clocks"
        if not offering and place < len(words) and (not idle or rng.random() >= idle):
            offering = True
            ctx.set(i, words[place])
            ctx.set(core.i.valid, 1)
        wanted = not back_pressure or rng.random() >= back_pressure
        if wanted != ready:
            ready = wanted
            ctx.set(core.o.ready, ready)
        accepted = offering and ctx.get(core.i.ready)
        if accepted:
            run.taken.append(clock)
            place += 1
        if ready and ctx.get(core.o.valid):
            run.beats.append((ctx.get(o.data), ctx.get(o.first), ctx.get(o.last)))
            run.given.append(clock)
        if probe is not None and ctx.get(probe):
            for name, (valid, code) in fields.items():
                if ctx.get(valid):
                    run.shown[name].append(ctx.get(code))
        await ctx.tick()
        clock += 1
        if accepted and (place == len(words) or (idle and rng.random() < idle)):
            offering = False
            ctx.set(core.i.valid, 0)
        elif accepted:
            ctx.set(i, words[place])
        quiet += len(run.beats) >= expected
    counters = ctx.get(core.saturations)
    run.saturations = {name: counters[name] for name in core.plan.saturation_kinds}
    return run


def run_core(core: Any, codes: np.ndarray, **options: Any) -> CoreRun:
    """A core's answer to sequences (N, T, D); options of `drive`."""
    found = []

    async def testbench(ctx):
        beats = beats_of(codes, core.plan.options.streams, core.plan.options.nonzeros)
        found.append(await drive(ctx, core, beats, **options))

    simulate(core, testbench)
    return found[0]


def mismatches(plan: CorePlan, run: CoreRun, codes: np.ndarray) -> dict[str, int]:
    """How much of a core's run differs from `QuantizedNetwork.run`: codes, marks, counters, each.

    A list of the wrong length counts as wholly different.
    """
    trace, (sequences, steps, _) = plan.qnet.run(codes), codes.shape
    streams = plan.options.streams
    giving = steps if plan.qnet.output == "every" else 1
    ends = np.zeros((2, sequences, giving, plan.qnet.outputs), int)
    ends[0, :, 0, 0], ends[1, :, -1, -1] = 1, 1
    pairs = {
        "out": (run.out, dealt(trace.out, streams)),
        "first": ([first for _, first, _ in run.beats], dealt(ends[0], streams)),
        "last": ([last for _, _, last in run.beats], dealt(ends[1], streams)),
    }
    if plan.options.probe:
        every = replace(plan.qnet, output="every").run(codes)
        for shown in plan.probe_streams:
            given = trace if shown.once else every
            columns = [
                dealt(
                    (given if row.kind in ("dense", "out") else trace).get(row.kind, row.layer),
                    streams,
                )[..., row.stream, row.index]
                for row in shown.rows
            ]
            want = np.stack(columns, axis=-1)
            pairs[shown.name] = run.shown[shown.name], want[:, ::-1] if shown.reverse else want
    found = {}
    for name, (have, want) in pairs.items():
        want = want.reshape(-1)
        same = len(have) == len(want)
        found[name] = int(np.sum(np.array(have) != want)) if same else max(len(have), len(want))
    counts = dict.fromkeys(plan.saturation_kinds, 0)
    for name, count in trace.saturations.items():
        counts[name.rpartition(".")[2]] += count
    found["saturations"] = sum(counts[name] != run.saturations[name] for name in counts)
    return found


def agree(plan: CorePlan, run: CoreRun, codes: np.ndarray) -> bool:
    """Whether a core's run equals the integer model in everything that was seen."""
    found = mismatches(plan, run, codes)
    assert not any(found.values()), found
    return True

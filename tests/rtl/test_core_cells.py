"""The core with every kind of cell: peepholes, coupled gates, projection, hard sigmoid, clipping,
initial states, last output only; each alone and all crossed, code for code the integer model's."""

from dataclasses import replace
from itertools import cycle, product

import numpy as np
import pytest

from fixedpoint.network import QuantizedNetwork
from golden.cell import Layer, LayerState
from golden.errors import CarouselError
from golden.network import Network
from rtl.core import Core
from rtl.schedule import latency
from rtl.schedule.schedule import UnsupportedError, allowed_lanes, schedule_of
from tests.rtl.support import (
    G1997,
    agree,
    any_codes,
    beats_of,
    drive,
    head,
    layer,
    make_core,
    quantized,
    readout,
    run_core,
    simulate,
)
from tests.soak import few


def cell(
    rng: np.random.Generator,
    inputs: int,
    cells: int,
    *,
    kinds: str = "ifog",
    peepholes: bool = False,
    projection: int | None = None,
    start: bool = False,
    scale: float = 1.5,
    **options,
) -> Layer:
    """A layer of blocks of one cell with normal random weights, and any option of `Layer`."""
    outputs = projection or cells
    weights = {kind: scale * rng.normal(size=(cells, inputs + outputs)) for kind in kinds}
    biases = {kind: scale * rng.normal(size=cells) for kind in kinds}
    if peepholes:
        options["peepholes"] = {kind: scale * rng.normal(size=cells) for kind in kinds[:-1]}
    if projection:
        options["projection"] = rng.normal(size=(projection, cells))
    if start:
        options["initial"] = {
            "s": rng.uniform(-0.9, 0.9, cells),
            "y": rng.uniform(-0.9, 0.9, outputs),
        }
    return Layer(weights, biases, **options)


CLIP = {"gate": (-2.5, 1.75), "g": (-0.7, 1.3)}
OPTIONS = {
    "peepholes": {"peepholes": True},
    "coupled": {"kinds": "iog", "coupled": True},
    "coupled with peepholes": {"kinds": "iog", "coupled": True, "peepholes": True},
    "1997 with peepholes": {"kinds": "iog", "peepholes": True, "g": "g1997", "h": "h1997"},
    "projection": {"projection": 2},
    "projection wider than the cells": {"projection": 7},
    "projection with peepholes": {"projection": 3, "peepholes": True},
    "hard gates": {"gate": "hard"},
    "hard everywhere": {"gate": "hard", "g": "hard", "h": "hard"},
    "clipped": {"clip": CLIP},
    "clipped hard gates, identity": {"clip": CLIP, "gate": "hard", "g": "identity"},
    "clipped with peepholes": {"clip": CLIP, "peepholes": True},
    "initial states": {"start": True},
    "initial states, peepholes, projection": {"start": True, "peepholes": True, "projection": 2},
}


def one_layer(name: str, tight: int = 0) -> tuple[QuantizedNetwork, np.random.Generator]:
    rng = np.random.default_rng(sum(map(ord, name)))
    return quantized(Network((cell(rng, 3, 5, **OPTIONS[name]),)), rng, 12, tight), rng


def check_core(qnet: QuantizedNetwork, lanes: int, rng: np.random.Generator, **options) -> None:
    """Every code, mark and counter; at full speed also the latency and the pace (a readout alone
    is as fast as its input comes)."""
    core, codes = make_core(qnet, lanes, probe=True), any_codes(rng, qnet, 2, 5)
    run = run_core(core, codes, **options)
    assert agree(core.plan, run, codes)
    if not options and qnet.output == "every":
        assert run.given[0] - run.taken[qnet.inputs - 1] == core.schedule.latency
        finals = np.array(run.given[qnet.outputs - 1 :: qnet.outputs])
        if qnet.layers:
            assert set(np.diff(finals[2:])) == {core.schedule.cycles_per_step}


ALONE = few([*zip(OPTIONS, cycle((0, -1)), strict=False)], product(OPTIONS, (0, -1)))


@pytest.mark.parametrize(("name", "which"), ALONE)
def test_every_option_alone(name, which):
    """On the fewest lanes or on all: every signal, the latency and the pace."""
    qnet, rng = one_layer(name)
    check_core(qnet, allowed_lanes(qnet)[which], rng)


@pytest.mark.parametrize("name", ["projection", "projection with peepholes", "clipped"])
def test_saturation_counters_of_every_option(name):
    """With integer bits taken away, m, y and s saturate, and the counters say how often."""
    qnet, rng = one_layer(name, tight=2)
    counts = qnet.run(any_codes(rng, qnet, 2, 5)).saturations
    assert any(counts.get(f"0.{name}") for name in "smy")
    check_core(qnet, allowed_lanes(qnet)[0], rng)


def _any_layer(rng: np.random.Generator, inputs: int) -> Layer:
    """A layer with any of the options, peepholes as often as not."""
    coin = lambda chance: bool(rng.random() < chance)  # noqa: E731
    kind = rng.integers(3)
    return cell(
        rng,
        inputs,
        int(rng.integers(1, 6)),
        kinds="ifog" if kind == 0 else "iog",
        coupled=bool(kind == 1),
        peepholes=coin(0.5),
        projection=int(rng.integers(1, 5)) if coin(0.4) else None,
        start=coin(0.4),
        gate=str(rng.choice(["sigma", "hard"])),
        g=str(rng.choice(["tanh", "g1997", "hard", "identity"])),
        h=str(rng.choice(["tanh", "h1997", "hard"])),
        clip=CLIP if coin(0.3) else {},
        scale=float(rng.choice([0.5, 1.5])),
    )


@pytest.mark.parametrize("seed", few(range(4), range(24)))
def test_random_cells(seed):
    """One to three layers of any cells, up to two dense stages, every output or the last only, any
    lanes, idle and back-pressure."""
    rng = np.random.default_rng((7, seed))
    layers, width = [], int(rng.integers(1, 4))
    for _ in range(rng.integers(1, 4)):
        layers.append(_any_layer(rng, width))
        width = layers[-1].shape.outputs
    end = (None, "identity", "sigma")[rng.integers(3)]
    last = readout(rng, width, int(rng.integers(1, 4)), end) if end else ()
    if end and rng.integers(2):
        last = head(rng, width, (int(rng.integers(1, 6)), "tanh"), (last[0].outputs, end))
    output = str(rng.choice(["every", "last"]))
    qnet = quantized(Network(tuple(layers), last, output=output), rng, int(rng.integers(6, 19)))
    pauses = {} if seed % 2 else {"idle": 0.4, "back_pressure": 0.5, "seed": seed}
    check_core(qnet, int(rng.choice(allowed_lanes(qnet))), rng, **pauses)


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("end", ["identity", "sigma"])
@pytest.mark.parametrize("before", [(), ((5, "sigma"), (2, "tanh"))], ids=["one", "three"])
def test_a_head_alone(before, end, lanes):
    """A part of a network may be its head: a dense core, of any number of lanes."""
    rng = np.random.default_rng(lanes)
    whole = quantized(Network((cell(rng, 2, 4),), head(rng, 4, *before, (3, end))), rng)
    formats = replace(whole.formats, input=whole.formats.layers[0].y, layers=())
    check_core(replace(whole, layers=(), formats=formats), lanes, rng)


STATEFUL = {
    "peepholes": {"peepholes": True},
    "projection": {"projection": 2},
    "initial states": {"start": True},
    "gate recurrence": {},
}


def stateful(name: str) -> tuple[QuantizedNetwork, np.random.Generator]:
    """Two layers of a kind, so that every part of the state has a place behind others."""
    rng = np.random.default_rng(sum(map(ord, name)))
    if name == "gate recurrence":
        one = [layer(rng, 2, 3, 2, forget=False, recurrence=True, **G1997), layer(rng, 6, 2)]
    else:
        first = cell(rng, 2, 4, **STATEFUL[name])
        one = [first, cell(rng, first.shape.outputs, 3, **STATEFUL[name])]
    return quantized(Network(tuple(one)), rng), rng


def words_of(core: Core, state: tuple[LayerState, ...]) -> list[int]:
    """A state as the words of the state port; m, which no step needs of the one before, is 0."""
    found = []
    for row in core.plan.state_words:
        shape, part = core.qnet.layers[row.layer].shape, state[row.layer]
        if row.kind in shape.gates:
            found.append(part.gates[shape.gates.index(row.kind) * shape.blocks + row.index])
        else:
            found.append(0 if row.kind == "m" else getattr(part, row.kind)[row.index])
    return [int(code) for code in found]


@pytest.mark.parametrize("name", STATEFUL)
def test_state_port(name):
    """A sequence in two halves, the second from a state that was read, overwritten and written
    back: outputs and final state are those of one run. `idle` is down while steps run."""
    qnet, rng = stateful(name)
    core, codes = make_core(qnet, state_port=True), any_codes(rng, qnet, 1, 8)
    beats, cut, seen = beats_of(codes), 5 * qnet.inputs, []

    async def settle(ctx):
        assert not ctx.get(core.idle)
        while not ctx.get(core.idle):
            await ctx.tick()

    async def read(ctx):
        found = []
        for address in range(len(core.plan.state_words)):
            ctx.set(core.state_address, address)
            await ctx.tick().repeat(latency.STATE_PORT)
            found.append(ctx.get(core.state_out))
        return found

    async def write(ctx, words):
        ctx.set(core.state_write, 1)
        for address, word in enumerate(words):
            ctx.set(core.state_address, address)
            ctx.set(core.state_in, word)
            await ctx.tick()
        ctx.set(core.state_write, 0)

    async def testbench(ctx):
        first = await drive(ctx, core, beats[:cut])
        words = await read(ctx)
        await write(ctx, [1] * len(words))
        assert await read(ctx) == [1] * len(words)
        await write(ctx, words)
        second = await drive(ctx, core, beats[cut:])
        seen.extend([first.out + second.out, words, await read(ctx)])

    simulate(core, testbench)
    trace, half = qnet.run(codes[0]), qnet.run(codes[0, :5])
    out, middle, final = seen
    assert out == trace.out.ravel().tolist()
    for have, want in ((middle, half.state), (final, trace.state)):
        meant = [row.kind != "m" for row in core.plan.state_words]
        wanted = words_of(core, want)
        assert [w for w, ok in zip(have, meant, strict=True) if ok] == [
            w for w, ok in zip(wanted, meant, strict=True) if ok
        ]


def test_a_state_written_after_reset_counts():
    """The first vector after a reset goes on from it when it comes without `first`."""
    qnet, rng = stateful("peepholes")
    core, codes = make_core(qnet, state_port=True), any_codes(rng, qnet, 1, 3)
    start = qnet.run(any_codes(rng, qnet, 1, 4)[0]).state
    found = []

    async def testbench(ctx):
        ctx.set(core.state_write, 1)
        for address, word in enumerate(words_of(core, start)):
            ctx.set(core.state_address, address)
            ctx.set(core.state_in, word)
            await ctx.tick()
        ctx.set(core.state_write, 0)
        beats = [(data, 0, last) for data, _, last in beats_of(codes)]
        found.append(await drive(ctx, core, beats))

    simulate(core, testbench)
    assert found[0].out == qnet.run(codes[0], start).out.ravel().tolist()


def test_peepholes_beside_blocks_are_refused():
    """One core cannot run them: the message names both layers."""
    rng = np.random.default_rng(1)
    plain = cell(rng, 2, 4)
    blocks = Layer(
        {kind: rng.normal(size=(4 if kind == "g" else 2, 8)) for kind in "ifog"},
        {kind: rng.normal(size=4 if kind == "g" else 2) for kind in "ifog"},
        block_size=2,
    )
    for layers in (
        (cell(rng, 2, 4, peepholes=True), blocks),
        (blocks, cell(rng, 4, 4, peepholes=True)),
    ):
        qnet = quantized(Network(layers), rng)
        with pytest.raises(UnsupportedError, match="blocks of several cells.*peepholes of layer"):
            schedule_of(qnet)
    assert issubclass(UnsupportedError, CarouselError) and plain.shape.cells == 4

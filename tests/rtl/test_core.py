"""The whole core equals the integer model, code for code, and takes the clocks that it says."""

from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import ResetInserter, Signal

from fixedpoint.network import QuantizedNetwork
from golden.cell import Layer
from golden.dense import Dense
from golden.network import Network
from golden.squash import SQUASHES
from rtl.schedule import latency
from rtl.schedule.schedule import allowed_lanes
from tests.rtl.support import (
    G1997,
    CoreRun,
    agree,
    any_codes,
    beats_of,
    drive,
    head,
    layer,
    make_core,
    mismatches,
    quantized,
    readout,
    run_core,
    simulate,
    stack,
)
from tests.soak import few


def _net1997(rng, inputs, blocks, size, outputs=0, squash="identity", **options) -> Network:
    one = layer(rng, inputs, blocks, size, forget=False, **options)
    return Network((one,), readout(rng, blocks * size, outputs, squash) if outputs else ())


def _mixed(rng, first: str) -> Network:
    """A layer of 1997 with gate recurrence and a forget-gate layer; `first` is below."""
    if first == "1997":
        layers = (
            layer(rng, 3, 2, 2, forget=False, recurrence=True, **G1997),
            layer(rng, 4, 3, g="g1997", h="identity"),
        )
    else:
        layers = (layer(rng, 2, 3), layer(rng, 3, 2, 3, forget=False, recurrence=True, **G1997))
    return Network(layers, readout(rng, layers[1].shape.cells, 5, "sigma"))


# name: how the network is made, bits, lanes, integer bits taken away so that signals saturate
CORES = {
    "forget, one cell": (lambda rng: stack(rng, 1, 1), 16, 4, 0),
    "forget, least lanes": (lambda rng: stack(rng, 3, 4), 16, 4, 0),
    "forget, all lanes": (lambda rng: stack(rng, 3, 4), 16, 16, 2),
    "forget, last group not full": (lambda rng: stack(rng, 2, 5), 11, 8, 0),
    "forget, 6 bits": (lambda rng: stack(rng, 3, 4, outputs=3), 6, 8, 2),
    "forget, 20 bits": (lambda rng: stack(rng, 3, 4, outputs=3), 20, 8, 0),
    "dense stages of different squashes": (
        lambda rng: Network(
            (layer(rng, 3, 4),), head(rng, 4, (5, "tanh"), (3, "identity"), (2, "sigma"))
        ),
        *(12, 6, 2),
    ),
    "two layers, linear readout": (lambda rng: stack(rng, 3, 4, 3, outputs=2), 12, 8, 2),
    "three layers, no readout": (lambda rng: stack(rng, 2, 2, 3, 2), 14, 4, 0),
    "few columns after many rows": (lambda rng: stack(rng, 1, 2, 12, outputs=12), 10, 48, 0),
    "1997, gate recurrence, blocks of 2, sigma readout": (
        lambda rng: _net1997(rng, 8, 2, 2, 4, "sigma", recurrence=True, **G1997),
        16,
        4,
        0,
    ),
    "1997, gate recurrence, blocks of 3, all lanes": (
        lambda rng: _net1997(rng, 2, 5, 3, recurrence=True, **G1997),
        10,
        25,
        2,
    ),
    "1997, sigma and identity, one lane to each row": (
        lambda rng: _net1997(rng, 2, 3, 2, 1, g="sigma", h="identity"),
        8,
        12,
        2,
    ),
    "1997, one cell, identity and tanh": (
        lambda rng: _net1997(rng, 1, 1, 1, 1, g="identity", h="tanh"),
        12,
        3,
        2,
    ),
    "forget with gate recurrence and blocks of 2": (
        lambda rng: Network((layer(rng, 3, 2, 2, recurrence=True),)),
        13,
        5,
        0,
    ),
    "1997 below, forget above": (lambda rng: _mixed(rng, "1997"), 10, 8, 2),
    "forget below, 1997 above": (lambda rng: _mixed(rng, "forget"), 12, 12, 0),
}


def _made(name: str) -> tuple[QuantizedNetwork, int, np.random.Generator]:
    make, bits, lanes, tight = CORES[name]
    rng = np.random.default_rng(sum(map(ord, name)))
    return quantized(make(rng), rng, bits, tight), lanes, rng


@cache
def _run(name: str) -> tuple[Any, np.ndarray, CoreRun]:
    """The core with a probe, two sequences for it, and its answer."""
    qnet, lanes, rng = _made(name)
    core, codes = make_core(qnet, lanes, probe=True), any_codes(rng, qnet, 2, 6)
    return core, codes, run_core(core, codes)


@pytest.mark.parametrize("name", CORES)
def test_every_code_mark_counter_and_clock(name):
    """Gates, g, s, y, outputs, first, last, saturation counters == the integer model. The first
    output comes after `schedule.latency` clocks, the last ones of following steps come
    `schedule.cycles_per_step` apart."""
    core, codes, run = _run(name)
    qnet = core.qnet
    assert agree(core.plan, run, codes)
    assert run.given[0] - run.taken[qnet.inputs - 1] == core.schedule.latency
    finals = np.array(run.given[qnet.outputs - 1 :: qnet.outputs])
    # the first steps may come closer together: an idle core is ahead of the steady state
    assert set(np.diff(finals[2:])) == {core.schedule.cycles_per_step}


def test_every_kind_of_saturation_is_met():
    """The networks above are such that each counter is compared at a value that is not zero."""
    seen = dict.fromkeys(("i", "f", "o", "g", "h", "s", "y", "dense", "out"), 0)
    for name in CORES:
        qnet, _, rng = _made(name)
        for key, count in qnet.run(any_codes(rng, qnet, 2, 6)).saturations.items():
            seen[key.rpartition(".")[2]] += count
    assert all(seen.values()), seen


def _random_case(seed: int) -> tuple[QuantizedNetwork, int, np.random.Generator]:
    """Any layers, squashes, dense stages, bits, integer bits taken away, and lanes."""
    rng = np.random.default_rng(seed)
    coin = lambda chance: bool(rng.random() < chance)  # noqa: E731
    sizes, layers = int(rng.integers(1, 6)), []
    for _ in range(rng.integers(1, 4)):
        blocks, size = int(rng.integers(1, 5)), int(rng.choice([1, 1, 2, 3]))
        squashes = dict(zip("gh", rng.choice(list(SQUASHES), 2).tolist(), strict=True))
        options = {"forget": coin(0.6), "recurrence": coin(0.4), **squashes}
        layers.append(layer(rng, sizes, blocks, size, **options))
        sizes = blocks * size
    stages = [
        (int(rng.integers(1, 16)), str(rng.choice(["sigma", "identity", "tanh"])))
        for _ in range(rng.integers(4))
    ]
    net = Network(tuple(layers), head(rng, sizes, *stages))
    qnet = quantized(net, rng, int(rng.integers(6, 21)), int(rng.integers(0, 3)))
    return qnet, int(rng.choice(allowed_lanes(qnet))), rng


@pytest.mark.parametrize("seed", few(range(4), range(16)))
def test_random_networks(seed):
    """Any network, format and number of lanes: every code, with pauses in every second case."""
    qnet, lanes, rng = _random_case(seed)
    core, codes = make_core(qnet, lanes, probe=True), any_codes(rng, qnet, 2, 5)
    pauses = {"idle": 0.5, "back_pressure": 0.5} if seed % 2 else {}
    run = run_core(core, codes, seed=seed, **pauses)
    assert agree(core.plan, run, codes)
    if not pauses:
        finals = np.array(run.given[qnet.outputs - 1 :: qnet.outputs])
        assert set(np.diff(finals[2:])) == {core.schedule.cycles_per_step}


PRESSED = (
    "forget, one cell",
    "two layers, linear readout",
    "1997, gate recurrence, blocks of 2, sigma readout",
    "1997, one cell, identity and tanh",
)


PAUSES = few(((0.5, 0.5), (0.95, 0.0), (0.0, 0.97)), product((0.0, 0.5, 0.95), (0.0, 0.5, 0.97)))


@pytest.mark.parametrize(("idle", "back_pressure"), PAUSES)
@pytest.mark.parametrize("name", PRESSED)
def test_nothing_is_lost_or_repeated(name, idle, back_pressure):
    """A source that pauses and a consumer that is not ready change no code, mark or counter."""
    qnet, lanes, rng = _made(name)
    core, codes = make_core(qnet, lanes, probe=True), any_codes(rng, qnet, 2, 3)
    run = run_core(core, codes, idle=idle, back_pressure=back_pressure, seed=len(name))
    assert agree(core.plan, run, codes)


@pytest.mark.parametrize("lanes", (4, 16))
def test_an_output_that_waits_does_not_change(lanes):
    """valid stays, and the beat with it, until the consumer is ready; meanwhile the core fills up
    and stops taking input."""
    rng = np.random.default_rng(5)
    qnet = quantized(stack(rng, 3, 4), rng)
    core, codes = make_core(qnet, lanes), any_codes(rng, qnet, 1, 12)
    want = qnet.run(codes).out.reshape(-1)
    held = []

    async def source(ctx):
        for data, first, last in beats_of(codes):
            ctx.set(core.i.payload, {"data": data, "first": first, "last": last})
            ctx.set(core.i.valid, 1)
            await ctx.tick().until(core.i.ready)
        ctx.set(core.i.valid, 0)

    async def consumer(ctx):
        for k, code in enumerate(want):
            ctx.set(core.o.ready, 0)
            await ctx.tick().until(core.o.valid)
            for _ in range(1500 if k == 0 else 3):
                assert ctx.get(core.o.valid) == 1
                assert ctx.get(core.o.payload.data) == code
                await ctx.tick()
            if k == 0:
                held.append(ctx.get(core.i.ready))
            ctx.set(core.o.ready, 1)
            await ctx.tick()
        for _ in range(100):
            assert ctx.get(core.o.valid) == 0
            await ctx.tick()

    simulate(core, source, consumer)
    assert held == [0]


def test_first_alone_clears_the_state():
    """Without `first` a new sequence goes on from the state that the last one left, whatever `last`
    says; with it, it begins from zero."""
    rng = np.random.default_rng(6)
    net = _mixed(rng, "1997")
    qnet = quantized(net, rng)
    codes = any_codes(rng, qnet, 1, 9)
    beats, cut = beats_of(codes), 4 * qnet.inputs
    kept = [(data, first, int(k == cut - 1)) for k, (data, first, _) in enumerate(beats)]
    fresh = [(data, int(k in (0, cut)), last) for k, (data, _, last) in enumerate(kept)]
    runs = {}
    for name, marked in (("kept", kept), ("fresh", fresh)):
        core = make_core(qnet, 8)

        async def testbench(ctx, core=core, name=name, marked=marked):
            runs[name] = await drive(ctx, core, marked)

        simulate(core, testbench)
    whole = qnet.run(codes).out
    parts = [qnet.run(part).out for part in (codes[:, :4], codes[:, 4:])]
    assert runs["kept"].out == whole.reshape(-1).tolist()
    assert runs["fresh"].out == np.concatenate(parts, axis=1).reshape(-1).tolist()
    assert runs["kept"].out != runs["fresh"].out
    steps = [beat[1:] for beat in runs["fresh"].beats]
    starts = [k for k, (first, _) in enumerate(steps) if first]
    ends = [k for k, (_, last) in enumerate(steps) if last]
    assert starts == [0, 4 * qnet.outputs]
    assert ends == [4 * qnet.outputs - 1]


@pytest.mark.parametrize("name", ("two layers, linear readout", "1997 below, forget above"))
def test_the_probe_changes_nothing(name):
    """Without a probe there is no such port, and the same beats come in the same clocks."""
    core, codes, with_probe = _run(name)
    bare = make_core(core.qnet, core.schedule.lanes)
    without = run_core(bare, codes)
    assert "probe" in core.signature.members and "probe" not in bare.signature.members
    assert (with_probe.beats, with_probe.given) == (without.beats, without.given)
    assert with_probe.saturations == without.saturations


@pytest.mark.parametrize("clock", few((1, 60, 142), (1, 17, 60, 101, 142, 203)))
@pytest.mark.parametrize("marked", (True, False), ids=("first", "no first"))
def test_reset_in_mid_run(clock, marked):
    """After a reset at any time the core is as new: a fresh sequence gives its codes, counters
    count from zero, nothing of the broken run comes out; with or without `first` on its first
    element, for the first step after a reset starts from a state of zero in any case."""
    qnet, lanes, rng = _made("1997 below, forget above")
    core, codes = make_core(qnet, lanes, probe=True), any_codes(rng, qnet, 2, 4)
    broken = any_codes(rng, qnet, 1, 9)
    fresh = beats_of(codes)
    fresh[0] = (fresh[0][0], int(marked), fresh[0][2])
    runs = []
    reset = Signal()

    async def testbench(ctx):
        await drive(ctx, core, beats_of(broken), stop_after=clock, back_pressure=0.6)
        ctx.set(core.o.ready, 0)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        runs.append(await drive(ctx, core, fresh))

    simulate(ResetInserter(reset)(core), testbench)
    assert agree(core.plan, runs[0], codes)


def _shut(forget: bool) -> tuple[Network, np.ndarray]:
    """One cell that the first element of a sequence opens and everything after finds shut.

    Input gate: bias -40, +80 when x[0] is 1; forget gate open by +40.
    """
    kinds = "ifog" if forget else "iog"
    weights = {kind: np.zeros((1, 3)) for kind in kinds}
    weights["i"][0] = [80.0, 0.5, 0.5]
    weights["g"][0] = [0.0, 3.0, 1.0]
    weights["o"][0] = [0.0, 2.0, -1.0]
    if forget:
        weights["f"][0] = [0.0, 0.5, 0.5]
    biases = {"i": np.array([-40.0]), "f": np.array([40.0]), "o": np.zeros(1), "g": np.zeros(1)}
    squashes = {} if forget else G1997
    one = Layer(weights, {kind: biases[kind] for kind in kinds}, **squashes)
    return Network((one,)), np.array([[1.0, 0.7]])


@pytest.mark.parametrize("steps", few((70,), (70, 300)))
@pytest.mark.parametrize("forget", (True, False))
def test_shut_gates_hold_every_bit(forget, steps):
    """i = 0 and f = 1.0 (or none): after one step that writes, s keeps its code for many steps of
    random input in gateware."""
    rng = np.random.default_rng(7)
    net, opening = _shut(forget)
    x = np.concatenate([np.zeros((steps, 1)), rng.uniform(-1, 1, (steps, 1))], axis=1)
    x[0] = opening
    qnet = quantized(net, rng)
    codes = qnet.encode(x)[0][None]
    core = make_core(qnet, None, probe=True)
    run = run_core(core, codes)
    assert agree(core.plan, run, codes)
    assert run.shown["s"][0] != 0
    assert set(run.shown["s"]) == {run.shown["s"][0]}
    assert len(set(run.shown["y"])) > 50


@pytest.mark.parametrize(
    "name",
    (
        "forget, one cell",
        "1997, gate recurrence, blocks of 2, sigma readout",
        "1997 below, forget above",
        "three layers, no readout",
    ),
)
def test_a_clock_too_early_is_found(name, monkeypatch):
    """Planted fault: planned with the way to y one clock too short, the core reads an output in the
    clock before it is written. The comparison finds it: it can fail, and no stall is longer than
    needed."""
    right, codes, run = _run(name)
    assert agree(right.plan, run, codes)
    monkeypatch.setattr(latency, "CELL", latency.CELL - 1)
    early = make_core(right.qnet, right.schedule.lanes, probe=True)
    assert early.schedule.cycles_per_step < right.schedule.cycles_per_step
    found = mismatches(early.plan, run_core(early, codes), codes)
    assert found["act0"] > 0 and found["out"] > 0


def test_a_wrong_weight_is_found():
    """Planted fault: one LSB of one weight."""
    qnet, lanes, rng = _made("forget, least lanes")
    codes = any_codes(rng, qnet, 2, 8)
    part = qnet.layers[0]
    weights = {kind: array.copy() for kind, array in part.weights.items()}
    weights["g"][2, 1] ^= 1 << (*part.rows("g").coarser, 0, 0, 0)[2]
    other = replace(qnet, layers=(replace(part, weights=weights),))
    core = make_core(other, lanes, probe=True)
    run = run_core(core, codes)
    assert agree(core.plan, run, codes)
    assert mismatches(replace(core.plan, qnet=qnet), run, codes)["s"] > 0


def test_a_wrong_bias_is_found_in_the_readout_alone():
    """Planted fault in the readout: outputs differ, cells do not."""
    rng = np.random.default_rng(8)
    net = stack(rng, 3, 4, outputs=2)
    qnet = quantized(net, rng)
    assert isinstance(net.readout, Dense)
    codes = any_codes(rng, qnet, 1, 4)
    biases = qnet.readout.biases.copy()
    biases[1] += 1 << qnet.readout.shifts[1]
    core = make_core(replace(qnet, head=(replace(qnet.readout, biases=biases),)), 8, probe=True)
    run = run_core(core, codes)
    found = mismatches(replace(core.plan, qnet=qnet), run, codes)
    assert found["out"] > 0 and found["act0"] == found["out"] and found["s"] == found["y"] == 0

"""Cores of networks with reverse layers: code for code the integer model's, however long the
sequences are and however they are fed, and what does not fit said so."""

from itertools import product

import numpy as np
import pytest

from golden.errors import CarouselError
from golden.network import Network
from rtl.lengths import MAX_LENGTH
from rtl.schedule.schedule import LaneError
from rtl.verilog import convert
from tests.rtl.offline.test_parts import network
from tests.rtl.support import (
    agree,
    any_codes,
    beats_of,
    drive,
    make_core,
    planned,
    quantized,
    run_core,
    simulate,
)
from tests.rtl.test_core_cells import cell
from tests.soak import few

# plan of layers (f forward, r reverse, p a pair), output, readout, options of every cell
NETWORKS = {
    "a pair": ("p", "every", None, {}),
    "a pair and a readout": ("p", "every", "sigma", {}),
    "a pair, its last step": ("p", "last", None, {}),
    "a pair, what each ends with, and a readout": ("p", "final", "identity", {}),
    "reverse, its last step, and two dense stages": (
        *("r", "last", "sigma"),
        {"before": ((4, "tanh"),)},
    ),
    "a pair and three dense stages": (
        "p",
        "every",
        "tanh",
        {"before": ((2, "sigma"), (4, "tanh"))},
    ),
    "reverse and a readout": ("r", "every", "identity", {}),
    "reverse, the sequence's last step, and a readout": ("r", "last", "sigma", {}),
    "reverse, its own last step": ("r", "final", None, {}),
    "forward below, reverse above": ("fr", "every", None, {}),
    "between forward layers": ("fpf", "last", "identity", {}),
    "two pairs": ("pp", "every", "identity", {}),
    "two pairs of projected cells with peepholes": (
        *("pp", "final", None),
        {"peepholes": True, "projection": 2, "start": True},
    ),
}


def made(name: str):
    plan, output, end, options = NETWORKS[name]
    return network(plan, output, end, **options)


NEVER, OFTEN = (0.0, 0.0), (0.4, 0.6)
SMOOTH = product(("a pair and a readout", "reverse and a readout"), (NEVER,))
PLAYED = few([*SMOOTH, *product(NETWORKS, (OFTEN,))], product(NETWORKS, (NEVER, OFTEN)))


@pytest.mark.parametrize(("name", "pauses"), PLAYED)
def test_every_code_mark_and_counter(name, pauses):
    """Three sequences, one as soon as the other, through buffers that just hold one: every signal,
    output, mark and saturation counter, with idle and back-pressure and without."""
    qnet = made(name)
    core = make_core(qnet, probe=True, max_length=4)
    codes = any_codes(np.random.default_rng(len(name)), qnet, 3, 4)
    run = run_core(core, codes, idle=pauses[0], back_pressure=pauses[1], seed=3)
    assert agree(core.plan, run, codes)
    assert {row.kind for shown in core.plan.probe_streams for row in shown.rows} >= set("ifogsy")


@pytest.mark.parametrize(
    "name",
    [
        "a pair and a readout",
        "reverse, its own last step",
        pytest.param("two pairs", marks=pytest.mark.soak),
    ],
)
def test_sequences_of_every_length(name):
    """From one step to as many as the buffers hold, in any order, back-pressure on and off."""
    qnet, rng = made(name), np.random.default_rng(8)
    sequences = [any_codes(rng, qnet, 1, int(steps)) for steps in rng.permutation([1, 2, 3, 4, 5])]
    beats = [beat for codes in sequences for beat in beats_of(codes)]
    found = []

    def testbench(core, back_pressure):
        async def bench(ctx):
            found.append(await drive(ctx, core, beats, idle=0.2, back_pressure=back_pressure))

        return bench

    for back_pressure in (0.0, 0.7):
        core = make_core(qnet, max_length=5)
        simulate(core, testbench(core, back_pressure))
    want = [code for codes in sequences for code in qnet.run(codes[0]).out.ravel().tolist()]
    assert [run.out for run in found] == [want, want]


@pytest.mark.parametrize(("name", "skip"), (("between forward layers", "unchanged"),
                                            ("a pair and a readout", "zero")))  # fmt: skip
def test_parts_that_skip(name, skip):
    """The same of cores that skip, on input that is 0 now and then, and stays what it was."""
    qnet = made(name)
    core = make_core(qnet, 2, probe=True, max_length=6, skip=skip)
    rng = np.random.default_rng(7)
    codes = any_codes(rng, qnet, 3, 6)
    codes = np.where(rng.random(codes.shape) < 0.5, 0, codes)
    codes[:, 2:5] = codes[:, 2:3]
    run = run_core(core, codes, idle=0.2, back_pressure=0.3, seed=4)
    assert agree(core.plan, run, codes)
    assert core.plan.cycles_at(0) < core.plan.cycles_at(1) == core.plan.cycles_per_step


def test_a_sequence_that_is_too_long():
    """Its first steps count, the flag stays up, and the sequence after it comes out right."""
    qnet, rng = made("a pair"), np.random.default_rng(9)
    core, seen = make_core(qnet, max_length=3), []
    long, after = any_codes(rng, qnet, 1, 5), any_codes(rng, qnet, 1, 2)
    expected = [*qnet.run(long[0, :3]).out.ravel(), *qnet.run(after[0]).out.ravel()]

    async def testbench(ctx):
        ctx.set(core.o.ready, 1)
        for codes in (long, after):
            for data, first, last in beats_of(codes):
                ctx.set(core.i.payload, {"data": data, "first": first, "last": last})
                ctx.set(core.i.valid, 1)
                while not ctx.get(core.i.ready):
                    await tick(ctx)
                await tick(ctx)
            ctx.set(core.i.valid, 0)
        for _ in range(600):
            await tick(ctx)

    async def tick(ctx):
        if ctx.get(core.o.valid):
            seen.append((ctx.get(core.o.payload.data), ctx.get(core.too_long)))
        await ctx.tick()

    simulate(core, testbench)
    assert [data for data, _ in seen] == [int(code) for code in expected]
    assert all(flag for _, flag in seen)


def test_the_pace_of_long_runs():
    """At full speed sequences end as far apart as the slowest part needs for their steps."""
    qnet, steps = made("a pair"), 6
    core = make_core(qnet, max_length=steps)
    codes = any_codes(np.random.default_rng(4), qnet, 6, steps)
    given = np.array(run_core(core, codes).given)
    ends = given[steps * qnet.outputs - 1 :: steps * qnet.outputs]
    assert set(np.diff(ends[2:])) == {steps * core.plan.cycles_per_step}


def test_lanes_are_for_every_part():
    """Each part takes what it can use of them; the schedule counts them all."""
    qnet = made("between forward layers")
    plan = planned(qnet, lanes=8)
    assert [part.lanes for part in plan.schedules] == [8, 8, 8, 8]
    assert plan.lanes == 32
    assert plan.products_per_step == sum(part.products_per_step for part in plan.schedules)
    with pytest.raises(LaneError, match="lanes 0: layer 0 needs at least 1"):
        planned(qnet, lanes=0)


def test_the_memory_that_a_sequence_costs():
    """A pair's: two banks on both sides of the reverse core, one way of beats beside it."""
    qnet, length = made("a pair"), 10
    x, y = qnet.formats.input.width, qnet.formats.layers[0].y.width
    wide = [layer.shape.outputs for layer in qnet.layers]
    reversers = 2 * length * (qnet.inputs * x + wide[1] * y)
    buffers = length * (qnet.inputs * (x + 2) + wide[0] * (y + 2))
    assert planned(qnet, max_length=length).buffer_bits == reversers + buffers


def test_what_a_core_cannot_have_is_refused_with_the_reason():
    """Of both kinds of cores; one that holds sequences has room for 64 steps by default."""
    rng = np.random.default_rng(2)
    pair, forward = made("a pair"), quantized(Network((cell(rng, 2, 2),)), rng)
    assert planned(forward, 4, state_port=True).state_words
    assert not planned(forward, 4).holds_sequences
    assert planned(pair).holds_sequences and planned(pair).max_length == MAX_LENGTH
    for asked, message in (
        ({"qnet": forward, "max_length": 5}, "max_length 5: the network has no reverse layer"),
        ({"qnet": pair, "state_port": True}, "state port: layer 1 runs in reverse"),
        ({"qnet": pair, "protect": True}, "protect: cannot be combined with layer 1, which runs"),
        ({"qnet": pair, "max_length": 0}, "max_length 0: must be at least 1"),
    ):
        with pytest.raises(CarouselError, match=message):
            planned(**asked)


def test_it_becomes_verilog():
    """One module with the ports of the streams and the flag."""
    text = convert(make_core(made("a pair"), 8, max_length=4), "offline")
    head = text[text.index("module offline(") :][:600]
    assert all(port in head for port in ("i__valid", "o__ready", "too_long"))

"""Stages in front of, between and around layers that run in reverse: nothing differs."""

from collections import Counter

import numpy as np
import pytest

from fixedpoint.network import QuantizedNetwork
from rtl import plan, planning
from rtl.offline.cuts import Cuts
from rtl.offline.parts import Part, split
from rtl.schedule.schedule import UnsupportedError
from sim.scoreboard import by_kind
from tests.rtl.offline.wired import Wiring, branches, random_wired
from tests.rtl.support import agree, any_codes, beats_of, drive, make_core, run_core, simulate
from tests.soak import few


def stem_and_pair() -> QuantizedNetwork:
    """Dense stages in front of a pair, between it and a forward layer, and behind that."""
    made = Wiring(np.random.default_rng(1), 3, 3, 2)
    first = made.units((-1,), 3, "relu")
    pair = made.cells("p", made.units(first, 2, "sigma"))
    layer = made.cells("f", made.units(pair, 3, "tanh"))
    made.units(layer, 2)
    return made.quantized()


def residual(output: str = "every") -> QuantizedNetwork:
    """A readout of a pair, and of the input beside it."""
    made = Wiring(np.random.default_rng(2), 2, 0, 3)
    made.units((-1, *made.cells("p", (-1,))), 2)
    return made.quantized(output)


def over_two() -> QuantizedNetwork:
    """The input and what the first layer gives, joined to what two more give."""
    made = Wiring(np.random.default_rng(3), 3, 0, 2)
    first = made.cells("f", (-1,))
    second = made.cells("r", first)
    made.units((-1, *first, *made.cells("f", second)), 3, "relu")
    return made.quantized()


def one_of_a_pair() -> QuantizedNetwork:
    """A dense stage that reads only the forward layer of a pair, one that reads the other, and a
    reverse layer of both whose last step counts, with a readout."""
    made = Wiring(np.random.default_rng(5), 3, 2, 2)
    forward, reverse = made.cells("p", (-1,))
    stem = *made.units((forward,), 2, "relu"), *made.units((reverse,), 2)
    layer = made.cells("r", stem)
    made.units(made.units(layer, 3, "tanh"), 2)
    return made.quantized("last")


NETWORKS = {
    "a stem, a stage between and a pair": stem_and_pair,
    "an input added to what a pair gives": residual,
    "an input beside a pair, the last step": lambda: residual("last"),
    "over two groups": over_two,
    "branches of the same input": lambda: branches().quantized(),
    "one of a pair": one_of_a_pair,
}
RUNS = {
    "a stem, a stage between and a pair": [((3,), (4,)), ((0, 1),), ((5,), (2,), (6,))],
    "an input added to what a pair gives": [((0, 1),), ((2,),)],
    "an input beside a pair, the last step": [((0, 1),), ((2,),)],
    "over two groups": [((0,),), ((1,),), ((2,), (3,))],
    "branches of the same input": [((3,),), ((0,),), ((1, 2),), ((4,),)],
    "one of a pair": [((0, 1),), ((3,), (4,), (2,)), ((5,), (6,))],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_where_it_is_cut(name):
    cuts = Cuts.of(NETWORKS[name]())
    assert list(cuts.runs) == RUNS[name]
    assert not cuts.one_step or name == "one of a pair"


def made(case: int | str) -> QuantizedNetwork:
    """A network by its name, or one of any wiring by its seed."""
    return random_wired(case) if isinstance(case, int) else NETWORKS[case]()


def parts_in_turn(
    groups: tuple[tuple[Part, ...], ...], x: np.ndarray
) -> tuple[np.ndarray, Counter[str]]:
    """What parts give by their own integer models, and how much of it was clipped, by kind."""
    given, clipped = {-1: x}, Counter[str]()
    for number, group in enumerate(groups):
        u = np.concatenate([given[each] for each in group[0].reads], axis=1)
        outs = []
        for part in group:
            turn = slice(None, None, -1 if part.reverse else None)
            trace = part.qnet.run(u[turn])
            for kind, count in by_kind(trace).items():
                clipped[part.kind(kind)] += count
            ends = {"every": trace.out[turn], "first": trace.out[:1], "last": trace.out[-1:]}
            outs.append(ends[part.leaving])
        given[number] = np.concatenate(outs, axis=1)
    return given[len(groups) - 1], clipped


CASES = {**{name: make for name, make in NETWORKS.items()}, **dict.fromkeys(range(60))}


@pytest.mark.parametrize("case", CASES)
def test_parts_in_turn_are_the_network(case):
    """And so are the values that they clip; of networks of any wiring."""
    qnet = made(case)
    x = any_codes(np.random.default_rng(1), qnet, 1, 7)[0]
    out, clipped = parts_in_turn(split(qnet), x)
    whole = qnet.run(x)
    assert np.array_equal(out, whole.out)
    assert +clipped == +Counter(by_kind(whole))


def test_the_cases_have_everything():
    nets = [random_wired(seed) for seed in range(60)]
    cuts = [Cuts.of(net) for net in nets]
    entries = [cut.entry(n) for cut in cuts for n, _ in enumerate(cut.runs)]
    assert max(map(len, entries)) >= 3
    assert {net.output for net in nets} == {"every", "last"}
    assert {cut.one_step for cut in cuts} == {True, False}
    assert any(len(run) > 3 for cut in cuts for run in cut.runs)


NEVER, OFTEN = (0.0, 0.0), (0.4, 0.6)
FIRST = [("over two groups", NEVER), ("an input beside a pair, the last step", OFTEN)]
PLAYED = few(
    FIRST, [(name, pauses) for name in (*NETWORKS, *range(12)) for pauses in (NEVER, OFTEN)]
)


@pytest.mark.parametrize(("case", "pauses"), PLAYED)
def test_every_code_mark_and_counter(case, pauses):
    """Three sequences through buffers that just hold one, with idle and back-pressure and without:
    every signal, output, mark and counter."""
    qnet = made(case)
    core = make_core(qnet, probe=True, max_length=4)
    codes = any_codes(np.random.default_rng(6), qnet, 3, 4)
    run = run_core(core, codes, idle=pauses[0], back_pressure=pauses[1], seed=3)
    assert agree(core.plan, run, codes)


@pytest.mark.parametrize("name", few(["over two groups"], NETWORKS))
def test_sequences_of_every_length(name):
    """From one step to as many as the buffers hold, in any order; nothing waits for ever."""
    qnet, rng = NETWORKS[name](), np.random.default_rng(8)
    sequences = [any_codes(rng, qnet, 1, steps) for steps in (1, 1, 1, 4, 1, 3, 1, 1, 2, 4)]
    beats, found = [beat for codes in sequences for beat in beats_of(codes)], []
    core = make_core(qnet, max_length=4)

    async def testbench(ctx):
        found.append(await drive(ctx, core, beats, idle=0.2, back_pressure=0.5))

    simulate(core, testbench)
    want = [code for codes in sequences for code in qnet.run(codes[0]).out.ravel().tolist()]
    assert found[0].out == want


@pytest.mark.soak
def test_a_fifo_that_is_too_small_is_noticed(monkeypatch):
    """A sequence cannot be turned round while its input must wait for what comes of that."""
    found = planning.waits
    monkeypatch.setattr(planning, "waits", lambda *of: [[min(n, 1) for n in e] for e in found(*of)])
    core = make_core(residual(), max_length=4)
    codes = any_codes(np.random.default_rng(6), core.qnet, 1, 4)
    with pytest.raises(AssertionError, match="0 of 8 beats after"):
        run_core(core, codes)


def test_what_ends_a_layer_has_nothing_beside_it():
    """What each direction ends with is of two steps; a stage that sees another value beside it is
    refused with the way out."""
    made = Wiring(np.random.default_rng(7), 2, 0, 2)
    inner = made.units(made.cells("p", (-1,)), 2, "tanh")
    made.units((-1, *inner), 1)
    with pytest.raises(UnsupportedError, match=r"layer 1 runs in reverse.* \(y\[:, -1\]\)"):
        plan(made.quantized("final"))


PACED = few(["over two groups"], ["over two groups", "branches of the same input", 4, 11, 20, 37])


@pytest.mark.parametrize("case", PACED)
def test_the_pace_of_long_runs(case):
    """What waits for other groups never makes them wait: sequences end as far apart as the slowest
    part needs for their steps."""
    qnet, steps = made(case), 8
    core = make_core(qnet, max_length=steps)
    codes = any_codes(np.random.default_rng(4), qnet, 9, steps)
    given = np.array(run_core(core, codes).given)
    ends = given[steps * qnet.outputs - 1 :: steps * qnet.outputs]
    assert set(np.diff(ends[4:])) == {steps * core.plan.cycles_per_step}

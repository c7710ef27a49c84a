"""Sparse input: the elements that may differ from 0 with their indices, and the same codes."""

import json

import numpy as np
import pytest

import fixedpoint
from golden.errors import CarouselError
from golden.network import Network
from golden.shape import Shape
from rtl.program.loading import image
from rtl.program.program import Program
from rtl.schedule.schedule import allowed_lanes, schedule_of
from tests.rtl.program.test_loading import load
from tests.rtl.shapes import shaped
from tests.rtl.support import (
    G1997,
    agree,
    any_codes,
    beats_of,
    drive,
    layer,
    make_core,
    mismatches,
    planned,
    quantized,
    readout,
    run_core,
    simulate,
    stack,
    thinned,
    write_core,
)
from tests.rtl.test_core_cells import cell


def _networks():
    rng = np.random.default_rng(12)
    old = layer(rng, 9, 2, 2, forget=False, recurrence=True, **G1997)
    nets = {
        "forget": stack(rng, 9, 4),
        "two layers, readout": stack(rng, 7, 3, 4, outputs=2),
        "1997, gate recurrence": Network((old,), readout(rng, 4, 2, "sigma")),
        "peepholes": Network((cell(rng, 6, 3, peepholes=True, start=True),)),
        "projection, last output": Network((cell(rng, 8, 5, projection=3),), output="last"),
        "one input": stack(rng, 1, 2),
    }
    return {name: quantized(net, rng, 11) for name, net in nets.items()}


NETWORKS = _networks()


def sparse_codes(rng: np.random.Generator, qnet, sequences: int, steps: int, most: int):
    """Codes of the whole range, of which at most so many of a vector are not 0."""
    return thinned(rng, any_codes(rng, qnet, sequences, steps), most)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_code_mark_counter_and_clock(name):
    """Few lanes and one element of a vector, all lanes and up to three: every signal, mark and
    counter as the integer model has them, and the clocks as the schedule says."""
    qnet, allowed = NETWORKS[name], allowed_lanes(NETWORKS[name])
    for lanes, nonzeros in ((allowed[0], 1), (allowed[-1], min(3, qnet.inputs))):
        core = make_core(qnet, lanes, probe=True, nonzeros=nonzeros)
        codes = sparse_codes(np.random.default_rng(lanes), qnet, 2, 4, nonzeros)
        run = run_core(core, codes)
        assert agree(core.plan, run, codes)
        assert len(run.taken) == 8 * nonzeros
        if qnet.output == "every":
            assert run.given[0] - run.taken[nonzeros - 1] == core.schedule.latency
            finals = np.array(run.given[qnet.outputs - 1 :: qnet.outputs])
            assert set(np.diff(finals[2:])) == {core.schedule.cycles_per_step}


@pytest.mark.parametrize("name", ("1997, gate recurrence", "two layers, readout"))
def test_streams_that_pause(name):
    """Two streams, idle and back-pressure."""
    qnet = NETWORKS[name]
    core = make_core(qnet, 5, probe=True, streams=2, nonzeros=2)
    codes = sparse_codes(np.random.default_rng(3), qnet, 4, 5, 2)
    assert agree(core.plan, run_core(core, codes, idle=0.3, back_pressure=0.3, seed=1), codes)


def test_any_order_and_elements_that_are_zero():
    """The order of a vector's elements does not matter; an element that is 0 may come with any
    index, one past the vector's end too."""
    qnet = NETWORKS["forget"]
    core = make_core(qnet, 3, probe=True, nonzeros=4)
    rng = np.random.default_rng(5)
    codes = sparse_codes(rng, qnet, 1, 8, 2)
    beats = beats_of(codes, 1, 4)
    turned = []
    for k in range(0, len(beats), 4):
        found = [(data, index if data else 15) for data, _, _, index in beats[k : k + 4]]
        marks = [(first, last) for _, first, last, _ in beats[k : k + 4]]
        shuffled = [found[j] for j in rng.permutation(4)]
        turned += [(d, *mark, n) for (d, n), mark in zip(shuffled, marks, strict=True)]
    runs = []

    async def testbench(ctx):
        runs.append(await drive(ctx, core, turned))

    simulate(core, testbench)
    assert turned != beats and agree(core.plan, runs[0], codes)


def test_a_wrong_index_is_seen():
    """The comparison of these tests sees an element that goes to its neighbour's weight."""
    qnet = NETWORKS["forget"]
    core = make_core(qnet, 3, probe=True, nonzeros=1)
    codes = sparse_codes(np.random.default_rng(6), qnet, 1, 6, 1)
    beats = beats_of(codes, 1, 1)
    place = next(k for k, beat in enumerate(beats) if beat[0])
    *beat, index = beats[place]
    beats[place] = (*beat, index ^ 1)
    runs = []

    async def testbench(ctx):
        runs.append(await drive(ctx, core, beats))

    simulate(core, testbench)
    assert any(mismatches(core.plan, runs[0], codes).values())


def test_another_network_can_be_loaded():
    """Weights of a sparse input are written through the load port, as all others."""
    rng = np.random.default_rng(7)
    first, second = stack(rng, 6, 3), stack(rng, 6, 3)
    built = quantized(first, rng, 10)
    other = fixedpoint.quantize(second, built.formats)
    core = make_core(built, 4, probe=True, load_port=True, nonzeros=2)
    codes = sparse_codes(rng, other, 2, 5, 2)
    runs = []

    async def testbench(ctx):
        await load(ctx, core, image(Program(other, core.schedule, True)))
        runs.append(await drive(ctx, core, beats_of(codes, 1, 2)))

    simulate(core, testbench)
    shown = planned(other, 4, probe=True, nonzeros=2)
    assert agree(shown, runs[0], codes)
    assert any(mismatches(core.plan, runs[0], codes).values())


def test_a_thousand_inputs_cost_what_one_does():
    """A one-hot vector of 1,004 elements into two blocks of the 1997 cell with gate recurrence, on
    6 lanes: seven sources a step and not 1,010; the memory of weights holds all of them."""
    qnet = shaped(1004, Shape(1004, 2, 1, ("i", "o"), True), head=(2,))
    sparse, dense = schedule_of(qnet, 6, nonzeros=1), schedule_of(qnet, 6)
    assert (sparse.elements, dense.elements) == (1, 1004)
    assert sparse.ideal_cycles == 1 + 2 + 4 + 2
    assert dense.ideal_cycles == 1004 + 2 + 4 + 2
    assert sparse.weight_words == dense.weight_words == 1012
    assert sparse.cycles_per_step < 100 < 1000 < dense.cycles_per_step


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"nonzeros": 0}, "nonzeros 0: must be from 1 to the 9 inputs"),
        ({"nonzeros": 10}, "nonzeros 10: must be from 1 to the 9 inputs"),
    ],
)
def test_what_cannot_come_is_refused(options, words):
    with pytest.raises(CarouselError) as caught:
        make_core(NETWORKS["forget"], **options)
    assert str(caught.value) == words


def test_what_takes_whole_vectors_is_refused(tmp_path):
    """Reverse layers and AXI, in one line each; and nothing is written."""
    rng = np.random.default_rng(1)
    backwards = quantized(Network((cell(rng, 3, 2, reverse=True),)), rng, 10)
    with pytest.raises(CarouselError, match="nonzeros 1: layer 0 runs in reverse, and a core that"):
        make_core(backwards, nonzeros=1)
    with pytest.raises(CarouselError, match="nonzeros 1: AXI's packets are of whole vectors"):
        write_core(NETWORKS["forget"], tmp_path, nonzeros=1, axi=True)
    assert not list(tmp_path.iterdir())


def test_the_verilog_has_an_index(tmp_path):
    """A port of its own for it, of as many bits as the elements need, and the file beside says how
    many beats a vector is."""
    written, about = write_core(NETWORKS["forget"], tmp_path, 4, nonzeros=2)
    found = json.loads(about.read_text())
    ports = {port["name"]: port["width"] for port in found["ports"]}
    assert ports["i_index"] == 4
    assert found["beats_per_vector"] == 2 and found["input"]["elements"] == 9
    assert "i_index" in written.read_text()

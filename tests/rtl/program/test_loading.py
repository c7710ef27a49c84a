"""One core for many networks: all memories but the states write_core anew while it is idle."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import fixedpoint
from fixedpoint.thresholds import with_thresholds
from golden.network import Network
from rtl.core import Core
from rtl.program.loading import image, regions, structure
from rtl.program.program import Program
from rtl.schedule.skipping import KINDS as KINDS_OF_SKIPS
from rtl.verilog import Top, convert
from tests.rtl.support import (
    G1997,
    any_codes,
    beats_of,
    drive,
    layer,
    make_core,
    mismatches,
    planned,
    quantized,
    readout,
    simulate,
    stack,
    write_core,
)


def _pair(kind: str, seed: int):
    """Two networks of one shape and one set of formats, nothing else of which is equal."""
    nets = []
    for k in range(2):
        rng = np.random.default_rng(2 * seed + k)
        nets.append(
            {
                "forget": lambda rng=rng: stack(rng, 3, 4),
                "two layers and a readout": lambda rng=rng: stack(rng, 2, 3, 2, outputs=2),
                "1997 with gates": lambda rng=rng: Network(
                    (layer(rng, 2, 2, 2, forget=False, recurrence=True, **G1997),),
                    readout(rng, 4, 1),
                ),
                "peepholes and a start": lambda rng=rng: Network(
                    (
                        replace(
                            layer(rng, 2, 3),
                            peepholes={kind: rng.normal(size=3) for kind in "ifo"},
                            initial={name: rng.uniform(-0.5, 0.5, 3) for name in "sy"},
                        ),
                    )
                ),
            }[kind]()
        )
    first = quantized(nets[0], np.random.default_rng(seed), 9)
    return first, fixedpoint.quantize(nets[1], first.formats)


async def load(ctx, core: Core, words: list[tuple[int, int]]) -> None:
    """Write words one a clock, once the core is idle."""
    while not ctx.get(core.idle):
        await ctx.tick()
    ctx.set(core.load_write, 1)
    for address, word in words:
        ctx.set(core.load_address, address)
        ctx.set(core.load_in, word)
        await ctx.tick()
    ctx.set(core.load_write, 0)


KINDS = ("forget", "two layers and a readout", "1997 with gates", "peepholes and a start")


@pytest.mark.parametrize("lanes", ("few", "all"))
@pytest.mark.parametrize("kind", KINDS)
def test_another_network_is_loaded(kind, lanes):
    """The core runs the network that it was built for, then the other one, then the first one
    again, each code for code, the vectors coming at once behind the last word."""
    first, second = _pair(kind, 3)
    block = max(part.shape.rows_per_block for part in first.layers)
    core = make_core(first, block if lanes == "few" else None, probe=True, load_port=True)
    other = planned(second, core.schedule.lanes, probe=True, load_port=True)
    assert [r[:2] for r in _shape(core.program)] == [r[:2] for r in _shape(other.parts[0].program)]
    rng, runs = np.random.default_rng(4), []
    codes = [any_codes(rng, first, 2, 3) for _ in range(3)]

    async def testbench(ctx):
        for qnet, x in zip((first, second, first), codes, strict=True):
            if runs:
                await load(ctx, core, image(Program(qnet, core.schedule, True)))
            runs.append((qnet, await drive(ctx, core, beats_of(x), 0.2, 0.2)))

    simulate(core, testbench)
    counted = dict.fromkeys(core.plan.saturation_kinds, 0)
    for (qnet, run), x in zip(runs, codes, strict=True):
        run.saturations, before = (
            {name: run.saturations[name] - counted[name] for name in counted},
            run.saturations,
        )
        judge = core.plan if qnet is first else other
        assert not any(mismatches(judge, run, x).values())
        counted = before
    assert any(mismatches(other, runs[0][1], codes[0]).values())  # they are two networks


@pytest.mark.parametrize("skip", KINDS_OF_SKIPS)
def test_a_core_that_skips_goes_on_with_another_network(skip):
    """Without a mark the next vector goes on from where the first network was, with sums and lists
    of the other one's weights; with one, or after a reset, it begins a sequence."""
    first, second = _pair("two layers and a readout", 3)
    core = make_core(first, 4, load_port=True, skip=skip)
    rng, runs = np.random.default_rng(4), []
    before, behind = (any_codes(rng, first, 1, 4) for _ in range(2))
    goes_on = [(data, 0, last, *index) for data, _, last, *index in beats_of(behind)]

    async def testbench(ctx):
        await load(ctx, core, image(Program(first, core.schedule, True)))
        beats = beats_of(before)
        runs.append(await drive(ctx, core, [(beats[0][0], 0, *beats[0][2:]), *beats[1:]]))
        await load(ctx, core, image(Program(second, core.schedule, True)))
        runs.append(await drive(ctx, core, goes_on, 0.2, 0.2))
        await load(ctx, core, image(Program(first, core.schedule, True)))
        runs.append(await drive(ctx, core, beats_of(behind)))

    simulate(core, testbench)
    model = first.run(before)
    assert runs[0].out == model.out.reshape(-1).tolist()
    want = second.run(behind, model.state).out.reshape(-1).tolist()
    assert runs[1].out == want
    assert runs[1].out != second.run(behind).out.reshape(-1).tolist()
    assert runs[2].out == first.run(behind).out.reshape(-1).tolist()


def test_thresholds_are_part_of_the_structure():
    """A network with others cannot be loaded, and there are no outputs to start from."""
    first, _ = _pair("forget", 8)
    plans = [
        planned(with_thresholds(first, (most,)), load_port=True, skip="unchanged")
        for most in (0, 1)
    ]
    programs = [each.parts[0].program for each in plans]
    assert structure(programs[0]) != structure(programs[1])
    assert "initial y" not in {region.name for region in regions(programs[0])}


def _shape(program: Program) -> list[tuple[str, int, int]]:
    return [(r.name, r.base, r.width) for r in regions(program)]


def test_nothing_is_write_core_while_it_runs():
    """A word that comes while a step runs is not taken."""
    first, second = _pair("forget", 5)
    core = make_core(first, 4, probe=True, load_port=True)
    codes, runs = any_codes(np.random.default_rng(6), first, 1, 6), []
    words = image(Program(second, core.schedule, True))

    async def testbench(ctx):
        runs.append(await drive(ctx, core, beats_of(codes)))

    async def intruder(ctx):
        while not ctx.get(core.idle):
            await ctx.tick()
        while ctx.get(core.idle):
            await ctx.tick()
        for address, word in words[: core.schedule.cycles_per_step]:
            ctx.set(core.load_write, 1)
            ctx.set(core.load_address, address)
            ctx.set(core.load_in, word)
            await ctx.tick()
        ctx.set(core.load_write, 0)

    simulate(core, testbench, intruder)
    assert not any(mismatches(core.plan, runs[0], codes).values())


@pytest.mark.parametrize("kind", KINDS)
def test_every_memory_has_its_region(kind):
    """Regions do not overlap, and an image holds every word of every memory once."""
    first, _ = _pair(kind, 7)
    program = planned(first, load_port=True).parts[0].program
    words = image(program)
    assert len({address for address, _ in words}) == len(words)
    found = regions(program)
    weights = program.schedule.lanes * program.schedule.ideal_cycles
    assert [len(region.words) for region in found if region.name == "weights"] == [weights]
    rows = sum(len(region.words) for region in found if region.name.startswith("rows"))
    assert rows == len(program.rows)
    for region in found:
        assert all(0 <= word < 1 << region.width for word in region.words.values()), region.name
    for before, after in zip(found, found[1:], strict=False):
        assert before.base + max(before.words) < after.base


def _without_contents(text: str) -> str:
    """Verilog without what its memories hold."""
    return re.sub(r"\[\d+\] = \d+'[hbd][0-9a-fx_]+;", "", text)


@pytest.mark.parametrize("kind", KINDS)
def test_networks_of_one_structure_have_one_hardware(kind):
    """The Verilog of two networks differs in the contents of memories alone, and `structure` is the
    same; with other formats, or on other lanes, it is not."""
    first, second = _pair(kind, 8)
    plans = [planned(qnet, load_port=True) for qnet in (first, second)]
    texts = [convert(Top(plan), "core") for plan in plans]
    assert texts[0] != texts[1]
    assert _without_contents(texts[0]) == _without_contents(texts[1])
    found = structure(plans[0].parts[0].program)
    assert structure(plans[1].parts[0].program) == found
    others = [planned(first, plans[0].lanes - 1, load_port=True)]
    others.append(planned(first, streams=2, load_port=True))
    wider = replace(first.formats, input=replace(first.formats.input, width=12))
    others.append(planned(replace(first, formats=wider), load_port=True))
    assert found not in {structure(plan.parts[0].program) for plan in others}


def test_what_is_loaded_is_written_beside_the_verilog(tmp_path):
    """`.load.json` holds the image and the structure that the core's own description names."""
    first, _ = _pair("forget", 9)
    verilog, about, loaded = write_core(first, tmp_path, 4, load_port=True)
    words, told = json.loads(loaded.read_text()), json.loads(about.read_text())
    assert words["structure_sha256"] == told["structure_sha256"]
    program = planned(first, 4, load_port=True).parts[0].program
    assert [tuple(pair) for pair in words["words"]] == image(program)
    assert {"load_address", "load_write", "load_in", "idle"} <= {
        port["name"] for port in told["ports"]
    }
    for region in words["regions"]:
        inside = range(region["base"], region["base"] + (1 << 16))
        assert any(address in inside for address, _ in words["words"])
    assert verilog.read_text().count("input load_write;") > 0

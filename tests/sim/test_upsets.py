"""Flips in the simulated core, one in each run."""

import numpy as np
import pytest

from bench.bench_upsets import CONTROL, by_kind, drawn, network
from rtl import CoreOptions, plan
from sim import check, simulate
from sim.upsets import MEMORIES, Flip, Upsets

STEPS = 4


@pytest.fixture(scope="module")
def cores():
    """A protected core and one that is not, and codes for them."""
    qnet, codes = network()
    return *(Upsets.of(plan(qnet, CoreOptions(4, protect=each))) for each in (True, False)), codes


def test_every_memory_and_register_is_found(cores):
    """By its kind, with the widths of the Verilog."""
    guarded, plain, _ = cores
    kept = {place.register for place in guarded.places if place.path != place.register}
    for core in (guarded, plain):
        found = by_kind(core.places, kept)
        assert all(found[kind] for kind in (*MEMORIES, CONTROL))
        bits = core.plan.memories
        states = sum(place.words * place.bits for place in found["states"])
        assert states == bits["states"]


@pytest.mark.soak
def test_flips_change_what_a_core_gives_unless_it_is_protected(cores, build_dir):
    """A few in every kind of place; of two in a word the core tells."""
    guarded, plain, codes = cores
    clocks = (STEPS + 2) * plain.plan.cycles_per_step
    kept = {place.register for place in guarded.places if place.path != place.register}
    for core in (guarded, plain):
        kinds, rng = by_kind(core.places, kept), np.random.default_rng(1)
        flips = [
            flip for kind in (*MEMORIES, CONTROL) for flip in drawn(rng, kinds[kind], 20, clocks)
        ]
        same = [each.same for each in core.play(codes, clocks, flips, build_dir)]
        assert all(same) == core.plan.options.protect
    states = by_kind(guarded.places, kept)["states"]
    double = [Flip.any(np.random.default_rng(k), states[0], clocks, 2) for k in range(20)]
    found = guarded.play(codes, clocks, double, build_dir)
    assert any(each.uncorrectable for each in found)
    assert all(each.same or each.uncorrectable for each in found)


@pytest.mark.soak
def test_without_flips_it_is_the_integer_model_and_counts_none(cores, build_dir):
    guarded, _, codes = cores
    found = simulate(guarded.plan.qnet, codes, lanes=4, protect=True, build_dir=build_dir)
    assert check(guarded.plan.qnet, codes, found).ok
    assert found.upsets == {"corrected": 0, "uncorrectable": 0}

"""Weights of 0 in simulation: the clocks that they leave out change no code."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint import QuantizedNetwork, quantize
from golden import Network
from rtl import CoreOptions, plan
from rtl.schedule.schedule import allowed_lanes, schedule_of
from sim import check, simulate
from tests.fixedpoint.nets import layer
from tests.sim.cases import any_codes

KINDS = {
    "plain": {"kinds": "ifo"},
    "1997": {"kinds": "io", "size": 2, "recurrent": True, "g": "g1997", "h": "h1997"},
    "peepholes": {"kinds": "ifo", "peepholes": True},
    "projection": {"kinds": "ifo", "projection": 2},
}
ZEROS = ("most", "columns", "rows", "all of x", "all of y", "all")


def pruned(kind: str, zeros: str, inputs: int = 3, blocks: int = 4) -> QuantizedNetwork:
    rng = np.random.default_rng(6)
    found, weights = layer(rng, inputs, blocks, **KINDS[kind]), {}
    for name, values in found.weights.items():
        rows, columns = values.shape
        keeps = {
            "most": rng.random(values.shape) < 0.2,
            "columns": rng.random(columns) < 0.5,
            "rows": rng.random((rows, 1)) < 0.5,
            "all of x": np.arange(columns) >= inputs,
            "all of y": np.arange(columns) < inputs,
            "all": np.zeros(columns, bool),
        }
        weights[name] = values * keeps[zeros]
    net = Network((replace(found, weights=weights),))
    return quantize(net, bits=10, calibrate=rng.uniform(-1, 1, (2, 20, inputs)))


def compare(qnet: QuantizedNetwork, lanes: int, build_dir) -> None:
    codes, schedule = any_codes(np.random.default_rng(lanes), qnet, 2, 30), schedule_of(qnet, lanes)
    hw = simulate(qnet, codes, lanes=lanes, build_dir=build_dir)
    assert (verdict := check(qnet, codes, hw)).ok, str(verdict)
    assert hw.cycles_per_step == schedule.cycles_per_step
    assert schedule.ideal_cycles < schedule_of(qnet, lanes, every=True).ideal_cycles


@pytest.mark.parametrize(
    ("kind", "zeros", "lanes"), [("plain", "most", 2), ("1997", "all of y", 9)]
)
def test_no_code_differs(kind, zeros, lanes, build_dir):
    """Groups with columns of their own, and no column of y at all: code for code and clock for
    clock, in fewer clocks than there are columns."""
    compare(pruned(kind, zeros), lanes, build_dir)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("zeros", ZEROS)
def test_no_code_differs_whatever_is_zero(kind, zeros, build_dir):
    """Every kind of cell, one to four of them, on the fewest lanes."""
    for size in ((1, 1), (3, 4)):
        qnet = pruned(kind, zeros, *size)
        lanes = allowed_lanes(qnet)[0]
        if (
            schedule_of(qnet, lanes).ideal_cycles
            < schedule_of(qnet, lanes, every=True).ideal_cycles
        ):
            compare(qnet, lanes, build_dir)


def test_a_core_whose_weights_can_be_loaded_leaves_nothing_out():
    """Its next network may have other weights there: the same clocks as without any 0."""
    qnet = pruned("plain", "most")
    clocks = {
        loads: plan(qnet, CoreOptions(lanes=2, load_port=loads)).ideal_cycles
        for loads in (False, True)
    }
    assert clocks[False] < clocks[True] == schedule_of(qnet, 2, every=True).ideal_cycles

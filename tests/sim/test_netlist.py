"""Netlists of cores, as they go to the placer, give every output beat of the integer model."""

from dataclasses import replace

import numpy as np
import pytest

from fixedpoint.quantization import quantize
from golden.cell import Layer
from golden.dense import Dense
from golden.network import Network
from rtl.flow.devices import find
from rtl.flow.errors import FlowError
from sim import check
from sim.netlist import simulate_netlist, synthesise_core
from sim.scenario import UNDISTURBED, Pattern
from tests.rtl.support import planned

STEPS = 30
DEVICES = ("ecp5-25k", "ice40-up5k", "gatemate-a1")


def network(cells, bits, readout):
    """A network of one input and its codes for two sequences."""
    rng = np.random.default_rng(7)
    weights = {kind: rng.normal(size=(cells, 1 + cells)) for kind in "ifog"}
    layer = Layer(weights, {kind: rng.normal(size=cells) for kind in "ifog"})
    end = (Dense(rng.normal(size=(1, cells)), np.zeros(1)),) if readout else ()
    x = rng.normal(size=(2, STEPS, 1))
    qnet = quantize(Network((layer,), end, "mapped"), bits=bits, calibrate=x)
    return qnet, qnet.encode(x)[0]


def made(name, folder, qnet, lanes):
    return synthesise_core(planned(qnet, lanes), find(name), folder)


@pytest.fixture(scope="module")
def subject():
    return network(cells=1, bits=6, readout=False)


@pytest.fixture(scope="module")
def netlists(subject, tmp_path_factory):
    """The netlist for a device, synthesised once."""
    known = {}

    def of(name):
        if name not in known:
            known[name] = made(name, tmp_path_factory.mktemp(name), subject[0], 4)
        return known[name]

    return of


def verify(netlist, codes, build_dir):
    """Without pauses, when the clocks of a step are those of the schedule, and with pauses."""
    for pattern in (UNDISTURBED, Pattern(0.3, 0.3, 5)):
        found = simulate_netlist(netlist, codes, pattern=pattern, build_dir=build_dir)
        verdict = check(netlist.plan.qnet, codes, found)
        assert verdict.ok, verdict
        assert verdict.codes == 2 * STEPS * netlist.plan.qnet.outputs
        if pattern == UNDISTURBED:
            assert found.cycles_per_step == netlist.plan.cycles_per_step


@pytest.mark.parametrize(
    "name", [DEVICES[0], *(pytest.param(name, marks=pytest.mark.soak) for name in DEVICES[1:])]
)
def test_a_netlist_gives_the_models_codes(name, netlists, subject, build_dir):
    """Every beat, counter and stream rule, of the ECP5 with registers inside its hard blocks."""
    netlist = netlists(name)
    if name.startswith("ecp5"):
        assert netlist.packed["operands"] and netlist.packed["products"]
    verify(netlist, subject[1], build_dir)


@pytest.mark.soak
def test_one_wrong_cell_is_noticed(netlists, subject, build_dir):
    """A multiplier's output register left out: the netlist no longer computes the model's codes."""
    qnet, codes = subject
    netlist = netlists("ecp5-25k")
    used = '.REG_OUTPUT_CLK("CLK0")'
    assert used in netlist.verilog
    spoilt = replace(netlist, verilog=netlist.verilog.replace(used, '.REG_OUTPUT_CLK("NONE")', 1))
    assert not check(qnet, codes, simulate_netlist(spoilt, codes, build_dir=build_dir)).ok


def test_cells_without_models_are_refused(subject, tmp_path):
    with pytest.raises(FlowError, match="netlist of xc7: only those of ecp5, ice40, gatemate"):
        made("xc7", tmp_path, subject[0], 4)


@pytest.mark.soak
@pytest.mark.parametrize("name", DEVICES)
def test_a_netlist_of_16_bits_gives_the_models_codes(name, tmp_path, build_dir):
    """20 cells and a readout on 4 lanes; memories with registers of their own on the ECP5."""
    qnet, codes = network(cells=20, bits=16, readout=True)
    netlist = made(name, tmp_path, qnet, 4)
    if name.startswith("ecp5"):
        assert all(netlist.packed.values())
    verify(netlist, codes, build_dir)

"""Proofs on a core's own Verilog: each holds, and its broken twin is refuted."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import fixedpoint
from fixedpoint import Format
from fixedpoint.formats import Formats
from fixedpoint.network import QuantizedNetwork
from golden.cell import Layer
from golden.dense import Dense
from golden.network import Network
from rtl import CorePlan, StepPlan, verilog
from rtl.proofs import Proof, catalogue, prove
from rtl.proofs.design import Design
from rtl.proofs.errors import ProofError, VacuousError
from rtl.proofs.harness import Harness
from rtl.proofs.proof import Twin
from rtl.proofs.solver import job, solve
from rtl.proofs.statements import MAKERS
from rtl.proofs.sums import Reach
from tests.rtl.support import G1997, head, layer, planned, quantized, readout, stack

# What each kind of core cannot say.
KINDS = (
    "forget gates",
    "1997",
    "blocks, gate recurrence, readout",
    "two layers, readout",
    "dense stages",
    "dense stages in front, between and added, rows of their own scales",
    "last output only",
    "two streams",
    "peepholes",
    "rows at once",
    "states of 24 bits",
    "two layers, formats of their own",
    "two kinds of cells",
    "coupled, projection",
    "hard gates, clipped",
    "sparse",
    "state port",
    "load port",
)


def plan_of(kind: str, bits: int = 6) -> CorePlan:
    """A small core of a kind."""
    rng = np.random.default_rng(3)
    lanes, streams, output, last = 2, 1, "every", ()
    ports: dict[str, bool] = {}
    nonzeros = None
    layers: tuple[Layer, ...] = ()
    match kind:
        case "1997":
            layers = (layer(rng, 1, 2, forget=False, **G1997),)
        case "blocks, gate recurrence, readout":
            layers = (layer(rng, 2, 2, 2, forget=False, recurrence=True, **G1997),)
            last, lanes = readout(rng, 4, 2), 3
        case "two layers, readout":
            net = stack(rng, 1, 2, 2, outputs=1)
            layers, last = net.layers, net.head
        case "dense stages":
            layers, output = (layer(rng, 1, 2),), "last"
            last = head(rng, 2, (2, "sigma"), (1, "identity"))
        case "dense stages in front, between and added, rows of their own scales":
            return planned(scaled(rng, bits), lanes)
        case "peepholes":
            one = layer(rng, 1, 2)
            seen = {gate: rng.normal(size=2) for gate in "ifo"}
            layers, lanes = (Layer(one.weights, one.biases, 1, False, peepholes=seen),), 4
        case "rows at once":
            layers, lanes = (layer(rng, 1, 4),), 16
        case "two layers, formats of their own":
            layers = layer(rng, 1, 2), layer(rng, 2, 1, scale=6.0)
        case "two kinds of cells":
            layers = layer(rng, 1, 2), layer(rng, 2, 1, forget=False, scale=6.0, **G1997)
        case "coupled, projection":
            one = layer(rng, 1, 2, forget=False)
            layers = (replace(one, coupled=True, projection=rng.normal(size=(1, 2))),)
        case "hard gates, clipped":
            clip = {"gate": (-1.5, 2.5), "g": (-0.7, 1.3)}
            layers = (replace(layer(rng, 1, 2), gate="hard", clip=clip),)
        case "sparse":
            layers, nonzeros = (layer(rng, 3, 2),), 1
        case _:
            layers, streams = (layer(rng, 1, 2),), 2 if kind == "two streams" else 1
            if kind == "last output only":
                last, output = readout(rng, 2, 2), "last"
            elif kind.endswith(" port"):
                ports[kind.replace(" ", "_")] = True
    net = Network(layers, last, name="small", output=output)
    qnet = quantized(net, rng, bits)
    if kind == "two layers, formats of their own":
        qnet = narrowed(net, qnet.formats)
    if kind == "states of 24 bits":
        qnet = widened(net, qnet.formats)
    return planned(qnet, lanes, streams=streams, nonzeros=nonzeros, **ports)


def narrowed(net: Network, formats: Formats) -> QuantizedNetwork:
    """A network whose second layer has gates, h and states a bit narrower than its first one."""
    first, second = formats.layers
    gate, h, s = second.gate, second.h, second.s
    second = replace(
        second,
        gate=replace(gate, width=gate.width - 1, frac=gate.frac - 1),
        h=replace(h, width=h.width - 1, frac=h.frac - 1),
        s=replace(s, width=s.width - 1),
    )
    return fixedpoint.quantize(net, replace(formats, layers=(first, second)))


def widened(net: Network, formats: Formats) -> QuantizedNetwork:
    """A network whose states are wider than the 18 bits of a multiplier."""
    (only,) = formats.layers
    s = Format(24, only.s.frac + 24 - only.s.width)
    return fixedpoint.quantize(net, replace(formats, layers=(replace(only, s=s),)))


def scaled(rng: np.random.Generator, bits: int) -> QuantizedNetwork:
    """Two layers behind dense stages that clip and leak: max(a, 0) and a part of max(-a, 0) are two
    rows. The second one sees the input, too; rows and elements of x have scales of their own."""
    (leaky,) = readout(rng, 2, 1, "relu")
    leaky = Dense(np.concatenate([leaky.weights, -leaky.weights]), np.zeros(2), "relu")
    (between,) = readout(rng, 5, 1, "tanh")
    layers = tuple(layer(rng, inputs, 1) for inputs in (2, 3))
    for one in layers:
        one.weights["i"][:] *= 8
    reads = (2,), (-1, 3), (-1,), (-1, 0, 2), (0, 1)
    last = readout(rng, 2, 1)
    net = Network(layers, last, "small", stem=(leaky, between), reads=reads)
    x = rng.normal(size=(4, 12, 2)) * [1, 8]
    return fixedpoint.quantize(net, bits=bits, calibrate=x)


@cache
def subject(kind: str) -> tuple[StepPlan, Design]:
    """A small core, and the text that is written of it."""
    plan = plan_of(kind)
    text = verilog.convert(verilog.Top(plan), verilog.module_name(plan.qnet))
    return plan.parts[0], Design(text, "carousel_small.core")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cell", "states of 24 bits"),
        ("cell", "peepholes"),  # states of 6 bits, far fewer than those of i g
        ("saturates-s", "1997"),
        ("sum", "1997"),
    ],
)
def test_proof_holds_and_its_twin_is_refuted(name, kind, tmp_path):
    core, design = subject(kind)
    ((proof,), _) = catalogue(core, design, [name])
    found = prove(proof, tmp_path)
    assert found.found.status == "proven"
    assert found.twin.status == "refuted"
    assert found.ok
    assert found.twin.trace == tmp_path / f"{name}.twin.vcd"
    assert found.twin.trace.read_text().startswith("$")


@pytest.mark.soak
@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in KINDS for name in MAKERS if name != "mends"],
)
def test_every_proof_of_every_kind_of_core_holds_and_its_twin_is_refuted(kind, name, tmp_path):
    core, design = subject(kind)
    ((proof,), _) = catalogue(core, design, [name])
    assert prove(proof, tmp_path).ok


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_proven_of_a_core_is_said(kind):
    core, design = subject(kind)
    proofs, left_out = catalogue(core, design)
    assert set(left_out) == {"mends"}  # of cores with check bits
    assert [proof.name for proof in proofs] == [name for name in MAKERS if name not in left_out]
    for proof in proofs:
        assert proof.state(proof.design).claims == proof.state(proof.twin.design).claims
        assert proof.design.text != proof.twin.design.text


@pytest.mark.parametrize("kind", KINDS)
def test_sums_reach_no_further_than_their_formats_say(kind):
    """By the schedule the columns of a group come to the bound, less the biases."""
    program = plan_of(kind).parts[0].program
    reach = Reach(program)
    assert 0 < max(reach.most) < 1 << program.paths.sum - 1
    phases = [phase.ideal // phase.groups for phase in program.schedule.phases]
    assert max(reach.most) <= max(phases) * max(reach.products)


@pytest.mark.parametrize(("left", "status"), [(False, "passes"), (True, "refuted")])
def test_what_a_statement_leaves_gives_anything(left, status, tmp_path):
    """The lanes' sums are 0 in the first clocks; where nothing is said of lanes they are free."""
    _, design = subject("1997")
    h = Harness(design, "")
    if left:
        h.leave_lanes()
    h.prove(f"{h.see('lanes.lane0.sum_out')} == 0")
    assert (len(h.below) < len(design.below(h.module))) == left
    assert solve("lanes", h, "bmc", 2, tmp_path).status == status


@pytest.mark.parametrize(("anything", "status"), [(False, "passes"), (True, "refuted")])
def test_a_memory_that_is_looked_at_may_begin_with_anything(anything, status, tmp_path):
    """The states are 0 at power-up, in each word, and only where that is said."""
    _, design = subject("1997")
    h = Harness(design, "cell.states")
    _, word = h.look("memory", anything)
    h.line("reg begun = 0;")
    h.line("always @(posedge clk) begun <= 1;")
    h.prove(f"begun || {word} == 0")
    assert ("memory[0] = " in h.below) != anything
    assert solve("states", h, "bmc", 2, tmp_path).status == status


def test_a_net_without_a_driver_is_an_error(tmp_path):
    """It would take any value, and what is assumed of it would hold of nothing."""
    core, design = subject("1997")
    loose = design.replaced(design.find("cell"), r"^  assign state_wide = .*;\n", "")

    def state(given: Design) -> Harness:
        h = Harness(given, "cell")
        h.prove(f"{h.see('state')} == 0")
        return h

    proof = Proof("loose", "", "", (), loose, state, 2, Twin("", loose, 2))
    with pytest.raises(ProofError, match=r"loose: dut\.state_wide has no driver"):
        prove(proof, tmp_path)


def test_assumptions_that_nothing_fulfils_are_an_error(tmp_path):
    """Whatever is said under them would be proven."""
    core, design = subject("1997")

    def state(given: Design) -> Harness:
        h = Harness(given, "fifo")
        h.assume(f"{h.see('held')} != 0")  # which it is at power-up
        h.prove("0")
        return h

    proof = Proof("vacuous", "", "", (), design, state, 2, Twin("", design, 2))
    with pytest.raises(VacuousError, match="vacuous: nothing fulfils what is assumed"):
        prove(proof, tmp_path)


def test_harness_reads_what_is_written():
    core, design = subject("forget gates")
    assert design.below(design.find("fifo")).count("endmodule") == 2
    harness = Harness(design, "cell")
    harness.cut("value0")
    assert "cutpoint harness/w:dut.value0" in job(harness, "prove", 2)
    for module in design.modules.values():
        assert module.text in design.text


def test_what_is_not_there_is_named():
    core, design = subject("forget gates")
    with pytest.raises(ProofError, match="--only nothing: no such proof, there are cell"):
        catalogue(core, design, ["nothing"])
    with pytest.raises(ProofError, match="has no net nowhere"):
        Harness(design, "cell").see("nowhere")
    with pytest.raises(ProofError, match="has no part tail"):
        design.find("tail")
    with pytest.raises(ProofError, match="stands there 0 times"):
        design.replaced(design.find("cell"), "nothing of the kind", "")

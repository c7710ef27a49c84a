"""The proof `closed` holds of weights that shut the gates, and of no others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from carousel.cli.choice import Choice
from carousel.cli.subject import Given, prepare
from fixedpoint.network import QuantizedNetwork
from fixedpoint.retention.bound import open_gate
from fixedpoint.retention.ranges import Range
from rtl import CorePlan, verilog
from rtl.proofs import Proof, prove, shipped
from rtl.proofs.closed import closed, state
from rtl.proofs.design import Design
from rtl.proofs.errors import InapplicableError, ProofError
from rtl.proofs.limits import Limits
from rtl.proofs.solver import refute, solve
from rtl.proofs.status import INAPPLICABLE, PASSES, REFUTED
from tests.rtl.proofs.closing import closing_core, written
from tests.rtl.proofs.test_hold import WRITE
from tests.rtl.support import planned

HELD = Path(__file__).parents[3] / "models" / "temporal_order_held.npz"
DEPTH = 40  # clocks from power-up in which a step's gates are computed
CORES = {  # cells that forget, gate recurrence, lanes, coarser rows
    "1997": (False, False, 1),
    "1997, gate recurrence": (False, True, 3),
    "forget gates": (True, False, 3),
    "forget gates, gate recurrence": (True, True, 8),
    "rows at once": (True, False, 8),
    "rows on scales of their own": (False, True, 3, {"i": (0, 2), "g": (1, 0)}),
}


def core_of(name: str) -> tuple[CorePlan, Design, Range]:
    return closing_core(*CORES[name])


def searched(plan: CorePlan, design: Design, between: Range, tmp_path) -> str:
    """Whether a gate of a Verilog opens within a step, by the statement alone."""
    limits = Limits(plan.parts[0], between)
    harness = state(design, limits, lemmas=False)
    return solve("closed", harness, "bmc", DEPTH, tmp_path).status


def proof_of(name: str) -> Proof:
    return closed(*core_of(name))


def test_weights_that_shut_the_gates_are_proven_and_the_twin_opens_one(tmp_path):
    found = prove(proof_of("1997, gate recurrence"), tmp_path)
    assert found.ok
    assert "net_code" in found.twin.broken  # the gate's own net input, and nothing on the way


@pytest.mark.soak
@pytest.mark.parametrize("name", CORES)
def test_it_is_proven_of_every_kind_of_cell(name, tmp_path):
    assert prove(proof_of(name), tmp_path).ok


def test_another_word_in_a_lanes_memory_is_refuted(tmp_path):
    """The weights are proven to be the network's own, to the last bit."""
    plan, design, between = core_of("1997, gate recurrence")
    limits = Limits(plan.parts[0], between)
    module, word = (
        design.find(f"lanes.lane{limits.gates[-1].lane}"),
        r"^(\s+weights0\[1\]) = (\S+);",
    )
    broken = design.replaced(module, word, r"\1 = \2 ^ 1;")
    found = solve("closed", state(broken, limits, lemmas=True), "bmc", 12, tmp_path)
    assert found.status == REFUTED
    assert "read" in found.broken


@pytest.mark.soak
def test_a_weight_that_opens_a_gate_is_refuted_and_the_trained_one_is_not(tmp_path):
    plan, design, between = core_of("1997, gate recurrence")
    assert searched(plan, design, between, tmp_path) == PASSES
    other = opened(plan.qnet)
    assert open_gate(other, between)
    weak = written(planned(other, plan.lanes))
    assert searched(plan, weak, between, tmp_path) == REFUTED


@pytest.mark.soak
@pytest.mark.parametrize(
    ("name", "part", "old", "new", "depth"),
    [
        ("closed", "lanes.lane4", r"^(\s+weights0\[5\]) = (\S+);", r"\1 = \2 ^ 1;", 12),
        ("hold", "cell.states", WRITE, "memory[write__addr] <= write__data + 1'b1;", 100),
    ],
)
def test_faults_in_the_shipped_network_that_holds_are_refuted(
    name, part, old, new, depth, tmp_path
):
    """A weight that is another one by one bit; states that are written with an LSB more."""
    subject = prepare(HELD, Choice(16, None, None), Given(sequences=2, length=100))
    plan = planned(subject.core)
    text = verilog.convert(verilog.Top(plan), verilog.module_name(plan.qnet))
    design = Design(text, verilog.module_name(plan.qnet))
    ((proof,), _) = shipped(plan, design, [name], subject.between)
    broken = proof.design.replaced(proof.design.find(part), old, new)
    twin = replace(proof.twin, design=broken, depth=depth, driven={"i__valid": 1, "r_en": 1})
    assert refute(proof, twin, tmp_path).status == REFUTED


def opened(qnet: QuantizedNetwork) -> QuantizedNetwork:
    """The network with one weight of an input gate changed."""
    (layer,) = qnet.layers
    weights = layer.weights["i"].copy()
    weights[1, 2] = 0
    return replace(qnet, layers=(replace(layer, weights={**layer.weights, "i": weights}),))


def test_of_what_it_is_not_said():
    plan, design, between = core_of("1997")
    with pytest.raises(InapplicableError, match="not known what the input is between"):
        closed(plan, design, None)
    with pytest.raises(InapplicableError, match="i of block 1 in layer 0: its net input can be"):
        closed(planned(opened(plan.qnet), 1), design, between)
    with pytest.raises(InapplicableError, match="can be loaded anew"):
        closed(planned(plan.qnet, 1, load_port=True), design, between)
    for what, options in (("streams", {"streams": 2}), ("sparse input", {"nonzeros": 1})):
        with pytest.raises(ProofError, match=f"cannot be said of a core with (several )?{what}"):
            closed(planned(plan.qnet, 1, **options), design, between)
    many = Range(*(np.repeat(end, 9, axis=0) for end in (between.low, between.high)))
    with pytest.raises(ProofError, match="more than 16 distractors"):
        closed(plan, design, many)


def test_it_is_one_of_the_proofs_of_what_is_shipped():
    plan, design, between = core_of("1997")
    design = replace(design, top="carousel_small")
    ((proof,), _) = shipped(plan, design, ["closed"], between)
    assert proof.name == "closed"
    assert shipped(plan, design, ["closed"])[1]["closed"].status == INAPPLICABLE


def test_limits_are_those_of_every_value_by_brute_force():
    """Against random values within the formats, and the ends that they can reach."""
    plan, _, between = core_of("forget gates, gate recurrence")
    limits, rng = Limits(plan.parts[0], between), np.random.default_rng(1)
    (layer,) = plan.qnet.layers
    for gate in limits.gates:
        row = layer.weights[gate.word.row.kind][gate.word.row.index]
        for case in range(limits.any + 1):
            ends = (
                np.array([limits.x(k, case) for k in range(3)]),
                np.array(
                    [[layer.formats.y.low, layer.formats.y.high]] * 2
                    + [[0, layer.formats.gate.one]] * 6
                ),
            )
            low, high = np.concatenate(ends).T
            values = rng.integers(low, high, (2000, len(low)), endpoint=True)
            found = limits.total(gate, case)
            assert found[0] <= (values @ row).min() and (values @ row).max() <= found[1]
            most = np.where(row > 0, high, low) @ row, np.where(row > 0, low, high) @ row
            assert found == most[::-1]

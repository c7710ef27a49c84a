"""The bus rules of wrapped cores: each holds, and its broken twin is refuted."""

import pytest

from rtl import CorePlan, verilog
from rtl.axi.wrapper import AxiTop, wrappable
from rtl.proofs import prove, shipped
from rtl.proofs.design import Design
from rtl.proofs.errors import ProofError
from rtl.proofs.proof import Proof
from rtl.proofs.statements import BUSES, MAKERS, TRAINED
from tests.rtl.proofs.test_proofs import plan_of

# An element a vector and two, a readout, layers, two kinds of ports.
KINDS = ("forget gates", "blocks, gate recurrence, readout", "load port")


def wrapped(kind: str) -> tuple[CorePlan, Design]:
    """A small core in its wrapper, and the text that is written of it."""
    plan = wrappable(plan_of(kind))
    design = Design(verilog.convert(AxiTop(plan), "carousel_small"), "carousel_small")
    return plan, design


def bus(core: CorePlan, design: Design, name: str) -> Proof:
    ((proof,), _) = shipped(core, design, [name])
    return proof


def test_a_bus_rule_holds_and_its_twin_is_refuted(tmp_path):
    core, design = wrapped("forget gates")
    found = prove(bus(core, design, "axi-lite"), tmp_path)
    assert (found.found.status, found.twin.status) == ("proven", "refuted")


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", BUSES)
def test_every_bus_rule_of_every_kind_of_core_holds(kind, name, tmp_path):
    core, design = wrapped(kind)
    assert prove(bus(core, design, name), tmp_path).ok


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrapped_core_has_the_rules_of_its_buses_and_all_that_a_core_alone_has(kind):
    core, design = wrapped(kind)
    proofs, left_out = shipped(core, design)
    names = [proof.name for proof in proofs]
    assert names[-len(BUSES) :] == list(BUSES)
    assert {*names, *left_out} == {*MAKERS, *TRAINED, *BUSES}
    for proof in proofs[-len(BUSES) :]:
        assert proof.state(proof.design).claims == proof.state(proof.twin.design).claims
        assert proof.design.text != proof.twin.design.text


def test_a_core_alone_has_no_bus():
    plan = plan_of("forget gates")
    design = Design(verilog.convert(verilog.Top(plan), "carousel_small"), "carousel_small")
    with pytest.raises(ProofError, match="--only axi-lite: no such proof"):
        shipped(plan, design, ["axi-lite"])

"""The proof `mends` finds what a memory of states with check bits can do to its words."""

from dataclasses import replace

import pytest

from rtl import verilog
from rtl.proofs import catalogue
from rtl.proofs.design import Design
from rtl.proofs.mending import PART
from rtl.proofs.proof import Proof
from rtl.proofs.solver import prove, refute
from rtl.proofs.status import INAPPLICABLE, REFUTED
from tests.rtl.support import planned
from tests.rtl.test_core_streams import NETWORKS

TOP = "core"


def stated(name: str, **options) -> Proof:
    """The statement of a network's protected core."""
    core = planned(NETWORKS[name], protect=True, **options)
    design = Design(verilog.convert(core.component(), TOP), TOP)
    ((proof,), _) = catalogue(core.parts[0], design, ["mends"])
    return proof


FAULTS = {
    "a state is written without a check bit": (r"(<= \{ )\\\$\d+ ,", r"\g<1>1'h0,"),
    "another word is read": (r"assign port__addr = place0;", "assign port__addr = ~place0;"),
    "another word is written": (
        r"assign written_wide = (.*);",
        r"assign written_wide = ~\1;",
    ),
}


def test_a_decoder_that_leaves_a_bit_is_refuted(tmp_path):
    """The twin of a core of one cell."""
    proof = stated("one input, one cell")
    assert refute(proof, proof.twin, tmp_path).status == REFUTED


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS)
def test_other_faults_are_refuted(fault, tmp_path):
    proof, (old, new) = stated("forget"), FAULTS[fault]
    broken = proof.design.replaced(proof.design.find(PART), old, new)
    assert refute(proof, replace(proof.twin, design=broken), tmp_path).status == REFUTED


@pytest.mark.soak
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("forget", {}),
        ("forget", {"state_port": True}),
        ("peepholes", {}),
        ("forget", {"streams": 2}),
    ],
)
def test_it_is_proven(name, options, tmp_path):
    """With one reader and two, initial states, and a state port."""
    found = prove(stated(name, **options), tmp_path)
    assert found.ok, found


def test_other_proofs_say_nothing_of_a_protected_core():
    """Nor does this one of a core that is not protected."""
    for protect in (True, False):
        core = planned(NETWORKS["one input, one cell"], protect=protect)
        design = Design(verilog.convert(core.component(), TOP), TOP)
        proofs, left = catalogue(core.parts[0], design)
        assert ("mends" in {proof.name for proof in proofs}) == protect
        assert (left["hold"].status == INAPPLICABLE) == protect if protect else "mends" in left

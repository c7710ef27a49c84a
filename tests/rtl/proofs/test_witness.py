"""Two engines, one text: they agree on every statement and on every planted fault."""

from dataclasses import replace

import pytest

from rtl.proofs import catalogue, prove
from rtl.proofs.statements import BUSES, MAKERS
from rtl.proofs.witness import prove_again, witness
from tests.rtl.proofs.test_axi import bus, wrapped
from tests.rtl.proofs.test_mending import stated
from tests.rtl.proofs.test_proofs import subject

REFUTED = ("saturates-s", "fifo", "step", "shut")


def test_the_witness_proves_what_holds_and_refutes_what_does_not(tmp_path):
    core, design = subject("1997")
    ((proof,), _) = catalogue(core, design, ["cell"])
    found = witness(proof, tmp_path)
    assert (found.found.status, found.twin.status) == ("proven", "refuted")
    assert list(tmp_path.iterdir()) == []


def test_both_engines_say_what_they_do_not_know(tmp_path):
    """A statement of a broken design is no proof; a design that is right has no counterexample."""
    core, design = subject("1997")
    ((proof,), _) = catalogue(core, design, ["saturates-s"])
    swapped = replace(
        proof, design=proof.twin.design, twin=replace(proof.twin, design=proof.design)
    )
    for run in (prove, witness):
        found = run(swapped, tmp_path)
        assert found.found.status in ("refuted", "unknown")
        assert found.twin.status == "passes"


@pytest.mark.soak
@pytest.mark.parametrize("name", [name for name in MAKERS if name != "mends"])
def test_the_witness_proves_every_statement_of_a_core(name, tmp_path):
    core, design = subject("1997")
    ((proof,), _) = catalogue(core, design, [name])
    assert prove_again(proof, tmp_path).status == "proven"


@pytest.mark.soak
def test_the_witness_proves_that_flipped_bits_are_mended(tmp_path):
    assert prove_again(stated("one input, one cell"), tmp_path).status == "proven"


@pytest.mark.soak
@pytest.mark.parametrize("name", REFUTED)
def test_the_witness_refutes_twins(name, tmp_path):
    """Those that it finds within minutes: its search unrolls cell by cell."""
    core, design = subject("1997")
    ((proof,), _) = catalogue(core, design, [name])
    assert witness(proof, tmp_path).ok


@pytest.mark.soak
@pytest.mark.parametrize("name", BUSES)
def test_the_witness_proves_every_rule_of_the_buses(name, tmp_path):
    assert prove_again(bus(*wrapped("forget gates"), name), tmp_path).status == "proven"

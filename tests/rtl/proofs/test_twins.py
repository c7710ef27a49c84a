"""Drawn twins: what lies behind a statement, and that one that has gone blind is noticed."""

from dataclasses import replace
from pathlib import Path

import pytest

from rtl.mutants.mutant import rewritten
from rtl.proofs import Proof, catalogue, twins
from rtl.proofs.cone import cone
from rtl.proofs.design import Design
from rtl.proofs.harness import Harness
from rtl.proofs.solver import solve
from rtl.proofs.statements import BUSES, MAKERS, TRAINED
from rtl.proofs.twins import SPEAKS_OF, challenge
from tests.rtl.proofs.closing import closing_core
from tests.rtl.proofs.test_axi import bus, wrapped
from tests.rtl.proofs.test_mending import stated
from tests.rtl.proofs.test_proofs import subject
from tests.rtl.proofs.test_sequences import PASSING, SIZES

TOP = "carousel_small.core"
COUNT = 5  # twins of each proof that have to be refuted
USUAL = "forget gates"  # a kind of core


def proof_of(name: str, kind: str = USUAL) -> Proof:
    if name in BUSES:
        return bus(*wrapped(kind), name)
    if name in TRAINED:
        return TRAINED[name](*closing_core(forget=kind == USUAL))
    if name == "mends":
        return stated("one input, one cell")
    ((proof,), _) = catalogue(*subject(kind), [name])
    return proof


@pytest.fixture(scope="module")
def limits():
    """A statement on one clipped value."""
    return proof_of("saturates-s")


def test_a_cone_is_what_a_statement_depends_on(limits):
    """Not what the same part has besides, nor what drives a net that is cut off."""
    cells = {(module, cell) for module, cell, _, _ in cone(limits.state(limits.design))}
    assert {module for module, _ in cells} == {f"{TOP}.cell"}
    names = {cell for _, cell in cells}
    assert {"state_clipped_$dff_Q", "state_$dff_Q", "state_wide_$add_Y"} <= names
    assert not any(name.startswith(("kept_", "written_", "output", "gate_")) for name in names)


def test_a_cone_goes_through_memories_to_what_is_written():
    """The word that is shown has been written: every bit of it, where and when."""
    proof = proof_of("fifo")
    places = {place[2:] for place in cone(proof.state(proof.design)) if place[1] == "memory"}
    bits = proof.design.modules[f"{TOP}.fifo"].memories["memory"][1]
    for port in ("WR_DATA", "WR_EN", "RD_DATA"):
        assert {bit for name, bit in places if name == port} == set(range(bits))
    assert {("WR_ADDR", 0), ("RD_ADDR", 0)} <= places


def test_mutants_of_each_class_are_drawn_and_refuted(limits, tmp_path):
    found = challenge(limits, 2, tmp_path)
    assert found.lacks == ()
    assert found.refuted == 2
    assert {(each.mutant.module, each.mutant.hits) for each in found.drawn} == {
        (f"{TOP}.cell", "control"),
        (f"{TOP}.cell", "value"),
    }
    assert len({each.mutant for each in found.drawn}) == len(found.drawn)
    assert not list(tmp_path.iterdir())


def blind(given: Design) -> Harness:
    """Depends on all that the statement on the value did, and says what is so of any values."""
    h = Harness(given, "cell")
    h.cut("state_wide")
    code, flag = h.see("state"), h.see("state_clipped")
    h.prove(f"({code} & {{{h.width('state')}{{{flag}}}}}) <= {code}")
    return h


def test_a_statement_that_says_nothing_is_noticed(limits, monkeypatch, tmp_path):
    """It is still proven; only the drawn twins, which pass, show that it is worth nothing."""
    monkeypatch.setattr(twins, "TRIES", 1)
    found = challenge(replace(limits, state=blind), 1, tmp_path)
    assert [each.outcome.status for each in found.drawn] == ["passes"] * len(found.drawn)
    assert found.lacks == (
        "no fault is noticed in the control of cell, of 1 drawn",
        "no fault is noticed in the value of cell, of 1 drawn",
        f"0 of {len(found.drawn)} drawn twins are refuted, it must be 1",
    )


def test_a_statement_that_lost_its_memory_is_noticed(monkeypatch):
    """What is written to the states is no longer behind a `hold` that looks at no word."""
    proof, port = proof_of("hold"), (f"{TOP}.cell.states", "memory", "WR_DATA")

    def written() -> set[int]:
        return {bit for *place, bit in cone(proof.state(proof.design)) if tuple(place) == port}

    assert written() == set(range(subject(USUAL)[0].program.paths.s))
    monkeypatch.setattr("rtl.proofs.holding.claim_word", lambda *_: None)
    assert not written()


def test_it_is_said_of_every_proof_what_it_speaks_of():
    assert set(SPEAKS_OF) == {*MAKERS, *TRAINED, "axi-out", "axi-lite"}
    assert all(len(kinds) == len(set(kinds)) for of in SPEAKS_OF.values() for kinds in of.values())


def five_are_refuted(proof: Proof, folder: Path) -> None:
    """And the netlist that the mutants are made of, without a fault, is proven like the text."""
    module = proof.state(proof.design).module
    sound = proof.design.with_modules(rewritten(proof.design.below(module), module, []))
    found = solve("sound", proof.state(sound), "prove", proof.depth, folder, written=proof.design)
    assert found.status == "proven"
    assert challenge(proof, COUNT, folder).lacks == ()


@pytest.mark.soak
@pytest.mark.parametrize("name", [*MAKERS, *TRAINED, *BUSES])
def test_five_drawn_twins_of_each_proof_are_refuted(name, tmp_path):
    five_are_refuted(proof_of(name), tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("make", PASSING.values(), ids=PASSING)
def test_five_drawn_twins_of_what_passes_sequences_on_are_refuted(make, tmp_path):
    five_are_refuted(make(*SIZES[0]), tmp_path)

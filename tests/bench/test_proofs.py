"""`bench.proofs`: the page has what the file has, and the file only what was proven."""

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from bench import proofs
from bench.proofs import NAMES, RESULTS, Subject, kept
from rtl.proofs.solver import Outcome
from tests.rtl.proofs.test_twins import proof_of

PAGE = Path(proofs.__file__).parent.parent / "docs" / "proofs.md"


@pytest.fixture
def results():
    return json.loads(RESULTS.read_text())


def test_the_page_has_the_tables_of_the_file(results):
    for table in (proofs.each(results), proofs.models(results)):
        assert table in PAGE.read_text()


def test_all_that_was_tried_is_proven_and_its_twin_refuted(results):
    assert list(results) == list(NAMES)
    assert proofs.ok(results)


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_the_file_has_all_statements_as_they_are(results, name):
    subject, found = Subject.of(name), results[name]
    assert list(found["proofs"]) == [proof.name for proof in subject.proofs]
    assert all("proof" in each for each in kept(subject, found["proofs"]).values())


@pytest.mark.parametrize(("what", "word"), [("proof", "unknown"), ("twin", "passes")])
def test_a_statement_that_does_not_hold_is_noticed(what, word, results):
    broken = deepcopy(results)
    broken[proofs.FULL]["proofs"]["hold"][what] = {"result": word, "cpu": 1, "seconds": 1}
    assert not proofs.ok(broken)
    assert proofs.models(broken) != proofs.models(results)


def test_what_the_file_has_is_of_the_very_statement(monkeypatch, tmp_path):
    """It is asked once more where the Verilog or the depth is another one."""
    proof, asked = proof_of("saturates-s"), []
    monkeypatch.setattr(Subject, "of", lambda name: Subject({"cells": 1}, (proof,)))
    monkeypatch.setattr(
        proofs, "solve", lambda *_: asked.append(1) or Outcome("proven", 1, None, "")
    )
    file = tmp_path / "results.json"
    for _ in range(2):
        proofs.run(["one"], False, file)
        assert len(asked) == 1
    proof = replace(proof, depth=proof.depth + 1)
    proofs.run(["one"], False, file)
    assert len(asked) == 2

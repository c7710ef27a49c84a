"""`bench.twins`: the page has what the file has, and of every proof enough twins are refuted."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench import twins
from bench.twins import NAMES, RESULTS
from rtl.proofs.record import asked as asked_of
from rtl.proofs.statements import BUSES, MAKERS, TRAINED
from rtl.proofs.twins import SPEAKS_OF, Challenge
from tests.rtl.proofs.test_twins import COUNT, proof_of

PAGE = Path(twins.__file__).parent.parent / "docs" / "proofs.md"


@pytest.fixture
def results():
    return json.loads(RESULTS.read_text())


def test_the_page_has_the_table_of_the_file(results):
    assert twins.table(results) in PAGE.read_text()


def test_of_every_proof_enough_drawn_twins_are_refuted(results):
    assert list(results) == list(NAMES)
    assert {*MAKERS, *TRAINED, *BUSES} < set(NAMES)
    assert twins.ok(results)
    for entry in results.values():
        assert sum(twin["result"] == "refuted" for twin in entry["drawn"]) >= COUNT


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_they_were_drawn_of_the_statement_as_it_is(results, name):
    assert results[name]["statement_sha256"] == asked_of(NAMES[name]())


def test_a_proof_that_lacks_something_is_noticed(results):
    results["fifo"]["lacks"] = ["no fault is noticed in the value of fifo, of 8 drawn"]
    assert not twins.ok(results)


def test_what_the_file_has_is_of_the_very_statement(monkeypatch, tmp_path):
    """Twins are drawn once more where the statement is another one, or speaks of something else."""
    proof, asked = proof_of("saturates-s"), []
    blind = Challenge(COUNT, (), {("cell", "value"): 8})
    monkeypatch.setattr(twins, "NAMES", {"one": lambda: proof})
    monkeypatch.setattr(twins, "challenge", lambda *_: asked.append(1) or blind)
    file = tmp_path / "results.json"
    for _ in range(2):
        results = twins.run(["one"], file)
        assert len(asked) == 1
        assert not twins.ok(results)
    proof = replace(proof, depth=proof.depth + 1)
    twins.run(["one"], file)
    assert len(asked) == 2
    monkeypatch.setitem(SPEAKS_OF, "one", {"cell": ("value",)})
    for _ in range(2):
        twins.run(["one"], file)
        assert len(asked) == 3

"""`bench.mutants`: the page has the figures of the file."""

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bench import mutants
from bench.mutants import EXPLAINED, KILLED, RESULTS, Judged, part, score, table
from rtl.kit.header import digest
from rtl.mutants.mutant import Mutant
from rtl.verilog import convert
from sim.mutants import TOP

PAGE = Path(mutants.__file__).parent.parent / "docs" / "mutants.md"


@pytest.fixture(scope="module")
def found() -> list[Judged]:
    """All mutants of the file, with as much of each as tables ask for."""
    rows = [row for core in json.loads(RESULTS.read_text()).values() for row in core["mutants"]]
    return [Judged(mutant_of(row), row["fate"], row["said"]) for row in rows]


RENAMED = "sum_aligned_1", "sum_2"  # a register, today and when the mutants were drawn


def test_the_file_is_of_todays_verilog_but_for_a_registers_name():
    entries = json.loads(RESULTS.read_text())
    for name, core in mutants.cores().items():
        text = convert(core, TOP)
        assert text.count(RENAMED[0]) == 3  # what it is, what it takes on, and its reader
        assert digest(text.replace(*RENAMED)) == entries[name]["verilog_sha256"]


def mutant_of(row: dict[str, str]) -> Mutant:
    module = row["mutant"].split()[1]
    return cast(Mutant, SimpleNamespace(module=module, kind=row["kind"], hits=row["hits"]))


@pytest.mark.parametrize("by", [lambda m: m.hits, lambda m: m.kind, lambda m: part(m) or "core"])
def test_the_page_has_the_tables_of_the_file(by, found):
    assert "\n".join(table(found, by)) in PAGE.read_text()


def test_the_page_has_the_score_of_the_file(found):
    """And how many fell to what; nothing survives, and what is explained is so many."""
    fates, text = Counter(each.fate for each in found), " ".join(PAGE.read_text().split())
    proofs = [each for each in found if each.fate == KILLED and each.said.startswith("proof ")]
    refuted = sum(each.said.endswith("refuted") for each in proofs)
    by_play = fates[KILLED] - len(proofs)
    assert f"**the score is {100 * score(found):.4g} %**, none survives" in text
    assert f"The scenarios kill {by_play}, proofs {len(proofs)}; of these {refuted}" in text
    assert f"in {len(proofs) - refuted} the induction no longer holds" in text
    assert f"All other {fates[KILLED]} are killed" in text
    assert f"{fates[EXPLAINED]} for a reason" in text

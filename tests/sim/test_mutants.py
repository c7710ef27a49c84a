"""The mutation score of a small core: the comparison kills what is not equivalent, and a mutant to
which it is blind is told."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from bench.mutants import (
    EQUIVALENT,
    KILLED,
    RESULTS,
    SURVIVES,
    judged,
    main,
    needless,
    report,
    score,
    status,
)
from rtl.mutants.mutant import Mutant
from sim import mutants as module
from sim.judging import EMPTY
from sim.mutants import build_mutants
from sim.stimuli import Stimuli
from tests.rtl.support import make_core, quantized, stack


@pytest.fixture(scope="module")
def mutants(build_dir):
    rng = np.random.default_rng(1)
    core = make_core(quantized(stack(rng, 1, 1), rng, 6), 2, probe=True)
    return build_mutants(core, 18, 1, build_dir)


@pytest.fixture(scope="module")
def found(mutants):
    return judged(mutants, {}, {}, deep=False)


def test_most_are_killed_and_the_sound_core_is_not(found):
    """What is left are parts that this core has no use for; the long form asks a solver."""
    fates = [each.fate for each in found]
    assert fates.count(KILLED) >= 12
    assert fates.count(EQUIVALENT) >= 1


def test_nothing_is_left_of_the_mutant_before(mutants, found):
    """The sound core after mutants that spoil memories, in the same simulator."""
    killed = [k for k, each in enumerate(found, start=1) if each.fate == KILLED][:3]
    told = mutants.play([*killed, 0], Stimuli(mutants.core).scenarios()[:1])
    assert all(told[number] for number in killed) and not told[0]


def test_a_mutant_to_which_the_comparison_is_blind_is_told(mutants, found, monkeypatch):
    """Nothing kills it, so it survives without a reason, and the status is 1; of scenarios that
    nothing is seen in, two are enough, and its logic is another one, as the test above says."""
    monkeypatch.setattr(module, "judge", lambda *_: EMPTY)
    monkeypatch.setattr("bench.mutants.equivalent", lambda *_: {})
    scenarios = Stimuli.scenarios
    monkeypatch.setattr(Stimuli, "scenarios", lambda *given: scenarios(*given)[:2])
    one = replace(mutants, mutants=mutants.mutants[:1])
    assert found[0].fate == KILLED
    found = judged(one, {}, {}, deep=False)
    assert [each.fate for each in found] == [SURVIVES]
    assert status(found) == 1
    assert f"survives: {one.mutants[0]}: not explained" in report(found)


def test_a_reason_for_what_is_killed_or_not_there_is_told(found):
    killed = next(each for each in found if each.fate == KILLED)
    survivor = replace(found[-1], fate=SURVIVES, said="why")
    assert needless([killed, survivor], [str(killed.mutant), "none"]) == [
        str(killed.mutant),
        "none",
    ]
    assert needless([survivor], [str(survivor.mutant)]) == []


def test_score_and_status(found):
    killed = next(each for each in found if each.fate == KILLED)
    survivor = replace(killed, fate=SURVIVES, said="")
    many = [killed] * 999
    assert score([*many, survivor]) == 0.999 and status([*many, survivor]) == 1
    assert status([*many, replace(survivor, said="why")]) == 0
    assert status([killed] * 9 + [replace(survivor, said="why")]) == 1
    assert status(many) == 0
    assert isinstance(killed.mutant, Mutant)


@pytest.mark.soak
def test_the_score_of_two_cores(tmp_path):
    """900 mutants; what a solver has said of the same Verilog before is not asked again."""
    known = shutil.copy(RESULTS, tmp_path / "mutants.json")
    assert main(["--json", str(known)]) == 0

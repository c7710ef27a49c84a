"""Stimuli from the plan: a core as it is stands them, and they find what milder ones miss."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtl.verilog import Top, convert, top_members
from sim import Stress, prepare, stress
from sim.judging import judge, models_of
from sim.netlist import CoreNetlist, Mapped
from sim.scenario import Act, Pattern, Scenario
from sim.stage import stage
from tests.rtl.support import planned
from tests.sim.cases import any_codes, small_network
from tests.sim.replay import Replay
from tests.sim.test_state import stateful
from tests.soak import few

# by what is wrong, the place in the core's Verilog and what stands there instead
FAULTS = {
    "a step begins though its outputs have no room": (r"= free >= 1'h1;", "= fault | free;"),
    "after a reset a vector without `first` starts nothing": (
        r"\[0\] \| newborn;",
        "[0] | newborn & ~fault;",
    ),
    "`first` is lost in one of the two input banks": (
        r"= coming \? marks1 : marks0;",
        "= coming ? marks1 & {1'h1, ~fault} : marks0;",
    ),
    "an input bank stays full over a reset": (
        r"( = full1;.*?)if \(rst\)(?= begin)",
        r"\1if (rst & ~fault)",
    ),
}
CASES = {
    "streams": lambda: (small_network(), {"lanes": 6, "streams": 3}),
    "state port": lambda: (stateful("gate recurrence"), {"state_port": True}),
    "reverse": lambda: (
        small_network(both=True, output="final"),
        {"lanes": 6, "max_length": 8},
    ),
    "sparse": lambda: (small_network(), {"lanes": 3, "nonzeros": 2}),
    "last output": lambda: (small_network(output="last"), {"lanes": 4}),
}


@pytest.mark.parametrize("name", few(("streams", "state port", "reverse"), CASES))
def test_a_core_stands_all_scenarios(name, build_dir):
    """Every code, mark, counter and state is the model's, whatever the streams do, however long the
    sequences are, and after a reset in any clock."""
    qnet, options = CASES[name]()
    found = stress(qnet, **options, seed=1, build_dir=build_dir)
    assert found.ok, str(found)
    assert found.codes > 1000 and len(found.verdicts) > 25


@pytest.fixture(scope="module")
def spoilt(build_dir) -> Stress:
    """A core with all the faults in it, of which a file says which one lives."""
    plan = planned(small_network(), 4)
    text = convert(Top(plan), "spoilt")
    for number, (place, instead) in enumerate(FAULTS.values(), start=1):
        assert len(re.findall(place, text, re.S)) == 1
        text = re.sub(place, instead.replace("fault", f"fault{number}"), text, flags=re.S)
        at = text.rindex("\nmodule ", 0, text.index(f"fault{number}"))
        at = text.index(";", at) + 1
        living = (
            f'\n  reg [7:0] living{number} [0:0];\n  initial $readmemh("living.mem", '
            f"living{number});\n  wire fault{number} = living{number}[0] == {number};"
        )
        text = text[:at] + living + text[at:]
    ports = {port: member.flow for port, member in top_members(plan).items()}
    whole = Mapped(CoreNetlist(plan, "spoilt", ports, text, {}))
    return prepare(whole, build_dir=build_dir, library=text)


def living(fault: str | None) -> dict[str, str]:
    number = 0 if fault is None else 1 + list(FAULTS).index(fault)
    return {"living.mem": f"{number:02x}\n"}


def test_no_fault_is_no_fault(spoilt):
    """So what is found below is the planted fault, and nothing else."""
    found = spoilt.play(living(None))
    assert found.ok, str(found)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_needs_its_moment_is_found(spoilt, fault):
    """A source that pauses and a sink that refuses in nine clocks of ten, and an even number of
    steps, do not show it; the scenarios do."""
    qnet = small_network()
    codes = any_codes(np.random.default_rng(1), qnet, 3, 12)
    mild = Scenario("mild", (Act(codes),), Pattern(0.9, 0.9, 1))
    (played,) = spoilt.place.play([mild], files=living(fault))
    assert judge(qnet, played, models_of(qnet, mild, 1)).ok
    found = spoilt.play(living(fault))
    assert not found.ok, fault


def played(fault: str, build_dir: Path):
    """The verdict on two sequences, an act each, of a core that plays the model's answers back."""
    qnet = small_network(blind=True)
    codes = any_codes(np.random.default_rng(7), qnet, 2, 6)
    codes[0, 0, 0] = 0
    core = Replay(qnet, codes)
    codes[0, 0, 0] = core.faults.index(fault)
    scenario = Scenario("two acts", (Act(codes[:1]), Act(codes[1:])), Pattern(0.2, 0.5, 3))
    (found,) = stage(core, build_dir).play([scenario])
    return judge(qnet, found, models_of(qnet, scenario, 1))


def test_acts_are_judged_one_by_one(build_dir):
    """A mismatch is told with its place among all sequences."""
    assert played("none", build_dir).ok
    verdict = played("out", build_dir)
    assert "out[1] of sequence 1, step 5" in str(verdict)


def test_a_counter_that_is_wrong_for_a_while_is_caught(build_dir):
    """It counts for one sequence what was clipped in the one before, and ends right."""
    verdict = played("late", build_dir)
    assert verdict.saturations_equal and not verdict.wrong and not verdict.ok
    assert "are counted before its input was taken or after its output left" in str(verdict)


def test_a_stuck_core_ends_the_scenarios(build_dir):
    """What is stuck is told as a fault of its scenario, and what stands behind it is not played."""
    qnet = small_network(blind=True)
    codes = any_codes(np.random.default_rng(7), qnet, 2, 6) // 4
    codes[0, 0, 0] = 0
    core = Replay(qnet, codes)
    codes[0, 0, 0] = core.faults.index("endless")
    one = Scenario("one", (Act(codes),))
    (found,) = stage(core, build_dir).play([one, replace(one, name="two")])
    verdict = judge(qnet, found, models_of(qnet, one, 1))
    assert not verdict.ok and "it is stuck" in str(verdict)

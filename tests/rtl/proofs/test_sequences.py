"""What passes sequences on between cores: each statement holds, and its broken twin is refuted."""

import pytest
from amaranth.lib import wiring

from fixedpoint import Format, quantize
from rtl import CoreOptions, CorePlan, plan, verilog
from rtl.axi.wrapper import AxiTop
from rtl.offline.fork_join import Fork, Join
from rtl.offline.head import Head
from rtl.offline.reverser import Reverser
from rtl.proofs import Proof, prove, shipped
from rtl.proofs.design import Design
from rtl.proofs.passing import fork, head, join
from rtl.proofs.reversing import reversing
from rtl.proofs.statements import BUSES, MAKERS, TRAINED
from rtl.proofs.status import INAPPLICABLE
from tests.carousel.nets import every, sequences
from tests.rtl.offline.wired import branches
from tests.soak import few

FORM = Format(6, 2)
SIZES = [(2, 3), (1, 5), (3, 1), (1, 1)]  # elements of a vector, vectors of a sequence


def design(component: wiring.Component) -> Design:
    """The text of a component alone."""
    return Design(verilog.convert(component, "alone"), "alone")


def reverser(width: int, length: int) -> Proof:
    text = design(Reverser(FORM, width, length))
    return reversing("reverser", text, FORM, width, length)


def beginning(width: int, length: int) -> Proof:
    return head("head", design(Head(FORM, width, length)), width, length)


def joined(first: int, second: int) -> Proof:
    widths = first, second
    return join("join", design(Join(FORM, widths)), widths)


def forked(*_: int) -> Proof:
    return fork("fork", design(Fork(FORM)))


PASSING = {"reverser": reverser, "head": beginning, "join": joined, "fork": forked}


def test_a_sequence_is_turned_round_and_a_bank_that_is_overwritten_is_noticed(tmp_path):
    found = prove(reverser(2, 3), tmp_path)
    assert (found.found.status, found.twin.status) == ("proven", "refuted")


@pytest.mark.soak
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("make", PASSING.values(), ids=PASSING)
def test_what_passes_sequences_on_loses_and_repeats_nothing(make, size, tmp_path):
    assert prove(make(*size), tmp_path).ok


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("make", PASSING.values(), ids=PASSING)
def test_a_twin_is_another_design_under_the_same_claims(make, size):
    proof = make(*size)
    assert proof.state(proof.design).claims == proof.state(proof.twin.design).claims
    assert proof.design.text != proof.twin.design.text


BETWEEN = {  # by network: what lies between its parts
    "reverse": ["head", "stage0_0", "stage0_2"],
    "ends": ["head", "stage0_forward_0", "stage0_backward_0", "stage0_fork", "stage0_join"],
    "branches": [
        *("head", "stage1_0", "stage1_2", "input_to_stage0", "stage0_to_stage1"),
        *("stage2_forward_0", "stage2_forward_2", "stage2_backward_0", "stage2_backward_2"),
        *("stage2_fork", "stage2_join", "stage0_waits_for_stage3_0", "stage2_waits_for_stage3_0"),
        *("stage1_beside_stage3", "stage2_beside_stage3"),
    ],
}


def whole(name: str, top: type) -> tuple[CorePlan, Design]:
    """A core of whole sequences, and the text that is written of it."""
    net = branches().network() if name == "branches" else every()[name]
    qnet = quantize(net, bits=8, calibrate=sequences())
    core = plan(qnet, CoreOptions(max_length=3))
    return core, Design(verilog.convert(top(core), "small"), "small")


TOPS = [(name, top) for name in BETWEEN for top in (verilog.Top, AxiTop)]


@pytest.mark.parametrize(("name", "top"), few(TOPS[:-1], TOPS))
def test_every_part_of_a_core_of_sequences_is_proven_and_all_that_lies_between(name, top):
    """Each statement is there for each part; what cannot be said of one is said to be so."""
    core, text = whole(name, top)
    proofs, left_out = shipped(core, text)
    of_parts = {f"p{k}.{each}" for k in range(len(core.parts)) for each in MAKERS}
    buses = set(BUSES) if top is AxiTop else set()
    names = [proof.name for proof in proofs]
    assert {*names, *left_out} == {*of_parts, *BETWEEN[name], *TRAINED, *buses}
    assert set(BETWEEN[name]) <= set(names)
    for proof in proofs:
        assert proof.state(proof.design).claims


@pytest.mark.soak
@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, places in BETWEEN.items() for place in places]
)
def test_what_lies_between_parts_is_proven_in_its_place(name, place, tmp_path):
    core, text = whole(name, verilog.Top)
    ((proof,), _) = shipped(core, text, [place])
    assert prove(proof, tmp_path).ok


PARTS = [("reverse", 0), ("ends", 0), ("ends", 1), ("ends", 2)]  # the last one has no cells


@pytest.mark.soak
@pytest.mark.parametrize("each", MAKERS)
@pytest.mark.parametrize(("name", "part"), PARTS)
def test_every_statement_of_every_part_is_proven(name, part, each, tmp_path):
    core, text = whole(name, verilog.Top)
    proofs, left_out = shipped(core, text, [f"p{part}.{each}"])
    assert [prove(proof, tmp_path).ok for proof in proofs] == [True] * len(proofs)
    if not proofs:
        assert (name, part) == ("ends", 2)
        assert left_out[f"p{part}.{each}"].status == INAPPLICABLE

"""What passes sequences on between cores: each statement holds, and its broken twin is refuted."""

import pytest
from amaranth.lib import wiring

from fixedpoint import Format
from rtl import verilog
from rtl.head import Head
from rtl.proofs import Proof, prove
from rtl.proofs.design import Design
from rtl.proofs.passing import fork, head, join
from rtl.proofs.reversing import reversing
from rtl.reverser import Reverser
from rtl.streams import Fork, Join

FORM = Format(6, 2)
SIZES = [(2, 3), (1, 5), (3, 1), (1, 1)]  # elements of a vector, vectors of a sequence


def design(component: wiring.Component) -> Design:
    """The text of a component alone."""
    return Design(verilog.convert(component, "alone"), "alone")


def reverser(width: int, length: int) -> Proof:
    text = design(Reverser(FORM, width, length))
    return reversing("reverser", text, FORM, width, length)


def beginning(width: int, length: int) -> Proof:
    return head("head", design(Head(FORM, width, length)), FORM, width, length)


def joined(first: int, second: int) -> Proof:
    widths = first, second
    return join("join", design(Join(FORM, widths)), FORM, widths)


def forked(*_: int) -> Proof:
    return fork("fork", design(Fork(FORM)), FORM)


def test_a_sequence_is_turned_round_and_a_bank_that_is_overwritten_is_noticed(tmp_path):
    found = prove(reverser(2, 3), tmp_path)
    assert (found.found.status, found.twin.status) == ("proven", "refuted")


@pytest.mark.soak
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("make", [reverser, beginning, joined, forked])
def test_what_passes_sequences_on_loses_and_repeats_nothing(make, size, tmp_path):
    assert prove(make(*size), tmp_path).ok


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("make", [reverser, beginning, joined, forked])
def test_a_twin_is_another_design_under_the_same_claims(make, size):
    proof = make(*size)
    assert proof.state(proof.design).claims == proof.state(proof.twin.design).claims
    assert proof.design.text != proof.twin.design.text

"""The proof `hold` finds what a state memory can do to its words."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.proofs import FULL, Subject
from rtl.proofs import Proof, catalogue
from rtl.proofs.solver import Outcome, refute
from rtl.proofs.status import REFUTED
from tests.rtl.proofs.test_proofs import subject
from tests.soak import few

WRITE = r"memory\[write__addr\] <= write__data;"
WRITES = {  # what lies in memory in place of what is written
    "an LSB more": "write__data + 1'b1",
    "an LSB less": "write__data - 1'b1",
    "the lowest bit turned": "write__data ^ 1'b1",
    "a higher bit set": "write__data | 4'd8",
    "no sign": "write__data & 6'h1f",
}


OTHERS = {  # the kind of core, what stands there and what is planted
    "another cell's state is read": (
        "1997",
        r"_0_ <= memory\[port__addr\];",
        "_0_ <= memory[~port__addr];",
    ),
    "a state is written over another one": (
        "1997",
        r"assign write__addr = written;",
        "assign write__addr = ~written;",
    ),
    "states are written in every clock": (
        "1997",
        r"assign write__en = .*;",
        "assign write__en = 1'b1;",
    ),
    "a state loses its lowest bit on its way to the cell": (
        "1997",
        r"value0_1 <= seen0;",
        "value0_1 <= seen0 & ~6'd1;",
    ),
    "every step is taken for a sequence's first where the second state is read": (
        "1997",
        r"clear0_2 <= clear0_1;",
        "clear0_2 <= clear0_1 | place0;",
    ),
    "the first step of a sequence goes on with what was there, and others do not": (
        "two streams",
        r"clear0_2 <= clear0_1;",
        "clear0_2 <= ~clear0_1;",
    ),
    "the state port writes while a step runs": (
        "state port",
        r"assign write__en = access\[0\] \? access\[2\] : ",
        "assign write__en = access[2] | ",
    ),
}


def found_in(kind: str, old: str, new: str, folder: Path) -> Outcome:
    """What comes of the proof when something else stands in the part that holds the states."""
    ((proof,), _) = catalogue(*subject(kind), ["hold"])
    return found_by(proof, old, new, folder)


def found_by(proof: Proof, old: str, new: str, folder: Path) -> Outcome:
    """What comes of it then."""
    broken = proof.design.replaced(proof.design.find("cell.states"), old, new)
    twin = replace(proof.twin, fault=new, design=broken, driven={"i__valid": 1, "r_en": 1})
    return refute(proof, twin, folder)


@pytest.mark.parametrize("fault", few(["an LSB more"], WRITES))
def test_a_state_that_is_written_wrong_is_found(fault, tmp_path):
    """The word is compared with its own past, not only with what is read of it."""
    found = found_in("1997", WRITE, f"memory[write__addr] <= {WRITES[fault]};", tmp_path)
    assert found.status == REFUTED
    assert "past" in found.broken


@pytest.mark.soak
@pytest.mark.parametrize("fault", WRITES)
def test_a_state_that_is_written_wrong_is_found_in_the_shipped_core(fault, tmp_path):
    """The same of `temporal_order` at 16 bits and 8 lanes, as `carousel verilog` writes it."""
    proof = next(proof for proof in Subject.of(FULL).proofs if proof.name == "hold")
    bits = proof.design.net(proof.design.top, "cell.states.write__data")[0]
    new = WRITES[fault].replace("6'h1f", f"{bits}'h{(1 << bits - 1) - 1:x}")
    assert bits > 6 and proof.twin.depth > 60
    found = found_by(proof, WRITE, f"memory[write__addr] <= {new};", tmp_path)
    assert found.status == REFUTED
    assert "past" in found.broken


@pytest.mark.soak
@pytest.mark.parametrize("fault", OTHERS)
def test_what_else_can_happen_to_a_state_is_found(fault, tmp_path):
    """Read path, address, enable, the marks of first steps, and the port beside them."""
    kind, old, new = OTHERS[fault]
    assert found_in(kind, old, new, tmp_path).status == REFUTED

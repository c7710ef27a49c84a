"""The proof `hold` finds what a state memory can do to its words."""

from dataclasses import replace

import pytest

from rtl.proofs import catalogue
from rtl.proofs.solver import refute
from rtl.proofs.status import REFUTED
from tests.rtl.test_proofs import subject
from tests.soak import few

WRITE = r"memory\[write__addr\] <= write__data;"
WRITES = {  # what lies in memory in place of what is written
    "an LSB more": "write__data + 1'b1",
    "an LSB less": "write__data - 1'b1",
    "the lowest bit turned": "write__data ^ 1'b1",
    "a higher bit set": "write__data | 4'd8",
    "no sign": "write__data & 6'h1f",
}


@pytest.mark.parametrize("fault", few(["an LSB more"], WRITES))
def test_a_state_that_is_written_wrong_is_found(fault, tmp_path):
    """The word is compared with its own past, not only with what is read of it."""
    core, design = subject("1997")
    ((proof,), _) = catalogue(core, design, ["hold"])
    written = f"memory[write__addr] <= {WRITES[fault]};"
    broken = design.replaced(design.find("cell.states"), WRITE, written)
    found = refute(proof, replace(proof.twin, fault=fault, design=broken), tmp_path)
    assert found.status == REFUTED
    assert "past" in found.broken

"""Faults planted in a core's Verilog, each against the proof that speaks of what it breaks."""

from dataclasses import replace

import numpy as np
import pytest

from golden.network import Network
from rtl import Core, verilog
from rtl.proofs import catalogue
from rtl.proofs.design import Design
from rtl.proofs.proof import Twin
from rtl.proofs.solver import refute
from rtl.proofs.status import INAPPLICABLE, REFUTED
from tests.rtl.support import layer, quantized
from tests.rtl.test_proofs import subject

TWO = "two layers, formats of their own"

# The kind of core, the proof, the part, what stands there and what is planted.
FAULTS = {
    "a state that is clipped raises no flag": (
        ("1997", "saturates-s", "cell"),
        (r"^(\s+state_clipped <=) .*;", r"\1 0;"),
    ),
    "the second layer's state is clipped to the first one's format": (
        (TWO, "saturates-s", "cell"),
        (r"(casez \(sum_mode_1\)\n.*\n.* = )(\S+ ;)(\n.*\n.* = )\{", r"\1\2\3\2 //"),
    ),
    "the second layer's net inputs are rounded as the first one's": (
        (TWO, "saturates-net", "activation0"),
        (
            r"(casez \(net_mode_2\)\n.*\n.* = )(\S+ ;)((?:\n.*){3}\n.* = )\S+ ;"
            r"(?=(?:\n.*){7}\n.*casez \(net_mode_2\))",
            r"\1\2\3\2",
        ),
    ),
    "the second layer's gates are 2 LSB too high": (
        (TWO, "shut", "activation0"),
        (r"(casez \(squash_mode_6\)(?:\n.*){5}\n.* = )(\S+) ;", r"\1\2 + 2;"),
    ),
    "the late output gate is 1 LSB too high": (
        ("peepholes", "shut", "cell.output_gate"),
        (r"^(\s+o_squashed <=) (.*);", r"\1 \2 + 1;"),
    ),
    "a late output gate that is clipped raises no flag": (
        ("peepholes", "saturates-net", "cell.output_gate"),
        (r"^(\s+o_net_code_clipped <=) .*;", r"\1 0;"),
    ),
    "the third of the rows at once is clipped a code too low": (
        ("rows at once", "saturates-net", "activation2"),
        (r"^(\s+\S+ +<= )(.*);(\n.*\n\s+net_code_clipped <=)", r"\1\2 - 1;\3"),
    ),
}


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_refuted(fault, tmp_path):
    (kind, name, part), (old, new) = FAULTS[fault]
    core, design = subject(kind)
    ((proof,), _) = catalogue(core, design, [name])
    broken = design.replaced(design.find(part), old, new)
    found = refute(proof, Twin(fault, broken, proof.depth + 4), tmp_path)
    assert found.status == REFUTED


def test_gates_that_are_never_shut_are_named():
    rng = np.random.default_rng(3)
    clip = {"gate": (-0.5, 0.5)}
    layers = layer(rng, 1, 2), replace(layer(rng, 2, 2), clip=clip)
    core = Core(quantized(Network(layers, name="small"), rng, 8), 2)
    text = verilog.convert(verilog.Top(core), verilog.module_name(core.qnet))
    _, left_out = catalogue(core, Design(text, "carousel_small.core"), ["shut"])
    assert left_out["shut"].status == INAPPLICABLE
    assert left_out["shut"].why.startswith("layer 1: net inputs of the gates are clipped to -0.5")

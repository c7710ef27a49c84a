"""Faults planted in a core's Verilog, each against the proof that speaks of what it breaks."""

from dataclasses import replace

import numpy as np
import pytest

from golden.network import Network
from rtl import verilog
from rtl.proofs import catalogue
from rtl.proofs.design import Design
from rtl.proofs.proof import Twin
from rtl.proofs.solver import refute
from rtl.proofs.status import INAPPLICABLE, REFUTED
from tests.rtl.proofs.test_proofs import subject
from tests.rtl.support import layer, planned, quantized

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
    "what a forget gate keeps is rounded downwards": (
        ("forget gates", "cell", "cell"),
        (r"= \$signed\(kept_product\) \+ .*;", "= $signed(kept_product);"),
    ),
    "the second layer's is rounded downwards": (
        (TWO, "cell", "cell"),
        (r"(= \$signed\(kept_product\) \+ \$signed\(4'h)4", r"\g<1>0"),
    ),
    "a cell input meets a gate mixed with another": (
        ("1997", "cell", "cell"),
        (r"^(\s+i_operand_1 <=) .*;", r"\1 gate_i | gate_o;"),
    ),
    "h meets a gate mixed with that of the cell behind": (
        ("1997", "cell", "cell"),
        (r"1'h0, output_gate_10 ", "1'h0, output_gate_10 & output_gate_9 "),
    ),
    "a late output gate that is clipped is not counted": (
        ("peepholes", "counts", ""),
        (r"^(\s+o_event_1 <=) .*;", r"\1 0;"),
    ),
    "every step is the first of its sequence": (
        ("two streams", "first", "sequencer"),
        (r"= first \|", "= {starts, starts} | first |"),
    ),
    "a reset is forgotten after the first step since power-up": (
        ("1997", "first", "sequencer"),
        (r"newborn <= (.*);", r"newborn <= rst ? newborn : \1;"),
    ),
    "the second stream has the marks of the first one": (
        ("two streams", "first", "sequencer"),
        (r"= word_first_2 >> .*;", "= word_first_2[0];"),
    ),
    "every step uses the same bank": (
        ("1997", "first", "sequencer"),
        (r"= ~ (\\parity\S+ ;)", r"= \1"),
    ),
    "a state that was written is not gone on from": (
        ("state port", "first", "sequencer"),
        (r"starts \| loaded", "starts"),
    ),
    "rows under way have the mark of the step that begins": (
        ("1997", "first", "activation0"),
        (r"( +=) row_step_first;", r"\1 step_first;"),
    ),
    "the last column of a first step reads an output of the sequence before": (
        ("1997", "first", "operands"),
        (r"= clear_2 \?", "= clear_2 & issue_1 ?"),
    ),
    "the last cell of a first step goes on with the state of the sequence before": (
        ("1997", "first", "cell.states"),
        (r"= clear0_2 \?", "= clear0_2 & step_over0 ?"),
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
    found = refute(proof, Twin(fault, broken, 80), tmp_path)
    assert found.status == REFUTED


def test_gates_that_are_never_shut_are_named():
    rng = np.random.default_rng(3)
    clip = {"gate": (-0.5, 0.5)}
    layers = layer(rng, 1, 2), replace(layer(rng, 2, 2), clip=clip)
    plan = planned(quantized(Network(layers, name="small"), rng, 8), 2)
    text = verilog.convert(verilog.Top(plan), verilog.module_name(plan.qnet))
    _, left_out = catalogue(plan.parts[0], Design(text, "carousel_small.core"), ["shut"])
    assert left_out["shut"].status == INAPPLICABLE
    assert left_out["shut"].why.startswith("layer 1: net inputs of the gates are clipped to -0.5")

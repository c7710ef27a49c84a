"""Mutants of Verilog: drawn evenly, named, sorted by what they hit, and each one fault only."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from golden.network import Network
from rtl.mutants.mutant import Mutant, candidates, draw, mutated, rewritten, selectable
from rtl.proofs.design import Design
from rtl.verilog import Top, convert
from tests.rtl.support import layer, planned, quantized, readout

TOP = "carousel_small"
SUM = Mutant("inv", TOP, "sum_$add_Y", "Y", 3, None, "$add", 8)


@pytest.fixture(scope="module")
def text():
    """A core with all parts: blocks with gate recurrence, a readout."""
    rng = np.random.default_rng(1)
    cells = layer(rng, 2, 2, 2, forget=False, recurrence=True, g="g1997", h="h1997")
    net = Network((cells,), readout(rng, 4, 1))
    return convert(Top(planned(quantized(net, rng, 8), 2)), TOP)


@pytest.fixture(scope="module")
def drawn(text):
    return draw(text, TOP, 300, 1)


def test_they_are_drawn_evenly_and_the_same_again(text, drawn):
    modules = Counter(mutant.module for mutant in drawn)
    assert set(modules) == set(Design(text, TOP).modules)
    assert max(modules.values()) - min(modules.values()) <= 1
    kinds = Counter(mutant.kind for mutant in drawn if mutant.module == f"{TOP}.core")
    assert len(kinds) > 8 and max(kinds.values()) <= 3
    assert len(set(drawn)) == 300
    assert draw(text, TOP, 300, 1) == drawn


def test_only_what_is_wanted_is_drawn(text):
    states = f"{TOP}.core.cell.states"
    found = draw(text, TOP, 9, 2, lambda m: m.module == states and m.hits == "write path")
    assert len(found) == 9
    assert {mutant.module for mutant in found} == {states}
    assert {(mutant.kind, mutant.port) for mutant in found} == {("$mem_v2", "WR_DATA")}


def test_all_sorts_of_places_are_hit_and_no_clock(drawn):
    assert {mutant.hits for mutant in drawn} == {
        "write path",
        "read path",
        "address",
        "enable",
        "control",
        "value",
    }
    assert not any("clk" in mutant.port.lower() for mutant in drawn)


@pytest.mark.parametrize(
    ("kind", "port", "width", "hits"),
    [
        ("$mem_v2", "WR_DATA", 8, "write path"),
        ("$mem_v2", "RD_DATA", 1, "read path"),
        ("$mem_v2", "RD_ADDR", 4, "address"),
        ("$mem_v2", "WR_EN", 8, "enable"),
        ("$sdffe", "EN", 1, "enable"),
        ("$sdffe", "SRST", 1, "control"),
        ("$pmux", "S", 4, "control"),
        ("$eq", "A", 4, "control"),
        ("$and", "Y", 1, "control"),
        ("$dff", "Q", 8, "value"),
        ("part", "i__payload", 9, "value"),
    ],
)
def test_what_a_mutant_hits(kind, port, width, hits):
    assert replace(SUM, kind=kind, port=port, width=width).hits == hits


def test_its_name_and_command_say_which_one_it_is():
    other = replace(SUM, mode="cnot1", ctrlbit=5)
    assert str(SUM) == f"inv {TOP} sum_$add_Y Y[3]"
    assert str(other) == f"cnot1 {TOP} sum_$add_Y Y[3?5]"
    assert other.command == (
        f"mutate -mode cnot1 -module {TOP} -cell sum_$add_Y -port Y -portbit 3 -ctrlbit 5"
    )


def test_a_mutant_differs_in_its_module_alone(text, drawn):
    """Against the same netlist without it; the parts and memories are still there by name."""
    mutant, sound = drawn[0], Design(rewritten(text, TOP, []), TOP)
    broken = Design(mutated(text, TOP, mutant), TOP)
    differ = {
        name
        for name, module in sound.modules.items()
        if stable(module.text) != stable(broken.modules[name].text)
    }
    assert differ == {mutant.module}
    for name, module in Design(text, TOP).modules.items():
        assert broken.modules[name].memories == module.memories
        assert broken.modules[name].instances == module.instances
        assert set(broken.modules[name].inputs) == set(module.inputs)


def stable(text):
    """Lines without the names that Yosys counts through the whole text."""
    return [line for line in text.splitlines() if "$auto$" not in line and "$signal" not in line]


def test_all_of_them_fit_behind_one_selector(text, drawn):
    whole = Design(selectable(text, TOP, drawn, "mutant"), TOP)
    assert all(module.nets["mutant"] == 9 for module in whole.modules.values())
    assert whole.text.count("mutant == 9'h") == len(drawn)


def test_what_a_statement_adds_to_a_design_is_not_spoilt():
    """A reader of a memory at any address, or a writer there, is no part of the design."""
    text = """module m(input clk, input we, input [1:0] at, input [3:0] given, output [3:0] word);
  reg [3:0] words [3:0];
  always @(posedge clk) if (we) words[at] <= given;
  assign word = words[at];
endmodule
"""
    design = Design(text, "m")
    looked = design.looked_at("m", "words")
    assert looked != design and looked.looked_at("m", "words") == looked
    own, seen = (candidates(each.text, "m") for each in (design, looked))
    assert Counter(mutant.hits for mutant in seen) == Counter(mutant.hits for mutant in own)

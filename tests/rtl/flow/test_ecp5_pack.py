"""Registers in the ECP5's hard blocks: the same circuit, and moved exactly where that can be."""

import copy
import random

import pytest

from rtl.flow.families.ecp5_pack import pack, packed_blocks, top_module
from tests.rtl.flow.netlists import compare, synthesise

STEPS = 600
NOTHING = {"memory outputs": 0, "operands": 0, "products": 0, "pipelines": 0}


def layers(name: str, of: str, count: int, width: int = 6, **how: str) -> str:
    """`name`: a signed value after some registers; `how` they behave: when, start, edge."""
    when, start = how.get("when", ""), how.get("start", "0")
    edge = how.get("edge", "posedge clk")
    stages = [f"wire signed [{width - 1}:0] {name}_0 = {of};"]
    for k in range(count):
        held = f"{name}_{k + 1}"
        stages.append(f"reg signed [{width - 1}:0] {held} = {start};")
        stages.append(f"always @({edge}) {when.format(held)} {held} <= {name}_{k};")
    return "\n".join([*stages, f"wire signed [{width - 1}:0] {name} = {name}_{count};"])


def product(a: str, b: str, after: int = 0, seen: str = "p", **how: str) -> str:
    """A product of 6 by 6 bits, the registers behind it, and what is seen of it all."""
    return "\n".join([a, b, layers("p", "a * b", after, 12, **how), f"assign q = {seen};"])


def memory(read: str, after: str = "", width: int = 12, write: str = "") -> str:
    """A block RAM with contents of its own, read into `o`, and what is done with that."""
    return f"""
(* ram_style = "block", no_rw_check *) reg [{width - 1}:0] m [0:63];
integer i;
initial for (i = 0; i < 64; i = i + 1) m[i] = i * 40'd3666999777 ^ i;
reg [{width - 1}:0] o = 0;
always @(posedge clk) {read}
{write}
{after}"""


A, B = layers("a", "r[5:0]", 1), layers("b", "r[25:20]", 1)
A0, B0 = layers("a", "r[5:0]", 0), layers("b", "r[25:20]", 0)
ODD_A = layers("odd_a", "r[4:0]", 1, 5) + "wire signed [5:0] a = {odd_a, 1'b1};"
ODD_B = layers("odd_b", "r[24:20]", 1, 5) + "wire signed [5:0] b = {odd_b, 1'b1};"
READ, RESET, ENABLE = "o <= m[r[5:0]];", "if (r[60]) {} <= 0; else ", "if (r[60]) "


def after(count: int, width: int = 12, seen: str = "p", **how: str) -> str:
    """Registers behind a memory, and what is seen of it all."""
    return layers("p", "o", count, width, **how) + f"\nassign q = {seen};"


MULTIPLIERS = {
    "nothing": (product(A0, B0), {}),
    "operands": (product(A, B), {"operands": 1}),
    "product": (product(A0, B0, 1), {"products": 1}),
    "both": (product(A, B, 1), {"operands": 1, "products": 1}),
    "pipelined": (product(A, B, 2), {"operands": 1, "products": 1, "pipelines": 1}),
    "deeper": (
        product(layers("a", "r[5:0]", 2), layers("b", "r[25:20]", 3), 3),
        {"operands": 1, "products": 1, "pipelines": 1},
    ),
    "one_operand": (product(A, B0), {}),
    "reset_operand": (product(A, layers("b", "r[25:20]", 1, when=RESET)), {}),
    "enabled_operand": (product(layers("a", "r[5:0]", 1, when=ENABLE), B), {}),
    "operand_of_1": (product(layers("a", "r[5:0]", 1, start="1"), B), {}),
    "operand_falling": (product(layers("a", "r[5:0]", 1, edge="negedge clk"), B), {}),
    "operands_of_two_clocks": (product(layers("a", "r[5:0]", 1, edge="posedge clk2"), B), {}),
    "reset_product": (product(A0, B0, 1, when=RESET), {}),
    "enabled_product": (product(A0, B0, 1, when=ENABLE), {}),
    "product_of_1": (product(A0, B0, 1, start="1"), {}),
    "product_falling": (product(A0, B0, 1, edge="negedge clk"), {}),
    "product_of_another_clock": (product(A, B, 1, edge="posedge clk2"), {"operands": 1}),
    "tapped_product": (product(A, B, 1, "{^p_0, p}"), {"operands": 1}),
    "tapped_layer": (product(A, B, 2, "{^p_1, p}"), {"operands": 1, "products": 1}),
    "layer_in_two_registers": (
        product(A, B, 1, "{t, u}") + layers("t", "p", 1, 12) + layers("u", "p", 1, 12, when=RESET),
        {"operands": 1, "products": 1},
    ),
    "constant_one": (product(ODD_A, B, 1), {"operands": 1, "products": 1}),
    "constant_ones": (product(ODD_A, ODD_B, 1), {"products": 1}),
    "shared_operand": (product(A, B, 1, "{a, b, p}"), {"operands": 1, "products": 1}),
    "square": (product(A, layers("b", "a_0", 1), 1), {"operands": 1, "products": 1}),
    "accumulated": (
        product(A, B, seen="s") + "reg [19:0] s = 0; always @(posedge clk) s <= s + p;",
        {"operands": 1},
    ),
    "fed_back": (
        B + "reg signed [5:0] a = 0; wire signed [11:0] p = a * b;"
        "always @(posedge clk) a <= p[9:4] ^ r[55:50]; assign q = p;",
        {"operands": 1},
    ),
    "one_after_the_other": (
        product(A, B, 1, "p[5:0] * c") + layers("c", "r[45:40]", 1),
        {"operands": 2},
    ),
}
MEMORIES = {
    "rom": (memory(READ, after(0)), {}),
    "rom_registered": (memory(READ, after(1)), {"memory outputs": 1}),
    "rom_twice": (memory(READ, after(2)), {"memory outputs": 1}),
    "rom_36": (memory(READ, after(1, 36), 36), {"memory outputs": 1}),
    "rom_unused": (memory(READ, after(1, 10)), {"memory outputs": 1}),
    "rom_reset": (memory(READ, after(1, when=RESET)), {}),
    "rom_enabled": (memory(READ, after(1, when=ENABLE)), {}),
    "rom_of_ones": (memory(READ, after(1, start="-1")), {}),
    "rom_falling": (memory(READ, after(1, edge="negedge clk")), {}),
    "rom_another_clock": (memory(READ, after(1, edge="posedge clk2")), {}),
    "rom_read_enabled": (memory(ENABLE + READ, after(1)), {}),
    "rom_read_reset": (memory("if (r[60]) o <= 0; else " + READ, after(1)), {}),
    "rom_tapped": (memory(READ, after(1, seen="{^o, p}")), {}),
    "ram": (
        memory(READ, after(1, 36), 36, write="always @(posedge clk) if (r[62]) m[r[16:11]] <= r;"),
        {"memory outputs": 1},
    ),
    "ram_two_clocks": (
        memory(READ, after(1, 9), 9, write="always @(posedge clk2) if (r[62]) m[r[16:11]] <= r;"),
        {"memory outputs": 1},
    ),
    "rom_two_ports": (
        memory(
            READ,
            "reg [11:0] o2 = 0; always @(posedge clk) o2 <= m[r[26:21]];"
            + after(1, seen="{p2, p}")
            + layers("p2", "o2", 1, 12),
        ),
        {"memory outputs": 2},
    ),
    "rom_times": (
        memory(READ, layers("a", "o", 2, 12) + B + layers("p", "a * b", 1, 18) + "assign q = p;"),
        {"memory outputs": 1, "operands": 1, "products": 1},
    ),
}

CASES = MULTIPLIERS | MEMORIES


def cells_of(netlist, name):
    """The cells of one design among many."""
    cells = netlist["modules"][top_module(netlist)]["cells"]
    return {key: cell for key, cell in cells.items() if key.startswith(f"{name}.")}


def blocks_of(netlist, name):
    """`packed_blocks` of one design among many."""
    top = top_module(netlist)
    module = {**netlist["modules"][top], "cells": cells_of(netlist, name)}
    return packed_blocks({"modules": {top: module}})


# Right as they are; what packing makes of them is spoilt, to see that it would be noticed.
SPOILT = {
    "spoilt_operands": ("MULT18X18D", {"REG_INPUTA_CLK": "NONE"}, product(A, B)),
    "spoilt_product": ("MULT18X18D", {"REG_PIPELINE_CLK": "CLK0"}, product(A, B, 1)),
    "spoilt_memory": ("DP16KD", {"REGMODE_A": "NOREG"}, memory(READ, after(1))),
}
DESIGNS = {name: body for name, (body, _) in CASES.items()} | {
    name: body for name, (_, _, body) in SPOILT.items()
}


@pytest.fixture(scope="module")
def packed():
    return pack(synthesise(DESIGNS))


def test_moved_exactly_where_the_circuit_stays_the_same(packed):
    for kind, names in (("MULT18X18D", MULTIPLIERS), ("DP16KD", MEMORIES)):
        for name in names:
            assert kind in {cell["type"] for cell in cells_of(packed, name).values()}, name
    found = {name: blocks_of(packed, name) for name in CASES}
    assert found == {name: NOTHING | wanted for name, (_, wanted) in CASES.items()}


@pytest.mark.soak
def test_the_netlist_does_what_the_verilog_says(packed):
    """Every clock from the first one on, of blocks with and without registers; a register too many
    or too few shows."""
    netlist = copy.deepcopy(packed)
    for name, (kind, parameters, _) in SPOILT.items():
        (cell,) = (cell for cell in cells_of(netlist, name).values() if cell["type"] == kind)
        cell["parameters"].update(parameters)
    seen = compare(DESIGNS, netlist, STEPS, 1)
    assert seen.differing == set(SPOILT)
    assert min(seen.moves.values()) > STEPS / 4


def test_the_netlist_given_is_left_as_it_is(packed):
    """Packing again finds nothing more, and nothing is done in place."""
    before = copy.deepcopy(packed)
    assert pack(packed) == before == packed


def any_layers(rng, name, of, most, width):
    """Up to `most` registers twice, each time of one kind."""
    first, second = (
        rng.choice(
            [{}] * 6
            + [{"when": RESET}, {"when": ENABLE}, {"start": "-1"}]
            + [{"edge": "posedge clk2"}, {"edge": "negedge clk"}]
        )
        for _ in range(2)
    )
    before = layers(f"{name}_in", of, rng.randint(0, most), width, **first)
    return before + layers(name, f"{name}_in", rng.randint(0, most), width, **second)


def any_design(rng):
    """A product, of a memory's word or not, with registers anywhere and values seen on the way."""
    body, of = "", "r[5:0]"
    if rng.random() < 0.4:
        write = "always @(posedge clk2) if (r[62]) m[r[16:11]] <= r[47:42];"
        body, of = memory(rng.choice((READ, ENABLE + READ)), "", 6, rng.choice(("", write))), "o"
    body += any_layers(rng, "a", of, 1, 6)
    body += any_layers(rng, "b", rng.choice(("r[25:20]", "{r[24:20], 1'b1}", "a_in")), 1, 6)
    body += any_layers(rng, "p", "a * b", 2, 12)
    return f"{body}assign q = {rng.choice(('p', 'p', '{a, p}', '{^p_in_0, p}', '{b, p_in, p}'))};"


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
def test_random_designs_stay_the_same(seed):
    """100 random designs in all, before and after packing, and some of each kind are packed."""
    rng = random.Random(seed)
    designs = {f"random_{k}": any_design(rng) for k in range(25)}
    netlist = synthesise(designs)
    assert all(packed_blocks(pack(netlist)).values())
    for each in (netlist, pack(netlist)):
        seen = compare(designs, each, 3 * STEPS, seed)
        assert not seen.differing
        assert min(seen.moves.values()) > STEPS / 20

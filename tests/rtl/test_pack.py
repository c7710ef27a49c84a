"""Registers in the ECP5's hard blocks: the same circuit, and moved exactly where that can be."""

import pytest

from rtl.flow.pack import pack, packed_blocks, top_module
from tests.rtl.netlists import compare, synthesise

STEPS = 600
NOTHING = {"memory outputs": 0, "operands": 0, "products": 0, "pipelines": 0}


def layers(name: str, of: str, count: int, width: int = 10, **how: str) -> str:
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
    """A product of 10 by 10 bits, the registers behind it, and what is seen of it all."""
    return "\n".join([a, b, layers("p", "a * b", after, 20, **how), f"assign q = {seen};"])


def memory(read: str, after: str = "", width: int = 18, write: str = "") -> str:
    """A block RAM with contents of its own, read into `o`, and what is done with that."""
    return f"""
(* ram_style = "block", no_rw_check *) reg [{width - 1}:0] m [0:63];
integer i;
initial for (i = 0; i < 64; i = i + 1) m[i] = i * 40'd3666999777 ^ i;
reg [{width - 1}:0] o = 0;
always @(posedge clk) {read}
{write}
{after}"""


A, B = layers("a", "r[9:0]", 1), layers("b", "r[29:20]", 1)
A0, B0 = layers("a", "r[9:0]", 0), layers("b", "r[29:20]", 0)
READ, RESET, ENABLE = "o <= m[r[5:0]];", "if (r[60]) {} <= 0; else ", "if (r[60]) "


def after(count: int, width: int = 18, seen: str = "p", **how: str) -> str:
    """Registers behind a memory, and what is seen of it all."""
    return layers("p", "o", count, width, **how) + f"\nassign q = {seen};"


MULTIPLIERS = {
    "nothing": (product(A0, B0), {}),
    "operands": (product(A, B), {"operands": 1}),
    "product": (product(A0, B0, 1), {"products": 1}),
    "both": (product(A, B, 1), {"operands": 1, "products": 1}),
    "pipelined": (product(A, B, 2), {"operands": 1, "products": 1, "pipelines": 1}),
    "deeper": (
        product(layers("a", "r[9:0]", 2), layers("b", "r[29:20]", 3), 3),
        {"operands": 1, "products": 1, "pipelines": 1},
    ),
    "one_operand": (product(A, B0), {}),
    "reset_operand": (product(A, layers("b", "r[29:20]", 1, when=RESET)), {}),
    "enabled_operand": (product(layers("a", "r[9:0]", 1, when=ENABLE), B), {}),
    "operand_of_1": (product(layers("a", "r[9:0]", 1, start="1"), B), {}),
    "operand_falling": (product(layers("a", "r[9:0]", 1, edge="negedge clk"), B), {}),
    "operands_of_two_clocks": (product(layers("a", "r[9:0]", 1, edge="posedge clk2"), B), {}),
    "reset_product": (product(A0, B0, 1, when=RESET), {}),
    "enabled_product": (product(A0, B0, 1, when=ENABLE), {}),
    "product_of_1": (product(A0, B0, 1, start="1"), {}),
    "product_falling": (product(A0, B0, 1, edge="negedge clk"), {}),
    "product_of_another_clock": (product(A, B, 1, edge="posedge clk2"), {"operands": 1}),
    "tapped_product": (product(A, B, 1, "{^p_0, p}"), {"operands": 1}),
    "tapped_layer": (product(A, B, 2, "{^p_1, p}"), {"operands": 1, "products": 1}),
    "layer_in_two_registers": (
        product(A, B, 1, "{t, u}") + layers("t", "p", 1, 20) + layers("u", "p", 1, 20, when=RESET),
        {"operands": 1, "products": 1},
    ),
    "constant_one": (
        product(layers("a", "{r[8:0], 1'b1}", 1), B, 1),
        {"operands": 1, "products": 1},
    ),
    "shared_operand": (product(A, B, 1, "{a, b, p}"), {"operands": 1, "products": 1}),
    "square": (product(A, layers("b", "a_0", 1), 1), {"operands": 1, "products": 1}),
    "accumulated": (
        product(A, B, seen="s") + "reg [30:0] s = 0; always @(posedge clk) s <= s + p;",
        {"operands": 1},
    ),
    "fed_back": (
        B + "reg signed [9:0] a = 0; wire signed [19:0] p = a * b;"
        "always @(posedge clk) a <= p[13:4] ^ r[59:50]; assign q = p;",
        {"operands": 1},
    ),
    "one_after_the_other": (
        product(A, B, 1, "p[9:0] * c") + layers("c", "r[49:40]", 1),
        {"operands": 2},
    ),
}
MEMORIES = {
    "rom": (memory(READ, after(0)), {}),
    "rom_registered": (memory(READ, after(1)), {"memory outputs": 1}),
    "rom_twice": (memory(READ, after(2)), {"memory outputs": 1}),
    "rom_36": (memory(READ, after(1, 36), 36), {"memory outputs": 1}),
    "rom_unused": (memory(READ, after(1, 11)), {"memory outputs": 1}),
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
            "reg [17:0] o2 = 0; always @(posedge clk) o2 <= m[r[26:21]];"
            + after(1, seen="{p2, p}")
            + layers("p2", "o2", 1, 18),
        ),
        {"memory outputs": 2},
    ),
    "rom_times": (
        memory(READ, layers("a", "o", 2, 18) + B + layers("p", "a * b", 1, 28) + "assign q = p;"),
        {"memory outputs": 1, "operands": 1, "products": 1},
    ),
}


def blocks_of(netlist, name):
    """`packed_blocks` of one design among many."""
    top = top_module(netlist)
    module = netlist["modules"][top]
    cells = {key: cell for key, cell in module["cells"].items() if key.startswith(f"{name}.")}
    return packed_blocks({"modules": {top: {**module, "cells": cells}}})


@pytest.fixture(scope="module")
def cases():
    return MULTIPLIERS | MEMORIES


@pytest.fixture(scope="module")
def mapped(cases):
    return synthesise({name: body for name, (body, _) in cases.items()})


@pytest.fixture(scope="module")
def packed(mapped):
    return pack(mapped)


def test_moved_exactly_where_the_circuit_stays_the_same(cases, packed):
    found = {name: blocks_of(packed, name) for name in cases}
    assert found == {name: NOTHING | wanted for name, (_, wanted) in cases.items()}


def test_netlists_do_what_the_verilog_says(cases, mapped, packed):
    """Every clock from the first one on, before and after packing."""
    designs = {name: body for name, (body, _) in cases.items()}
    seen = compare(designs, [mapped, packed], STEPS, 1)
    assert seen.differing == [set(), set()]
    assert min(seen.moves.values()) > STEPS / 4

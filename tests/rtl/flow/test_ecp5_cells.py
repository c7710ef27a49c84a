"""Models of the ECP5's hard blocks: multipliers proven against Verilog's `*`, memories simulated
against the Verilog that Yosys maps to them."""

import itertools

import pytest

from rtl.flow.cells import cell_models
from rtl.flow.errors import ToolFailedError
from rtl.flow.families.ecp5 import ECP5
from rtl.flow.families.ecp5_pack import top_module
from tests.rtl.flow.netlists import compare, synthesise, yosys

STEPS = 1500
WIRES = {
    **{f"{side.upper()}{i}": f"wide_{side}[{i}]" for side in "ab" for i in range(18)},
    **{f"P{i}": f"p[{i}]" for i in range(36)},
}
CHECK = f"""
module check #(
  parameter SIGNED_A = 0, parameter SIGNED_B = 0,
  parameter INPUT = 0, parameter PIPELINE = 0, parameter OUTPUT = 0
) (input clk, input [3:0] a, input [3:0] b);
  wire signed [17:0] wide_a = {{{{14{{SIGNED_A & a[3]}}}}, a}};
  wire signed [17:0] wide_b = {{{{14{{SIGNED_B & b[3]}}}}, b}};
  wire [35:0] p;
  MULT18X18D #(
    .REG_INPUTA_CLK(INPUT ? "CLK0" : "NONE"), .REG_INPUTB_CLK(INPUT ? "CLK0" : "NONE"),
    .REG_PIPELINE_CLK(PIPELINE ? "CLK0" : "NONE"), .REG_OUTPUT_CLK(OUTPUT ? "CLK0" : "NONE")
  ) block (
    .CLK0(clk), .CE0(1'b1), .RST0(1'b0), .SIGNEDA(SIGNED_A), .SIGNEDB(SIGNED_B),
    {", ".join(f".{port}({wire})" for port, wire in WIRES.items())}
  );
  reg signed [17:0] held_a = 0, held_b = 0;
  reg signed [35:0] first = 0, second = 0;
  wire signed [35:0] product = INPUT ? held_a * held_b : wide_a * wide_b;
  always @(posedge clk) begin
    held_a <= wide_a;
    held_b <= wide_b;
    first <= product;
    second <= first;
  end
  always @* assert (p == (PIPELINE & OUTPUT ? second : PIPELINE | OUTPUT ? first : product));
endmodule
"""


def prove(check, choices):
    """Prove `check` for some choices of its parameters, in every clock, by induction."""
    checks = "\n".join(
        f"check #({', '.join(map(str, chosen))}) c{k} (clk, a, b);"
        for k, chosen in enumerate(choices)
    )
    top = f"module all (input clk, input [3:0] a, input [3:0] b);\n{checks}\nendmodule\n"
    return yosys(
        "read_verilog models.v",
        "read_verilog -formal in.v",
        "hierarchy -check -top all",
        "proc; flatten; opt -full; wreduce; opt; chformal -lower",
        "sat -tempinduct -prove-asserts -set-def-inputs -maxsteps 8 -verify all",
        files={"models.v": cell_models(ECP5), "in.v": check + top},
    )


def test_a_multiplier_is_registers_and_a_product():
    """Operands of 4 bits, signed and unsigned, and every combination of registers."""
    assert "SUCCESS!" in prove(CHECK, itertools.product((0, 1), repeat=5))


def test_the_proof_notices_a_wrong_product():
    with pytest.raises(ToolFailedError, match="proof did fail"):
        prove(
            CHECK.replace("held_a * held_b", "held_a * held_b ^ (held_a == 7)"), [(1, 0, 1, 1, 1)]
        )


def ram(width, depth, first, second=""):
    """A block RAM of which 32 words are used, of different rows and places in them: `first` is done
    by a port at address `at`, `second` by one at `to`; `write` and `other` say when."""
    place = f"* {depth // 32} + %s %% {min(depth // 32, 32)}"
    index = (depth - 1).bit_length() - 1
    return f"""
(* ram_style = "block", no_rw_check *) reg [{width - 1}:0] m [0:{depth - 1}];
reg [{width - 1}:0] o = 0, p = 0;
wire [{index}:0] at = r[4:0] {place % "r[4:0]"}, to = r[9:5] {place % "r[9:5]"};
wire write = r[10], other = r[11] & at != to;
wire [{width - 1}:0] data = r[63:28], more = r[60:20];
integer i;
initial for (i = 0; i < 32; i = i + 1) m[i {place % "i"}] = i * 40'd3666999777 ^ i;
{first}
{second}
assign q = {{p, 4'd0}} ^ o;"""


BEFORE = "begin if (write) m[at] <= data; o <= m[at]; end"
THROUGH = "if (write) begin m[at] <= data; o <= data; end else o <= m[at];"
EITHER = "if (write) m[at] <= data; else o <= m[at];"
SECOND = "always @(posedge clk2) begin if (other) m[to] <= more; p <= m[to]; end"
WRITE = "always @(posedge clk2) if (write) m[to] <= data;"

PAIRS = """always @(posedge clk2) if (write) begin
  m[{to[9:1], 1'b0}] <= r[45:28];
  m[{to[9:1], 1'b1}] <= r[63:46];
end"""


def bytes_of(count):
    """Write each of a word's bytes or not."""
    writes = "".join(
        f"if (r[{12 + k}]) m[to][{9 * k} +: 9] <= data[{9 * k} +: 9];" for k in range(count)
    )
    return f"begin {writes} end"


MEMORIES = {
    "by_1": ram(1, 16384, f"always @(posedge clk) {BEFORE}", SECOND),
    "by_2": ram(2, 8192, f"always @(posedge clk) {THROUGH}", SECOND),
    "by_4": ram(4, 4096, f"always @(posedge clk) {EITHER}", SECOND),
    "by_9": ram(9, 2048, f"always @(posedge clk) if (r[12]) {BEFORE}", SECOND),
    "by_18": ram(
        18, 1024, f"always @(posedge clk) {BEFORE}", f"always @(posedge clk2) {bytes_of(2)}"
    ),
    "by_36": ram(
        36, 512, "always @(posedge clk) o <= m[at];", f"always @(posedge clk2) {bytes_of(4)}"
    ),
    "reset": ram(
        36, 512, "always @(posedge clk) if (r[12]) o <= 0; else if (r[13]) o <= m[at];", WRITE
    ),
    "reset_at_once": ram(
        36, 512, "always @(posedge clk, posedge r[12]) if (r[12]) o <= 0; else o <= m[at];", WRITE
    ),
    "pairs": ram(18, 1024, "always @(posedge clk) o <= m[at];", PAIRS),
    "falling": ram(18, 1024, "always @(negedge clk) o <= m[at];", WRITE),
}


@pytest.fixture(scope="module")
def mapped():
    return synthesise(MEMORIES)


def test_the_memories_are_mapped_to_every_mode(mapped):
    """Widths, what a port reads while it writes, resets and clock edges: all that Yosys uses."""
    cells = mapped["modules"][top_module(mapped)]["cells"].values()
    found = [cell["parameters"] for cell in cells if cell["type"] == "DP16KD"]
    assert len(found) == len(MEMORIES)
    widths = {(int(p["DATA_WIDTH_A"], 2), int(p["DATA_WIDTH_B"], 2)) for p in found}
    assert widths == {(1, 1), (2, 2), (4, 4), (9, 9), (18, 18), (36, 36), (36, 18)}
    modes = {p.get(f"WRITEMODE_{side}") for p in found for side in "AB"}
    assert modes == {None, "NORMAL", "READBEFOREWRITE", "WRITETHROUGH"}
    assert {p["RESETMODE"] for p in found} == {"SYNC", "ASYNC"}
    assert {p["CLKBMUX"] for p in found} == {"CLKB", "INV"}


def test_memories_do_what_the_verilog_says(mapped):
    seen = compare(MEMORIES, mapped, STEPS, 2)
    assert not seen.differing
    assert min(seen.moves.values()) > STEPS / 4

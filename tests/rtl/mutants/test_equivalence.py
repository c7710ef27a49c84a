"""Equivalence of mutants: what is called equivalent never differs, and what needs a search is
found."""

import random

import pytest

from rtl.mutants.aiger import read, read_text
from rtl.mutants.equivalence import PORT, PROVEN, SAME, Try, _machine, equivalent
from rtl.mutants.mutant import candidates, choose, selectable

TOP = "small"
TEXT = """
module small(input clk, input rst, input [1:0] a, output reg [1:0] q);
  reg [2:0] count = 0;
  reg [1:0] held = 0;
  wire never = count[2] & count[1];
  wire [1:0] dead = held & 2'b00;
  always @(posedge clk) begin
    count <= count == 3'd4 ? 3'd0 : count + 3'd1;
    held <= a;
    q <= a ^ {2{never}} ^ dead;
    if (rst) begin count <= 0; q <= 0; end
  end
  initial q = 0;
endmodule
"""
INNER = """
module gate(input [1:0] a, input on, output [1:0] q);
  assign q = (~a) & {2{on}};
endmodule
"""


@pytest.fixture(scope="module")
def mutants():
    return choose(candidates(TEXT, TOP), 40, 1)


@pytest.fixture(scope="module")
def found(mutants):
    return equivalent(TEXT, TOP, mutants, (Try(False, 0, False), Try(False, 0, True)))


def test_what_simulation_tells_apart_is_not_equivalent(mutants, found):
    """Each mutant beside the sound machine for 300 clocks; of the others some are equivalent."""
    machine = _machine(selectable(TEXT, TOP, mutants, PORT), TOP)
    sound = simulated(machine, 0)
    differ = {m for k, m in enumerate(mutants, 1) if simulated(machine, k) != sound}
    assert len(differ) > 15
    assert not differ & set(found)
    assert len(found) >= 5


def test_a_state_that_cannot_be_reached_is_found_to_be_so(mutants, found):
    """The counter ends at 4, so `never` is never 1, whatever reads it."""
    assert PROVEN in found.values()
    never = next(m for m in mutants if m in found and "never" in m.cell)
    assert found[never] == PROVEN
    assert equivalent(TEXT, TOP, [never], (Try(False, 0, False),)) == {}


def test_equal_logic_needs_no_search():
    """What feeds a gate that is off is seen by nobody, though each module alone needs it."""
    text = INNER + TEXT.replace("q <= a ^", "q <= gated ^ a ^").replace(
        "wire never", "wire [1:0] gated;\n  gate gate(a, 1'b0, gated);\n  wire never"
    )
    inner = [mutant for mutant in candidates(text, TOP) if mutant.module == "gate"]
    unseen = [mutant for mutant in inner if mutant.port == "A" and mutant.mode == "inv"]
    assert unseen
    assert set(equivalent(text, TOP, unseen, (Try(False, 0, False),)).values()) == {SAME}


def test_a_machine_is_the_same_in_both_forms(tmp_path):
    machine = read_text("aag 4 2 1 1 1\n2\n4\n6 8\n7\n8 2 6\ni0 a\ni1 b\n")
    machine.write(tmp_path / "machine.aig")
    again = read(tmp_path / "machine.aig")
    assert machine.inputs == {"a": 2, "b": 4}
    assert (again.registers, again.outputs, again.ands) == ([(6, 8)], [7], [(8, 6, 2)])
    assert simulated(machine, 0) == simulated(again, 0)


def simulated(machine, number):
    """Outputs of 300 clocks of the same random inputs."""
    chance, state, shown = random.Random(7), dict.fromkeys((r for r, _ in machine.registers), 0), []
    for _ in range(300):
        now = {0: 0} | state
        for name, literal in machine.inputs.items():
            bit = name.removeprefix(PORT).strip("[]") if name.startswith(PORT) else None
            drawn = chance.random() < (0.05 if name == "rst" else 0.5)
            now[literal] = drawn if bit is None else number >> int(bit or 0) & 1
        for node, one, other in machine.ands:
            now[node] = (now[one & ~1] ^ one & 1) & (now[other & ~1] ^ other & 1)
        shown.append([now[literal & ~1] ^ literal & 1 for literal in machine.outputs])
        state = {register: now[at & ~1] ^ at & 1 for register, at in machine.registers}
    return shown

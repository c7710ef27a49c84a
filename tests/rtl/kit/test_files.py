"""Templates, waivers and the header of the Verilog, beside what tools and the JSON say."""

import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from golden.version import VERSION
from rtl import verilog
from rtl.kit.files import files
from rtl.kit.header import END, digest
from sim.recording import record
from tests.rtl.support import any_codes, planned, quantized, stack
from tests.rtl.test_verilog import LINTS, run_tool

WALL = [*LINTS["verilator"][:2], "-Wall", "--quiet"]
Text = Callable[[str], str]


@cache
def kits() -> dict[str, dict[str, str]]:
    rng = np.random.default_rng(4)
    qnet = quantized(stack(rng, 3, 2, outputs=1), rng, 10)
    plain = planned(qnet, 4, state_port=True, load_port=True)
    wrapped = planned(qnet, 2, state_port=True)
    codes = any_codes(rng, qnet, 2, 5)
    return {
        "plain": files(plain, record(plain, codes)),
        "AXI": files(wrapped, record(wrapped, codes), axi=True),
    }


every = pytest.mark.parametrize("kit", ["plain", "AXI"])


def of(kit: str, suffix: str) -> str:
    """The text of a file."""
    return kits()[kit][f"carousel_network{suffix}"]


def put(kit: str, folder: Path, *suffixes: str) -> list[str]:
    return [
        path.name
        for path in verilog.put(
            {f"carousel_network{suffix}": of(kit, suffix) for suffix in suffixes}, folder
        )
    ]


@every
def test_all_warnings_are_waived_by_rule(kit, tmp_path):
    """Not a word with -Wall; without the file of waivers there are many, and each of its rules has
    a comment before it."""
    names = put(kit, tmp_path, ".vlt", ".v")
    assert run_tool([*WALL, *names], tmp_path) == ""
    waived = set(re.findall(r"lint_off -rule (\w+)", of(kit, ".vlt")))
    said = run_tool([*WALL, "-Wno-fatal", names[1]], tmp_path)
    assert set(re.findall(r"^%Warning-(\w+)", said, re.M)) == waived
    assert len(re.findall(r"^//.*\n(?://.*\n)?lint_off", of(kit, ".vlt"), re.M)) == len(waived)


@every
def test_the_verilog_instance_fits(kit, tmp_path):
    """In a module of its own it is taken with all warnings but those of wires that nobody uses; an
    instance that lacks a port is not."""
    names, template = put(kit, tmp_path, ".vlt", ".v"), of(kit, ".veo")
    command = [*WALL, "-Wno-UNUSEDSIGNAL", "-Wno-UNDRIVEN", "--top", "around", *names, "around.v"]
    (tmp_path / "around.v").write_text(f"module around;\n{template}endmodule\n")
    assert run_tool(command, tmp_path) == ""
    port = re.search(r"^    \.\w+ +\(\w+\),\n", template, re.M)
    assert port
    lacking = template.replace(port[0], "")
    (tmp_path / "around.v").write_text(f"module around;\n{lacking}endmodule\n")
    with pytest.raises(AssertionError, match="PINMISSING"):
        run_tool(command, tmp_path)


@every
def test_the_vhdl_component_has_every_port(kit):
    """With way and width, and each is a signal that the instance connects."""
    text, ports = of(kit, ".vho"), json.loads(of(kit, ".core.json"))["ports"]
    declared = re.findall(r"^    (\w+) +: (in |out) ([^;]*?);?  --", text, re.M)
    kinds = {
        port["name"]: "std_logic"
        if port["width"] == 1
        else f"std_logic_vector({port['width'] - 1} downto 0)"
        for port in ports
    }
    assert [(name, way.strip() + "put", kind) for name, way, kind in declared] == [
        (port["name"], port["direction"], kinds[port["name"]]) for port in ports
    ]
    assert dict(re.findall(r"^signal (\w+) +: (.*);", text, re.M)) == kinds
    assert re.findall(r"^    (\w+) +=> (\w+)", text, re.M) == [(name, name) for name in kinds]


@every
def test_the_header_says_what_the_file_is(kit):
    """Version, every port, and the hash of what stands below it, by which the file is known."""
    text, ports = of(kit, ".v"), json.loads(of(kit, ".core.json"))["ports"]
    head, _, below = text.partition(END)
    sha = hashlib.sha256(below.encode()).hexdigest()
    assert f"written by carousel {VERSION}." in head and f"//          {sha}\n" in head
    assert sha == digest(text) == digest(below) != digest(below + "\n")
    lines = re.findall(r"^// (\w+) +(input|output) +(\d+) .*[a-z]", head, re.M)
    assert lines == [(port["name"], port["direction"], str(port["width"])) for port in ports]
    assert max(map(len, head.splitlines())) <= 120

"""The register map for other tools, and projects: as their own programs read them."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from peakrdl_cheader.exporter import CHeaderExporter
from peakrdl_html import HTMLExporter
from peakrdl_ipxact import IPXACTExporter
from systemrdl import RDLCompiler

from rtl.kit.files import files
from rtl.verilog import put
from sim.recording import record
from tests.rtl.support import any_codes, planned, quantized, stack


@pytest.fixture(scope="module")
def kit() -> dict[str, str]:
    rng = np.random.default_rng(4)
    qnet = quantized(stack(rng, 3, 2, outputs=1), rng, 10)
    plan = planned(qnet, 2, state_port=True, load_port=True)
    return files(plan, record(plan, any_codes(rng, qnet, 2, 5)), axi=True, memory_files=True)


@pytest.fixture(scope="module")
def compiled(kit, tmp_path_factory):
    """The SystemRDL, elaborated."""
    path = tmp_path_factory.mktemp("rdl") / "core.rdl"
    path.write_text(kit["carousel_network.rdl"])
    compiler = RDLCompiler()
    compiler.compile_file(str(path))
    return compiler.elaborate().top


def test_the_compiler_finds_the_table_again(kit, compiled):
    """Every register at its offset, every field with its bits, reset and access, and no other."""
    table = json.loads(kit["carousel_network.registers.json"])["registers"]
    found = [
        {
            "name": register.inst_name,
            "offset": register.address_offset,
            "fields": [
                {
                    "name": field.inst_name,
                    "lsb": field.low,
                    "width": field.width,
                    "reset": field.get_property("reset"),
                    "access": field.get_property("sw").name,
                }
                for field in register.fields()
            ],
        }
        for register in compiled.registers()
    ]
    access = {"ro": "r", "rw": "rw", "wo": "w"}
    wanted = [
        {
            "name": register["name"],
            "offset": register["offset"],
            "fields": [
                {
                    **{key: field[key] for key in ("name", "lsb", "width")},
                    "reset": field["reset"]
                    if field["reset"] is None
                    else field["reset"] & (1 << field["width"]) - 1,
                    "access": access[register["access"]],
                }
                for field in register["fields"]
            ],
        }
        for register in table
    ]
    assert found == wanted and len(found) > 20


def test_other_tools_export_it(compiled, tmp_path):
    """A C header, IP-XACT and a page, each with the registers in it."""
    CHeaderExporter().export(compiled, path=str(tmp_path / "core.h"))
    IPXACTExporter().export(compiled, str(tmp_path / "core.xml"))
    HTMLExporter().export(compiled, str(tmp_path / "page"))
    for path in (tmp_path / "core.h", tmp_path / "core.xml"):
        assert "STATE_ADDRESS" in path.read_text()
    assert (tmp_path / "page" / "index.html").is_file()


def test_the_driver_knows_the_same_registers(kit):
    """Those of this core at their offsets, and every bit of the control and status registers."""
    defined = dict(re.findall(r"#define CAROUSEL_(\w+) (0x\w+)u", kit["carousel_registers.h"]))
    table = json.loads(kit["carousel_network.registers.json"])["registers"]
    for register in table:
        assert int(defined[register["name"]], 16) == register["offset"]
        if register["name"] in ("CONTROL", "STATUS"):
            for field in register["fields"]:
                assert int(defined[f"{register['name']}_{field['name'].upper()}"], 16) == (
                    1 << field["lsb"]
                )


@pytest.mark.parametrize("end", [".core", "_vivado.tcl", "_quartus.tcl", ".vlt"])
def test_every_file_that_a_project_names_is_there(kit, end):
    text = kit[f"carousel_network{end}"]
    named = set(re.findall(r"carousel_network[\w.]*\.(?:v|mem|vlt|xdc|sdc)\b", text))
    assert named and named <= set(kit)
    memories = {name for name in kit if re.fullmatch(r"carousel_network_\d+\.mem", name)}
    assert memories and (end == ".vlt" or memories <= named)
    assert text.count("{") == text.count("}") and text.count("[") == text.count("]")


def test_fusesoc_lints_it(kit, tmp_path, monkeypatch):
    """With its own set-up of the target; an undeclared wire is found."""
    put(kit, tmp_path)
    monkeypatch.setenv("PATH", _with_verilator())
    command = [sys.executable, "-m", "fusesoc.main", "--cores-root", ".", "run", "--target", "lint"]
    options = {"cwd": tmp_path, "capture_output": True, "text": True, "check": False}
    done = subprocess.run([*command, "carousel_network"], **options)
    assert done.returncode == 0, done.stdout + done.stderr
    path = tmp_path / "carousel_network.v"
    path.write_text(path.read_text().replace("assign o", "assign wrong.o", 1))
    assert subprocess.run([*command, "carousel_network"], **options).returncode != 0


def _with_verilator() -> str:
    from sim.tools import tool_environment

    return tool_environment()["PATH"]

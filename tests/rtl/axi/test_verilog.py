"""The Verilog of a core in AXI, and what is written about it."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from fixedpoint.network import QuantizedNetwork
from golden.errors import CarouselError
from rtl.axi.table import KINDS, registers
from tests.rtl.axi.test_load import Loadable
from tests.rtl.support import planned, quantized, stack, write_core
from tests.rtl.test_verilog import LINTS, run_tool

DOCS = Path(__file__).parents[3] / "docs" / "axi.md"


@pytest.fixture(scope="module")
def qnet() -> QuantizedNetwork:
    rng = np.random.default_rng(4)
    return quantized(stack(rng, 2, 1, outputs=1), rng, 10)


@pytest.fixture(scope="module")
def written(qnet, tmp_path_factory) -> tuple[Path, ...]:
    """The core in its wrapper, and what is written about it."""
    return write_core(qnet, tmp_path_factory.mktemp("axi"), axi=True)


@pytest.mark.parametrize("tool", LINTS)
def test_other_tools_accept_it(written, tool, tmp_path):
    """Not a word about the core in its wrapper."""
    shutil.copyfile(written[0], tmp_path / "top.v")
    assert run_tool(LINTS[tool], tmp_path) == ""


def test_the_json_says_what_the_verilog_declares(written):
    """Every port with direction and width, and no clock or reset besides AXI's."""
    text, about, markdown, table = written
    assert [path.name for path in (markdown, table)] == [
        "carousel_network.registers.md",
        "carousel_network.registers.json",
    ]
    ports = json.loads(about.read_text())["ports"]
    module = re.search(r"^module carousel_\w*\(.*?^endmodule", text.read_text(), re.S | re.M)
    assert module
    declared = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", module[0], re.M)
    wanted = {(port["direction"], port["width"], port["name"]) for port in ports}
    assert {(way, int(high or 0) + 1, name) for way, high, name in declared} == wanted
    names = {port["name"] for port in ports}
    assert {"aclk", "aresetn"} < names and len(names) == 2 + 4 + 4 + 19
    assert all(re.match(r"a|s_axis_t|m_axis_t|s_axil_(aw|w|b|ar|r)", name) for name in names)


def test_nothing_is_half_written(qnet, tmp_path):
    """A folder where one of the four files cannot be: none of the others is left."""
    (tmp_path / "carousel_network.registers.json").mkdir()
    with pytest.raises(CarouselError, match="carousel_network.registers.json"):
        write_core(qnet, tmp_path, axi=True)
    assert [path.name for path in tmp_path.iterdir()] == ["carousel_network.registers.json"]


def test_the_manual_lists_every_register():
    """Those of any core, at their offsets, and no other."""
    listed = dict(re.findall(r"^\| `(0x..)` \| `(\w+)` \|", DOCS.read_text(), re.M))
    rng = np.random.default_rng(4)
    loadable = Loadable(quantized(stack(rng, 2, 1), rng, 8), 40)
    loadable.saturation_kinds = tuple(KINDS)
    found = [*registers(loadable)]
    for option in ("state_port", "protect"):
        found += registers(planned(loadable.qnet, **{option: True}))
    assert {f"0x{each.offset:02X}": each.name for each in found} == listed

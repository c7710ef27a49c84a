"""The Verilog of every kind of cell, of the state port and of offline cores."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from golden.network import Network
from tests.rtl.offline.test_parts import network
from tests.rtl.support import quantized, write_core
from tests.rtl.test_core_cells import cell
from tests.rtl.test_verilog import LINTS, run_tool


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> list[Path]:
    """Peepholes, projection, initial states and the state port in one core; an offline core with a
    pair of directions."""
    rng, folder = np.random.default_rng(6), tmp_path_factory.mktemp("cells")
    options = {"peepholes": True, "projection": 2, "start": True, "gate": "hard"}
    seeing = quantized(Network((cell(rng, 3, 4, **options),), name="seeing"), rng)
    pair = network("p", "last", "sigma")
    return [
        write_core(seeing, folder / "seeing", state_port=True)[0],
        write_core(pair, folder / "pair")[0],
    ]


@pytest.mark.parametrize("tool", LINTS)
def test_other_tools_accept_every_kind_of_cell(written, tool, tmp_path):
    """Not a word."""
    for path in written:
        shutil.copyfile(path, tmp_path / "top.v")
        assert run_tool(LINTS[tool], tmp_path) == ""


def test_the_json_says_what_the_new_ports_are(tmp_path):
    """The state port's words by address, which output leaves, and what holding sequences costs."""
    rng = np.random.default_rng(6)
    one = quantized(Network((cell(rng, 2, 2, projection=1),), name="one", output="last"), rng)
    about = json.loads(write_core(one, tmp_path, state_port=True)[1].read_text())
    assert about["output"]["steps"] == "last"
    places = [(word["kind"], word["index"]) for word in about["state_words"]]
    assert places == [("s", 0), ("s", 1), ("m", 0), ("m", 1), ("y", 0)]
    ports = {port["name"]: port["direction"] for port in about["ports"]}
    assert {name for name in ports if name.startswith("state")} == {
        *("state_address", "state_write", "state_in", "state_out"),
    }
    assert ports["idle"] == ports["state_out"] == "output"
    pair = json.loads(
        write_core(network("p", "every", None), tmp_path, max_length=9)[1].read_text()
    )
    assert pair["max_length"] == 9 and pair["sequence_memory_bits"] > 0
    assert "too_long" in {port["name"] for port in pair["ports"]}

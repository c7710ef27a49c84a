"""The FPGA flow with the real tools: a tiny core on an iCE40."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from fixedpoint import quantize
from rtl import CorePlan
from rtl.flow import Implementation, alone, find, implement, synthesise, write_bitstream
from rtl.flow.tools import YOSYS, run
from rtl.verilog import Top, convert
from tests.fixedpoint.nets import forget_network
from tests.rtl.support import planned

DEVICE = find("ice40-up5k")
PREAMBLE = bytes.fromhex("7eaa997e")
INPUTS = 8 + 4  # bits of i_data, i_first, i_last, i_valid, o_ready, without reset
OUTPUTS = 8 + 4


def core() -> CorePlan:
    net, x = forget_network(inputs=1, cells=2)
    return planned(quantize(net, bits=8, calibrate=x), 2)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("ice40")


@pytest.fixture(scope="module")
def done(place) -> Implementation:
    return implement(alone(core()), DEVICE, place, freq=40.0, seeds=(3,))


def log(place: Path) -> str:
    return (place / "nextpnr-3.log").read_text()


def test_the_clock_is_the_one_that_the_placer_reports_after_routing(done, place):
    said = re.findall(r"Max frequency for clock '[^']*': ([0-9.]+) MHz .* at 40.00 MHz", log(place))
    assert done.best.fmax == pytest.approx(float(said[-1]), abs=0.005)
    assert done.best.seed == 3


def test_the_critical_path_fills_the_clock_to_the_last_picosecond(done):
    path = done.best.path
    assert path.total == pytest.approx(1000 / done.best.fmax, abs=1e-3)
    assert path.logic > 0
    assert path.routing > 0


def test_what_is_used_and_there_is_what_the_placer_counts(done, place):
    said = {
        name: (int(used), int(there))
        for name, used, there in re.findall(r"Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%", log(place))
    }
    assert done.usage["logic cell"] == said["ICESTORM_LC"]
    assert done.usage["DSP"] == said["ICESTORM_DSP"]
    assert done.usage["block RAM"] == said["ICESTORM_RAM"]
    assert {name: there for name, (_, there) in done.usage.items()} == DEVICE.has
    assert done.usage["DSP"][0] > 2


def test_the_bitstream_is_one_of_an_ice40(done, place):
    file = write_bitstream(done, place)
    assert file is not None
    assert PREAMBLE in file.read_bytes()[:256]


def cells(text: str, top: str, folder: Path) -> Counter[str]:
    """The cells of a flat design, of their widths, before they are mapped to a device."""
    (folder / "in.v").write_text(text)
    script = f"read_verilog in.v; prep -flatten -top {top}; opt -full; delete t:$scopeinfo"
    run(YOSYS, ["-p", f"{script}; tee -q -o out.json stat -json -width"], folder, "log", "")
    (module,) = json.loads((folder / "out.json").read_text())["modules"].values()
    return Counter(module["num_cells_by_type"])


def test_on_few_pins_nothing_of_the_core_is_lost_and_only_registers_are_added(tmp_path):
    """The same core with all of its ports as pins is the oracle."""
    made = core()
    design = alone(made)
    there = cells(design.verilog, design.top, tmp_path)
    bare = cells(convert(Top(made), design.top), design.top, tmp_path)
    assert bare.total() > 300 and not bare - there
    added = {name.rpartition("_")[::2]: count for name, count in (there - bare).items()}
    assert {kind for kind, _ in added} == {"$dff"}
    assert sum(int(width) * count for (_, width), count in added.items()) == INPUTS + OUTPUTS


@pytest.mark.soak
def test_on_few_pins_as_much_is_lost_and_added_in_a_devices_own_cells(done, tmp_path):
    made = core()
    bare = synthesise(convert(Top(made), "bare"), "bare", DEVICE, tmp_path)
    used, there = DEVICE.family.used(bare.cells), DEVICE.family.used(done.netlist.cells)
    assert there["FF"] - used["FF"] == INPUTS + OUTPUTS
    assert abs(there["LUT4"] - used["LUT4"]) <= used["LUT4"] // 50

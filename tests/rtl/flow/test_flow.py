"""The FPGA flow around the tools: what fits, what is said of a path, what a failing tool leaves."""

import json
import os
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fixedpoint import quantize
from rtl.flow import DEVICES, Figures, FlowError, Implementation, Placement, find, fit
from rtl.flow.design import Design
from rtl.flow.errors import ToolFailedError
from rtl.flow.family import DSP, FF, LUT, RAM
from rtl.flow.nextpnr import place
from rtl.flow.timing import critical_path
from rtl.flow.tools import Tool, check, run
from rtl.flow.yosys import Netlist, synthesise
from tests.fixedpoint.nets import forget_network
from tests.rtl.support import planned


def netlist(folder: Path = Path(), **cells: int) -> Netlist:
    return Netlist("top", folder / "top.json", cells)


def test_a_device_that_is_not_known_is_named_with_those_that_are():
    with pytest.raises(FlowError) as caught:
        find("ecp6-85k")
    assert str(caught.value).startswith("device 'ecp6-85k': must be one of ")
    assert all(name in str(caught.value) for name in DEVICES)


def test_a_missing_package_is_named_with_what_installs_it():
    gone = Tool("place", "no_such_package_a", "run"), Tool("pack", "no_such_package_b", "run")
    with pytest.raises(FlowError) as caught:
        check((Tool("there", "json", "run"), *gone, gone[0]))
    assert "no-such-package-a and no-such-package-b, not installed" in str(caught.value)
    assert "carousel-lstm[fpga]" in str(caught.value)


FULL = {"LUT4": 24288 - 200, "CCU2C": 100, "TRELLIS_FF": 24288, "MULT18X18D": 28, "DP16KD": 56}


def test_a_netlist_that_takes_all_of_a_device_passes():
    fit.check(netlist(**FULL), find("ecp5-25k"))


@pytest.mark.parametrize(
    ("cell", "more", "words"),
    [
        ("LUT4", 1, "24,289 LUT4 of 24,288"),
        ("CCU2C", 1, "24,290 LUT4 of 24,288"),
        ("TRELLIS_DPR16X4", 1, "24,294 LUT4 of 24,288"),
        ("TRELLIS_FF", 1, "24,289 FF of 24,288"),
        ("MULT18X18D", 1, "29 DSP of 28"),
        ("DP16KD", 1, "57 block RAM of 56"),
    ],
)
def test_one_cell_too_many_is_refused_with_the_numbers_and_a_device_that_is_large_enough(
    cell, more, words
):
    cells = {**FULL, cell: FULL.get(cell, 0) + more}
    with pytest.raises(FlowError) as caught:
        fit.check(netlist(**cells), find("ecp5-25k"))
    assert str(caught.value).startswith(f"device ecp5-25k is too small: the design needs {words};")
    assert "or --device ecp5-45k will help" in str(caught.value)


def test_where_no_device_is_large_enough_none_is_proposed():
    with pytest.raises(FlowError, match="or a larger device will help"):
        fit.check(netlist(SB_LUT4=7681, SB_MAC16=1), find("ice40-hx8k"))


def test_widths_that_take_several_blocks_a_product_are_named():
    with pytest.raises(FlowError) as caught:
        fit.check(netlist(MULT18X18D=46), find("ecp5-25k"), (20, 19))
    assert "a product of 20 x 19 bits takes up to 4 DSP, one of 18 x 18 takes 1" in str(
        caught.value
    )
    with pytest.raises(FlowError) as caught:
        fit.check(netlist(MULT18X18D=46), find("ecp5-25k"), (18, 18))
    assert "a product" not in str(caught.value)
    assert "--bits" not in str(caught.value)


def test_flip_flops_of_every_kind_count():
    kinds = {"SB_DFF": 1, "SB_DFFESR": 2, "SB_DFFSS": 4, "SB_DFFNER": 8, "SB_LUT4": 3}
    assert find("ice40-up5k").family.used(kinds) == {LUT: 3, FF: 15, DSP: 0, RAM: 0}


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Makes a tool of a few lines of Python, which stand in a function with arguments `argv`."""

    def make(code: str) -> Tool:
        text = textwrap.indent(textwrap.dedent(code), "    ")
        (tmp_path / "fake_tool.py").write_text(f"import os, sys, time\ndef run(argv):\n{text}")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return Tool("fake", "fake_tool", "run")

    return make


def test_a_tool_that_fails_is_named_with_its_first_error_and_its_log(fake, tmp_path):
    tool = fake("""
        print("Info: placing")
        print("ERROR: the first thing")
        print("ERROR: what came of it")
        return 3""")
    with pytest.raises(ToolFailedError) as caught:
        run(tool, [], tmp_path, "log", "Stage")
    assert str(caught.value) == "fake failed with status 3: the first thing"
    assert caught.value.log.read_text().splitlines()[0] == "Info: placing"


def test_a_tool_that_crashes_is_named_with_its_last_words(fake, tmp_path):
    with pytest.raises(ToolFailedError, match="status 1: RuntimeError: out of bounds"):
        run(fake("raise RuntimeError('out of bounds')"), [], tmp_path, "log", "Stage")


def test_progress_shows_the_stage_and_what_the_tool_says_while_it_runs(fake, tmp_path):
    tool = fake("""
        print("Info:     at iteration #3", flush=True)
        while not os.path.exists("seen"):
            time.sleep(0.01)""")
    shown = []

    def progress(stage: str, message: str) -> None:
        shown.append((stage, message))
        if message == "at iteration #3":
            (tmp_path / "seen").touch()

    run(tool, [], tmp_path, "log", "Placing", progress)
    assert shown[0] == ("Placing", "")
    assert ("Placing", "at iteration #3") in shown


def test_ctrl_c_ends_the_tool_and_removes_its_temporary_files(fake, tmp_path):
    tool = fake("""
        import tempfile
        open(os.path.join(tempfile.gettempdir(), "rubbish"), "w").close()
        print(os.getpid(), tempfile.gettempdir(), flush=True)
        time.sleep(1000)""")
    said = []

    def progress(stage: str, message: str) -> None:
        if message:
            said.append(message.split())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tool, [], tmp_path, "log", "Stage", progress)
    process, temporary = said[0]
    with pytest.raises(ProcessLookupError):
        os.kill(int(process), 0)
    assert Path(temporary).parent == tmp_path
    assert not Path(temporary).exists()


NO_PLACE = """
print("Info: \t        ICESTORM_LC:    7892/   7680   102%")
print("Info: \t       ICESTORM_RAM:      10/     32    31%")
print("Info: \t              SB_IO:       3/    206     1%")
print("ERROR: Failed to expand region (0, 0) |_> (33, 33) of 7892 ICESTORM_LCs")
return 1"""


def test_a_design_that_finds_no_place_is_said_to_be_too_large(fake, tmp_path):
    device = find("ice40-hx8k")
    device = replace(device, family=replace(device.family, placer=fake(NO_PLACE)))
    with pytest.raises(FlowError) as caught:
        place(netlist(tmp_path), device, None, 1, "", tmp_path)
    assert "ice40-hx8k is too small: the design needs 7,892 logic cell of 7,680;" in str(
        caught.value
    )


def test_verilog_that_cannot_be_read_is_said_with_yosys_own_words(tmp_path):
    with pytest.raises(ToolFailedError, match="yosys failed with status 1: .*syntax error"):
        synthesise("module top(; endmodule", "top", find("ice40-hx8k"), tmp_path)


def step(kind: str, delay: float, cell: str, port: str, net: str | None = None) -> dict:
    end = {"cell": cell, "port": port}
    return {"type": kind, "delay": delay, "from": end, "to": end} | ({"net": net} if net else {})


def report(first: tuple[str, str], last: tuple[str, str]) -> dict:
    """A report with a path from and to these cells and ports, and others that do not count."""
    path = [
        step("clk-to-q", 0.5, *first),
        step("routing", 1.25, "core.core.x_LUT4_Z", "A", "core.core.x"),
        step("logic", 0.25, "core.core.x_LUT4_Z", "F"),
        step("routing", 2.0, *last, "core.core.y"),
        step("setup", 0.125, *last),
    ]
    slow = [step("source", 0, "rst$tr_io", "O"), step("routing", 99.0, *last, "rst")]
    return {
        "critical_paths": [
            {"from": "<async>", "to": "posedge clk", "path": slow},
            {"from": "posedge other", "to": "posedge other", "path": slow},
            {"from": "posedge clk", "to": "posedge clk", "path": path},
        ]
    }


Q = ("core.core.cell.kept_TRELLIS_FF_Q_7", "Q")


@pytest.mark.parametrize(
    ("cell", "port", "words"),
    [
        (*Q, "register cell.kept"),
        ("core.core.cell.kept_TRELLIS_FF_Q_7", "M", "register cell.kept"),
        ("core.core.cell.kept_TRELLIS_FF_Q", "LSR", "reset of register cell.kept"),
        ("core.core.input.bank_TRELLIS_FF_Q", "CE", "enable of register input.bank"),
        ("core.core.sigma.knots.0.1", "DOA6", "memory sigma.knots"),
        ("core.core.sigma.knots.0.1", "ADB3", "memory sigma.knots"),
        ("core.core.sigma.$8_MULT18X18D_P9", "P12", "a multiplier in sigma"),
        ("core.core.cell.states._0__TRELLIS_FF_Q_6", "Q", "a register in cell.states"),
        ("core.core.lanes.lane3.product_SB_DFF_Q_DFFLC", "I0", "register lanes.lane3.product"),
        (
            "core.core.lanes.lane3.product_SB_DFF_Q_D_SB_LUT4_O_LC",
            "O",
            "register lanes.lane3.product",
        ),
        ("core.core.lanes.lane0.total_SB_MAC16_O_DSP", "A3", "multiplier lanes.lane0.total"),
        ("core.core.sigma.knots.0.0_RAM", "RADDR_2", "memory sigma.knots"),
        ("core.core.cell.kept_CC_DFF_Q_9", "DOUT", "register cell.kept"),
        ("core.core.cell.$67_CC_MULT_P$col0$row4", "IN1", "a multiplier in cell"),
    ],
)
def test_ends_of_a_path_are_named_as_the_design_does(cell, port, words):
    path = critical_path(report((cell, port), Q), "clk")
    assert path is not None
    assert path.start == words
    path = critical_path(report(Q, (cell, port)), "clk")
    assert path is not None
    assert path.end == words


def test_a_path_is_split_into_logic_and_routing():
    path = critical_path(report(Q, Q), "clk")
    assert path is not None
    assert (path.logic, path.routing, path.levels, path.total) == (0.875, 3.25, 1, 4.125)
    assert [found["ns"] for found in path.plain()["steps"]] == [0.5, 1.25, 0.25, 2.0, 0.125]
    assert json.dumps(path.plain())


def test_a_domain_without_a_path_has_none():
    assert critical_path(report(Q, Q), "gone") is None


def test_the_fastest_seed_is_taken_and_the_median_told():
    placed = tuple(
        Placement(seed, mhz, {}, None, {}, Path()) for seed, mhz in enumerate((90, 97, 81))
    )
    done = Implementation(Design("", "top"), find("ecp5-12k"), netlist(), placed, {})
    assert done.best is placed[1]
    assert done.median == 90


def test_cells_that_lie_in_anothers_places_count_as_it():
    bels = {"CPE_LT": (300, 40960), "CPE_ADDF": (20, 0), "CPE_MULT": (7, 0), "CPE_FF": (5, 40960)}
    placed = Placement(1, 50, {}, None, bels, Path())
    done = Implementation(Design("", "top"), find("gatemate-a1"), netlist(), (placed,), {})
    assert done.usage[LUT] == (327, 40960)
    assert done.usage[FF] == (5, 40960)


def test_figures_are_those_of_a_core_counted_by_hand():
    """4 inputs, 6 forget cells and no readout on 8 lanes, at 100 MHz."""
    net, x = forget_network()
    core = planned(quantize(net, bits=12, calibrate=x), 8)
    figures = Figures(core, 100.0)
    products = 4 * 6 * (4 + 6)
    assert figures.macs_per_step == products
    assert figures.steps_per_second == 100e6 / core.cycles_per_step
    assert figures.macs_per_second == products * figures.steps_per_second
    assert figures.macs_per_second_and_multiplier == figures.macs_per_second / 8
    groups, bits = 3, figures.bits_read_per_step
    assert bits["weights"] == groups * 10 * 8 * 12
    assert bits["input"] == groups * 4 * 12
    assert bits["outputs"] == groups * 6 * core.parts[0].program.paths.y
    assert bits["states"] == 6 * core.parts[0].program.paths.s
    knot, rise = (np.max(v) for v in (core.qnet.table.knots, np.diff(core.qnet.table.knots)))
    assert bits["sigma"] == (4 * 6 + 6) * (int(knot).bit_length() + int(rise).bit_length())
    assert set(bits) == {"weights", "input", "outputs", "states", "sigma"}

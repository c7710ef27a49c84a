"""What the tools are given for each board: pins, clocks, and Verilog that they take."""

import re
import sys
from dataclasses import replace

import numpy as np
import pytest

from golden.errors import CarouselError
from golden.network import Network
from rtl.boards.boards import BOARDS, clock_of, design
from rtl.boards.clock import ClockError, Ecp5Pll, Ice40Pll, setting
from rtl.boards.link import Link
from rtl.flow import DEVICES
from rtl.flow.yosys import synthesise
from rtl.verilog import convert
from tests.rtl.boards.boards import StandIn, network
from tests.rtl.support import layer, planned, quantized

DEVICE_OF = {
    "ulx3s-12f": "ecp5-12k",
    "ulx3s-25f": "ecp5-25k",
    "ulx3s-45f": "ecp5-45k",
    "ulx3s-85f": "ecp5-85k",
    "icebreaker": "ice40-up5k",
}
PINS = {  # of the boards' schematics: clock, FTDI's TXD and RXD, a button
    "ulx3s": {"clk25_0__io": "G2", "uart_0__rx__io": "M1", "uart_0__tx__io": "L4"}
    | {"button_fire_0__io": "R1"},
    "icebreaker": {"clk12_0__io": "35", "uart_0__rx__io": "6", "uart_0__tx__io": "9"}
    | {"button_0__io": "10"},
}


def core():
    return planned(network(1, 1, 8))


def stand_in():
    """In the core's place where it does not matter."""
    return StandIn(network(1, 1, 8))


@pytest.mark.parametrize("board", BOARDS)
def test_pins_and_clock_are_the_boards(board):
    found = design(board, stand_in())
    assert found.device == DEVICE_OF[board]
    mhz = 12 if board == "icebreaker" else 25
    assert found.clock_mhz == mhz
    if board == "icebreaker":
        pins = dict(re.findall(r"set_io (\S+) (\S+)", found.constraints))
        assert f"set_frequency clk12_0__io {mhz}.0" in found.constraints
    else:
        pins = dict(re.findall(r'LOCATE COMP "(\S+)" SITE "(\S+)";', found.constraints))
        kinds = re.findall(r'IOBUF PORT "(\S+)" IO_TYPE=LVCMOS33', found.constraints)
        assert set(kinds) == set(pins)
        assert f'FREQUENCY PORT "clk25_0__io" {mhz}000000.0 HZ;' in found.constraints
    assert pins == PINS[board.partition("-")[0]]
    ports = re.search(rf"module {found.top}\((.*?)\);", found.verilog)
    assert ports and set(ports[1].split(", ")) == set(pins)


def test_a_core_that_holds_sequences_goes_on_a_board():
    rng = np.random.default_rng(3)
    net = Network((replace(layer(rng, 1, 1), reverse=True),), (), "turned")
    found = design("icebreaker", planned(quantized(net, rng, 8), max_length=3))
    assert f"module {found.top}(" in found.verilog


def test_the_same_core_gives_the_same_bytes_and_no_paths():
    first, second = (design("ulx3s-12f", stand_in(), 50) for _ in range(2))
    assert first == second
    assert "src =" not in first.verilog and ".py" not in first.verilog


def test_the_link_is_small(tmp_path):
    """Below 400 of an iCE40 UP5K's 5280 LUTs, and three of its thirty memories."""
    verilog = convert(Link(stand_in(), 12), "link")
    cells = synthesise(verilog, "link", DEVICES["ice40-up5k"], tmp_path).cells
    assert cells["SB_LUT4"] < 400
    assert cells["SB_RAM40_4K"] == 3


@pytest.mark.soak
@pytest.mark.parametrize(
    ("board", "mhz", "pll"),
    [
        ("icebreaker", None, ""),
        ("icebreaker", 24, "SB_PLL40_PAD"),
        ("ulx3s-12f", None, ""),
        ("ulx3s-85f", 60, "EHXPLLL"),
    ],
)
def test_boards_go_through_yosys(tmp_path, board, mhz, pll):
    """With the PLL where one is asked for, and nothing of the link or the core optimised away."""
    found = design(board, core(), mhz)
    cells = synthesise(found.verilog, found.top, DEVICES[found.device], tmp_path).cells
    assert [cell for cell in cells if "PLL" in cell] == [pll] * bool(pll)
    assert max(cells.get("SB_LUT4", 0), cells.get("LUT4", 0)) > 600


@pytest.mark.parametrize(
    ("kind", "crystal", "mhz", "want"),
    [
        (Ice40Pll, 12, 24, Ice40Pll(12, 63, 5)),
        (Ice40Pll, 12, 48, Ice40Pll(12, 63, 4)),
        (Ecp5Pll, 25, 50, Ecp5Pll(25, 16, 8)),
        (Ecp5Pll, 25, 65, None),
    ],
)
def test_settings_are_within_the_data_sheets_limits(kind, crystal, mhz, want):
    found = setting(kind, crystal, mhz)
    assert want is None or found == want
    if isinstance(found, Ice40Pll):
        oscillator = crystal * (found.divf + 1)
        assert 533 <= oscillator <= 1066
        assert found.mhz == oscillator / 2**found.divq
    else:
        oscillator = crystal * found.multiple
        assert 400 <= oscillator <= 800
        assert found.mhz == oscillator / found.divider
    assert abs(found.mhz / mhz - 1) <= 0.01


@pytest.mark.parametrize(
    ("board", "mhz", "words"),
    [
        ("icebreaker", 13, ("13 MHz", "16 to 275 MHz")),
        ("ulx3s-12f", 500, ("500 MHz", "3.125 to 400 MHz")),
        ("ulx3s-12f", 204, ("204 MHz", "200 MHz at the nearest")),
    ],
)
def test_a_clock_that_the_pll_cannot_give_is_refused(board, mhz, words):
    with pytest.raises(ClockError) as caught:
        design(board, core(), mhz)
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize(
    ("board", "least", "mhz"),
    [
        ("icebreaker", 0.048 * 57, 12),
        ("icebreaker", 0.0441 * 400, 18),
        ("icebreaker", 12.001, 16.875),
        ("ulx3s-12f", 0.048 * 600, 29.0),
        ("ulx3s-12f", 25, 25),
    ],
)
def test_a_boards_lowest_clock_for_a_pace_is_fast_enough_and_gives_the_line(board, least, mhz):
    found = clock_of(board, least)
    assert found == pytest.approx(mhz, rel=0.02) and found >= least
    assert design(board, stand_in(), found).clock_mhz == found


def test_a_pace_that_no_clock_gives_is_refused():
    with pytest.raises(ClockError, match="clock 500 MHz: board icebreaker has clocks of 12 to"):
        clock_of("icebreaker", 500)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "amaranth_boards.ulx3s", None)
    with pytest.raises(CarouselError, match="boards need amaranth-boards, not installed"):
        design("ulx3s-12f", core())


def test_boards_and_baud_rates_that_cannot_be_are_refused():
    with pytest.raises(CarouselError, match="'arty': must be one of ulx3s-12f, .*icebreaker"):
        design("arty", core())
    with pytest.raises(CarouselError, match="streams 2: the line carries one sequence at a time"):
        design("icebreaker", planned(network(1, 1, 8), streams=2))
    with pytest.raises(CarouselError, match="baud rate 2000000"):
        design("icebreaker", core(), baud=2_000_000)

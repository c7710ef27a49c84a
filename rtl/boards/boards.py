"""A core on a board: Verilog and constraints, ready for the FPGA's tools.

Pins and crystals come from `amaranth_boards`.
"""

import importlib
from dataclasses import dataclass

from amaranth.hdl import ClockDomain, Elaboratable, Module
from amaranth.lib import io

from golden.errors import CarouselError
from golden.version import install
from rtl.boards.clock import ClockError, Clocking, Ecp5Pll, Ice40Pll, Pll, frequencies, setting
from rtl.boards.link import LinkedCore
from rtl.boards.protocol import BAUD
from rtl.boards.uart import clocks_per_bit, gives
from rtl.planning import CorePlan

TOP = "carousel_board"


class BoardError(CarouselError):
    """A board that is not known, or that cannot be built for."""


@dataclass(frozen=True)
class Board:
    """What is to be known of a board.

    Attributes
    ----------
    module, platform : in `amaranth_boards`.
    device : for the tools.
    pll : its kind.
    button : that resets, by resource.
    memory_bytes : of one block of the device's memory, which is what a direction's slots get.
    constraints : the ending of the file that they are in.
    loader : its name for openFPGALoader.
    flash_only : the FPGA cannot be programmed but through the flash.
    """

    module: str
    platform: str
    device: str
    pll: type[Pll]
    button: tuple[str, int]
    memory_bytes: int
    constraints: str
    loader: str
    flash_only: bool = False


def _ulx3s(size: str) -> Board:
    platform = f"ULX3S_{size}F_Platform"
    return Board(
        "ulx3s", platform, f"ecp5-{size}k", Ecp5Pll, ("button_fire", 0), 2048, "lpf", "ulx3s"
    )


BOARDS = {
    **{f"ulx3s-{size}f": _ulx3s(size) for size in ("12", "25", "45", "85")},
    "icebreaker": Board(
        "icebreaker",
        "ICEBreakerPlatform",
        "ice40-up5k",
        Ice40Pll,
        ("button", 0),
        512,
        "pcf",
        "ice40_generic",
        flash_only=True,
    ),
}
"""By name."""


@dataclass(frozen=True)
class BoardDesign:
    """What the tools need.

    Attributes
    ----------
    verilog, top : text, and the module in it.
    constraints : pins, their kinds and the crystal's frequency, as .lpf (ECP5) or .pcf (iCE40).
    device : as `Board.device`.
    clock_mhz : of the core.
    """

    verilog: str
    top: str
    constraints: str
    device: str
    clock_mhz: float


def find(board: str) -> Board:
    """What is to be known of the board of this name; `BoardError` where it is not known."""
    if board not in BOARDS:
        raise BoardError(f"board {board!r}: must be one of {', '.join(BOARDS)}")
    return BOARDS[board]


def clock_of(board: str, least: float, baud: int = BAUD) -> float:
    """The lowest clock of a board, MHz, that is no less than `least` and gives the line's rate.

    Raises
    ------
    BoardError : a board that is not known, `amaranth_boards` that is not there.
    ClockError : no clock of the board is as fast.
    """
    about = find(board)
    crystal = _platform(about).default_clk_frequency / 1e6
    found = [mhz for mhz in frequencies(about.pll, crystal) if gives(mhz * 1e6, baud)]
    try:
        return next(mhz for mhz in found if mhz >= least)
    except StopIteration:
        raise ClockError(
            f"clock {least:g} MHz: board {board} has clocks of {found[0]:g} to {found[-1]:g} MHz"
        ) from None


def design(
    board: str, plan: CorePlan, clock_mhz: float | None = None, baud: int = BAUD
) -> BoardDesign:
    """A core behind the UART of a board.

    Parameters
    ----------
    board : one of `BOARDS`.
    clock_mhz : of the core; default the crystal's. The nearest that the PLL can give is taken.
    baud : bits a second on the line.

    Raises
    ------
    BoardError : a board that is not known, `amaranth_boards` that is not there, a core of several
        streams.
    ClockError : a clock that the PLL cannot give to within 1 %.
    CarouselError : a baud rate that the clock cannot give to within 2 %.
    """
    about = find(board)
    if plan.options.streams != 1:
        raise BoardError(f"streams {plan.options.streams}: the line carries one sequence at a time")
    platform = _platform(about)
    crystal = platform.default_clk_frequency / 1e6
    pll = None if clock_mhz in (None, crystal) else setting(about.pll, crystal, clock_mhz)
    mhz = pll.mhz if pll else crystal
    linked = LinkedCore(plan, clocks_per_bit(mhz * 1e6, baud), about.memory_bytes)
    top = BoardTop(linked, Clocking(mhz * 1e6, pll, about.button))
    files = platform.prepare(top, TOP, debug_verilog=True, emit_src=False).files
    verilog = files[f"{TOP}.debug.v"]
    return BoardDesign(verilog, TOP, files[f"{TOP}.{about.constraints}"], about.device, mhz)


class BoardTop(Elaboratable):
    """A linked core on a platform's UART.

    Parameters
    ----------
    linked, clocking : its parts.
    """

    def __init__(self, linked: LinkedCore, clocking: Clocking):
        self.linked, self.clocking = linked, clocking

    def elaborate(self, platform):
        m = Module()
        m.domains += ClockDomain("sync")
        m.submodules.clocking, m.submodules.linked = self.clocking, self.linked
        uart = platform.request("uart", 0, dir="-")
        m.submodules.rx = rx = io.Buffer(io.Direction.Input, uart.rx)
        m.submodules.tx = tx = io.Buffer(io.Direction.Output, uart.tx)
        m.d.comb += [self.linked.rx.eq(rx.i), tx.o.eq(self.linked.tx)]
        return m


def _platform(board: Board):
    try:
        module = importlib.import_module(f"amaranth_boards.{board.module}")
    except ImportError:
        raise BoardError(f"boards need amaranth-boards, not installed: {install('fpga')}") from None
    return getattr(module, board.platform)()

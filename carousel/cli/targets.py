"""What a core can be built for: a device, or a board with a device on it."""

from dataclasses import dataclass

from rtl import CorePlan
from rtl.boards import boards
from rtl.boards.boards import BOARDS, design
from rtl.flow import DEVICES, Design, Device, FlowError, alone, find

__all__ = ["BOARDS", "DEVICES", "Target", "target"]


@dataclass(frozen=True)
class Target:
    """A device, with or without a board around it.

    Attributes
    ----------
    device : the FPGA.
    board : its name, or None.
    """

    device: Device
    board: str | None

    @property
    def name(self) -> str:
        return self.board or self.device.name

    def clock(self, freq: float | None, least: float | None) -> float | None:
        """The clock to ask for, MHz, or None: `freq`, or one of no less than `least`.

        Raises
        ------
        CarouselError : `amaranth_boards` is not there; no clock of the board is as fast.
        """
        if least is None:
            return freq
        return least if self.board is None else boards.clock_of(self.board, least)

    def design(self, plan: CorePlan, clock: float | None) -> tuple[Design, float | None]:
        """The core for this target, and the clock that it must reach, MHz, or None.

        Parameters
        ----------
        clock : what is asked for, MHz, or None. On a board it comes from the crystal, or a PLL.

        Raises
        ------
        CarouselError : see `rtl.boards.boards.design`.
        """
        if self.board is None:
            return alone(plan), clock
        found = design(self.board, plan, clock)
        return Design(found.verilog, found.top, found.constraints), found.clock_mhz


def target(device: str | None, board: str | None) -> Target:
    """The target of these names.

    Raises
    ------
    FlowError : neither is given, the device is not known, or the board has another one.
    BoardError : the board is not known.
    """
    if board is None:
        if device is None:
            raise FlowError(
                f"--device or --board is needed: a device of {', '.join(DEVICES)}, "
                f"or a board of {', '.join(BOARDS)}"
            )
        return Target(find(device), None)
    its = boards.find(board).device
    if device is not None:
        raise FlowError(f"--device {device}: board {board} has an {its}; give one or the other")
    return Target(find(its), board)

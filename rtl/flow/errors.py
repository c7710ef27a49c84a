"""What can go wrong between a core and its bitstream."""

from pathlib import Path

from golden.errors import CarouselError


class FlowError(CarouselError):
    """A device that is not known, that is too small or too slow, or a tool that is missing."""


class TooSmallError(FlowError):
    """A device on which a design has no room."""


class ToolFailedError(FlowError):
    """A tool that failed.

    Attributes
    ----------
    log : the file with all that it said.
    """

    def __init__(self, message: str, log: Path):
        super().__init__(message)
        self.log = log

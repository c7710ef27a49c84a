"""How a command's number formats come about, and from what."""

from dataclasses import dataclass
from pathlib import Path

from carousel.cli.state_file import State
from fixedpoint import Formats, QuantizedNetwork, quantize
from fixedpoint.calibration import HEADROOM, Seen
from fixedpoint.rule import MULTIPLIER, Rule
from golden import InputError, Network
from golden.squash import Array


@dataclass(frozen=True)
class Choice:
    """Formats of a file, or those that the rule gives for a network and its input.

    Attributes
    ----------
    bits, state_bits, headroom : as the options say.
    file : formats file, or None.
    multiplier : bits of the operands that a multiplier of the device takes.

    Raises
    ------
    InputError : state bits together with a file; a headroom below 1.
    """

    bits: int = 16
    file: Path | None = None
    state_bits: int | None = None
    headroom: float = HEADROOM
    multiplier: int = MULTIPLIER

    def __post_init__(self) -> None:
        if self.file is not None and self.state_bits is not None:
            raise InputError(
                f"--state-bits {self.state_bits}: the formats are those of {self.file}"
            )
        if not 1 <= self.headroom < float("inf"):
            raise InputError(f"--headroom {self.headroom:g}: must be a number from 1 on")

    def quantized(self, net: Network, x: Array, state: State | None) -> QuantizedNetwork:
        """The integer network, in formats that fit what is run: x (N, T, D) from `state`.

        Raises
        ------
        CarouselError : formats that do not work, or do not fit the network.
        """
        if self.file is not None:
            return quantize(net, Formats.parse(self.file))
        seen = Seen.measure(net, x, state, self.headroom)
        rule = Rule(self.bits, self.state_bits, self.multiplier)
        return quantize(net, rule.formats(net, seen))

    @property
    def words(self) -> tuple[object, ...]:
        """The options that say all of it."""
        if self.file is not None:
            return "--formats", self.file
        state = () if self.state_bits is None else ("--state-bits", self.state_bits)
        room = () if self.headroom == HEADROOM else ("--headroom", self.headroom)
        return "--bits", self.bits, *state, *room

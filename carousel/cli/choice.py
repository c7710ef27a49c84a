"""How a command's number formats come about, and from what."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fixedpoint import Formats, QuantizedNetwork, quantize
from fixedpoint.calibration import HEADROOM, Part, Seen
from fixedpoint.rounding import observe, rounded
from fixedpoint.rule import MULTIPLIER, Rule
from golden import InputError, Network


@dataclass(frozen=True)
class Choice:
    """Formats of a file, or those that the rule gives for a network and its input.

    Attributes
    ----------
    bits, state_bits, headroom : as the options say.
    strict : whether input must not be clipped.
    file : formats file, or None.
    multiplier : bits of the operands that a multiplier of the device takes.
    by_data : whether weights are rounded with the input in view.

    Raises
    ------
    InputError : state bits together with a file; a headroom below 1.
    """

    bits: int = 16
    file: Path | None = None
    state_bits: int | None = None
    headroom: float = HEADROOM
    multiplier: int = MULTIPLIER
    strict: bool = False
    by_data: bool = False

    def __post_init__(self) -> None:
        if self.file is not None and self.state_bits is not None:
            raise InputError(
                f"--state-bits {self.state_bits}: the formats are those of {self.file}"
            )
        if not 1 <= self.headroom < float("inf"):
            raise InputError(f"--headroom {self.headroom:g}: must be a number from 1 on")

    def quantized(self, net: Network, parts: Sequence[Part]) -> QuantizedNetwork:
        """The integer network, in formats that fit what is run.

        Raises
        ------
        CarouselError : formats that do not work, or do not fit the network.
        """
        known = observe(net, parts) if self.by_data else None
        if self.file is not None:
            formats = Formats.parse(self.file)
        else:
            seen = Seen.of(net, parts, self.headroom)
            rule = Rule(self.bits, self.state_bits, self.multiplier)
            formats = rule.formats(net, seen, () if self.strict else parts, known)
        found = quantize(net, formats)
        return found if known is None else quantize(rounded(net, formats, known), formats)

    def weights(self, net: Network, formats: Formats, parts: Sequence[Part]) -> Network:
        """The network with the weights of which the integer one is made."""
        return rounded(net, formats, observe(net, parts)) if self.by_data else net

    @property
    def words(self) -> tuple[object, ...]:
        """The options that say all of it."""
        rounds = ("--round", "data") if self.by_data else ()
        if self.file is not None:
            return "--formats", self.file, *rounds
        state = () if self.state_bits is None else ("--state-bits", self.state_bits)
        room = () if self.headroom == HEADROOM else ("--headroom", self.headroom)
        strict = ("--strict",) if self.strict else ()
        return "--bits", self.bits, *state, *room, *strict, *rounds

"""How wide each kind of code is where nobody says it: the rule of `--bits`.

`bits` is the width of what the lanes multiply, weights, x and y: there every bit costs as many
multiplier bits as there are lanes. Gates, g and h have one multiplier each in the whole core and
take what that has anyhow; the state's LSB is no coarser than that of the cell output which comes of
it. `docs/arithmetic.md` states the rule with what it costs and was chosen by.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fixedpoint.calibration import Part, Seen
from fixedpoint.clipping import clipped
from fixedpoint.fitting import formats_of
from fixedpoint.formats import Format, Formats, LayerFormats
from fixedpoint.rounding import Statistics
from fixedpoint.widths import WIDEST_STATE, Widths
from golden.cell import Layer
from golden.network import Network

MULTIPLIER = 18  # bits of the operands that most FPGAs' multipliers take; an iCE40's take 16
TAIL, OUT = 16, 16  # the fewest bits of gates, g and h, and of a dense stage's outputs
FINER = 2  # bits of gates, g and h above the operands'; of the LSB of a wide state below y's


@dataclass(frozen=True)
class Rule:
    """The choice of widths.

    Attributes
    ----------
    bits : of weights, x and y.
    state_bits : of states, or None for what the rule says.
    multiplier : bits of the operands that a multiplier takes.
    """

    bits: int
    state_bits: int | None = None
    multiplier: int = MULTIPLIER

    @property
    def tail(self) -> int:
        """Bits of g and h, and of gates that are no sources."""
        return max(self.bits, min(self.multiplier, max(TAIL, self.bits + FINER)))

    def widths(self, net: Network, seen: Seen) -> Widths:
        """The widths for a network of these ranges.

        Raises
        ------
        FormatError : bits out of range; values too large or small for any format.
        """
        bits, tail = self.bits, self.tail
        Widths.uniform(bits)
        sources = any(layer.shape.gate_recurrence for layer in net.layers)
        chosen = Widths(
            input=bits,
            weights=bits,
            gate=bits if sources else tail,
            g=tail,
            h=tail,
            s=max(bits, self.multiplier) if self.state_bits is None else self.state_bits,
            y=bits,
            out=max(bits, OUT),
            tight=True,
            scaled=True,
        )
        if self.state_bits is not None:
            return chosen
        return replace(chosen, s=self._state(net, formats_of(net, chosen, seen), chosen.s))

    def formats(
        self,
        net: Network,
        seen: Seen,
        parts: Sequence[Part] = (),
        known: Statistics | None = None,
    ) -> Formats:
        """Formats of these widths that hold what was seen; `FormatError` as `widths` and
        `formats_of`.

        Parameters
        ----------
        parts : typical input, of which peaks may be clipped where that makes a poor output better.
        known : by what weights will be rounded; without it each goes to the nearest.
        """
        widths = self.widths(net, seen)
        if parts:
            widths = clipped(net, widths, seen, parts, known)
        return formats_of(net, widths, seen)

    def _state(self, net: Network, formats: Formats, free: int) -> int:
        """Bits of states: `free` where their LSB is as fine as that of the cell outputs, else those
        that make it finer by `FINER` bits. As few as a device's own multipliers take, where it has
        smaller ones and something multiplies states; as many as leave the peepholes theirs."""
        layers = list(zip(net.layers, formats.layers, strict=True))
        short = max((forms.cell_output.frac - forms.s.frac for _, forms in layers), default=0)
        wide = min(free + short + FINER, WIDEST_STATE) if short > 0 else free
        if self.multiplier < MULTIPLIER and any(map(_multiplied, net.layers)):
            wide = free
        spare = [self._spare(*each) for each in layers if each[0].peepholes]
        return max(self.bits, min([wide, *(free + bits for bits in spare)]))

    def _spare(self, layer: Layer, formats: LayerFormats) -> int:
        """By how many bits a state's LSB may be finer (or, below 0, must be coarser) so that its
        peepholes, which share the scale of their sum, keep as many bits as other weights."""
        largest = max(float(np.abs(values).max()) for values in layer.peepholes.values())
        return formats.weights["s"].frac - Format.fitting(self.bits, largest).frac


def _multiplied(layer: Layer) -> bool:
    """Whether a product has the layer's state as an operand."""
    return "f" in layer.shape.gates or layer.shape.coupled or bool(layer.peepholes)

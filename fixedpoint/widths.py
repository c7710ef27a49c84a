"""How many bits each kind of code has: what a choice of formats is free in."""

from dataclasses import dataclass, field, fields

from fixedpoint.formats import FormatError

NARROWEST, WIDEST = 4, 20
WIDEST_STATE = 32
MOST_CLIPPED = 7


@dataclass(frozen=True)
class Widths:
    """Bits by the kind of code, each of all layers, because a core has one path for each kind.

    An unsigned code counts with the bit that it takes more as a signed operand.

    Attributes
    ----------
    input : of x.
    weights : of whatever multiplies a source in a lane: layers, projections, readout.
    gate, g, h : of gates, squashed cell inputs, squashed states.
    s : of states.
    y : of outputs that are sources: y, and m before a projection.
    out : of the readout's outputs; without a readout it means nothing.
    tight : y (m) holds twice what was seen of it, if that is less than the ends of h.
    scaled : each row of weights has its own scale, and each element of x.
    clip : by how many bits the range of x is less than what headroom asks for, 0 to 7; what lies
        beyond is clipped.

    Raises
    ------
    FormatError : bits below 4 or above 20, of states above 32; a clip that is not from 0 to 7.
    """

    input: int
    weights: int
    gate: int
    g: int
    h: int
    s: int
    y: int
    out: int
    tight: bool = field(default=False, kw_only=True)
    scaled: bool = field(default=False, kw_only=True)
    clip: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        for name in KINDS:
            bits, widest = getattr(self, name), WIDEST_STATE if name == "s" else WIDEST
            if not NARROWEST <= bits <= widest:
                what = "bits" if self.same else f"bits of {name}"
                raise FormatError(f"{what} {bits}: must be from {NARROWEST} to {widest}")
        if not 0 <= self.clip <= MOST_CLIPPED:
            raise FormatError(f"clip {self.clip}: must be from 0 to {MOST_CLIPPED}")

    @classmethod
    def uniform(cls, bits: int) -> "Widths":
        """The same for all."""
        return cls(*[bits] * len(KINDS))

    @property
    def same(self) -> bool:
        """Whether all kinds have the same bits."""
        return len({getattr(self, name) for name in KINDS}) == 1


KINDS = tuple(each.name for each in fields(Widths) if not each.kw_only)

"""Values as the integer model has them: rounded, clipped, chosen by the mode that stands beside."""

from collections.abc import Sequence
from dataclasses import dataclass

from fixedpoint.squash import QuantizedSquash
from rtl.lib.arithmetic import half
from rtl.program.program import NetMode
from rtl.proofs.harness import Harness


@dataclass(frozen=True)
class Rounding:
    """(value + constant) / 2^shift, rounded down, then clipped to low..high."""

    shift: int
    constant: int
    low: int
    high: int

    @classmethod
    def of(cls, mode: NetMode, rounds: bool) -> "Rounding":
        """That of a net input; `rounds` where half of what is shifted away is not in the sum."""
        constant = half(mode.shift) if rounds else 0
        return cls(mode.shift, constant, mode.squash.low, mode.squash.high)

    def exact(self, value: str, bits: int) -> str:
        """What is clipped, of a signed value; `bits` are enough for it."""
        if self.shift <= 0:
            return f"({value} <<< {-self.shift})"
        return f"(({value} + {signed(self.constant, bits)}) >>> {self.shift})"

    def clips(self, bits: int) -> bool:
        """Whether there are signed values of so many bits that are clipped."""
        ends = (-1 << bits - 1, (1 << bits - 1) - 1)
        low, high = (
            end << -self.shift if self.shift <= 0 else end + self.constant >> self.shift
            for end in ends
        )
        return low < self.low or high > self.high


def select(mode: str, options: Sequence[str]) -> str:
    """The option of a mode; the last one for all beyond."""
    chosen = options[-1]
    for k, option in reversed(list(enumerate(options[:-1]))):
        chosen = f"{mode} == {k} ? {option} : {chosen}"
    return f"({chosen})"


def known(mode: str, options: Sequence[object]) -> str:
    """Whether a mode is one of those that there are."""
    return f"({mode} < {len(options)})" if len(options) > 1 else "1"


def times(h: Harness, name: str, bits: int, one: str, other: str) -> str:
    """The exact product of two signed values, a clock later."""
    h.line(f"wire signed [{bits - 1}:0] {name} = {one} * {other};")
    h.line(f"reg signed [{bits - 1}:0] {name}_was = 0;")
    h.line(f"always @(posedge clk) {name}_was <= {name};")
    return f"{name}_was"


def rounded(h: Harness, name: str, value: str, bits: int, shifts: Sequence[int], mode: str) -> str:
    """A signed value / 2^shift of a mode, nearest, ties towards plus infinity."""
    h.line(f"wire signed [{bits - 1}:0] {name}_value = {value};")
    options = [Rounding(by, half(by), 0, 0).exact(f"{name}_value", bits) for by in shifts]
    h.line(f"wire signed [{bits - 1}:0] {name} = {select(mode, options)};")
    return name


def squashed(
    h: Harness, name: str, units: Sequence[QuantizedSquash], sigma: str, linear: str, mode: str
) -> str:
    """What a net input is squashed to, from its sigma, or from itself where that is linear."""
    bits = 4 + max(unit.table.value.width + unit.gain_bits for unit in units) + h.width(linear)
    options = []
    for unit in units:
        if unit.squash.linear:
            options.append(f"$signed({h.see(linear)})")
            continue
        found = f"({{{unit.gain_bits + 1}'b0, {h.see(sigma)}}} <<< {unit.gain_bits})"
        constant = unit.constant + half(unit.shift)
        options.append(Rounding(unit.shift, constant, 0, 0).exact(f"$signed({found})", bits))
    h.line(f"wire signed [{bits - 1}:0] {name} = {select(mode, options)};")
    return name


def clipped(
    h: Harness, name: str, value: str, bits: int, roundings: Sequence[Rounding], mode: str
) -> str:
    """A signed value in the rounding of a mode; `{name}_exact` is what it is before it is clipped.

    `bits` are enough for all of it.
    """
    h.line(f"wire signed [{bits - 1}:0] {name}_value = {value};")
    for what in ("exact", "low", "high"):
        options = [
            rounding.exact(f"{name}_value", bits)
            if what == "exact"
            else signed(getattr(rounding, what), bits)
            for rounding in roundings
        ]
        h.line(f"wire signed [{bits - 1}:0] {name}_{what} = {select(mode, options)};")
    ends = f"{name}_exact < {name}_low ? {name}_low : {name}_exact > {name}_high ? {name}_high"
    h.line(f"wire signed [{bits - 1}:0] {name}_clipped = {ends} : {name}_exact;")
    return f"{name}_clipped"


def signed(value: int, bits: int) -> str:
    """A signed constant of so many bits."""
    return f"{'-' if value < 0 else ''}{bits}'sd{abs(value)}"

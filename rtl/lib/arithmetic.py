"""Rounding, saturation and delays as gates: the twins of `fixedpoint.arithmetic`."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import data

from fixedpoint.arithmetic import half
from fixedpoint.formats import Format
from rtl.program.words import Word

V = TypeVar("V", Value, data.View)


def shape_of(form: Format) -> Shape:
    """The Amaranth shape of a format's codes."""
    return Shape(form.width, form.signed)


def layout_of(word: Word) -> data.StructLayout:
    """The Amaranth layout of a memory's word."""
    return data.StructLayout(
        {name: Shape(bits, name in word.signed) for name, bits in word.fields.items()}
    )


def shift_right(value: Value, shift: int) -> Value:
    """floor(value / 2^shift); wide enough that nothing is lost."""
    return value << -shift if shift <= 0 else value >> shift


def round_shift(value: Value, shift: int, constant: int = 0) -> Value:
    """(value + constant) / 2^shift, nearest, ties towards plus infinity, by one adder."""
    if constant := constant + half(shift):
        value = value + Const(constant, signed(constant.bit_length() + 1))
    return shift_right(value, shift)


def saturate(m: Module, value: Value, low: int, high: int, *, name: str) -> tuple[Value, Value]:
    """A signed value clipped to low..high, and whether it was clipped.

    Ends that are those of a two's complement or unsigned number cost an AND and an OR of the upper
    bits, others two comparators.
    """
    assert value.shape().signed, f"{name}: {value.shape()} must be signed"
    assert low <= high, f"{name}: {low} to {high}"
    wide = Signal(value.shape(), name=f"{name}_wide")  # once, however often its bits are used
    m.d.comb += wide.eq(value)
    keep = high.bit_length() if high >= 0 else 0
    negative = wide[-1]
    if keep and high + 1 == 1 << keep and low in (0, -high - 1):
        above = wide[min(keep, len(wide) - 1) :]  # all equal to the sign where the value fits
        if low:
            fits = above.all() | ~above.any()
            clipped = Cat((~negative).replicate(keep), negative).as_signed()
            inside = wide[: keep + 1].as_signed()
        else:
            fits = ~above.any()
            clipped = (~negative).replicate(keep)
            inside = wide[:keep]
        return Mux(fits, inside, clipped), ~fits
    below, above = wide < low, wide > high
    bits = Shape.cast(range(min(low, 0), high + 1)).width + 1
    inside = Mux(below, Const(low, signed(bits)), Mux(above, high, wide[:bits].as_signed()))
    return inside, below | above


def delay(m: Module, value: V, clocks: int, *, name: str, keep_reset: bool = False) -> V:
    """`value` some clocks later. Only control signals (`keep_reset`) are cleared by a reset."""
    for k in range(clocks):
        stage: Any = Signal.like(value, name=f"{name}_{k + 1}", reset_less=not keep_reset)
        m.d.sync += stage.eq(value)
        value = stage
    return value


def choose(selector: Value, options: Sequence[Any], build: Callable[[Any], Value]) -> Value:
    """`build(options[selector])`, without a multiplexer where there is one option only."""
    built = [build(option) for option in options]
    return built[0] if len(built) == 1 else Array(built)[selector]


def number(selector: Value, numbers: Sequence[int]) -> Value:
    """`numbers[selector]`, without a multiplexer where all are the same."""
    return choose(selector, numbers if len(set(numbers)) > 1 else numbers[:1], Const)


def clip(
    m: Module, selector: Value, options: Sequence[tuple[Value, int, int]], *, name: str
) -> tuple[Signal, Signal]:
    """Registers with the chosen value saturated to its ends, and whether that clipped it.

    An option is a value, its lowest and its highest code.
    """
    pairs = [saturate(m, *option, name=name) for option in options]
    ends = range(min(low for _, low, _ in options), max(high for _, _, high in options) + 1)
    width = Shape.cast(range(min(ends.start, -1), max(ends.stop, 1))).width
    code = Signal(Shape(width, True), name=name, reset_less=True)
    clipped = Signal(name=f"{name}_clipped", reset_less=True)
    m.d.sync += code.eq(choose(selector, pairs, lambda pair: pair[0]))
    m.d.sync += clipped.eq(choose(selector, pairs, lambda pair: pair[1]))
    return code, clipped

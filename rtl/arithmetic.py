"""Rounding, saturation and delays as gates: the twins of `fixedpoint.arithmetic`."""

from collections.abc import Callable, Sequence
from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, Value

from fixedpoint.formats import Format


def shape_of(form: Format) -> Shape:
    """The Amaranth shape of a format's codes."""
    return Shape(form.width, form.signed)


def round_shift(value: Value, shift: int) -> Value:
    """value / 2^shift, nearest, ties towards plus infinity; wide enough that nothing is lost."""
    if shift <= 0:
        return value << -shift
    return (value + Const(1 << (shift - 1), Shape(shift + 1, True))) >> shift


def saturate(m: Module, value: Value, form: Format, *, name: str) -> tuple[Value, Value]:
    """A signed value clipped to a format, and whether it was clipped."""
    assert value.shape().signed, f"{name}: {value.shape()} must be signed"
    wide = Signal(value.shape(), name=f"{name}_wide")  # once, however often its bits are used
    m.d.comb += wide.eq(value)
    keep = form.width - int(form.signed)
    above = wide[min(keep, len(wide) - 1) :]  # all equal to the sign where the value fits
    negative = wide[-1]
    if form.signed:
        fits = above.all() | ~above.any()
        clipped = Cat((~negative).replicate(keep), negative).as_signed()
        inside = wide[: keep + 1].as_signed()
    else:
        fits = ~above.any()
        clipped = (~negative).replicate(keep)
        inside = wide[:keep]
    return Mux(fits, inside, clipped), ~fits


def delay(m: Module, value: Value, clocks: int, *, name: str, keep_reset: bool = False) -> Value:
    """`value` some clocks later. Only what steers (`keep_reset`) is cleared by a reset."""
    for k in range(clocks):
        stage = Signal.like(value, name=f"{name}_{k + 1}", reset_less=not keep_reset)
        m.d.sync += stage.eq(value)
        value = stage
    return value


def choose(selector: Value, options: Sequence[Any], build: Callable[[Any], Value]) -> Value:
    """`build(options[selector])`, without a multiplexer where there is one option only."""
    built = [build(option) for option in options]
    return built[0] if len(built) == 1 else Array(built)[selector]


def clip(
    m: Module, selector: Value, options: Sequence[tuple[Value, Format]], *, name: str
) -> tuple[Signal, Signal]:
    """Registers with the chosen value saturated to its format, and whether that clipped it."""
    pairs = [saturate(m, value, form, name=name) for value, form in options]
    code = Signal(Shape(max(form.width for _, form in options), True), name=name, reset_less=True)
    clipped = Signal(name=f"{name}_clipped", reset_less=True)
    m.d.sync += code.eq(choose(selector, pairs, lambda pair: pair[0]))
    m.d.sync += clipped.eq(choose(selector, pairs, lambda pair: pair[1]))
    return code, clipped

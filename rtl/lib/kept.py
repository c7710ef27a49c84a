"""Registers of control that a flipped bit does not change."""

from collections.abc import Iterable
from typing import Any

from amaranth.hdl import Module, Signal, Value, ValueLike

COPY = "_copy"  # in the names of copies, which tools must not join: see `rtl.verilog.convert`


def kept(m: Module, register: Signal, tripled: bool = True) -> list[Signal]:
    """What is to be assigned in the place of a register, all of it the same.

    A register that is tripled is what two at least of its copies say; where nothing is assigned,
    that is what all three become in the next clock.
    """
    if not tripled:
        return [register]
    copies = [
        Signal.like(register, name=f"{register.name}{COPY}{k}", attrs={"keep": 1}) for k in range(3)
    ]
    m.d.comb += register.eq(voted(*map(Value.cast, copies)))
    m.d.sync += become(copies, register)
    return copies


def voted(a: Value, b: Value, c: Value) -> Value:
    """What two at least of them say."""
    return (a & b) | (a & c) | (b & c)


def become(registers: Iterable[Value], value: ValueLike) -> list[Any]:
    """Each of the registers becomes a value."""
    return [register.eq(value) for register in registers]


def held(m: Module, value: Value, tripled: bool, *, name: str) -> Signal:
    """A value a clock later."""
    register = Signal.like(value, name=name)
    m.d.sync += become(kept(m, register, tripled), value)
    return register

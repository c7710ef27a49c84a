"""Numbers that count their multiplications, for runs of networks over arrays of them."""

import math
from typing import Any

import numpy as np


class Counted:
    """A float of which every product with another number is counted in `Counted.products`."""

    products = 0

    def __init__(self, value: float):
        self.value = value

    def __mul__(self, other: Any) -> "Counted":
        Counted.products += 1
        return Counted(self.value * _value(other))

    def __add__(self, other: Any) -> "Counted":
        return Counted(self.value + _value(other))

    def __sub__(self, other: Any) -> "Counted":
        return Counted(self.value - _value(other))

    def __rsub__(self, other: Any) -> "Counted":
        return Counted(_value(other) - self.value)

    def __truediv__(self, other: Any) -> "Counted":
        return Counted(self.value / _value(other))

    def __rtruediv__(self, other: Any) -> "Counted":
        return Counted(_value(other) / self.value)

    def __neg__(self) -> "Counted":
        return Counted(-self.value)

    def __lt__(self, other: Any) -> bool:
        return self.value < _value(other)

    def __le__(self, other: Any) -> bool:
        return self.value <= _value(other)

    def __gt__(self, other: Any) -> bool:
        return self.value > _value(other)

    def __ge__(self, other: Any) -> bool:
        return self.value >= _value(other)

    def exp(self) -> "Counted":
        return Counted(math.exp(self.value))

    __rmul__, __radd__ = __mul__, __add__


def _value(number: Any) -> float:
    return number.value if isinstance(number, Counted) else float(number)


def counted(x: np.ndarray) -> np.ndarray:
    """The same values as an array of `Counted`."""
    return np.vectorize(Counted, otypes=[object])(x)


def products(run: Any) -> int:
    """How many multiplications `run()` makes."""
    Counted.products = 0
    run()
    return Counted.products

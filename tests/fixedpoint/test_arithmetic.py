"""Rounding and saturation of codes equal the same in fractions, in int64 and in float64."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixedpoint.arithmetic import Rounding, nearest, outside, room, round_shift, saturate

TYPES = [np.int64, np.float64]
shifts = st.integers(-20, 40)


def rounded(value: float, shift: int = 0) -> int:
    """value / 2^shift to the nearest whole number, ties towards plus infinity, in fractions."""
    return math.floor(Fraction(value) / Fraction(2) ** shift + Fraction(1, 2))


def around_ties(shift: int) -> list[int]:
    """Codes at ties, next to them and at whole results, of both signs."""
    half = 1 << max(shift - 1, 0)
    return [(2 * k + tie) * half + by for k in range(-3, 3) for tie in (0, 1) for by in (-1, 0, 1)]


def test_nearest_is_exact_next_to_every_tie_and_beyond_the_fractions():
    """Where floor(value + 1/2) rounds a second time: a hair below a tie, and odd from 2^52 on."""
    ties = np.arange(-40, 41) / 2
    large = np.array([2.0**52 + 1, 2.0**53 - 1, 2.0**51 + 0.5, 2.0**60 + 2**10])
    values = np.concatenate([ties, np.nextafter(ties, -99), np.nextafter(ties, 99), large, -large])
    assert nearest(values).tolist() == [rounded(value) for value in values.tolist()]
    assert np.any(nearest(values) != np.floor(values + 0.5))


@given(st.floats(-(2.0**55), 2.0**55))
def test_nearest_of_any_number(value):
    assert nearest(np.array(value)) == rounded(value)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shift", [-7, -1, 0, 1, 2, 13, 40])
def test_round_shift_is_nearest_with_ties_up(shift, dtype):
    codes = around_ties(shift)
    found = round_shift(np.array(codes, dtype), shift)
    assert found.dtype == dtype
    assert found.tolist() == [rounded(code, shift) for code in codes]


@pytest.mark.parametrize("dtype", TYPES)
def test_saturation_and_its_count_at_the_ends(dtype):
    """Every pair of ends from -4 to 4, for every code that lies around them."""
    codes = np.arange(-6, 7).astype(dtype)
    for low in range(-4, 5):
        for high in range(low, 5):
            want = [min(max(code, low), high) for code in range(-6, 7)]
            assert saturate(codes, low, high).tolist() == want
            lost = sum(code != clipped for code, clipped in zip(range(-6, 7), want, strict=True))
            assert outside(codes, low, high) == lost
            for code in codes:
                assert outside(code[None], low, high) == (not low <= code <= high)


def test_outside_looks_at_the_whole_part_only():
    """Net inputs keep their fraction in float64: 3.9 is the code 3."""
    values = np.array([-0.1, 0.0, 0.9, 3.0, 3.9, 4.0])
    assert outside(values, 0, 3) == 2
    assert outside(values[1:5], 0, 3) == outside(values[:0], 0, 3) == 0


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shift", [-5, -1, 0, 1, 2, 9, 30])
def test_rounding_in_place_is_round_shift(shift, dtype):
    """And with `offset`, the rounded code counted from the lowest one."""
    codes = around_ties(shift)
    want = [rounded(code, shift) for code in codes]
    rounding = Rounding(dtype, shift)
    values = (np.array(codes) * rounding.scale).astype(dtype)
    rounding(values)
    assert values.tolist() == want
    counted = (np.array(codes) * rounding.scale + rounding.offset(-9)).astype(dtype)
    rounding.index(counted)
    assert np.floor(counted).tolist() == [code + 9 for code in want]


@given(st.integers(1, 2**40), shifts)
@example(1 << 12, -3)
def test_room_holds_every_number_on_the_way(largest, shift):
    """Both ends, with what is added before dropping bits, and with the bits that are gained."""
    bits = room(largest, shift)
    for code in (largest, -largest):
        on_the_way = code + (1 << (shift - 1)) if shift > 0 else code << -shift
        assert abs(on_the_way) < 2**bits
        if shift <= 0:
            assert 2 * abs(on_the_way) + 1 < 2**bits  # the half that float64 adds
    if shift > 0:
        assert largest + (1 << (shift - 1)) >= 2 ** (bits - 1)  # and not a bit more than is needed

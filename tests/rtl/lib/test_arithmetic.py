"""Rounding, saturation and choice in gates equal `fixedpoint.arithmetic` for every code."""

import numpy as np
import pytest
from amaranth.hdl import Const, Fragment, Module, ResetInserter, Shape, Signal

from fixedpoint import arithmetic
from fixedpoint.formats import Format
from rtl.lib.arithmetic import choose, clip, delay, round_shift, saturate, shape_of
from tests.rtl.support import simulate

SHIFTS = range(-3, 9)
TARGETS = [Format(width, 0, signed) for width in (2, 5, 8, 11) for signed in (True, False)]


def _every(shape: Shape) -> np.ndarray:
    low = -(1 << (shape.width - 1)) if shape.signed else 0
    return np.arange(low, low + (1 << shape.width))


def _evaluate(shape: Shape, build, codes=None) -> dict:
    """What the values of `build(m, a)` are for every code a, each as a list."""
    m, a = Module(), Signal(shape)
    outs = {}
    for key, value in build(m, a).items():
        outs[key] = Signal.like(value, name=f"out{len(outs)}")
        m.d.comb += outs[key].eq(value)
    found = {key: [] for key in outs}

    async def testbench(ctx):
        for code in _every(shape) if codes is None else codes:
            ctx.set(a, int(code))
            for key, out in outs.items():
                found[key].append(ctx.get(out))

    simulate(m, testbench, clocked=False)
    return found


@pytest.mark.parametrize("signed", (True, False))
@pytest.mark.parametrize("width", (1, 2, 3, 7))
def test_round_shift_of_every_code(width, signed):
    """Nearest, ties towards plus infinity, nothing lost at any shift."""
    shape = Shape(width, signed)
    found = _evaluate(shape, lambda m, a: {shift: round_shift(a, shift) for shift in SHIFTS})
    for shift, values in found.items():
        assert values == arithmetic.round_shift(_every(shape), shift).tolist(), shift


@pytest.mark.parametrize("shift", (-2, 0, 1, 3))
def test_round_shift_with_a_constant(shift):
    """The constant comes before the shift, by the adder that rounds."""
    codes = _every(Shape(5, True))
    constants = (-40, -16, -1, 0, 1, 15, 40)
    found = _evaluate(Shape(5, True), lambda m, a: {k: round_shift(a, shift, k) for k in constants})
    for constant, values in found.items():
        assert values == arithmetic.round_shift(codes + constant, shift).tolist(), constant


def test_round_shift_by_definition():
    """Ties: 2.5 becomes 3, -2.5 becomes -2; and 1.5, -1.5, 0.5, -0.5 likewise."""
    found = _evaluate(
        Shape(4, True), lambda m, a: {1: round_shift(a, 1)}, codes=(5, -5, 3, -3, 1, -1)
    )
    assert found[1] == [3, -2, 2, -1, 1, 0]


@pytest.mark.parametrize("width", (1, 2, 5, 8))
def test_saturate_every_code(width):
    """Clipped to narrower and wider, signed and unsigned targets; the flag says which were."""
    shape, codes = Shape(width, True), _every(Shape(width, True))
    names = dict(enumerate(TARGETS))
    found = _evaluate(
        shape,
        lambda m, a: {
            (k, part): value
            for k, form in names.items()
            for part, value in enumerate(saturate(m, a, form.low, form.high, name="a"))
        },
    )
    for k, form in names.items():
        want = arithmetic.saturate(codes, form.low, form.high)
        assert found[k, 0] == want.tolist(), form
        assert found[k, 1] == (want != codes).astype(int).tolist(), form
        assert sum(found[k, 1]) == arithmetic.outside(codes, form.low, form.high)


@pytest.mark.parametrize("width", (1, 3, 4, 5))
def test_saturate_to_any_ends(width):
    """Every pair of ends from -9 to 9, those of a format and all others, inside, across and outside
    the value's own range: value and flag of every code."""
    codes = _every(Shape(width, True))
    pairs = [(low, high) for low in range(-9, 10) for high in range(low, 10)]
    found = _evaluate(
        Shape(width, True),
        lambda m, a: {
            (*ends, part): value
            for ends in pairs
            for part, value in enumerate(saturate(m, a, *ends, name="a"))
        },
    )
    for low, high in pairs:
        want = arithmetic.saturate(codes, low, high)
        assert found[low, high, 0] == want.tolist(), (low, high)
        assert found[low, high, 1] == (want != codes).astype(int).tolist(), (low, high)


def test_saturate_refuses_what_it_cannot_clip():
    m = Module()
    with pytest.raises(AssertionError, match=r"^a: unsigned\(4\) must be signed"):
        saturate(m, Signal(4), 0, 3, name="a")
    with pytest.raises(AssertionError, match="^a: 3 to 2"):
        saturate(m, Signal(Shape(4, True)), 3, 2, name="a")
    Fragment.get(m, None)  # a module that nobody takes is complained of


# the ends of each option; alone, and those that need more or fewer bits side by side
CLIPS = [[(0, 3)], [(-8, -5)], [(5, 6)], [(-4, 3), (0, 15)], [(0, 3), (-1, 0)], [(2, 9), (-7, 1)]]


@pytest.mark.parametrize("ends", CLIPS, ids=str)
def test_clip_is_a_register_with_the_chosen_value_saturated(ends):
    """Value and flag a clock later, for every code and option; options have values of their own."""
    m, a, k = Module(), Signal(Shape(5, True)), Signal(range(max(2, len(ends))))
    code, clipped = clip(m, k, [(a + by, *pair) for by, pair in enumerate(ends)], name="a")
    found, want = [], []

    async def testbench(ctx):
        for value in _every(Shape(5, True)):
            for option, (low, high) in enumerate(ends):
                ctx.set(a, int(value))
                ctx.set(k, option)
                await ctx.tick()
                found.append((ctx.get(code), ctx.get(clipped)))
                inside = min(max(int(value) + option, low), high)
                want.append((inside, int(inside != value + option)))

    simulate(m, testbench)
    assert found == want


@pytest.mark.parametrize("form", (Format(5, 2), Format(4, 3, signed=False)), ids=str)
def test_rounding_then_saturating_every_code(form):
    """The two in a row, as every result of the cell goes through them, shifts -3 to 8."""
    shape, codes = Shape(7, True), _every(Shape(7, True))
    found = _evaluate(
        shape,
        lambda m, a: {
            (shift, part): value
            for shift in SHIFTS
            for part, value in enumerate(
                saturate(m, round_shift(a, shift), form.low, form.high, name="a")
            )
        },
    )
    for shift in SHIFTS:
        rounded = arithmetic.round_shift(codes, shift)
        want = arithmetic.saturate(rounded, form.low, form.high)
        assert found[shift, 0] == want.tolist(), shift
        assert found[shift, 1] == (want != rounded).astype(int).tolist(), shift


def test_corners_of_wide_codes():
    """62-bit sums at their ends and around a target's ends, with shifts of a real network."""
    form, ends = Format(16, 0), 1 << 61
    around = [form.high, form.low, (1 << 20) * form.high, (1 << 20) * form.low]
    codes = [-ends, ends - 1, 0, -1, 1, *(code + by for code in around for by in (-1, 0, 1))]
    codes += [(form.high << 20) + (1 << 19) - 1, (form.high << 20) + (1 << 19)]
    found = _evaluate(
        Shape(62, True),
        lambda m, a: {
            (shift, part): value
            for shift in (0, 1, 20, 45)
            for part, value in enumerate(
                saturate(m, round_shift(a, shift), form.low, form.high, name="a")
            )
        },
        codes,
    )
    for shift in (0, 1, 20, 45):
        rounded = arithmetic.round_shift(np.array(codes), shift)
        want = arithmetic.saturate(rounded, form.low, form.high)
        assert found[shift, 0] == want.tolist()
        assert found[shift, 1] == (want != rounded).astype(int).tolist()


def test_shapes_of_formats():
    assert shape_of(Format(9, 4)) == Shape(9, True)
    assert shape_of(Format(9, 8, signed=False)) == Shape(9, False)


def test_choose_builds_what_is_asked_for():
    """One option takes no multiplexer; several take the one that the selector names."""
    a = Signal(2)
    assert choose(a, ["only"], lambda name: name) == "only"
    found = _evaluate(Shape(2), lambda m, a: {0: choose(a, [5, 9, 11, 4], lambda n: a + n)})
    assert found[0] == [5, 10, 13, 7]


@pytest.mark.parametrize("clocks", (0, 1, 4))
def test_delay_is_that_many_clocks(clocks):
    m, a, out, seen = Module(), Signal(8), Signal(8), []
    m.d.comb += out.eq(delay(m, a, clocks, name="a"))
    m.d.sync += a.eq(a + 1)

    async def testbench(ctx):
        for _ in range(20):
            seen.append(ctx.get(out))
            await ctx.tick()

    simulate(m, testbench)
    assert seen == [0] * clocks + list(range(20 - clocks))


@pytest.mark.parametrize("kept", (False, True))
def test_a_reset_clears_control_signals_only(kept):
    """`keep_reset` marks them; what is on its way in a datapath stays."""
    m, inner, reset, seen = Module(), Module(), Signal(), []
    out = delay(inner, Const(5), 2, name="a", keep_reset=kept)
    m.submodules.inner = ResetInserter(reset)(inner)

    async def testbench(ctx):
        await ctx.tick().repeat(2)
        ctx.set(reset, 1)
        await ctx.tick()
        seen.append(ctx.get(out))

    simulate(m, testbench)
    assert seen == [0 if kept else 5]

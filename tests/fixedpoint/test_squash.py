"""sigma, code by code: within 1 LSB of the real function, monotonic, exact at its two ends."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

from fixedpoint import Format, FormatError
from fixedpoint.squash import GUARD, HALF, QuantizedSquash, SigmaTable, reach, sigma_table
from golden.squash import squash
from tests.golden.nets import ONE_ENDED

WIDEST = 18  # bits of the pre-activation in the exhaustive sweep


def real_sigma(a):
    """By two forms of exp, each used where it loses no digits."""
    small = np.exp(-np.abs(a))
    return np.where(a >= 0, 1 / (1 + small), small / (1 + small))


@pytest.mark.parametrize("frac", range(3, 21))
def test_every_code_of_every_table(frac):
    value = Format(frac + 1, frac, signed=False)
    tried = 0
    for argument_frac in range(0, 15):
        for integer in range(1, 8):
            width = 1 + integer + argument_frac
            if width > WIDEST or width < 2:
                continue
            argument = Format(width, argument_frac)
            try:
                table = SigmaTable(argument, value)
            except FormatError:
                assert (
                    argument.high * argument.lsb < reach(frac) + 0.14
                )  # ln(8 / 7), GUARD's rounding
                continue
            tried += 1
            assert_sigma(table)
    assert tried >= 3


def assert_sigma(table):
    codes = np.arange(table.argument.low, table.argument.high + 1)
    values = table(codes)
    exact = real_sigma(table.argument.decode(codes)) * 2.0**table.value.frac
    assert np.abs(values - exact).max() <= 1.0
    assert np.diff(values).min() >= 0
    assert values[0] == 0 and values[-1] == table.value.one
    assert values.max() <= table.value.high


@pytest.mark.parametrize("frac", [16, 19, 20])
def test_the_widest_tables(frac):
    """The pre-activation as fine as 20-bit networks need it."""
    assert_sigma(
        SigmaTable(Format(1 + 4 + frac - 2, frac - 2), Format(frac + 1, frac, signed=False))
    )


def exact_knot(code, frac, knot_frac):
    """sigma(code 2^-frac) with `knot_frac` fraction bits, correctly rounded: 50 digits, which
    leave no doubt on which side of a tie a value lies; sigma(0) = 1/2 is exact."""
    with localcontext(prec=50):
        sigma = 1 / (1 + (-Decimal(code) / 2**frac).exp())
        return math.floor(sigma * 2**knot_frac + Decimal(1) / 2)


TABLES = ["s7.2 u9.8", "s9.4 u5.4", "s12.8 u11.10", "s14.9 u12.11", "s16.11 u17.16"]
TABLES += ["s20.15 u18.17"]


@pytest.mark.parametrize("formats", TABLES)
def test_every_knot_is_sigma_rounded_to_nearest(formats):
    """A knot is an eighth of an LSB fine, so that no bound on the values would find it off by 1."""
    argument, value = map(Format.parse, formats.split())
    table = SigmaTable(argument, value)
    codes = range(argument.low, argument.high + 2, 1 << table.low_bits)
    want = [exact_knot(code, argument.frac, value.frac + GUARD) for code in codes]
    assert table.knots.tolist() == want
    rises = [after - before for before, after in zip(want, want[1:], strict=False)]
    assert table.words == tuple(zip((knot + HALF for knot in want[:-1]), rises, strict=True))
    assert table.word_widths == ((want[-1] + HALF).bit_length(), max(1, max(rises).bit_length()))


def test_the_values_are_the_straight_line_between_the_knots():
    """What the gateware computes from `knots` and `low_bits`, in whole numbers."""
    table = sigma_table(Format(14, 9), Format(12, 11, signed=False))
    assert 0 < table.low_bits < 13
    knots, t = table.knots.tolist(), table.low_bits
    assert len(knots) == 2 ** (14 - t) + 1
    for index, have in enumerate(table.values.tolist()):
        j, r = divmod(index, 2**t)
        line = knots[j] * 2**t + (knots[j + 1] - knots[j]) * r
        assert have == (line + 2 ** (t + GUARD - 1)) // 2 ** (t + GUARD)


def test_the_table_takes_as_few_knots_as_it_may():
    """One low bit more and some code would be more than 1 LSB off."""
    table = sigma_table(Format(14, 9), Format(12, 11, signed=False))
    codes = np.arange(table.argument.low, table.argument.high + 1)
    assert not table._far(table.low_bits, codes)
    for more in range(table.low_bits + 1, 14):
        assert table._far(more, codes)


@pytest.mark.parametrize(
    ("argument", "value", "reason"),
    [
        (
            "s13.10",
            "u12.11",
            "reaches 3.999, but sigma in u12.11 is exactly 0 and 1 only beyond 8.3",
        ),
        ("s4.3", "u4.3", "pre-activation s4.3: reaches 0.875"),
        ("u13.8", "u12.11", "pre-activation u13.8: must be signed"),
        ("s25.20", "u12.11", "pre-activation s25.20: must be signed, at most 24 bits"),
        ("s14.9", "u12.12", "sigma u12.12: must be unsigned with 1.0 as its highest bit"),
        ("s14.9", "s13.11", "sigma s13.11: must be unsigned with 1.0 as its highest bit"),
        ("s24.19", "u23.22", "s24.19: sigma in u23.22 has the codes 1 and 4194304 at its ends"),
    ],
)
def test_tables_that_cannot_work_are_refused_with_the_reason(argument, value, reason):
    with pytest.raises(FormatError) as error:
        SigmaTable(Format.parse(argument), Format.parse(value))
    assert reason in str(error.value) and "\n" not in str(error.value)


def test_reach_is_where_the_rounded_sigma_becomes_exact():
    for frac in range(3, 21):
        a = reach(frac)
        assert real_sigma(-a) * 2.0**frac < 0.5
        assert real_sigma(-a + 0.07) * 2.0**frac > 0.5
        assert real_sigma(np.array(a)) * 2.0**frac + 0.5 > 2.0**frac


@pytest.mark.parametrize("name", ["sigma", "tanh", "g1997", "h1997"])
@pytest.mark.parametrize("frac", [4, 9, 13])
def test_every_function_from_the_one_table(name, frac):
    """Each function's error: sigma's 1 LSB scaled, plus half an LSB of its own rounding."""
    function = squash(name)
    gain = int(math.log2(function.scale))
    sigma_frac = frac + gain
    table = sigma_table(
        Format(5 + sigma_frac, sigma_frac), Format(sigma_frac + 1, sigma_frac, False)
    )
    target = Format(frac + 3, frac)
    unit = QuantizedSquash(function, table, target)
    unit.check("a function")
    codes = np.arange(unit.net.low, unit.net.high + 1)
    have, a = unit(codes), unit.net.decode(codes)
    sigma = real_sigma(function.slope * a)
    exact = (function.scale * sigma + function.offset) * 2.0**frac
    assert np.abs(have - exact).max() <= 2.0**gain * 2.0 ** (frac - sigma_frac) + 0.5
    assert np.diff(have).min() >= 0
    low, high = function.ends
    assert have[0] == low * 2**frac and have[-1] == high * 2**frac
    np.testing.assert_array_equal(unit.lookup(), have)


def test_the_identity_passes_codes_through():
    table = sigma_table(Format(14, 9), Format(12, 11, signed=False))
    unit = QuantizedSquash(squash("identity"), table, Format(9, 5))
    unit.check("identity")
    codes = np.arange(-256, 256)
    np.testing.assert_array_equal(unit(codes), codes)
    assert unit.net == Format(9, 5)


@pytest.mark.parametrize("target", ["u12.11", "s12.10"])
def test_the_hard_sigmoid_is_the_identity_from_0_to_1(target):
    """For gates (unsigned) and for g or h (signed): net inputs are signed, of the same fraction."""
    table = sigma_table(Format(14, 9), Format(12, 11, signed=False))
    form = Format.parse(target)
    unit = QuantizedSquash(squash("hard"), table, form)
    unit.check("hard")
    assert unit.net == Format(form.width + (not form.signed), form.frac)
    assert (unit.low, unit.high) == (0, form.one)
    np.testing.assert_array_equal(unit.lookup(), np.arange(form.one + 1))


@pytest.mark.parametrize(
    ("name", "clip", "ends"),
    [
        ("floored", None, (0, 255)),
        ("floored", (-2.0, 1.5), (0, 48)),
        ("capped", None, (-256, 24)),
        ("capped", (-2.03, 1.5), (-65, 24)),
        ("capped", (1.0, 1.5), (24, 24)),
    ],
)
def test_an_identity_with_a_single_end_is_clipped_there(name, clip, ends):
    table = sigma_table(Format(14, 9), Format(12, 11, signed=False))
    unit = QuantizedSquash(ONE_ENDED[name], table, Format(9, 5), clip)
    unit.check(name)
    assert (unit.low, unit.high) == ends


def test_a_single_end_must_be_held():
    table = sigma_table(Format(14, 9), Format(12, 11, signed=False))
    with pytest.raises(FormatError, match=r"^g s9.9: cannot hold \+0.8, an end of capped$"):
        QuantizedSquash(ONE_ENDED["capped"], table, Format(9, 9)).check("g")


@pytest.mark.parametrize("name", ["sigma", "tanh", "g1997", "h1997", "identity", "hard"])
@pytest.mark.parametrize("clip", [(-1.3, 0.7), (-1e9, 0.5), (0.2, 1e9), (3.0, 4.0), (-9.0, -7.0)])
def test_clipping_limits_net_inputs_to_the_codes_nearest_to_its_ends(name, clip):
    table = sigma_table(Format(14, 9), Format(12, 11, signed=False))
    function, target = squash(name), Format(12, 9)
    plain, unit = (QuantizedSquash(function, table, target, ends) for ends in (None, clip))
    assert unit.net == plain.net
    for code, end in zip((unit.low, unit.high), clip, strict=True):
        want = math.floor(end / unit.net.lsb + 0.5)
        assert code == min(max(want, plain.low), plain.high)
    np.testing.assert_array_equal(unit.lookup(), plain(np.arange(unit.low, unit.high + 1)))


@pytest.mark.parametrize(
    ("name", "target", "reason"),
    [
        ("tanh", "s10.9", "g s10.9: cannot hold +1.0, an end of tanh"),
        ("g1997", "s10.8", "g s10.8: cannot hold +2.0, an end of g1997"),
        ("tanh", "u10.8", "g u10.8: cannot hold -1.0, an end of tanh"),
        (
            "tanh",
            "s14.11",
            "g s14.11: sigma u12.11 is too coarse for it, at least 12 fraction bits",
        ),
        ("sigma", "s14.11", "is too coarse for it (its rounding would cost more than 1 LSB)"),
        ("hard", "s10.9", "g s10.9: cannot hold +1.0, an end of hard"),
    ],
)
def test_functions_that_a_format_cannot_hold_are_refused(name, target, reason):
    table = sigma_table(Format(13, 8), Format(12, 11, signed=False))
    with pytest.raises(FormatError) as error:
        QuantizedSquash(squash(name), table, Format.parse(target)).check("g")
    assert reason in str(error.value) and "\n" not in str(error.value)

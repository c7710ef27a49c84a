"""A flipped bit of a word is mended and two are seen, whichever they are."""

from itertools import combinations

import pytest

from rtl.program.secded import Secded

WIDTHS = (1, 2, 5, 8, 10, 14, 16, 18, 21, 26, 36, 64)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_single_flip_is_mended_and_every_double_one_seen(width):
    """Of the code, which is linear: what is so of one word is so of all."""
    code = Secded(width)
    word = 0x9E3779B97F4A7C15 & (1 << width) - 1
    whole = code.encode(word)
    assert whole < 1 << code.bits and code.decode(whole) == (word, False)
    for one in range(code.bits):
        assert code.decode(whole ^ 1 << one) == (word, False)
    for one, other in combinations(range(code.bits), 2):
        assert code.decode(whole ^ 1 << one ^ 1 << other)[1]


@pytest.mark.parametrize("width", WIDTHS)
def test_all_words_differ_in_four_bits_or_in_none(width):
    """The sum of up to three syndromes is never 0: no three flips make a word of another."""
    code = Secded(width)
    assert len(set(code.single)) == code.bits
    assert all(each.bit_count() in (1, 3) for each in code.single)
    pairs = {a ^ b for a, b in combinations(code.single, 2)}
    assert 0 not in pairs and pairs.isdisjoint(code.single)


@pytest.mark.parametrize(("width", "checks"), [(8, 5), (16, 6), (18, 6), (20, 6), (35, 7), (56, 8)])
def test_check_bits(width, checks):
    """A third more and less for words of 16 bits and wider."""
    assert Secded(width).checks == checks


def test_no_check_bit_sees_many_more_bits_than_another():
    """So that none takes longer than it must."""
    for width in range(4, 57):
        code = Secded(width)
        counts = [sum(k in seen for seen in code.seen_by) for k in range(code.checks)]
        assert max(counts) - min(counts) <= 3, width

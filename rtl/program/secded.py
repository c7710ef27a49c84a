"""A code that mends one flipped bit of a word and sees two: single error correcting, double error
detecting.

Each bit of a word is checked by three check bits, no two by the same three. So the check bits that
do not fit, the syndrome, say which bit flipped: three of them a bit of the word, one of them a
check bit. An even number of them is two flips, which no single one can be taken for.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, count, islice
from math import comb

CHECKS = 3  # check bits that see a bit of the word


@dataclass(frozen=True)
class Secded:
    """The code of words of so many bits.

    A code word is the word with its check bits above it; that of 0 is 0.
    """

    width: int

    @cached_property
    def checks(self) -> int:
        """Check bits of a word."""
        return next(n for n in count(CHECKS) if comb(n, CHECKS) >= self.width)

    @property
    def bits(self) -> int:
        """Of a code word."""
        return self.width + self.checks

    @cached_property
    def seen_by(self) -> tuple[tuple[int, ...], ...]:
        """The check bits that see each bit of the word; none sees more bits than it must."""
        every = sorted(combinations(range(self.checks), CHECKS), key=_spread(self.checks))
        return tuple(islice(every, self.width))

    @cached_property
    def single(self) -> tuple[int, ...]:
        """The syndrome of each bit of a code word, flipped alone."""
        of_word = (sum(1 << k for k in seen) for seen in self.seen_by)
        return (*of_word, *(1 << k for k in range(self.checks)))

    def encode(self, word: int) -> int:
        """The code word of a word of raw bits."""
        return word | self._checked(word) << self.width

    def decode(self, code: int) -> tuple[int, bool]:
        """The word of a code word of which at most one bit has flipped, and whether two have."""
        word = code & (1 << self.width) - 1
        syndrome = self._checked(word) ^ code >> self.width
        of_word = enumerate(self.single[: self.width])
        flips = sum(1 << k for k, each in of_word if each & syndrome == each)
        double = syndrome != 0 and syndrome.bit_count() % 2 == 0
        return word if double else word ^ flips, double

    def _checked(self, word: int) -> int:
        """The check bits of a word."""
        found = 0
        for k, syndrome in enumerate(self.single[: self.width]):
            found ^= syndrome * (word >> k & 1)
        return found


def _spread(checks: int):
    """A key that deals bits to check bits in turn: by their distances around a circle."""

    def key(seen: tuple[int, ...]) -> tuple[int, ...]:
        first, second, third = seen
        turns = (second - first, third - second, first + checks - third)
        least = min(turns[k:] + turns[:k] for k in range(CHECKS))
        return (*least, first)

    return key

"""Where a search looks: the widths that it starts from, those it does not pass, and which of them
give the same formats."""

import itertools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fixedpoint.calibration import Seen
from fixedpoint.fitting import formats_of
from fixedpoint.formats import FormatError
from fixedpoint.rule import Rule
from fixedpoint.widths import KINDS, NARROWEST, Widths
from golden.network import Network

RULE, UNIFORM = "rule", "uniform"


@dataclass(frozen=True)
class Space:
    """The candidates of a search.

    Attributes
    ----------
    kinds : the widths that count.
    starts : by name some from narrow to wide; a search begins at the best of each.
    limits : no width is above these.
    key : the same for widths that differ without effect.
    """

    kinds: Sequence[str]
    starts: Mapping[str, Sequence[Widths]]
    limits: Widths
    key: Callable[[Widths], Hashable] = hash

    @classmethod
    def of(cls, net: Network, seen: Seen, bits: int, kinds: Sequence[str] = KINDS) -> "Space":
        """Of weights, x and y of at most `bits`; the others are at most what the rule makes them.

        It starts from what the rule gives, and from the same width for all, both with scales of
        rows and of elements of x.
        """
        every = range(NARROWEST, bits + 1)
        ruled = [Rule(each).widths(net, seen) for each in every]
        same = [replace(Widths.uniform(each), tight=True, scaled=True) for each in every]
        used = [kind for kind in kinds if kind != "out" or net.readout]
        limits = Widths(*(max(getattr(each, kind) for each in ruled) for kind in KINDS))
        return cls(used, {RULE: ruled, UNIFORM: same}, limits, _Formats(net, seen))

    def neighbours(self, here: Widths, changes: int, cheaper: bool) -> Iterator[Widths]:
        """Widths that differ from `here` by a bit in as many kinds, or in the range of y alone.

        Parameters
        ----------
        cheaper : leave out those with no width narrower, which cost no less.
        """
        if changes == 1:
            yield replace(here, tight=not here.tight)
        for chosen in itertools.combinations(self.kinds, changes):
            for steps in itertools.product((-1, 1), repeat=changes):
                moved = {k: getattr(here, k) + step for k, step in zip(chosen, steps, strict=True)}
                if cheaper and min(steps) > 0:
                    continue
                if all(NARROWEST <= bits <= getattr(self.limits, k) for k, bits in moved.items()):
                    yield replace(here, **moved)


@dataclass(frozen=True)
class _Formats:
    """The formats of widths, as text; of widths that have none, themselves."""

    net: Network
    seen: Seen

    def __call__(self, widths: Widths) -> Hashable:
        try:
            return formats_of(self.net, widths, self.seen).text()
        except FormatError:
            return widths

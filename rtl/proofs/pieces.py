"""Values that belong to an index, as an expression: one for each stretch of it.

The stretches stand in a tree: thousands of cases, one after the other, are more than a solver can
do.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby


def piecewise(index: str, pieces: Sequence[tuple[int, str]]) -> str:
    """The value of the last piece that has begun; each is where it begins, and its value."""
    if len(pieces) == 1:
        return pieces[0][1]
    middle = len(pieces) // 2
    low, high = piecewise(index, pieces[:middle]), piecewise(index, pieces[middle:])
    return f"({index} < {pieces[middle][0]} ? {low} : {high})"


def chosen(index: str, values: Iterable[str | int]) -> str:
    """The value that belongs to an index; the last one for all beyond."""
    pieces = groupby(enumerate(map(str, values)), lambda place: place[1])
    return piecewise(index, [next(same) for _, same in pieces])
